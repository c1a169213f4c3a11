"""Everything that a network says of a split, for whoever wants more than scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optunas.training.engine import Engine
from optunas.training.inputs import Inputs
from optunas.training.kernels import chosen_kernels
from optunas.training.loop import answered, batch_for_answers
from optunas.training.metrics import Tally
from optunas.training.place import batches_of
from optunas.training.results import Scores

if TYPE_CHECKING:
    from optunas.data import Data, Split


Logits = NDArray[np.float64]
Labels = NDArray[np.int64]


def logits_of(
    network: nn.Module,
    split: Split,
    data: Data,
    *,
    device: str | torch.device,
    precision: str = "fp32",
    engine: Engine = Engine(),
) -> tuple[Logits, Labels]:
    """Logits (N, classes) and labels (N,) of the split, in its order.

    network: x (B, C, H, W) float -> logits (B, classes), on `device`.
    """
    device = torch.device(device)
    size = batch_for_answers(split, device)
    batches, inputs = batches_of(split, device, engine, batch_size=size), Inputs(data, device)
    with chosen_kernels(device, engine.deterministic):
        told = [
            (logits.float().cpu(), labels.cpu())
            for _, labels, logits in answered(
                network, batches, inputs, len(data.classes), precision
            )
        ]
    logits, labels = (torch.cat(parts).numpy() for parts in zip(*told, strict=True))
    return logits.astype(np.float64), labels


def scores_of(logits: Logits, labels: Labels) -> Scores:
    """The same figures as while training, with the confusion matrix."""
    tally = Tally(logits.shape[1])
    tally.add(torch.from_numpy(logits).float(), torch.from_numpy(labels))
    return tally.scores(confusion=True)
