"""Recurrence along a sequence, and convolutions that slide along it."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import boolean, one_of, positive
from optunas.architecture.compose import Sequential
from optunas.architecture.layer import Block, Layer, Primitive, Shape
from optunas.architecture.layers import Activation, Conv, Norm, as_norm, put, usual
from optunas.architecture.tokens import ToImage, ToTokens, tokens

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@dataclass(frozen=True)
class Recurrent(Primitive):
    """One recurrent layer. (L, D) -> (L, features), or twice the features when `bidirectional`.

    `lstm` (Hochreiter & Schmidhuber 1997), `gru` (Cho et al. 2014), or the plain `rnn` with tanh.
    Biases as in torch: one of the input's side and one of the state's. Several layers are a
    sequence of these; the state after the last step is `TokenPool("last")` (`"ends"` for both
    directions).

    `macs` are the true matrix products: gates x (D + features) x features for each step and
    direction, with 4 gates for an LSTM, 3 for a GRU, 1 for a plain one. torch's `FlopCounterMode`
    counts the same on the meta device; in a fused kernel (cuDNN, an LSTM on a CPU) it sees nothing.
    """

    features: int
    kind: str = "lstm"
    bidirectional: bool = False

    def __post_init__(self) -> None:
        positive(self, features=self.features)
        one_of(self, kind=(self.kind, tuple(GATES)))
        boolean(self, bidirectional=self.bidirectional)

    @property
    def directions(self) -> int:
        """2 where it also reads backwards."""
        return 2 if self.bidirectional else 1

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        return (shape[0], self.directions * self.features)

    def params(self, shape: Shape) -> int:
        rows = self.directions * GATES[self.kind] * self.features
        return rows * (shape[1] + self.features + 2)

    def macs(self, shape: Shape) -> int:
        rows = self.directions * GATES[self.kind] * self.features
        return shape[0] * rows * (shape[1] + self.features)


@dataclass(frozen=True)
class SequenceConv(Block):
    """1-d convolution, normalisation, activation. (L, D) -> (ceil(L / stride), features)."""

    features: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    activation: str | None = "relu"
    norm: str | Norm = "batch"

    def __post_init__(self) -> None:
        positive(self, features=self.features, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))

    def expand(self, shape: Shape) -> Layer:
        tokens(self, shape)
        conv = Conv(self.features, (1, self.kernel), (1, self.stride), groups=self.groups)
        after = (Activation(self.activation),) if self.activation else ()
        return Sequential(ToImage(), conv, as_norm(self.norm), *after, ToTokens())
