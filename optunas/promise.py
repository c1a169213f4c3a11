"""A promise of time: what hours buy on this device, with these data, in this space.

Some random networks are trained for a few seconds each. From their pace follow the epochs and the
share of the images with which a search sees enough networks, about how many it will see, and how
long the winner's retraining will take. Where even the cheapest recipe would let the search see next
to nothing, the networks themselves must be cheaper: their multiply-accumulates are limited as well
(in a space that is ours to choose, the stem may halve the images for that), and the pace of such
networks is measured. What was promised first is a fact of the study: whoever joins or resumes it,
with hours or without, trains by the same recipe, within the same limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING

from optunas.delivery.baselines import KINDS
from optunas.delivery.schedule import EXPORT_SECONDS, PACE_SECONDS
from optunas.delivery.winner import LONGER
from optunas.training.recipe import Recipe
from optunas.wording import count

if TYPE_CHECKING:
    from optunas.training.pace import Pace

FEWEST, MANY = 60, 300  # networks: with fewer a search learns little; with more, train each longer
PRUNED = 0.6  # of a full training is what a network takes on average, where weak ones are stopped
EPOCHS = 5  # a learning rate needs some to rise and to fall
IMAGES = 2000  # of the training split are the least that a search sees
NEXT_TO_NOTHING = 0.5  # of these fewest
TYPICAL = 0.6  # of a limit on computation is what a random network within it has; ConvNet
WINNER = 0.3  # of the time is the most that is kept for the winner and its baselines
RACE = 1 + len(KINDS)  # networks are retrained at the end
BETWEEN = 0.8  # seconds from one training to the next: proposing, building, storing; 2 CPU cores


@dataclass(frozen=True)
class Promise:
    """What a search of some hours will do. Times in seconds."""

    epochs: int
    train_fraction: float
    networks: int
    """about so many will be evaluated"""
    each: float
    """how long a network takes that is trained to the end, in the middle of many"""
    winner: float
    """what is kept for the retraining of the winner; 0 where it is not wanted"""
    macs: int | None = None
    """more multiply-accumulates no network may have, for want of time"""
    stem_stride: int | None = None
    """of `ConvNet`, where the space was not the person's own, for want of time"""

    def describe(self) -> str:
        """One line for a person."""
        share = "" if self.train_fraction == 1 else f" on {self.train_fraction:.2g} of the images"
        cheap = f" of at most {count(self.macs)} MACs" if self.macs is not None else ""
        coarse = (
            f" that see each {self.stem_stride}x{self.stem_stride} pixels as one"
            if self.stem_stride is not None
            else ""
        )
        kept = f"; {_said(self.winner)} are kept to retrain the winner" if self.winner else ""
        return (
            f"about {self.networks:,} networks{cheap}{coarse}, each up to {self.epochs} "
            f"epochs{share}, {_said(self.each)} in the middle{kept}"
        )


def sees_next_to_nothing(made: Promise, seconds: float, workers: float) -> bool:
    """Whether a search sees too few networks, and would see more of cheaper ones."""
    without_training = workers * (seconds - made.winner) / BETWEEN
    return made.networks < min(NEXT_TO_NOTHING * FEWEST, without_training / 2)


def affordable_macs(
    made: Promise,
    paces: Sequence[Pace],
    macs: Sequence[int],
    images: int,
    seconds: float,
    *,
    workers: float = 1,
    pruned: bool = True,
) -> int:
    """The limit on multiply-accumulates with which a search would see the fewest networks that it
    learns from, by the recipe of a promise that sees next to nothing; paces and macs are of random
    networks."""
    used = max(1, round(made.train_fraction * images))
    whole = [pace.whole(made.epochs, used) for pace in paces]
    rate = median(taken / one for taken, one in zip(whole, macs, strict=True))
    each = workers * (seconds - made.winner) / FEWEST - BETWEEN
    return max(1, round(max(each, BETWEEN) / (PRUNED if pruned else 1) / rate / TYPICAL))


def _cheapest(recipe: Recipe, images: int) -> tuple[int, float]:
    """The fewest epochs, and the smallest share of the images."""
    epochs = min(recipe.epochs, max(EPOCHS, recipe.epochs // 4))
    return epochs, min(recipe.train_fraction, max(0.1, IMAGES / images))


def promise(
    paces: Sequence[Pace],
    recipe: Recipe,
    images: int,
    seconds: float,
    *,
    workers: float = 1,
    pruned: bool = True,
    winner: bool = False,
    decided: bool = False,
) -> Promise:
    """What to do with `seconds`, given the pace of random networks.

    images: of the whole training split. workers: how many networks are trained at a time, at this
    pace. pruned: whether weak networks are stopped early. winner: whether its retraining is part
    of it. decided: keep the recipe's epochs and share, whatever comes of it.

    A recipe with which the search would see fewer than 60 networks is made cheaper: first fewer
    epochs, down to 5 or a quarter, then fewer images, down to 2,000 or a tenth. One with which it
    would see more than 300 gets up to three times the epochs.
    """

    def cost(epochs: int, share: float) -> float:
        used = max(1, round(share * images))
        return fmean(pace.whole(epochs, used) for pace in paces)

    def reserve(epochs: int) -> float:
        slow = _slow([pace.whole(LONGER * epochs, images) for pace in paces])
        race = RACE * (slow + PACE_SECONDS) + EXPORT_SECONDS
        return min(WINNER * seconds, race) if winner else 0.0

    def networks(epochs: int, share: float) -> float:
        each = BETWEEN + cost(epochs, share) * (PRUNED if pruned else 1.0)
        return workers * (seconds - reserve(epochs)) / each

    epochs, share = recipe.epochs, recipe.train_fraction
    if not decided:
        least, lowest = _cheapest(recipe, images)
        while networks(epochs, share) < FEWEST and epochs > least:
            epochs -= 1
        while networks(epochs, share) < FEWEST and share > lowest:
            share = max(lowest, round(share * 0.9, 3))
        while networks(epochs, share) > MANY and epochs < LONGER * recipe.epochs:
            epochs += 1
    used = max(1, round(share * images))
    return Promise(
        epochs=epochs,
        train_fraction=share,
        networks=max(1, round(networks(epochs, share))),
        each=median(pace.whole(epochs, used) for pace in paces),
        winner=reserve(epochs),
    )


def _slow(seconds: Sequence[float]) -> float:
    """The upper quartile: winners tend to be among the larger networks."""
    return quantiles(seconds, n=4)[2] if len(seconds) > 1 else seconds[0]


def _said(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 90 else f"{seconds / 60:.3g} min"
