"""`MobileNet`: inverted bottlenecks with elastic kernel, expansion, depth, width, resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Activation,
    Architecture,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    MBConv,
    Resize,
    Sequential,
    SqueezeExcite,
)
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import ODD, WHOLE, Law, check, prefer

STEM, LAST, FEATURES = 16, 960, 1280
WIDTHS = (24, 40, 80, 112, 160)
SQUEEZED = (False, True, False, True, True)
ACTIVATIONS = ("relu", "relu", "hardswish", "hardswish", "hardswish")
LARGE, SMALL = (2, 2, 2, 2, 1, 2), (1, 1, 2, 2, 1, 2)


@dataclass(frozen=True)
class MobileNet:
    """MobileNetV3's stages with free blocks: ProxylessNAS, Once-for-All.

    Cai, Zhu & Han 2019 (arXiv:1812.00332) and Cai et al. 2020 (arXiv:1908.09791): five stages of 2
    to 4 inverted bottlenecks, for each block a kernel of 3, 5 or 7 and an expansion of 3, 4 or 6.
    Channels, activations and squeeze-and-excitation of the stages are those of MobileNetV3-Large
    (Howard et al. 2019, arXiv:1905.02244), as in Once-for-All. The whole space holds 8.7e19
    networks for each width multiplier: 2.2e19 at each of four resolutions.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `depths`: blocks in a stage; `kernels`: odd; `expansions`: whole numbers;
    * `multipliers`: of all channels (rounded to multiples of 8);
    * `resolutions`: the images are resized to such a square first; 0: left as they are;
    * `strides`: of the stem and the five stages. Not searched.

    `MobileNet.small_images()` is the same for 32x32 pixels and the like: strides that leave 4x4
    pixels, images as they are.

    Parameters: `width`, `resolution`, `stage1.depth`, `stage1.block1.kernel`,
    `stage1.block1.expansion`, ... All are always suggested; those of blocks that a network does
    not have are ignored.
    """

    depths: tuple[int, ...] = (2, 3, 4)
    kernels: tuple[int, ...] = (3, 5, 7)
    expansions: tuple[int, ...] = (3, 4, 6)
    multipliers: tuple[float, ...] = (1.0, 1.2)
    resolutions: tuple[int, ...] = (128, 160, 192, 224)
    strides: tuple[int, ...] = LARGE

    def __post_init__(self) -> None:
        check(self, _LAWS, listed=("strides",))
        if len(self.strides) != len(LARGE):
            raise OptunasError(
                "MobileNet.strides are those of the stem and the five stages, for example "
                f"{LARGE}; got {self.strides!r:.80}"
            )

    @classmethod
    def small_images(cls, **narrowed: Any) -> MobileNet:
        """The space for small images: half of the strides, smaller widths, no resizing."""
        known = {field.name for field in fields(cls)}
        wrong = sorted(set(narrowed) - known)
        if wrong:
            raise OptunasError(f"MobileNet has no argument {wrong[0]!r}; it has {sorted(known)}")
        small = {"strides": SMALL, "resolutions": (0,), "multipliers": (0.35, 0.5, 0.75, 1.0)}
        return cls(**{**small, **narrowed})

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        factor = trial.suggest_categorical("width", self.multipliers)
        resolution = trial.suggest_categorical("resolution", self.resolutions)
        stem = scaled(STEM, factor)
        layers: list[Layer] = [Resize(resolution)] if resolution else []
        layers.append(ConvNorm(stem, 3, self.strides[0], activation="hardswish"))
        layers.append(_inverted(stem, stem, 3, 1, 1, False, "relu"))
        channels = stem
        for stage in range(1, len(WIDTHS) + 1):
            layers += self._stage(trial, stage, channels, scaled(WIDTHS[stage - 1], factor))
            channels = scaled(WIDTHS[stage - 1], factor)
        return Sequential(*layers, *_head(factor))

    def _stage(self, trial: BaseTrial, stage: int, before: int, channels: int) -> Iterator[Layer]:
        depth = trial.suggest_categorical(f"stage{stage}.depth", self.depths)
        style = SQUEEZED[stage - 1], ACTIVATIONS[stage - 1]
        for block in range(1, max(self.depths) + 1):
            name = f"stage{stage}.block{block}"
            kernel = trial.suggest_categorical(f"{name}.kernel", self.kernels)
            expansion = trial.suggest_categorical(f"{name}.expansion", self.expansions)
            if block <= depth:
                stride = self.strides[stage] if block == 1 else 1
                source = before if block == 1 else channels
                yield _inverted(source, channels, kernel, stride, expansion, *style)

    def size(self) -> int:
        """How many networks the space holds, for images of none of the resolutions."""
        block = len(self.kernels) * len(self.expansions)
        one: int = sum(block**depth for depth in self.depths)
        channels = {
            tuple(scaled(width, factor) for width in (STEM, *WIDTHS, LAST, FEATURES))
            for factor in self.multipliers
        }
        stages: int = one ** len(WIDTHS)
        return stages * len(channels) * len(self.resolutions)

    def baseline(self) -> dict[str, Any]:
        """The smallest blocks, two a stage, at the full width; or what comes first."""
        params: dict[str, Any] = {
            "width": prefer(1.0, self.multipliers),
            "resolution": self.resolutions[0],
        }
        for stage in range(1, len(WIDTHS) + 1):
            params[f"stage{stage}.depth"] = prefer(2, self.depths)
            for block in range(1, max(self.depths) + 1):
                params[f"stage{stage}.block{block}.kernel"] = prefer(3, self.kernels)
                params[f"stage{stage}.block{block}.expansion"] = prefer(3, self.expansions)
        return params


def scaled(channels: int, factor: float = 1.0, divisor: int = 8) -> int:
    """Channels times a factor, rounded to a multiple of `divisor`, never down by over a tenth.

    The rule of the MobileNets (Sandler et al. 2018).
    """
    wanted = channels * factor
    rounded = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * wanted else rounded + divisor


def _inverted(
    before: int, channels: int, kernel: int, stride: int, expansion: int, squeeze: bool, act: str
) -> Layer:
    """MobileNetV3's block: its squeeze-and-excitation looks at the expanded channels."""
    gate = SqueezeExcite(scaled(before * expansion, 0.25), gate="hardsigmoid") if squeeze else None
    return MBConv(channels, kernel, stride, expansion, False, act, attention=gate)


def _head(factor: float) -> tuple[Layer, ...]:
    last, features = scaled(LAST, factor), scaled(FEATURES, factor)
    act = Activation("hardswish")
    return ConvNorm(last, 1, activation=act.kind), GlobalPool(), Linear(features), act, Linear()


_LAWS: dict[str, Law] = {
    "depths": WHOLE,
    "kernels": ODD,
    "expansions": WHOLE,
    "multipliers": ("numbers above 0", lambda v: is_number(v) and v > 0),
    "resolutions": (
        "whole numbers of pixels, or 0",
        lambda v: is_whole(v) or (v == 0 and v is not False),
    ),
    "strides": WHOLE,
}
