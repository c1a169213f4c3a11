"""The norm of the gradient of a fresh network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from optunas.proxies.twin import weights


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The sum over layers of the Euclidean norm of the loss's gradient by the layer's weights, for
    the batch and cross-entropy (Abdelfattah et al. 2021, arXiv:2101.08134)."""
    with torch.enable_grad():
        loss = cross_entropy(network(images), labels)
    gradients = torch.autograd.grad(loss, weights(network), allow_unused=True)
    return float(sum(g.norm().double() for g in gradients if g is not None))
