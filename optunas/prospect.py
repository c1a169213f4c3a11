"""A search seen before it starts: draws of its space, priced and held against the limits.

Nothing here touches a study. It answers whether there is a network to find at all (a space whose
choices a database can't hold, networks that don't fit the images, limits that nothing meets: each
is an error now, when no trial has been spent), and draws what the search is compared with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

from .architecture.layer import Shape
from .candidate import Candidate, Suggest, check_choices, propose, suggester
from .errors import OptunasError, ShapeError, StudyError
from .limits import Limits
from .spaces.draw import draw
from .training.recipe import Recipe
from .training.recipe_space import RecipeSpace

DRAWS = 1000
SECONDS = 5.0  # for looking at an infeasible search; a feasible one shows at the first draws


@dataclass(frozen=True)
class Proposal:
    """A candidate with the values that made it; `margin` is how far it is over its worst limit."""

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    candidate: Candidate
    margin: float


@dataclass(frozen=True)
class Prospect:
    """What decides which networks a search can find."""

    space: Suggest
    recipe: Recipe | RecipeSpace
    input_shape: Shape
    classes: int
    limits: Limits

    def propose(self, trial: BaseTrial) -> Candidate:
        """What a trial chooses: the network and the recipe, priced and not built."""
        return propose(self.space, self.recipe, trial, self.input_shape, self.classes)

    def draw(self, rng: np.random.Generator, given: Mapping[str, Any] | None = None) -> Proposal:
        """A random candidate, with some values given.

        Raises `OptunasError` for choices that are no strings or numbers, and for whatever a
        person's own code raises.
        """
        candidates: list[Candidate] = []
        try:
            drawn = draw(lambda trial: candidates.append(self.propose(trial)), rng, given)
        except OptunasError:
            raise
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())
            raise StudyError(f"the search space failed on a random draw: {line}") from error
        check_choices(drawn.distributions)
        return Proposal(
            drawn.params, drawn.distributions, candidates[0], self.margin(candidates[0])
        )

    def margin(self, candidate: Candidate) -> float:
        """How far the candidate is over the limits that arithmetic can tell; 0 is within."""
        margins = self.limits.margins(params=candidate.params, macs=candidate.macs)
        return max(margins.values(), default=0.0)

    def random_params(self, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        """The parameters of random candidates within the limits, without end."""
        while True:
            proposal = self.draw(rng)
            if proposal.margin <= 0:
                yield proposal.params

    def baseline_params(self) -> dict[str, Any] | None:
        """The parameters of the space's own baseline, where it has one and it meets the limits."""
        values: dict[str, Any] = {}
        for part in (self.space, self.recipe):
            values |= getattr(part, "baseline", dict)()
        if not hasattr(self.space, "baseline"):
            return None
        proposal = self.draw(np.random.default_rng(0), values)
        return proposal.params if proposal.margin <= 0 else None

    def check(self) -> None:
        """Find a network that fits the images and the limits; raise `OptunasError` if none does."""
        suggester(self.space)
        look = _Look(self)
        if not look.met:
            look.descend()
        if not look.met:
            raise look.failure()


class _Look:
    """Random draws, until one meets the limits: the closest so far, and the last misfit."""

    def __init__(self, prospect: Prospect) -> None:
        self.prospect = prospect
        self.rng = np.random.default_rng(0)
        self.closest: Proposal | None = None
        self.misfit: ShapeError | None = None
        self.draws = 0
        self.deadline = time.monotonic() + SECONDS
        while self.draws < DRAWS and not self.met and time.monotonic() < self.deadline:
            self.at({})

    @property
    def met(self) -> bool:
        return self.closest is not None and self.closest.margin <= 0

    def at(self, given: Mapping[str, Any]) -> bool:
        """Draw with some values given; True where that is closer to the limits than before."""
        self.draws += 1
        try:
            proposal = self.prospect.draw(self.rng, given)
        except ShapeError as error:
            self.misfit = error
            return False
        if self.closest is not None and proposal.margin >= self.closest.margin:
            return False
        self.closest = proposal
        return True

    def descend(self) -> None:
        """Change one choice at a time for the better, until the limits are met or nothing helps."""
        better = self.closest is not None
        deadline = self.deadline + SECONDS
        while better:
            better = False
            for params in self._neighbours():
                if self.met or time.monotonic() > deadline:
                    return
                better = self.at(params) or better

    def _neighbours(self) -> Iterator[dict[str, Any]]:
        assert self.closest is not None
        for name, distribution in self.closest.distributions.items():
            for value in _alternatives(distribution):
                yield {**self.closest.params, name: value}

    def failure(self) -> OptunasError:
        if self.closest is None:
            shape = "x".join(map(str, self.prospect.input_shape))
            return StudyError(
                f"none of {self.draws} random networks of the space fits images of {shape}: "
                f"{self.misfit}"
            )
        smallest = self.closest.candidate
        return StudyError(
            f"no network meets the limits ({self.prospect.limits}): the smallest of {self.draws} "
            f"has {smallest.params:,} parameters and {smallest.macs:,} MACs; raise the limits, or "
            "narrow the space to smaller networks"
        )


def _alternatives(distribution: BaseDistribution) -> tuple[Any, ...]:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return tuple(choices)
        case IntDistribution(low=low, high=high):
            return (low, high)
    return ()
