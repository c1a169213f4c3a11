"""`Backbone`: pretrained networks, and how to go on with them (transfer learning)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optuna.trial import BaseTrial

from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import Law, check, prefer

if TYPE_CHECKING:
    from torch import nn

OWN = "DEFAULT"
Weights = Mapping[str, "str | os.PathLike[str] | None"]


class Images(Protocol):
    """What is read of the data: how images are normalised, how large they are, their classes."""

    @property
    def mean(self) -> tuple[float, ...]:
        """Of each channel, images scaled to 0..1."""

    @property
    def std(self) -> tuple[float, ...]:
        """Of each channel."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(C, H, W)."""


@dataclass(frozen=True)
class Backbone:
    """A pretrained model of torchvision or timm with a new head: `Backbone(data)`.

    It is a space of networks, not of descriptions: `suggest` gives a `torch.nn.Module`. Images are
    made ready exactly as the weights' own transform does (size, crop, interpolation, mean and
    deviation); a gray image becomes three equal channels.

    Each argument but the first is the tuple of values to choose from; give fewer to narrow it:

    * `data`: the images that the network is for;
    * `models`: of torchvision (`resnet18`, `convnext_tiny`, ...), or of timm, `timm/resnet18`
      (`pip install 'optunas[timm]'`);
    * `frozen`: how many stages from the input on don't learn; 0: all learn, 99: only the head. A
      stage ends where the resolution falls; a ResNet has 5;
    * `features`: of a hidden layer before the classifier; 0: none; `dropouts`: before the last;
    * `lr_factors`: the last stage learns at so many times the recipe's rate, the one before at the
      square of it, ... (discriminative rates, Howard & Ruder 2018, arXiv:1801.06146); 1: all alike;
    * `sizes`: side in pixels of what the model sees; "own": that of its weights.

    Not searched: `weights`, for each model a file with a state dict (.safetensors, .pth), a name
    that torchvision knows, or None for first weights at random; a model without an entry takes its
    library's best, downloaded once. `crop`: whether the border is cut off as the weights' transform
    does; False sees the whole image, squeezed to a square.

    Parameters: `model`, `frozen`, `head.features`, `head.dropout`, `lr_factor`, `size`.

    Raises `OptunasError` for wrong arguments; `suggest` does where weights can't be had.
    """

    data: Images
    models: tuple[str, ...] = ("resnet18", "mobilenet_v3_small", "efficientnet_b0")
    frozen: tuple[int, ...] = (0, 2, 4, 99)
    features: tuple[int, ...] = (0, 256)
    dropouts: tuple[float, ...] = (0.0, 0.2, 0.5)
    lr_factors: tuple[float, ...] = (1.0, 0.5, 0.2)
    sizes: tuple[int | str, ...] = ("own",)
    weights: Weights = field(default_factory=dict)
    crop: bool = True

    def __post_init__(self) -> None:
        lacks = [n for n in ("mean", "std", "classes", "input_shape") if not hasattr(self.data, n)]
        if lacks:
            raise OptunasError(
                "Backbone makes ready the images of data, for example optunas.data.digits(); "
                f"got {self.data!r:.80}"
            )
        channels = self.data.input_shape[0]
        if channels not in (1, 3):
            raise OptunasError(
                f"pretrained networks see gray or RGB images, 1 or 3 channels; got {channels}"
            )
        check(self, _LAWS)
        unknown = sorted(set(self.weights) - set(self.models))
        if unknown:
            raise OptunasError(f"weights are given for {unknown[0]!r}, which is not among models")

    def suggest(self, trial: BaseTrial) -> nn.Module:
        """Choose a model and how to go on with it. x: (B, C, H, W) -> logits (B, classes).

        On the meta device without weights, but not where they could not be had.
        """
        from optunas.nn.pretrained import weights_file
        from optunas.nn.transfer import Plan, transfer

        choose = trial.suggest_categorical
        model = choose("model", self.models)
        size: int | str = choose("size", self.sizes)  # type: ignore[assignment]
        plan = Plan(
            model=model,
            weights=self._weights(model),
            frozen=choose("frozen", self.frozen),
            features=choose("head.features", self.features),
            dropout=choose("head.dropout", self.dropouts),
            lr_factor=choose("lr_factor", self.lr_factors),
            size=size,
            crop=self.crop,
        )
        for needed in self.models:  # all of them, before the first is trained
            weights = self._weights(needed)
            if weights is not None:
                weights_file(needed, weights)
        data = self.data
        return transfer(plan, data.input_shape, len(data.classes), data.mean, data.std)

    def _weights(self, model: str) -> str | None:
        weights = self.weights.get(model, OWN)
        return None if weights is None else os.fspath(weights)

    def size(self) -> int:
        """How many networks with ways to train them the space holds."""
        count = 1
        for name in _LAWS:
            count *= len(getattr(self, name))
        return count

    def baseline(self) -> dict[str, Any]:
        """The first model, all of it learning, a plain linear head: fine-tuning as usual."""
        return {
            "model": self.models[0],
            "frozen": prefer(0, self.frozen),
            "head.features": prefer(0, self.features),
            "head.dropout": prefer(0.0, self.dropouts),
            "lr_factor": prefer(0.5, self.lr_factors),
            "size": self.sizes[0],
        }


def _is_natural(value: Any) -> bool:
    return is_whole(value) or (value == 0 and value is not False)


_LAWS: dict[str, Law] = {
    "models": ("names of models", lambda v: isinstance(v, str) and v != ""),
    "frozen": ("whole numbers of at least 0", _is_natural),
    "features": ("whole numbers of at least 0", _is_natural),
    "dropouts": ("at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1),
    "lr_factors": ("above 0 and at most 1", lambda v: is_number(v) and 0 < v <= 1),
    "sizes": ('whole numbers of pixels, or "own"', lambda v: v == "own" or is_whole(v)),
}
