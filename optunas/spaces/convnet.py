"""`ConvNet`: convolutional networks of stages, with the blocks of the field to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Activation,
    Architecture,
    BasicBlock,
    Bottleneck,
    Conv,
    ConvNeXt,
    ConvNorm,
    Dropout,
    Flatten,
    GlobalPool,
    Inception,
    Layer,
    Linear,
    MBConv,
    Norm,
    Pool,
    SeparableConv,
    Sequential,
)
from optunas.architecture.layers import ACTIVATIONS, NORMS
from optunas.architecture.pooling import POOLS
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import ODD, WHOLE, Law, among, check, prefer

OPS = ("conv", "separable", "basic", "bottleneck", "mbconv", "convnext", "inception")
DOWNSAMPLINGS = ("stride", *POOLS)
HEADS = ("pool", "flatten", "fc")


@dataclass(frozen=True)
class ConvNet:
    """A stem, stages of blocks at falling resolution, a head.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `stages`: how many; each after the first halves the image (rounding up);
    * `depths`: blocks in a stage;
    * `widths`: channels of the stem; multiples of 4;
    * `widenings`: what a stage multiplies the channels by (kept at multiples of 4);
    * `ops`: for each block one of conv, separable, basic, bottleneck, mbconv (with
      squeeze-and-excitation), convnext, inception (four parallel branches);
    * `kernels`: for each block; odd;
    * `activations`, `norms`, `downsamplings` (stride, max, avg): one for the network;
    * `heads`: pool (global average, then the classifier), flatten (every pixel to the classifier),
      fc (global average, a hidden layer of `features` with `dropouts`, the classifier);
    * `stem_stride`: 1 for small images, 2 or 4 for large ones. Not searched.

    Parameters: `stages`, `width`, `activation`, `norm`, `downsampling`, `head`, `head.features`,
    `head.dropout`, `stage1.depth`, `stage1.widen`, `stage1.block1.op`, `stage1.block1.kernel`, ...
    All are always suggested; those of stages and blocks that a network does not have are ignored.
    """

    stages: tuple[int, ...] = (2, 3, 4)
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[int, ...] = (16, 24, 32, 48)
    widenings: tuple[float, ...] = (1, 1.5, 2)
    ops: tuple[str, ...] = OPS
    kernels: tuple[int, ...] = (3, 5, 7)
    activations: tuple[str, ...] = ("relu", "silu", "gelu")
    norms: tuple[str, ...] = ("batch", "group")
    downsamplings: tuple[str, ...] = DOWNSAMPLINGS
    heads: tuple[str, ...] = HEADS
    features: tuple[int, ...] = (64, 128, 256)
    dropouts: tuple[float, ...] = (0.0, 0.2, 0.5)
    stem_stride: int = 1

    def __post_init__(self) -> None:
        check(self, _LAWS)
        if not is_whole(self.stem_stride):
            raise OptunasError(
                "ConvNet.stem_stride must be a whole number of at least 1; got "
                f"{self.stem_stride!r:.80}"
            )

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        choose = trial.suggest_categorical
        stages = choose("stages", self.stages)
        width = choose("width", self.widths)
        style = _Style(
            activation=choose("activation", self.activations),
            norm=choose("norm", self.norms),
            downsampling=choose("downsampling", self.downsamplings),
        )
        head = self._head(trial, style)
        layers: list[Layer] = [style.conv(width, 3, self.stem_stride)]
        for stage in range(1, max(self.stages) + 1):
            width = _widened(width, choose(f"stage{stage}.widen", self.widenings))
            blocks = self._stage(trial, f"stage{stage}", width, style, halve=stage > 1)
            if stage <= stages:
                layers += blocks
        return Sequential(*layers, *head)

    def _stage(
        self, trial: BaseTrial, name: str, width: int, style: _Style, halve: bool
    ) -> list[Layer]:
        depth = trial.suggest_categorical(f"{name}.depth", self.depths)
        layers: list[Layer] = []
        stride = 1
        if halve and style.downsampling == "stride":
            stride = 2
        elif halve:
            layers.append(Pool(style.downsampling, 2, ceil=True))
        for block in range(1, max(self.depths) + 1):
            op = trial.suggest_categorical(f"{name}.block{block}.op", self.ops)
            kernel = trial.suggest_categorical(f"{name}.block{block}.kernel", self.kernels)
            if block <= depth:
                first = block == 1
                layers += style.block(op, width, kernel, stride if first else 1, first)
        return layers

    def _head(self, trial: BaseTrial, style: _Style) -> list[Layer]:
        head = trial.suggest_categorical("head", self.heads)
        features = trial.suggest_categorical("head.features", self.features)
        dropout = trial.suggest_categorical("head.dropout", self.dropouts)
        if head == "flatten":
            return [Flatten(), Linear()]
        if head == "pool":
            return [GlobalPool(), Linear()]
        act = Activation(style.activation)
        return [GlobalPool(), Linear(features), act, Dropout(dropout), Linear()]

    def size(self) -> int:
        """How many networks the space holds, on images large enough for every stage to halve."""
        bodies = sum(
            self._bodies(width, stages) * (len(self.downsamplings) if stages > 1 else 1)
            for width in self.widths
            for stages in self.stages
        )
        fc = len(self.features) * len(self.dropouts)
        heads = sum(fc if head == "fc" else 1 for head in self.heads)
        return bodies * heads * len(self.activations) * len(self.norms)

    def _bodies(self, width: int, stages: int) -> int:
        """How many sequences of stages follow on `width` channels."""
        if stages == 0:
            return 1
        block = len(self.ops) * len(self.kernels)
        blocks = sum(block**depth for depth in self.depths)
        widths = {_widened(width, factor) for factor in self.widenings}  # some round to the same
        return sum(blocks * self._bodies(wider, stages - 1) for wider in widths)

    def baseline(self) -> dict[str, Any]:
        """The small plain network that one would write by hand: 3x3 convolutions, max pooling.

        Three stages of two convolutions, 32 channels doubling, ReLU, batch normalisation and
        global pooling, or what comes first in the space where it was narrowed.
        """
        params: dict[str, Any] = {
            "stages": prefer(3, self.stages),
            "width": prefer(32, self.widths),
            "activation": prefer("relu", self.activations),
            "norm": prefer("batch", self.norms),
            "downsampling": prefer("max", self.downsamplings),
            "head": prefer("pool", self.heads),
            "head.features": self.features[0],
            "head.dropout": self.dropouts[0],
        }
        for stage in range(1, max(self.stages) + 1):
            params[f"stage{stage}.widen"] = prefer(1 if stage == 1 else 2, self.widenings)
            params[f"stage{stage}.depth"] = prefer(2, self.depths)
            for block in range(1, max(self.depths) + 1):
                params[f"stage{stage}.block{block}.op"] = prefer("conv", self.ops)
                params[f"stage{stage}.block{block}.kernel"] = prefer(3, self.kernels)
        return params


@dataclass(frozen=True)
class _Style:
    """What the whole network shares."""

    activation: str
    norm: str
    downsampling: str

    def conv(self, channels: int, kernel: int, stride: int = 1) -> Layer:
        return ConvNorm(channels, kernel, stride, activation=self.activation, norm=self.norm)

    def block(self, op: str, width: int, kernel: int, stride: int, first: bool) -> list[Layer]:
        if op == "conv":
            return [self.conv(width, kernel, stride)]
        if op == "convnext":
            # the block keeps its shape; as in the paper, a layer of its own changes it (there 2x2
            # without padding, here 3x3, which also halves images of one pixel)
            change = [Norm("layer"), Conv(width, 3 if stride > 1 else 1, stride, bias=True)]
            return [*(change if first else []), ConvNeXt(kernel)]
        block = _BLOCK[op]
        return [block(width, kernel, stride, activation=self.activation, norm=self.norm)]


_BLOCK: dict[str, Any] = {
    "separable": SeparableConv,
    "basic": BasicBlock,
    "bottleneck": Bottleneck,
    "mbconv": MBConv,
    "inception": Inception,
}


_LAWS: dict[str, Law] = {
    "stages": WHOLE,
    "depths": WHOLE,
    "widths": ("multiples of 4", lambda v: is_whole(v) and v % 4 == 0),
    "widenings": ("numbers of at least 1", lambda v: is_number(v) and v >= 1),
    "ops": among(OPS),
    "kernels": ODD,
    "activations": among(ACTIVATIONS),
    "norms": among(NORMS),
    "downsamplings": among(DOWNSAMPLINGS),
    "heads": among(HEADS),
    "features": WHOLE,
    "dropouts": ("at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1),
}


def _widened(width: int, factor: float) -> int:
    return 4 * round(width * factor / 4)
