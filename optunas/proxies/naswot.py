"""NASWOT: how well the patterns of activation tell a batch of images apart."""

from __future__ import annotations

from math import nan

import torch
from torch import Tensor, nn

from optunas.proxies.patterns import show_patterns


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """log det of the kernel of agreement (Mellor et al. 2021, arXiv:2006.04647).

    The kernel says for each two images in how many units their patterns agree. 1 is added on its
    diagonal, one unit more that tells each image from all others: it changes nothing where there
    are thousands of units, and a network in which two images look the same gets a low score
    instead of none. NaN without an activation.
    """
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    units = 0

    def see(on: Tensor) -> None:
        nonlocal units
        signs = 2 * on.to(torch.float32) - 1
        kernel.add_((signs @ signs.T + on.shape[1]) / 2)  # units that agree less units that don't
        units += on.shape[1]

    show_patterns(network, images, see)
    kernel.diagonal().add_(1)
    return float(torch.linalg.slogdet(kernel).logabsdet) if units else nan
