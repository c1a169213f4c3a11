"""Which of the best few is the best: each retrained with several seeds, and chosen by the mean.

The best of many noisy validation scores flatters itself: it was lucky as well as good (the winner's
curse). What a candidate reaches in new trainings is not chosen by luck, so its mean is honest, up
to the choice among these few. The network that is delivered is the one of the first seed, whichever
seed came out best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from pathlib import Path
from statistics import fmean, variance

import torch
from torch import nn

from optunas.errors import StudyError
from optunas.objective import Candidate, Objective
from optunas.training import Diverged, Epoch, Recipe
from optunas.training.loop import train

SURE = 2.0  # standard errors


@dataclass(frozen=True)
class Entrant:
    """A candidate of the study, and how it is retrained. `searched`: its score in the search."""

    trial: int
    candidate: Candidate
    recipe: Recipe
    searched: float


@dataclass(frozen=True)
class Result:
    """What an entrant reached on the validation split, in each retraining; NaN where it failed."""

    trial: int
    params: int
    searched: float
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds; minus infinity where one failed, which may happen again."""
        mean = fmean(self.scores)
        return mean if isfinite(mean) else -float("inf")

    def __str__(self) -> str:
        """`trial 21: 0.9833 in the search; 0.9861, 0.9805 retrained, mean 0.9833`."""
        each = ", ".join(f"{score:.4f}" for score in self.scores)
        mean = f", mean {self.mean:.4f}" if len(self.scores) > 1 else ""
        return f"trial {self.trial}: {self.searched:.4f} in the search; {each} retrained{mean}"


@dataclass(frozen=True)
class Race:
    """All results, the best first: the highest mean, of equal ones the smallest network."""

    results: tuple[Result, ...]

    @classmethod
    def of(cls, results: Sequence[Result]) -> Race:
        """Raises `StudyError` where no entrant could be retrained."""
        if all(result.mean == -float("inf") for result in results):
            raise StudyError(
                "a winner must be trained to its end; each of the best diverged when it was "
                "retrained for longer: deliver with fewer epochs (--longer 1)"
            )
        return cls(tuple(sorted(results, key=lambda r: (-r.mean, r.params, r.trial))))

    @property
    def lead(self) -> float:
        """How far the first is before the second; NaN where it ran alone."""
        return self.results[0].mean - self.results[1].mean if len(self.results) > 1 else nan

    @property
    def error(self) -> float:
        """The standard error of that lead, from the spread between seeds; NaN for one seed."""
        spreads = [variance(r.scores) for r in self.results if len(r.scores) > 1 and r.mean > 0]
        if not spreads:
            return nan
        return sqrt(2 * fmean(spreads) / len(self.results[0].scores))

    @property
    def is_sure(self) -> bool:
        """Whether the lead is more than the seeds explain."""
        return self.lead > SURE * self.error

    def said(self) -> str:
        """How sure the choice is, in a line; empty where there was none."""
        first, *others = (result.trial for result in self.results)
        if not others:
            return ""
        sure = "more than" if self.is_sure else "within"
        noise = f"{sure} what seeds alone make" if isfinite(self.error) else "of one seed each"
        return f"trial {first} leads trial {others[0]} by {self.lead:.4f}, {noise}"


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
    metric: str,
    folder: Path,
    on_run: Callable[[str], None],
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Race, nn.Module]:
    """Retrain every entrant with every seed; gives the results, and the winner's network of the
    first seed. `metric`: `accuracy` or `f1`. Checkpoints in `folder` let it go on after a kill."""
    results = []
    network: nn.Module | None = None
    for entrant in entrants:
        scores = []
        for number, seed in enumerate(seeds, start=1):
            on_run(f"trial {entrant.trial}" + f", seed {number} of {len(seeds)}" * (len(seeds) > 1))
            file = folder / f"{entrant.trial}-{number}.pt"
            try:
                network, last = retrained(entrant, objective, seed, file, on_epoch)
                scores.append(float(getattr(last, metric)))
            except Diverged:
                scores.append(nan)
        params = entrant.candidate.params
        results.append(Result(entrant.trial, params, entrant.searched, tuple(scores)))
    found = Race.of(results)
    if network is None or len(entrants) * len(seeds) > 1:
        winner = next(one for one in entrants if one.trial == found.results[0].trial)
        file = folder / f"{winner.trial}-1.pt"
        network, _ = retrained(winner, objective, seeds[0], file)  # as its checkpoint has it
    return found, network
