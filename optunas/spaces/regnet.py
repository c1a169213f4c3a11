"""`RegNet`: residual bottlenecks whose widths grow along a line: the design space of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, product
from math import log
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import Architecture, ConvNorm, GlobalPool, Layer, Linear, Sequential
from optunas.numeric import is_number
from optunas.spaces.arguments import WHOLE, Law, prefer
from optunas.spaces.resnet import Stage, check_bottlenecks, stage

QUANTUM = 8  # widths are multiples of it, as in the paper
HALVED = 4  # stages that halve the image; the paper's networks have four in all


@dataclass(frozen=True)
class RegNet:
    """A stem and stages of residual bottlenecks (RegNet, Radosavovic et al. 2020).

    arXiv:2003.13678, section 3.3: block j of `depth` shall have `start + slope * j` channels; that
    line is quantised to powers of `factor`, and blocks of equal width are a stage. A handful of
    numbers thus makes a whole network, where `ResNet` chooses for each stage. RegNetX and (with
    `squeezes`) RegNetY are points of it.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `depths`: blocks in all; `starts`, `slopes`, `factors`: w_0, w_a and w_m of the paper;
    * `ratios`: how many times narrower the 3x3 convolutions are; 1 in the paper's best networks;
    * `group_widths`: channels in one group of the 3x3 convolutions; 0: one group;
    * `squeezes`: squeeze-and-excitation after the 3x3;
    * `stems`: channels of the stem's 3x3 convolution; `activations`: one for the network;
    * `strides`: of the stem and of the first stage; (2, 2) in the paper. Not searched.

    Each stage after the first halves the image, up to the fourth; later ones keep it.

    Parameters: `depth`, `start`, `slope`, `factor`, `ratio`, `group_width`, `squeeze`, `stem`,
    `activation`.
    """

    depths: tuple[int, ...] = (4, 6, 8, 12, 16)
    starts: tuple[int, ...] = (16, 24, 32, 48)
    slopes: tuple[float, ...] = (8, 16, 24, 32)
    factors: tuple[float, ...] = (1.5, 2, 2.5, 3)
    ratios: tuple[int, ...] = (1, 2)
    group_widths: tuple[int, ...] = (8, 16, 0)
    squeezes: tuple[bool, ...] = (False, True)
    stems: tuple[int, ...] = (16, 32)
    activations: tuple[str, ...] = ("relu", "silu")
    strides: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_bottlenecks(self, _LAWS)

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision counts."""
        choose = trial.suggest_categorical
        stages = regular_stages(
            choose("depth", self.depths),
            choose("start", self.starts),
            choose("slope", self.slopes),
            choose("factor", self.factors),
            choose("ratio", self.ratios),
            choose("group_width", self.group_widths),
        )
        squeeze, channels = choose("squeeze", self.squeezes), choose("stem", self.stems)
        activation = choose("activation", self.activations)
        layers: list[Layer] = [ConvNorm(channels, 3, self.strides[0], activation=activation)]
        for number, body in enumerate(stages):
            stride = self.strides[1] if number == 0 else 2 if number < HALVED else 1
            layers += body.blocks(channels, stride, squeeze, activation)
            channels = body.width
        return Sequential(*layers, GlobalPool(), Linear())

    def size(self) -> int:
        """How many networks the space holds; numbers that round to the same stages count once."""
        values = product(
            self.depths, self.starts, self.slopes, self.factors, self.ratios, self.group_widths
        )
        bodies = len({regular_stages(*chosen) for chosen in values})
        return bodies * len(self.squeezes) * len(self.stems) * len(self.activations)

    def baseline(self) -> dict[str, Any]:
        """Eight blocks from 32 channels on, doubling, groups of 8: a small RegNetX."""
        return {
            "depth": prefer(8, self.depths),
            "start": prefer(32, self.starts),
            "slope": prefer(24, self.slopes),
            "factor": prefer(2, self.factors),
            "ratio": prefer(1, self.ratios),
            "group_width": prefer(8, self.group_widths),
            "squeeze": prefer(False, self.squeezes),
            "stem": prefer(32, self.stems),
            "activation": prefer("relu", self.activations),
        }


def regular_stages(
    depth: int, start: int, slope: float, factor: float, ratio: int, group_width: int
) -> tuple[Stage, ...]:
    """The stages that the paper's numbers make (its equations 2 to 4, and its rounding)."""
    widths = []
    for block in range(depth):
        power = round(log((start + slope * block) / start) / log(factor))
        widths.append(max(QUANTUM, round(start * factor**power / QUANTUM) * QUANTUM))
    return tuple(
        stage(len(list(blocks)), width, ratio, group_width) for width, blocks in groupby(widths)
    )


_LAWS: dict[str, Law] = {
    "starts": WHOLE,
    "slopes": ("numbers of at least 0", lambda value: is_number(value) and value >= 0),
    "factors": ("numbers above 1", lambda value: is_number(value) and value > 1),
}
