"""Synflow: how much can flow through a network, whatever the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from optunas.proxies.twin import weights

NORMALISATIONS = frozenset(("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"))


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """log of the sum over all weights of weight x gradient, in float64 (Tanaka et al. 2020,
    arXiv:2006.05467; as a score of networks Abdelfattah et al. 2021, arXiv:2101.08134).

    All parameters are made positive, the image is all ones, and the gradient is that of the sum of
    the outputs. Normalisation is passed over, as Abdelfattah et al. do with batch normalisation
    (github.com/SamsungLabs/zero-cost-nas): it would hide the magnitude that is measured. For the
    same reason attention takes its averages with weights that carry no gradient: that of a softmax
    of huge numbers is noise. Where nothing flows, the score is that of the smallest number.
    """
    network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    with torch.enable_grad(), _Flowing():
        output = network(torch.ones_like(images[:1], dtype=torch.float64)).sum()
    some = weights(network)
    gradients = torch.autograd.grad(output, some, allow_unused=True)
    flows = [(w * g).sum() for w, g in zip(some, gradients, strict=True) if g is not None]
    flow = torch.stack(flows).sum().detach()
    return float(flow.clamp_min(torch.finfo(torch.float64).tiny).log())


class _Flowing(TorchFunctionMode):
    """Within it normalisation, by a module or a function, gives what it gets, and the weights of
    attention are constants."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in NORMALISATIONS:
            x: Tensor = args[0] if args else named["input"]
            return x.clone()  # what follows may write into it
        if name == "scaled_dot_product_attention":
            query, key, value = args[:3]
            with torch.no_grad():  # and not torch's own: its backward pass doubts its numbers
                weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(-1)
            return weights @ value
        answer = func(*args, **named)
        return answer.detach() if name == "softmax" else answer
