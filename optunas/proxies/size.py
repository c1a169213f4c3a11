"""How large a network is: the proxy that every other one has to beat."""

from __future__ import annotations

from torch import Tensor, nn

from optunas.nn.count import count


def params(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The parameters, as limits count them."""
    return float(count(network, tuple(images.shape[1:]))[0])


def macs(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The multiply-accumulates for one image."""
    return float(count(network, tuple(images.shape[1:]))[1])
