"""What every policy promises, whatever it is made of."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from optunas.training import Recipe
from optunas.training.augment import Mixing, Policy, pixels
from optunas.training.augment.colour import Colour
from optunas.training.augment.erase import Erase
from optunas.training.augment.move import Move
from optunas.training.augment.rand_augment import RandAugment

Make = Callable[..., Tensor]
FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)
RECIPES = [
    Recipe(augment=1.0),
    Recipe(colour=1.0),
    Recipe(rand_augment=0.7),
    Recipe(augment=0.5, colour=0.5, rand_augment=0.5),
]


def test_a_recipe_names_the_operations_and_their_order() -> None:
    assert Policy.of(Recipe(), flip=True) == Policy()
    policy = Policy.of(Recipe(augment=0.5, colour=0.2, rand_augment=0.3), flip=True)
    assert policy == Policy((Move(0.5, flip=True), RandAugment(0.3), Colour(0.2), Erase(0.5)))
    assert policy.numbers == 3 + 4 + 4 + 3


def test_digits_and_letters_are_not_mirrored_not_even_at_their_border() -> None:
    move = Policy.of(Recipe(augment=1.0), flip=False).operations[0]
    assert move == Move(1.0, flip=False, padding="edge")


def test_no_operations_leave_the_images_alone(make_images: Make) -> None:
    images = make_images(4, 5, 5)
    assert Policy().numbers == 0
    assert Policy()(images, torch.empty(0, 4), FILL) is images


def test_operations_follow_each_other_with_numbers_of_their_own(
    make_images: Make, uniform: Make
) -> None:
    images, u = make_images(20, 12, 12), uniform(14, 20)
    move, some, colour, erase = Move(1.0, flip=True), RandAugment(0.5), Colour(0.5), Erase(1.0)
    expected = move(images, u[:3], FILL)
    expected = some(expected, u[3:7], FILL)
    expected = colour(expected, u[7:11], FILL)
    expected = erase(expected, u[11:], FILL)
    assert torch.equal(Policy((move, some, colour, erase))(images, u, FILL), expected)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (16, 16)])
def test_images_stay_what_they_are(
    recipe: Recipe, channels: int, size: tuple[int, int], make_images: Make, uniform: Make
) -> None:
    images = make_images(9, *size, channels)
    before, policy = images.clone(), Policy.of(recipe, flip=True)
    u = uniform(policy.numbers, 9)
    result = policy(images, u, FILL[:channels])
    assert (result.shape, result.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    assert torch.equal(result, policy(images, u, FILL[:channels]))
    if size == (16, 16):
        assert not torch.equal(result, images)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [(13, 11), (32, 32)])
def test_an_image_does_not_depend_on_its_batch(
    recipe: Recipe, size: tuple[int, int], make_images: Make, uniform: Make, monkeypatch: Any
) -> None:
    """Bit for bit, in batches of any size, at any place, in any memory order, in any parts."""
    policy, images = Policy.of(recipe, flip=True), make_images(40, *size)
    u = uniform(policy.numbers, 40)
    whole = policy(images, u, FILL)
    for batch in (1, 7):
        parts = [
            policy(images[i : i + batch], u[:, i : i + batch], FILL) for i in range(0, 40, batch)
        ]
        assert torch.equal(torch.cat(parts), whole)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(policy(images[order], u[:, order], FILL), whole[order])
    channels_last = images.to(memory_format=torch.channels_last)
    assert torch.equal(policy(channels_last, u, FILL), whole)
    monkeypatch.setattr(pixels, "PART", 3 * images[0].numel())
    assert torch.equal(policy(images, u, FILL), whole)


@pytest.mark.parametrize("recipe", RECIPES)
def test_images_move_alone(recipe: Recipe, make_images: Make, uniform: Make) -> None:
    """Fifty copies of one image become different ones."""
    policy = Policy.of(recipe, flip=True)
    copies = make_images(1, 32, 32).expand(50, 3, 32, 32)
    result = policy(copies, uniform(policy.numbers, 50), FILL)
    assert len({image.numpy().tobytes() for image in result}) > 35


class Watch(TorchDispatchMode):
    """Raises for all that waits for the device, draws, or makes a tensor elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        forbidden = {
            torch.Tag.data_dependent_output,
            torch.Tag.dynamic_output_shape,
            torch.Tag.nondeterministic_seeded,
        }
        assert not forbidden & set(function.tags), function
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            assert not isinstance(leaf, Tensor) or leaf.device.type == "meta", function
        self.calls += 1
        return result


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_graph_can_hold_it(recipe: Recipe, channels: int) -> None:
    """On the meta device there are no values to wait for, and no copy from the host is allowed."""
    policy = Policy.of(recipe, flip=True)
    images = torch.empty(8, channels, 12, 10, dtype=torch.uint8, device="meta")
    u = torch.empty(policy.numbers, 8, device="meta")
    with Watch() as watch:
        result = policy(images, u, torch.empty(channels, dtype=torch.uint8, device="meta"))
    assert result.shape == images.shape
    assert watch.calls > 10


@pytest.mark.parametrize("recipe", [Recipe(mixup=1.0), Recipe(mixup=1.0, cutmix=1.0)])
def test_a_graph_can_hold_mixing(recipe: Recipe) -> None:
    mixing = Mixing.of(recipe, "meta")
    images = torch.empty(8, 3, 12, 10, device="meta")
    with Watch() as watch:
        mixed, weight = mixing(images, torch.empty(mixing.numbers, 8, device="meta"))
    assert (mixed.shape, weight.shape) == (images.shape, (8,))
    assert watch.calls > 3


def test_the_watch_sees_what_a_graph_can_not_hold() -> None:
    images, device = torch.empty(4, device="meta"), torch.device("meta")
    for wrong in (
        lambda: torch.rand(4, device=device),
        lambda: images[images > 0],
        lambda: images * torch.tensor([1.0, 2.0, 3.0, 4.0]),
    ):
        with pytest.raises(Exception), Watch():  # noqa: B017, PT011 - torch's own, or ours
            wrong()
