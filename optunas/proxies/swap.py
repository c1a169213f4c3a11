"""SWAP: how many different patterns the units of a network show over a batch of images."""

from __future__ import annotations

from math import nan

import torch
from torch import Tensor, nn

from optunas.proxies.patterns import show_patterns

IMAGES = 24
"""With n images a unit has at most 2^n patterns, and with many images each unit has its own: the
score is that bound, or the number of units. The authors take 16, where a network of a million units
shows all 65,536 patterns; 24 rank the networks of NAS-Bench-201 as well (tests/performance)."""


def swap(network: nn.Module, images: Tensor, labels: Tensor, most: int = IMAGES) -> float:
    """The SWAP-score (Peng et al. 2024, arXiv:2403.04161); NaN without an activation.

    A unit's pattern says for each of the images, of which `most` (up to 62) are taken, whether it
    is on. The authors' code (github.com/pym1024/SWAP) counts units of feature maps only, and takes
    the mean over 32 random initialisations; here all units count, with the weights as they are.
    """
    images = images[_spread(len(images), most)]
    place = 2 ** torch.arange(len(images), device=images.device)
    codes: list[Tensor] = []
    show_patterns(network, images, lambda on: codes.append(torch.unique((on.T * place).sum(1))))
    return float(len(torch.unique(torch.cat(codes)))) if codes else nan


def _spread(count: int, most: int) -> Tensor:
    """Which of the images: at equal distances, so that an order by class does no harm."""
    return torch.linspace(0, count - 1, min(most, count)).round().long()
