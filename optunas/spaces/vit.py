"""`VisionTransformer`: transformers on patches, each block with its own heads and perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Architecture,
    ClassToken,
    Linear,
    Norm,
    PatchEmbed,
    Position,
    Sequential,
    TokenPool,
    TransformerBlock,
)
from optunas.architecture.transformer import hidden
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import WHOLE, Law, among, check, prefer

POOLS = ("class", "mean")
PAPER: dict[str, dict[str, Any]] = {
    "tiny": {
        "widths": (192, 216, 240), "heads": (3, 4), "ratios": (3.5, 4), "depths": (12, 13, 14),
    },
    "small": {
        "widths": (320, 384, 448), "heads": (5, 6, 7), "ratios": (3, 3.5, 4),
        "depths": (12, 13, 14),
    },
    "base": {
        "widths": (528, 576, 624), "heads": (8, 9, 10), "ratios": (3, 3.5, 4),
        "depths": (14, 15, 16),
    },
}  # fmt: skip
"""AutoFormer's three spaces."""


@dataclass(frozen=True)
class VisionTransformer:
    """Vision transformers in the manner of AutoFormer (Chen et al. 2021, arXiv:2107.00651).

    Patches, learned positions, blocks of attention and perceptron behind layer normalisations
    (ViT, Dosovitskiy et al. 2021), the classifier. As in the paper the width and the depth are
    chosen for the network, heads and perceptron for each block, and a head has `head_width`
    features whatever the width. Patches suit small images: 32x32 pixels give 64 tokens at size 4.
    `VisionTransformer.autoformer("tiny")`, `"small"`, `"base"` are the paper's spaces (its relative
    positions are left out), for 224x224 pixels.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `patches`: side of a patch in pixels; zeros fill the last ones where it doesn't divide;
    * `widths`: features of a token; `depths`: blocks;
    * `heads`, `ratios`: for each block; the perceptron's hidden layer has `ratio` times the width;
    * `pools`: what the classifier reads: a `class` token, or the `mean` of all tokens;
    * `drop_paths`: stochastic depth of the last block, falling evenly to the first;
    * `head_width`: features of a head. Not searched.

    Parameters: `patch`, `width`, `depth`, `pool`, `drop_path`, `block1.heads`, `block1.ratio`, ...
    All are always suggested; those of blocks that a network does not have are ignored.
    """

    patches: tuple[int, ...] = (2, 4, 8)
    widths: tuple[int, ...] = (64, 96, 128, 192)
    depths: tuple[int, ...] = (2, 4, 6, 8)
    heads: tuple[int, ...] = (2, 3, 4)
    ratios: tuple[float, ...] = (1, 2, 3, 4)
    pools: tuple[str, ...] = POOLS
    drop_paths: tuple[float, ...] = (0.0, 0.1)
    head_width: int = 32

    def __post_init__(self) -> None:
        check(self, _LAWS)
        if not is_whole(self.head_width):
            raise OptunasError(
                "VisionTransformer.head_width must be a whole number of at least 1; "
                f"got {self.head_width!r:.80}"
            )

    @classmethod
    def autoformer(cls, scale: str = "tiny", **narrowed: Any) -> VisionTransformer:
        """The paper's space of that scale: `tiny` (about 6 M parameters), `small`, `base`."""
        if scale not in PAPER:
            raise OptunasError(f"AutoFormer's scales are {', '.join(PAPER)}; got {scale!r:.80}")
        paper = {"patches": (16,), "pools": ("class",), "drop_paths": (0.1,), "head_width": 64}
        return cls(**{**paper, **PAPER[scale], **narrowed})

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        choose = trial.suggest_categorical
        patch, width = choose("patch", self.patches), choose("width", self.widths)
        depth, pool = choose("depth", self.depths), choose("pool", self.pools)
        drop_path = choose("drop_path", self.drop_paths)
        blocks: list[TransformerBlock] = []
        for number in range(1, max(self.depths) + 1):
            heads = choose(f"block{number}.heads", self.heads)
            ratio = choose(f"block{number}.ratio", self.ratios)
            drop = drop_path * min(number, depth) / depth
            blocks.append(TransformerBlock(heads, ratio, self.head_width, drop_path=drop))
        start = (ClassToken(), Position()) if pool == "class" else (Position(),)
        return Sequential(
            PatchEmbed(width, patch),
            *start,
            *blocks[:depth],
            Norm("layer"),
            TokenPool("first" if pool == "class" else "mean"),
            Linear(),
        )

    def size(self) -> int:
        """How many networks the space holds, on images of at least two patches."""
        bodies: int = sum(
            (len(self.heads) * len({hidden(width, ratio) for ratio in self.ratios})) ** depth
            for width in self.widths
            for depth in self.depths
        )
        return bodies * len(self.patches) * len(self.pools) * len(self.drop_paths)

    def baseline(self) -> dict[str, Any]:
        """Six blocks of equal heads and perceptrons of twice the width; or what comes first."""
        params: dict[str, Any] = {
            "patch": prefer(4, self.patches),
            "width": prefer(128, self.widths),
            "depth": prefer(6, self.depths),
            "pool": prefer("mean", self.pools),
            "drop_path": self.drop_paths[0],
        }
        for number in range(1, max(self.depths) + 1):
            params[f"block{number}.heads"] = prefer(4, self.heads)
            params[f"block{number}.ratio"] = prefer(2, self.ratios)
        return params


_LAWS: dict[str, Law] = {
    "patches": WHOLE,
    "widths": WHOLE,
    "depths": WHOLE,
    "heads": WHOLE,
    "ratios": ("numbers above 0", lambda v: is_number(v) and v > 0),
    "pools": among(POOLS),
    "drop_paths": ("at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1),
}
