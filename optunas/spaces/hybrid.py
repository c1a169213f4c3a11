"""`ConvAttention`: stages of convolutions, then stages of attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Architecture,
    Conv,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    MBConv,
    Norm,
    Pool,
    Residual,
    Sequential,
    WindowBlock,
)
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import ODD, WHOLE, Law, check, prefer

STAGES = 4


@dataclass(frozen=True)
class ConvAttention:
    """Convolution and attention in the manner of CoAtNet (Dai et al. 2021, arXiv:2106.04803).

    A stem and four stages; the first ones of inverted bottlenecks, the last `attentions` of
    transformer blocks that look at the whole image, with a learned bias for each relative position.
    Each stage after the first halves the image, so that 32x32 pixels are 32, 16, 8 and 4 wide (with
    `stem_stride=4`, 224 are 56, 28, 14 and 7, as in the paper). The shortcut around a block that
    halves or widens is max-pooling and a 1x1 convolution. Bottlenecks are normalised after each
    convolution, where the paper's are before.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `attentions`: how many of the four stages attend (0 to 4; the paper prefers 2);
    * `depths`: blocks in a stage; `widths`: channels of the first; multiples of 4;
    * `widenings`: what a later stage multiplies the channels by (kept at multiples of 4);
    * `kernels` (odd), `expansions`: of a stage's bottlenecks;
    * `ratios`: a stage's perceptrons' hidden layer over its channels;
    * `drop_paths`: stochastic depth of the last block of attention, falling evenly to the first;
    * `head_width`: features of a head; there are as many heads as fit the channels;
    * `stem_stride`: 1 for small images, 4 for large ones. The last two are not searched.

    Parameters: `attention`, `width`, `drop_path`, `stage1.depth`, `stage1.widen` (from stage 2 on),
    `stage1.kernel`, `stage1.expansion`, `stage1.ratio`, ... All are always suggested; those that a
    stage has no use for are ignored.
    """

    attentions: tuple[int, ...] = (1, 2, 3)
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[int, ...] = (32, 48, 64)
    widenings: tuple[float, ...] = (1, 1.5, 2)
    kernels: tuple[int, ...] = (3, 5)
    expansions: tuple[int, ...] = (2, 4)
    ratios: tuple[float, ...] = (2, 4)
    drop_paths: tuple[float, ...] = (0.0, 0.1)
    head_width: int = 32
    stem_stride: int = 1

    def __post_init__(self) -> None:
        check(self, _LAWS)
        for name in ("head_width", "stem_stride"):
            if not is_whole(getattr(self, name)):
                raise OptunasError(
                    f"ConvAttention.{name} must be a whole number of at least 1; "
                    f"got {getattr(self, name)!r:.80}"
                )

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        choose = trial.suggest_categorical
        attention, width = choose("attention", self.attentions), choose("width", self.widths)
        drop_path = choose("drop_path", self.drop_paths)
        stem = (ConvNorm(width, 3, self.stem_stride, activation="gelu"), Conv(width, 3, bias=True))
        stages = [_Stage.suggested(self, trial, number) for number in range(1, STAGES + 1)]
        attending = sum(stage.depth for stage in stages[STAGES - attention :])
        layers: list[Layer] = [*stem]
        done = 0
        for stage in stages:
            before, width = width, _widened(width, stage.widen)
            if stage.number <= STAGES - attention:
                layers += stage.convolutions(before, width)
                continue
            drops = [drop_path * (done + i + 1) / attending for i in range(stage.depth)]
            layers += stage.attentions(before, width, max(1, width // self.head_width), drops)
            done += stage.depth
        return Sequential(*layers, Norm("layer"), GlobalPool(), Linear())

    def size(self) -> int:
        """How many networks the space holds, on images large enough for every stage to halve."""
        return sum(
            self._from(1, width, attention) * (len(self.drop_paths) if attention else 1)
            for width in self.widths
            for attention in self.attentions
        )

    def _from(self, number: int, width: int, attention: int) -> int:
        """How many sequences of stages follow on `width` channels."""
        if number > STAGES:
            return 1
        if number <= STAGES - attention:
            kinds = len(self.kernels) * len(self.expansions)
        else:
            kinds = len(self.ratios)
        factors: tuple[float, ...] = self.widenings if number > 1 else (1,)
        widths = {_widened(width, factor) for factor in factors}
        later = sum(self._from(number + 1, wider, attention) for wider in widths)
        return len(self.depths) * kinds * later

    def baseline(self) -> dict[str, Any]:
        """Two stages of each kind, two blocks a stage, doubling once; or what comes first."""
        params: dict[str, Any] = {
            "attention": prefer(2, self.attentions),
            "width": prefer(32, self.widths),
            "drop_path": self.drop_paths[0],
        }
        for number in range(1, STAGES + 1):
            params[f"stage{number}.depth"] = prefer(2, self.depths)
            if number > 1:
                params[f"stage{number}.widen"] = prefer(1.5 if number < 4 else 2, self.widenings)
            params[f"stage{number}.kernel"] = prefer(3, self.kernels)
            params[f"stage{number}.expansion"] = prefer(4, self.expansions)
            params[f"stage{number}.ratio"] = prefer(2, self.ratios)
        return params


@dataclass(frozen=True)
class _Stage:
    """What was chosen for one stage."""

    number: int
    depth: int
    widen: float
    kernel: int
    expansion: int
    ratio: float

    @classmethod
    def suggested(cls, space: ConvAttention, trial: BaseTrial, number: int) -> _Stage:
        def choose(name: str, values: tuple[Any, ...]) -> Any:
            return trial.suggest_categorical(f"stage{number}.{name}", values)

        return cls(
            number,
            depth=choose("depth", space.depths),
            widen=choose("widen", space.widenings) if number > 1 else 1,
            kernel=choose("kernel", space.kernels),
            expansion=choose("expansion", space.expansions),
            ratio=choose("ratio", space.ratios),
        )

    @property
    def halves(self) -> bool:
        return self.number > 1

    def convolutions(self, before: int, width: int) -> list[Layer]:
        block = MBConv(width, self.kernel, expansion=self.expansion, activation="gelu")
        first: Layer = block
        if self.halves:
            strided = MBConv(width, self.kernel, 2, self.expansion, activation="gelu")
            change = (Conv(width, 1),) if before != width else ()
            first = Residual(strided, Sequential(Pool("max", 2, ceil=True), *change))
        return [first, *[block] * (self.depth - 1)]

    def attentions(self, before: int, width: int, heads: int, drops: list[float]) -> list[Layer]:
        each = width // heads
        return [
            WindowBlock(
                heads,
                window=None,
                ratio=self.ratio,
                head_width=each,
                channels=width,
                halve=self.halves and position == 0,
                drop_path=drop,
            )
            for position, drop in enumerate(drops)
        ]


def _widened(width: int, factor: float) -> int:
    return 4 * round(width * factor / 4)


_LAWS: dict[str, Law] = {
    "attentions": (
        f"whole numbers from 0 to {STAGES}",
        lambda v: (is_whole(v) or (v == 0 and v is not False)) and v <= STAGES,
    ),
    "depths": WHOLE,
    "widths": ("multiples of 4", lambda v: is_whole(v) and v % 4 == 0),
    "widenings": ("numbers of at least 1", lambda v: is_number(v) and v >= 1),
    "kernels": ODD,
    "expansions": WHOLE,
    "ratios": ("numbers above 0", lambda v: is_number(v) and v > 0),
    "drop_paths": ("at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1),
}
