"""What training hands back: plain numbers, no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Epoch:
    """One finished epoch, as `train` yields it."""

    number: int
    """counts from 1"""
    of: int
    """the epochs of the whole run"""
    train_loss: float
    """mean over the epoch's batches, label smoothing included, while the weights moved"""
    loss: float
    """mean cross-entropy over the validation split, without label smoothing; this and what follows
    of the averaged weights where the recipe has `ema`"""
    accuracy: float
    """on the validation split, 0..1"""
    f1: float
    """macro F1 on the validation split, 0..1"""
    seconds: float
    """training and validation together, wall-clock"""
    images_per_second: float
    """training images seen per second of training alone"""
    engine: str = ""
    """where the images lay and how the steps were run: "images resident, steps captured\""""


@dataclass(frozen=True)
class Scores:
    """How a network does on one split."""

    loss: float
    """mean cross-entropy per image"""
    accuracy: float
    """0..1"""
    f1: float
    """macro F1, 0..1: the mean over the classes that occur in the labels or in the answers"""
    confusion: tuple[tuple[int, ...], ...] | None = None
    """confusion[true class][answer] = images; only where it was asked for"""


@dataclass(frozen=True)
class Mistake:
    """An image that a network took for something else."""

    image: "NDArray[np.uint8]"
    """(H, W, C), as it was stored: neither normalised nor augmented"""
    true: int
    answer: int
    confidence: float
    """the probability that the network gave to its answer, 0..1"""


@dataclass(frozen=True)
class Answers:
    """What a trained network answers on the validation split."""

    confusion: tuple[tuple[int, ...], ...]
    """confusion[true class][answer] = images"""
    mistakes: tuple[Mistake, ...]
    """the surest first"""
