"""Accuracy, macro F1 and the confusion matrix, counted on the device and read once.

All three follow from the matrix, in a few lines. torchmetrics knows them too, but importing it
costs every worker 2.3 s of CPU (it imports torchvision's models and scipy's signal processing),
more than a small network's training; scikit-learn's own wait for the device, batch by batch. The
tests hold these to scikit-learn's.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from optunas.training.results import Scores


class Tally:
    """Collects a network's answers on the device; they are read once, in `scores`."""

    def __init__(self, classes: int, device: torch.device | str = "cpu") -> None:
        self._classes = classes
        self._matrix = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        # a GPU of Apple's has no doubles; elsewhere many small losses are summed exactly enough
        exact = torch.float32 if self._matrix.device.type == "mps" else torch.float64
        self._loss = torch.zeros((), dtype=exact, device=device)

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: logits (B, classes), labels (B,)."""
        self._loss += cross_entropy(logits.float(), labels, reduction="sum")
        place = labels * self._classes + logits.argmax(1)
        self._matrix.scatter_add_(0, place, torch.ones_like(place))

    def scores(self, *, confusion: bool = False) -> Scores:
        """Everything that was added, in one transfer from the device."""
        matrix = self._matrix.view(self._classes, self._classes)
        count = self._matrix.sum()
        right, of_class, answered = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
        occurs = of_class + answered
        f1 = (2 * right / occurs.clamp_min(1)).sum() / (occurs > 0).sum()
        numbers = torch.stack([self._loss / count, right.sum() / count, f1]).tolist()
        rows = tuple(tuple(row) for row in matrix.tolist()) if confusion else None
        return Scores(numbers[0], numbers[1], numbers[2], rows)
