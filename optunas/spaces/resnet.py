"""`ResNet`: residual bottlenecks with free widths, depths, groups and ratios: the AnyNet family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from optuna.trial import BaseTrial

from optunas.architecture import (
    Architecture,
    Bottleneck,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Sequential,
    SqueezeExcite,
)
from optunas.architecture.layers import ACTIVATIONS
from optunas.errors import OptunasError
from optunas.numeric import is_whole
from optunas.spaces.arguments import CHOICE, WHOLE, Law, among, check, prefer

if TYPE_CHECKING:
    from optunas.spaces.regnet import RegNet


@dataclass(frozen=True)
class ResNet:
    """A stem and stages of residual bottlenecks (AnyNet, Radosavovic et al. 2020).

    arXiv:2003.13678, table 1 and section 3.2: each stage has a depth, a width, a bottleneck ratio
    and a group width, all free of the other stages'. ResNet, ResNeXt, Wide ResNet's bottlenecks,
    RegNetX and (with `squeezes`) RegNetY are points or subspaces of it. Widths that do not fit the
    groups are made to, as in the code of the paper: a group is at most as wide as the bottleneck,
    which is rounded to a multiple of it, and the width of the stage follows.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `stages`: how many; each after the first halves the image (rounding up);
    * `depths`: blocks in a stage; `widths`: its channels;
    * `ratios`: how many times narrower its 3x3 convolutions are;
    * `group_widths`: channels in one group of the 3x3 convolutions; 0: one group;
    * `squeezes`: squeeze-and-excitation after the 3x3 (a quarter of the block's input channels);
    * `stems`: channels of the stem's 3x3 convolution; `activations`: one for the network;
    * `strides`: of the stem and of the first stage; (2, 2) in the paper. Not searched.

    Parameters: `stages`, `stem`, `squeeze`, `activation`, `stage1.depth`, `stage1.width`,
    `stage1.ratio`, `stage1.group_width`, ... All are always suggested; those of stages that a
    network does not have are ignored.
    """

    stages: tuple[int, ...] = (3, 4)
    depths: tuple[int, ...] = (1, 2, 3, 4, 6)
    widths: tuple[int, ...] = (32, 48, 64, 96, 128, 192, 256, 384)
    ratios: tuple[int, ...] = (1, 2, 4)
    group_widths: tuple[int, ...] = (1, 8, 16, 32, 0)
    squeezes: tuple[bool, ...] = (False, True)
    stems: tuple[int, ...] = (16, 32)
    activations: tuple[str, ...] = ("relu", "silu")
    strides: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_bottlenecks(self, _LAWS)

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        choose = trial.suggest_categorical
        stages, stem = choose("stages", self.stages), choose("stem", self.stems)
        squeeze, activation = (
            choose("squeeze", self.squeezes),
            choose("activation", self.activations),
        )
        channels = stem
        layers: list[Layer] = [ConvNorm(stem, 3, self.strides[0], activation=activation)]
        for stage in range(1, max(self.stages) + 1):
            body = self._stage(trial, f"stage{stage}")
            if stage <= stages:
                stride = self.strides[1] if stage == 1 else 2
                layers += body.blocks(channels, stride, squeeze, activation)
                channels = body.width
        return Sequential(*layers, GlobalPool(), Linear())

    def _stage(self, trial: BaseTrial, name: str) -> Stage:
        choose = trial.suggest_categorical
        return stage(
            depth=choose(f"{name}.depth", self.depths),
            width=choose(f"{name}.width", self.widths),
            ratio=choose(f"{name}.ratio", self.ratios),
            group_width=choose(f"{name}.group_width", self.group_widths),
        )

    def size(self) -> int:
        """How many networks the space holds; choices that round to the same stage count once."""
        values = product(self.depths, self.widths, self.ratios, self.group_widths)
        one = len({stage(*chosen) for chosen in values})
        shared = len(self.stems) * len(self.squeezes) * len(self.activations)
        bodies: int = sum(one**stages for stages in self.stages)
        return shared * bodies

    def baseline(self) -> dict[str, Any]:
        """Two blocks a stage, widths 64, 128, 256, 384, a ratio of 4, one group: a small ResNet."""
        params: dict[str, Any] = {
            "stages": prefer(3, self.stages),
            "stem": prefer(32, self.stems),
            "squeeze": prefer(False, self.squeezes),
            "activation": prefer("relu", self.activations),
        }
        for number in range(1, max(self.stages) + 1):
            params[f"stage{number}.depth"] = prefer(2, self.depths)
            params[f"stage{number}.width"] = prefer(min(32 * 2**number, 384), self.widths)
            params[f"stage{number}.ratio"] = prefer(4, self.ratios)
            params[f"stage{number}.group_width"] = prefer(0, self.group_widths)
        return params


class Stage(NamedTuple):
    """A stage whose channels fit its groups."""

    depth: int
    width: int
    ratio: int
    groups: int

    def blocks(self, before: int, stride: int, squeeze: bool, activation: str) -> Iterator[Layer]:
        """The first block comes from `before` channels and changes the resolution."""
        for position in range(self.depth):
            source, step = (before, stride) if position == 0 else (self.width, 1)
            yield Bottleneck(
                self.width,
                stride=step,
                reduction=self.ratio,
                activation=activation,
                groups=self.groups,
                attention=SqueezeExcite(max(1, source // 4)) if squeeze else None,
            )


def stage(depth: int, width: int, ratio: int, group_width: int) -> Stage:
    """The stage that these values make, with the paper's rounding."""
    inner = max(1, width // ratio)
    group = min(group_width or inner, inner)
    inner = max(group, (inner + group // 2) // group * group)
    return Stage(depth, inner * ratio, ratio, inner // group)


def check_bottlenecks(space: ResNet | RegNet, own: dict[str, Law]) -> None:
    """Check the arguments that the families of bottlenecks share, and a family's own."""
    check(space, own | _SHARED, listed=("strides",))
    if len(space.strides) != 2:
        raise OptunasError(
            f"{type(space).__name__}.strides are those of the stem and the first stage; "
            f"got {space.strides!r:.80}"
        )


_LAWS: dict[str, Law] = {"stages": WHOLE, "widths": WHOLE}
_SHARED: dict[str, Law] = {
    "depths": WHOLE,
    "ratios": WHOLE,
    "group_widths": ("whole numbers, or 0", lambda v: is_whole(v) or (v == 0 and v is not False)),
    "squeezes": CHOICE,
    "stems": WHOLE,
    "activations": among(ACTIVATIONS),
    "strides": WHOLE,
}
