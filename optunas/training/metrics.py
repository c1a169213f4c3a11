"""Accuracy, macro F1 and the confusion matrix, by torchmetrics, without waiting for the device."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from optunas.training.results import Scores


class Tally:
    """Collects a network's answers on the device; they are read once, in `scores`."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._losses: list[Tensor] = []
        self._answers: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: logits (B, classes), labels (B,)."""
        self._losses.append(cross_entropy(logits.float(), labels, reduction="sum"))
        self._answers.append(logits.argmax(1))
        self._labels.append(labels)

    def scores(self, *, confusion: bool = False) -> Scores:
        """Everything that was added, in one transfer from the device."""
        from torchmetrics.functional import classification as tm

        answers, labels = torch.cat(self._answers), torch.cat(self._labels)
        loss = torch.stack(self._losses).double().sum() / len(labels)
        count = self._classes
        accuracy = tm.multiclass_accuracy(answers, labels, count, "micro", validate_args=False)
        f1 = tm.multiclass_f1_score(answers, labels, count, "macro", validate_args=False)
        numbers = torch.stack([loss, accuracy.double(), f1.double()]).tolist()
        matrix = self._confusion(answers, labels) if confusion else None
        return Scores(numbers[0], numbers[1], numbers[2], matrix)

    def _confusion(self, answers: Tensor, labels: Tensor) -> tuple[tuple[int, ...], ...]:
        from torchmetrics.functional import classification as tm

        matrix = tm.multiclass_confusion_matrix(answers, labels, self._classes, validate_args=False)
        return tuple(tuple(row) for row in matrix.tolist())


def load_metrics() -> None:
    """Import torchmetrics now (seconds, the first time), so that no epoch's clock pays for it."""
    import torchmetrics.functional.classification  # noqa: F401
