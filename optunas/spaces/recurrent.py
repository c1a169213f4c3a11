"""`RecurrentNet`: sequences, and images read as sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Architecture,
    Attention,
    Dropout,
    Layer,
    Linear,
    Norm,
    Recurrent,
    Residual,
    SequenceConv,
    Sequential,
    TokenPool,
    ToTokens,
)
from optunas.architecture.recurrent import GATES
from optunas.architecture.tokens import READINGS
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole
from optunas.spaces.arguments import ODD, WHOLE, Law, among, check, prefer

DIRECTIONS = ("forward", "both")
POOLS = ("mean", "max", "last")


@dataclass(frozen=True)
class RecurrentNet:
    """1-d convolutions, recurrent layers, attention, pooling over time, the classifier.

    For images read row by row (8 rows of 8 pixels make a sequence of 8 tokens), column by column or
    pixel by pixel; for series of measurements stored as images of height 1, a channel for each
    quantity, read by column; and for sequences of shape (L, D), which are taken as they are.
    LSTM: Hochreiter & Schmidhuber 1997; GRU: Cho et al. 2014; both directions: Schuster & Paliwal
    1997; attention after the recurrence, around a shortcut: Vaswani et al. 2017.

    Each argument is the tuple of values to choose from; give fewer to narrow the space:

    * `readings`: `row`, `column`, `pixel`;
    * `convs`: 1-d convolutions before the recurrence (0: none), each with normalisation and ReLU,
      of `conv_widths` features and odd `kernels`; with a stride of `strides` in the first;
    * `cells`: `lstm`, `gru`, `rnn`; `layers`: recurrent layers (0: none); `widths`: features in
      each direction; `directions`: `forward`, `both`;
    * `heads`: of the attention after it, 0 for none; they share the features;
    * `pools`: over time: `mean`, `max`, or the `last` state (of both directions, each its own);
    * `dropouts`: before the classifier.

    Parameters: `reading`, `convs`, `conv.width`, `conv.kernel`, `conv.stride`, `cell`, `layers`,
    `width`, `directions`, `heads`, `pool`, `dropout`. All are always suggested; those of parts that
    a network does not have are ignored.
    """

    readings: tuple[str, ...] = ("row", "column")
    convs: tuple[int, ...] = (0, 1, 2)
    conv_widths: tuple[int, ...] = (32, 64)
    kernels: tuple[int, ...] = (3, 5)
    strides: tuple[int, ...] = (1, 2)
    cells: tuple[str, ...] = ("lstm", "gru")
    layers: tuple[int, ...] = (1, 2)
    widths: tuple[int, ...] = (32, 64, 128)
    directions: tuple[str, ...] = DIRECTIONS
    heads: tuple[int, ...] = (0, 4)
    pools: tuple[str, ...] = POOLS
    dropouts: tuple[float, ...] = (0.0, 0.2)

    def __post_init__(self) -> None:
        check(self, _LAWS)
        for name in ("widths", *(("conv_widths",) if 0 in self.layers else ())):
            for width in getattr(self, name):
                for heads in filter(None, self.heads):
                    if width % heads:
                        raise OptunasError(
                            f"RecurrentNet.{name} must be multiples of the heads that share them; "
                            f"got {width} features and {heads} heads"
                        )
        if 0 in self.layers and 0 in self.convs:
            raise OptunasError(
                "RecurrentNet needs a layer before the attention; got 0 in both convs and layers: "
                "leave it out of one of them"
            )

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network; every decision is asked for, whether it is active or not."""
        choose = trial.suggest_categorical
        reading = ToTokens(choose("reading", self.readings))
        convolutions = self._convolutions(trial)
        recurrence = self._recurrence(trial)
        heads, pool = choose("heads", self.heads), choose("pool", self.pools)
        attention = (Residual(Sequential(Norm("layer"), Attention(heads))),) if heads else ()
        both = any(isinstance(layer, Recurrent) and layer.bidirectional for layer in recurrence)
        states = "ends" if both else "last"
        return Sequential(
            reading,
            *convolutions,
            *recurrence,
            *attention,
            TokenPool(states if pool == "last" else pool),
            Dropout(choose("dropout", self.dropouts)),
            Linear(),
        )

    def _convolutions(self, trial: BaseTrial) -> list[Layer]:
        count = trial.suggest_categorical("convs", self.convs)
        width = trial.suggest_categorical("conv.width", self.conv_widths)
        kernel = trial.suggest_categorical("conv.kernel", self.kernels)
        stride = trial.suggest_categorical("conv.stride", self.strides)
        return [SequenceConv(width, kernel, stride if i == 0 else 1) for i in range(count)]

    def _recurrence(self, trial: BaseTrial) -> list[Layer]:
        cell = trial.suggest_categorical("cell", self.cells)
        count = trial.suggest_categorical("layers", self.layers)
        width = trial.suggest_categorical("width", self.widths)
        directions = trial.suggest_categorical("directions", self.directions)
        return [Recurrent(width, cell, directions == "both")] * count

    def size(self) -> int:
        """How many networks the space holds, on images that are neither one pixel high nor wide."""
        conv = len(self.conv_widths) * len(self.kernels) * len(self.strides)
        convolutions = sum(conv if count else 1 for count in self.convs)
        cell = len(self.cells) * len(self.widths) * len(self.directions)
        recurrences = sum(cell if count else 1 for count in self.layers)
        heads = len(self.heads) * len(self.pools) * len(self.dropouts)
        return len(self.readings) * convolutions * recurrences * heads

    def baseline(self) -> dict[str, Any]:
        """One bidirectional LSTM on the rows and the mean over time; or what comes first."""
        return {
            "reading": prefer("row", self.readings),
            "convs": prefer(0, self.convs),
            "conv.width": self.conv_widths[0],
            "conv.kernel": self.kernels[0],
            "conv.stride": self.strides[0],
            "cell": prefer("lstm", self.cells),
            "layers": prefer(1, self.layers),
            "width": prefer(64, self.widths),
            "directions": prefer("both", self.directions),
            "heads": prefer(0, self.heads),
            "pool": prefer("mean", self.pools),
            "dropout": self.dropouts[0],
        }


def _is_natural(value: Any) -> bool:
    return is_whole(value) or (value == 0 and value is not False)


_NATURAL: Law = ("whole numbers of at least 0", _is_natural)
_LAWS: dict[str, Law] = {
    "readings": among(READINGS),
    "convs": _NATURAL,
    "conv_widths": WHOLE,
    "kernels": ODD,
    "strides": WHOLE,
    "cells": among(tuple(GATES)),
    "layers": _NATURAL,
    "widths": WHOLE,
    "directions": among(DIRECTIONS),
    "heads": _NATURAL,
    "pools": among(POOLS),
    "dropouts": ("at least 0 and below 1", lambda v: is_number(v) and 0 <= v < 1),
}
