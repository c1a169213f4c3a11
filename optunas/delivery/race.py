"""Which of the best few is the best: each retrained with several seeds, and chosen by the mean.

The best of many noisy validation scores flatters itself: it was lucky as well as good (the winner's
curse). What a candidate reaches in new trainings is not chosen by luck, so its mean is honest, up
to the choice among these few. The network that is delivered is the one of the first seed, whichever
seed came out best. Baselines run in the same race, by the same rule: where one of them is better
than all that the search has found, it is said, and it is the one to deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan, sqrt
from pathlib import Path
from statistics import fmean, variance

import torch
from torch import nn

from optunas.delivery.choice import Rule
from optunas.errors import StudyError
from optunas.metrics import LEARNED
from optunas.objective import Candidate, Objective
from optunas.training import Diverged, Epoch, Recipe
from optunas.training.loop import train

SURE = 2.0  # standard errors
ACCURACY = Rule(("accuracy",))


@dataclass(frozen=True)
class Entrant:
    """A network to be retrained, and how.

    `trial`: of the study; None for a baseline. `searched`: its score in the search. `values`: what
    is known of it besides, by metric.
    """

    name: str
    candidate: Candidate
    recipe: Recipe
    trial: int | None = None
    searched: float = nan
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What an entrant reached on the validation split, in each retraining; NaN where it failed.

    `merit` is how good that is by the rule of the race.
    """

    name: str
    trial: int | None
    params: int
    macs: int
    searched: float
    scores: tuple[float, ...]
    merit: float

    @property
    def mean(self) -> float:
        """Over the seeds; minus infinity where one failed, which may happen again."""
        mean = fmean(self.scores)
        return mean if isfinite(mean) else -float("inf")

    def __str__(self) -> str:
        """`trial 21: 0.9833 in the search; 0.9861, 0.9805 retrained, mean 0.9833`."""
        each = ", ".join(f"{score:.4f}" for score in self.scores)
        mean = f", mean {self.mean:.4f}" if len(self.scores) > 1 else ""
        if self.trial is None:
            return f"{self.name}, {self.params:,} parameters: {each} by the same recipe{mean}"
        return f"{self.name}: {self.searched:.4f} in the search; {each} retrained{mean}"


@dataclass(frozen=True)
class Race:
    """All results, the best by the rule first; of equal ones the smallest network."""

    results: tuple[Result, ...]
    rule: Rule = ACCURACY

    @classmethod
    def of(cls, results: Sequence[Result], rule: Rule = ACCURACY) -> Race:
        """Raises `StudyError` where no entrant of the study could be retrained."""
        if all(result.mean == -float("inf") for result in results if result.trial is not None):
            raise StudyError(
                "a winner must be trained to its end; each of the best diverged when it was "
                "retrained for longer: deliver with fewer epochs (--longer 1)"
            )
        return cls(tuple(sorted(results, key=lambda r: (-r.merit, r.params, r.name))), rule)

    @property
    def searched(self) -> tuple[Result, ...]:
        """Those that the search has found."""
        return tuple(result for result in self.results if result.trial is not None)

    @property
    def baselines(self) -> tuple[Result, ...]:
        """Those that it is compared with."""
        return tuple(result for result in self.results if result.trial is None)

    @property
    def error(self) -> float:
        """The standard error of a lead, from the spread between seeds; NaN for one seed."""
        spreads = [variance(r.scores) for r in self.results if len(r.scores) > 1 and r.mean > 0]
        if not spreads:
            return nan
        return sqrt(2 * fmean(spreads) / len(self.results[0].scores))

    def is_sure(self, lead: float) -> bool:
        """Whether a lead is more than the seeds explain."""
        return lead > SURE * self.error

    def said(self) -> tuple[str, ...]:
        """How sure the choice is, and what the search was worth: a line each."""
        lines = []
        if len(self.searched) > 1:
            lines.append(self._led(*self.searched[:2]))
        if self.baselines:
            search, baseline = self.searched[0], self.baselines[0]
            if self.search_won:
                lines.append(f"the search beat its baselines: {self._led(search, baseline)}")
            else:
                led = self._led(baseline, search)
                lines.append(f"the search did not beat its baselines: {led}; it is the winner")
        return tuple(lines)

    @property
    def search_won(self) -> bool:
        """Whether the first was found by the search."""
        return self.results[0].trial is not None

    def _led(self, first: Result, second: Result) -> str:
        """`trial 3 leads trial 5 by 0.0123, within what seeds alone make`."""
        if not self.rule.is_of_one:
            return f"{first.name} is before {second.name} by the rule: {self.rule}"
        lead = first.mean - second.mean
        if not isfinite(lead):
            return f"{first.name} leads {second.name}, which diverged"
        sure = "more than" if self.is_sure(lead) else "within"
        noise = f"{sure} what seeds alone make" if isfinite(self.error) else "of one seed each"
        return f"{first.name} leads {second.name} by {lead:.4f}, {noise}"


