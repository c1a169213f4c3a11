"""Which operations change the training images, in which order, and how strongly."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from optunas.training.augment.colour import Colour
from optunas.training.augment.erase import Erase
from optunas.training.augment.move import Move
from optunas.training.augment.rand_augment import RandAugment

if TYPE_CHECKING:
    from optunas.training.recipe import Recipe


class Operation(Protocol):
    """A change of images that draws nothing itself: what happens is a function of `u`."""

    @property
    def numbers(self) -> int:
        """How many random numbers it wants for each image."""

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u float32 (numbers, B) in [0, 1), fill uint8 (C,)."""


@dataclass(frozen=True)
class Policy:
    """Operations, one after the other; each image moves alone.

    >>> policy = Policy.of(recipe, flip=True)                            # doctest: +SKIP
    >>> u = torch.rand(policy.numbers, len(images), device=images.device)
    >>> images = policy(images, u, fill)

    What becomes of an image depends on its own pixels and its own column of `u`, never on the
    batch that it is in. Nothing waits for the device, shapes follow from shapes, and no number is
    drawn, so that a call can be captured in a CUDA graph.
    """

    operations: tuple[Operation, ...] = ()

    @classmethod
    def of(cls, recipe: "Recipe", *, flip: bool) -> "Policy":
        """What a recipe asks for. flip: whether a mirrored image is still of its class."""
        operations: list[Operation] = []
        if recipe.augment > 0:
            # Digits and letters must not be mirrored, not even at their border.
            operations.append(Move(recipe.augment, flip, "reflect" if flip else "edge"))
        if recipe.rand_augment > 0:
            operations.append(RandAugment(recipe.rand_augment))
        if recipe.colour > 0:
            operations.append(Colour(recipe.colour))
        if recipe.augment > 0:
            operations.append(Erase(recipe.augment))
        return cls(tuple(operations))

    @property
    def numbers(self) -> int:
        """How many random numbers an image needs; 0: there is nothing to do."""
        return sum(operation.numbers for operation in self.operations)

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W) -> the same, new or untouched.

        u: float32 (numbers, B), uniform in [0, 1). fill: uint8 (C,), the colour of what is hidden
        or comes in from outside.
        """
        first = 0
        for operation in self.operations:
            last = first + operation.numbers
            images = operation(images, u[first:last], fill)
            first = last
        return images
