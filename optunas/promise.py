"""A promise of time: what hours buy on this device, with these data, in this space.

Some random networks are trained for a few seconds each. From their pace follow the epochs and the
share of the images with which a search sees enough networks, about how many it will see, and how
long the winner's retraining will take. What was promised first is a fact of the study: whoever
joins or resumes it, with hours or without, trains by the same recipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna import Study
from optuna.trial import FixedTrial

from optunas.delivery.baselines import KINDS
from optunas.delivery.schedule import EXPORT_SECONDS, PACE_SECONDS
from optunas.delivery.winner import LONGER
from optunas.errors import StudyError
from optunas.facts import fact, settle
from optunas.machine import threads_for
from optunas.nn.passes import with_threads
from optunas.training.recipe import Recipe

if TYPE_CHECKING:
    from optunas.objective import Objective
    from optunas.search import Search
    from optunas.training.pace import Pace

ATTRIBUTE = "promise"
NETWORKS = 8  # whose pace is measured
SHARE, MOST = 0.05, 90.0  # of the time, and seconds, that measuring may take
FEWEST, MANY = 60, 300  # networks: with fewer a search learns little; with more, train each longer
PRUNED = 0.6  # of a full training is what a network takes on average, where weak ones are stopped
EPOCHS = 5  # a learning rate needs some to rise and to fall
IMAGES = 2000  # of the training split are the least that a search sees
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

    def describe(self) -> str:
        """One line for a person."""
        share = "" if self.train_fraction == 1 else f" on {self.train_fraction:.2g} of the images"
        kept = f"; {_said(self.winner)} are kept to retrain the winner" if self.winner else ""
        return (
            f"about {self.networks:,} networks, each up to {self.epochs} epochs{share}, "
            f"{_said(self.each)} in the middle{kept}"
        )


def measured_paces(
    objective: Objective, seconds: float, tell: Callable[[str], None] = lambda line: None
) -> list[Pace]:
    """The pace of random networks within the limits, measured for about `seconds` in all.

    Networks that fail (out of memory, say) are passed over, as the search will. Raises
    `StudyError` where all of them fail.
    """
    import torch

    from optunas.objective.failure import free_memory, reason
    from optunas.training.pace import pace

    prospect, device = objective.prospect, torch.device(objective.device)
    draws = prospect.random_params(np.random.default_rng([objective.seed, 5]))
    paces: list[Pace] = []
    why = "the space has none"
    end = time.monotonic() + seconds
    for number, params in zip(range(NETWORKS), draws, strict=False):
        candidate = prospect.propose(FixedTrial(params, number))
        try:
            network = candidate.build(number, device)
            paces.append(
                pace(
                    network,
                    objective.data,
                    candidate.recipe,
                    device=device,
                    engine=objective.engine,
                    seconds=seconds / NETWORKS / 2,  # as much goes into the start and validation
                )
            )
        except Exception as error:
            why = reason(error, objective.device)
            free_memory(objective.device)
        tell(f"measured {number + 1} of {NETWORKS} networks")
        if time.monotonic() > end and paces:
            break
    if not paces:
        raise StudyError(f"hours can't be planned, since no network could be trained: {why}")
    return paces


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
        count = max(1, round(share * images))
        return fmean(pace.whole(epochs, count) for pace in paces)

    def reserve(epochs: int) -> float:
        slow = _slow([pace.whole(LONGER * epochs, images) for pace in paces])
        race = RACE * (slow + PACE_SECONDS) + EXPORT_SECONDS
        return min(WINNER * seconds, race) if winner else 0.0

    def networks(epochs: int, share: float) -> float:
        each = BETWEEN + cost(epochs, share) * (PRUNED if pruned else 1.0)
        return workers * (seconds - reserve(epochs)) / each

    epochs, share = recipe.epochs, recipe.train_fraction
    if not decided:
        least = min(epochs, max(EPOCHS, epochs // 4))
        while networks(epochs, share) < FEWEST and epochs > least:
            epochs -= 1
        lowest = min(share, max(0.1, IMAGES / images))
        while networks(epochs, share) < FEWEST and share > lowest:
            share = max(lowest, round(share * 0.9, 3))
        while networks(epochs, share) > MANY and epochs < LONGER * recipe.epochs:
            epochs += 1
    count = max(1, round(share * images))
    return Promise(
        epochs=epochs,
        train_fraction=share,
        networks=max(1, round(networks(epochs, share))),
        each=median(pace.whole(epochs, count) for pace in paces),
        winner=reserve(epochs),
    )


def promise_for(
    search: Search,
    seconds: float,
    *,
    devices: Sequence[str | None] = (None,),
    winner: bool = False,
    decided: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Promise | None:
    """The promise of a search with `seconds` to go: the study's own, or a new one, measured now.

    devices: of each worker. The pace is that of the search's own; other GPUs are taken to be alike.
    None where there is nothing to plan: a search without hours or with any callable, and a study
    that has trials already, which keeps its recipe. `search.storage` is open.
    """
    if search.own is None:
        return None
    study = search.existing()
    if study is not None and (promised(study) or study.get_trials(deepcopy=False)):
        return promised(study)
    if search.plan.hours is None:
        return None
    begin = time.monotonic()
    on_cpu = search.own.device == "cpu"
    # On a CPU a worker has its share of the cores; so has what is measured for it.
    shares = len(devices) > 1 and on_cpu
    with with_threads(threads_for(len(devices))) if shares else nullcontext():
        paces = measured_paces(search.own, min(MOST, SHARE * seconds), tell)
    recipe = search.own.recipe
    return promise(
        paces,
        recipe if isinstance(recipe, Recipe) else recipe.base,
        len(search.own.data.train),
        seconds - (time.monotonic() - begin),
        # What workers gain on a GPU is not known before they share it: at least this.
        workers=len(devices) if on_cpu else len(set(devices) - {"cpu"}),
        pruned=search.is_pruned,
        winner=winner,
        decided=decided,
    )


def kept(search: Search, made: Promise | None) -> Search:
    """The search by the recipe that its study was promised.

    Its fingerprint stays that of the recipe as it was typed: what hours make of it is nobody's
    choice, and told to all by the promise.
    """
    if made is None or search.own is None:
        return search
    return replace(
        search, objective=keeping(search.own, made), fingerprint=search.agreed_fingerprint
    )


def keeping(objective: Objective, made: Promise) -> Objective:
    """The objective with the promised epochs and share of the images."""
    changes: dict[str, Any] = {"epochs": made.epochs, "train_fraction": made.train_fraction}
    recipe = objective.recipe
    if isinstance(recipe, Recipe):
        return replace(objective, recipe=replace(recipe, **changes))
    return replace(objective, recipe=replace(recipe, base=replace(recipe.base, **changes)))


def check_decided(objective: Objective, made: Promise) -> None:
    """Raise `StudyError` where the objective's recipe was typed, and is not the promised one."""
    recipe = objective.recipe if isinstance(objective.recipe, Recipe) else objective.recipe.base
    typed, bound = asdict(recipe), asdict(made)
    wrong = [
        f"{name} {bound[name]:.4g} in the study, {typed[name]:.4g} here"
        for name in ("epochs", "train_fraction")
        if typed[name] != bound[name]
    ]
    if wrong:
        raise StudyError(
            f"a study keeps what its hours were planned for: {', '.join(wrong)}; leave out "
            "--epochs and --train-fraction, or take another study name (--study)"
        )


def promised(study: Study) -> Promise | None:
    """What the study was promised, where it was."""
    return _read(fact(study, ATTRIBUTE))


def write_down(study: Study, made: Promise) -> Promise:
    """The promise that holds for all that join or resume the study: this, or an earlier one."""
    found = settle(study, ATTRIBUTE, asdict(made), lambda stored: _read(stored) is not None)
    return _read(found) or made


def _read(stored: Any) -> Promise | None:
    try:
        return Promise(**stored) if isinstance(stored, dict) else None
    except TypeError:  # of another version
        return None


def _slow(seconds: Sequence[float]) -> float:
    """The upper quartile: winners tend to be among the larger networks."""
    return quantiles(seconds, n=4)[2] if len(seconds) > 1 else seconds[0]


def _said(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 90 else f"{seconds / 60:.3g} min"