def retrained(
    entrant: Entrant,
    objective: Objective,
    seed: int,
    checkpoint: Path,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[nn.Module, Epoch]:
    """The entrant's network, trained from scratch, and its last epoch.

    What the checkpoint holds already is not trained again. Raises `Diverged`.
    """
    network = entrant.candidate.build(seed, torch.device(objective.device))
    last = None
    for epoch in train(
        network,
        objective.data,
        entrant.recipe,
        device=objective.device,
        seed=seed,
        checkpoint=checkpoint,
        engine=objective.engine,
    ):
        last = epoch
        if on_epoch is not None:
            on_epoch(epoch)
    assert last is not None  # a recipe has an epoch or more
    return network.eval(), last


def race(
    entrants: Sequence[Entrant],
    objective: Objective,
    seeds: Sequence[int],
    rule: Rule,
    folder: Path,
    on_run: Callable[[str], None],
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Race, nn.Module]:
    """Retrain every entrant with every seed; gives the results, and the winner's network of the
    first seed. Checkpoints in `folder` let it go on after a kill."""
    results = []
    for entrant in entrants:
        ends: list[Mapping[str, float]] = []
        for number, seed in enumerate(seeds, start=1):
            on_run(entrant.name + f", seed {number} of {len(seeds)}" * (len(seeds) > 1))
            ends.append(
                _end(entrant, objective, seed, checkpoint_of(folder, entrant, number), on_epoch)
            )
        results.append(_result(entrant, ends, rule))
    found = Race.of(results, rule)
    winner = next(one for one in entrants if one.name == found.results[0].name)
    network, _ = retrained(
        winner, objective, seeds[0], checkpoint_of(folder, winner, 1)
    )  # a checkpoint's
    return found, network


def _end(
    entrant: Entrant,
    objective: Objective,
    seed: int,
    checkpoint: Path,
    on_epoch: Callable[[Epoch], None] | None,
) -> dict[str, float]:
    """What is learned after the last epoch, by metric; NaN where it diverged."""
    try:
        _, last = retrained(entrant, objective, seed, checkpoint, on_epoch)
    except Diverged:
        return dict.fromkeys(LEARNED, nan)
    return {metric: float(getattr(last, metric)) for metric in LEARNED}


def _result(entrant: Entrant, ends: Sequence[Mapping[str, float]], rule: Rule) -> Result:
    means = {metric: fmean(end[metric] for end in ends) for metric in LEARNED}
    return Result(
        name=entrant.name,
        trial=entrant.trial,
        params=entrant.candidate.params,
        macs=entrant.candidate.macs,
        searched=entrant.searched,
        scores=tuple(end[rule.learned] for end in ends),
        merit=rule.merit({**entrant.values, **means}),
    )


def checkpoint_of(folder: Path, entrant: Entrant, number: int) -> Path:
    """Where the training with the seed of this number, from 1 on, leaves its epochs."""
    return folder / f"{entrant.name.replace(' ', '-')}-{number}.pt"
