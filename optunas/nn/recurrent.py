"""Recurrence: torch's own layers, which give their outputs and keep their states to themselves."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from optunas.architecture import Recurrent, Shape
from optunas.nn.build import module

_KIND: dict[str, Callable[..., nn.RNNBase]] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class Recurrence(nn.Module):
    """A recurrent layer's output at each step; in both directions, forwards first."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> (B, L, features), or twice the features."""
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            # in lower precision many processors have no such layer
            with torch.autocast("cpu", enabled=False):
                return self._all(x.to(next(self.layer.parameters()).dtype))
        return self._all(x)

    def _all(self, x: Tensor) -> Tensor:
        output: Tensor = self.layer(x)[0]
        return output


@module.register
def _(layer: Recurrent, shape: Shape) -> nn.Module:
    return Recurrence(
        _KIND[layer.kind](
            shape[1], layer.features, batch_first=True, bidirectional=layer.bidirectional
        )
    )
