"""SWAP: how many different patterns the units of a network show over a batch of images."""

from __future__ import annotations

from math import log, log2, nan

import torch
from torch import Tensor, nn

from optunas.proxies.patterns import show_patterns


def swap(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    mu: float | None = None,
    sigma: float | None = None,
) -> float:
    """The SWAP-score (Peng et al. 2024, arXiv:2403.04161); NaN without an activation.

    A unit's pattern says for each image whether it is on. The authors' code
    (github.com/pym1024/SWAP) counts units of feature maps only, and takes the mean over 32 random
    initialisations; here all units count, with the weights as they are.

    With `mu` and `sigma`, numbers of parameters, the score is regularised: the log of the
    SWAP-score times exp(-((parameters - mu) / sigma)^2), which prefers networks of about `mu`.
    """
    count = len(different(network, images[_spread(images)]))
    if not count:
        return nan
    if mu is None or sigma is None:
        return float(count)
    size = sum(parameter.numel() for parameter in network.parameters())
    return log(count) - ((size - mu) / sigma) ** 2


def different(network: nn.Module, images: Tensor) -> Tensor:
    """The different patterns of the units, each as the number whose bits are the images."""
    place = 2 ** torch.arange(len(images), device=images.device)
    codes = [torch.empty(0, dtype=torch.int64, device=images.device)]
    show_patterns(network, images, lambda on: codes.append(torch.unique((on.T * place).sum(1))))
    every: Tensor = torch.unique(torch.cat(codes))
    return every


def _spread(images: Tensor) -> Tensor:
    """Which of the images: at equal distances, so that an order by class does no harm.

    Of n images a unit has one of 2^n patterns. Many images give each unit its own, and the score is
    the number of units; few, and a large network shows all there are. 32x32 pixels get the 16
    images that the authors take; for larger ones there are as many more patterns as pixels.
    """
    pixels = images.shape[2] * images.shape[3]
    most = min(len(images), max(4, round(6 + log2(pixels))))
    return torch.linspace(0, len(images) - 1, most).round().long()
