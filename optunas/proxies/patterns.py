"""Activation patterns: for each image, which units of a network are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

ACTIVATIONS = frozenset(
    """
    celu elu gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_sigmoid logsigmoid
    mish prelu relu relu6 rrelu selu sigmoid silu softplus softshrink softsign tanh tanhshrink
    threshold
    """.split()  # noqa: SIM905 - a list of 25 names, one a line, would hide the file
)


class Patterns(TorchFunctionMode):
    """Within it every activation shows `see` the pattern of its input, (B, units) bool.

    A unit is on where its input is above 0. For ReLU that is where its output is; for GELU, SiLU,
    hard swish, sigmoid and the others where the curve bends up or has its upper half. Modules,
    functions and methods are seen alike, in place or not, since torch is asked which function is
    called; the pattern is taken before the call. Not seen are activations inside one call to torch
    (`nn.LSTM`), inside a scripted or compiled module, and those whose first axis is not the batch.
    """

    def __init__(self, batch: int, see: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._batch, self._see = batch, see

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if getattr(func, "__name__", "").strip("_") in ACTIVATIONS:
            x = args[0] if args else named.get("input")
            if isinstance(x, Tensor) and x.ndim > 1 and len(x) == self._batch:
                self._see(x.detach().flatten(1) > 0)
        return func(*args, **named)


def show_patterns(network: nn.Module, images: Tensor, see: Callable[[Tensor], None]) -> None:
    """Run the network and show `see` the pattern of each of its activations, (B, units) bool."""
    with torch.no_grad(), Patterns(len(images), see):
        network(images)
