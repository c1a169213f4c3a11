"""A search seen before it starts: draws of its space, priced and held against the limits.

Nothing here touches a study. It answers whether there is a network to find at all (a space whose
choices a database can't hold, networks that don't fit the images, limits that nothing meets: each
is an error now, when no trial has been spent), and draws what the search is compared with.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

from optunas.architecture import features
from optunas.architecture.layer import Shape
from optunas.errors import OptunasError, ShapeError, StudyError
from optunas.limits import Limits
from optunas.numeric import is_number
from optunas.objective.candidate import Candidate, Suggest, check_choices, propose, suggester
from optunas.proxies.names import SIZES
from optunas.proxies.probe import Probe
from optunas.spaces.draw import Draw, draw
from optunas.spaces.sight import View
from optunas.training.recipe import Recipe
from optunas.training.recipe_space import RecipeSpace

DRAWS = 1000
BROKEN = 20  # so many draws, all of them failed: the code of the space is wrong
SECONDS = 5.0  # for looking at an infeasible search; a feasible one shows at the first draws


class Misfit(StudyError):  # noqa: N818 - a fact about one draw, not somebody's error
    """A draw that can't be built for these images, or whose code failed; others may do."""


@dataclass(frozen=True)
class Proposal:
    """A candidate with the values that made it; `margin` is how far it is over its worst limit."""

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    candidate: Candidate
    margin: float


@dataclass(frozen=True)
class Prospect:
    """What decides which networks a search can find.

    With a `probe` its views tell zero-cost proxies too; a network is built for that.
    """

    space: Suggest
    recipe: Recipe | RecipeSpace
    input_shape: Shape
    classes: int
    limits: Limits
    probe: Probe | None = None

    def propose(self, trial: BaseTrial) -> Candidate:
        """What a trial chooses: the network and the recipe, priced and not built."""
        return propose(self.space, self.recipe, trial, self.input_shape, self.classes)

    def suggest(self, trial: BaseTrial) -> Candidate:
        """`propose`, for looks: whatever goes wrong in a person's own function is a misfit."""
        try:
            return self.propose(trial)
        except OptunasError:
            raise
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())
            raise Misfit(f"the search space failed on a random draw: {line}") from error

    def view(self, drawn: Draw) -> View:
        """What samplers see of a draw (`spaces.Sight`): the network, its recipe and its limits."""
        candidate = drawn.architecture
        recipe = json.dumps(candidate.recipe.to_json(), sort_keys=True)
        return View(
            drawn.params,
            drawn.distributions,
            f"{candidate.key}:{recipe}",
            self.margin(candidate),
            costly=candidate.architecture is None,
            describe=lambda: self._features(candidate),
            judge=lambda name: self.proxy(candidate, name),
        )

    def proxy(self, candidate: Candidate, name: str) -> float | None:
        """What a zero-cost proxy says of the candidate's network (`View.proxy`)."""
        if name in SIZES:
            return float(candidate.params if name == "params" else candidate.macs)
        if self.probe is None:
            return None
        seed, device = self.probe.seed, self.probe.device
        return self.probe.score(name, candidate.key, lambda: candidate.build(seed, device))

    def _features(self, candidate: Candidate) -> Mapping[str, float]:
        if candidate.architecture is None:
            return {
                "log2.params": log2(1 + candidate.params),
                "log2.macs": log2(1 + candidate.macs),
            }
        return features(candidate.architecture, self.input_shape, self.classes)

    def draw(self, rng: np.random.Generator, given: Mapping[str, Any] | None = None) -> Proposal:
        """A random candidate, with some values given.

        Raises `Misfit` for one that can't be built, `OptunasError` for choices that are no
        strings or numbers, and for what is no network at all.
        """
        try:
            drawn = draw(self.suggest, rng, given)
        except ShapeError as error:
            raise Misfit(str(error)) from error
        check_choices(drawn.distributions)
        candidate: Candidate = drawn.architecture
        return Proposal(drawn.params, drawn.distributions, candidate, self.margin(candidate))

    def margin(self, candidate: Candidate) -> float:
        """How far the candidate is over the limits that arithmetic can tell; 0 is within."""
        margins = self.limits.margins(params=candidate.params, macs=candidate.macs)
        return max(margins.values(), default=0.0)

    def random_params(self, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        """The parameters of random candidates within the limits, without end where there are many.

        The end comes after `DRAWS` draws in a row, or `SECONDS`, without one.
        """
        while True:
            deadline = time.monotonic() + SECONDS
            for _ in range(DRAWS):
                params = self._params_within(rng)
                if params is not None or time.monotonic() > deadline:
                    break
            if params is None:
                return
            yield params

    def baseline_params(self) -> dict[str, Any] | None:
        """The parameters of the space's own baseline, where it has one.

        Over the limits it is made smaller, as a person would: numbers are lowered a step at a time,
        first those that leave the network as deep as it is (channels), then the others (blocks,
        stages); operations are kept. None where that does not suffice.
        """
        if not hasattr(self.space, "baseline"):
            return None
        values: dict[str, Any] = dict(self.space.baseline())
        if isinstance(self.recipe, RecipeSpace):
            values |= self.recipe.baseline()
        rng = np.random.default_rng(0)
        try:
            proposal = self.draw(rng, values)
            while proposal.margin > 0:
                proposal = self._smaller(proposal, rng)
        except (Misfit, ValueError):  # ValueError: nothing makes it smaller
            return None
        return proposal.params

    def _smaller(self, proposal: Proposal, rng: np.random.Generator) -> Proposal:
        """One number lowered: as deep if possible, and the largest of those that fit."""
        steps = [self.draw(rng, lower) for lower in _lowered(proposal)]
        smaller = [step for step in steps if step.margin < proposal.margin]
        depth = self._depth(proposal)
        chosen = [step for step in smaller if self._depth(step) == depth] or smaller
        within = [step for step in chosen if step.margin <= 0]
        return max(within, key=_margin) if within else min(chosen, key=_margin)

    def _depth(self, proposal: Proposal) -> float:
        """Layers that learn, one after another; 0 where the network is not described."""
        architecture = proposal.candidate.architecture
        if architecture is None:
            return 0.0
        return features(architecture, self.input_shape, self.classes)["depth.longest"]

    def _params_within(
        self, rng: np.random.Generator, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        try:
            proposal = self.draw(rng, given)
        except Misfit:
            return None
        return proposal.params if proposal.margin <= 0 else None

    def check(self) -> None:
        """Find a network that fits the images and the limits; raise `OptunasError` if none does."""
        suggester(self.space)
        with warnings.catch_warnings():
            # Optuna warns of choices that a database can't hold; here they are an error
            warnings.filterwarnings("ignore", "Choices for a categorical distribution")
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
        self.misfit: Misfit | None = None
        self.draws = 0
        self.deadline = time.monotonic() + SECONDS
        while self.draws < DRAWS and not self.met and time.monotonic() < self.deadline:
            self.at({})
            if self.draws == BROKEN and self.closest is None and self._is_broken:
                return

    @property
    def met(self) -> bool:
        return self.closest is not None and self.closest.margin <= 0

    @property
    def _is_broken(self) -> bool:
        """Whether the last draw failed by an error in somebody's code, not by a shape."""
        return self.misfit is not None and not isinstance(self.misfit.__cause__, ShapeError)

    def at(self, given: Mapping[str, Any]) -> bool:
        """Draw with some values given; True where that is closer to the limits than before."""
        self.draws += 1
        try:
            proposal = self.prospect.draw(self.rng, given)
        except Misfit as error:
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
            if self._is_broken:
                return StudyError(str(self.misfit))
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


def _margin(proposal: Proposal) -> float:
    return proposal.margin


def _lowered(proposal: Proposal) -> Iterator[dict[str, Any]]:
    """The parameters with one number set to the next lower choice, for each number."""
    for name, distribution in proposal.distributions.items():
        value = proposal.params[name]
        choices = [choice for choice in _alternatives(distribution) if is_number(choice)]
        lower = [choice for choice in choices if is_number(value) and choice < value]
        if lower and not name.startswith("recipe."):
            yield {**proposal.params, name: max(lower)}


def _alternatives(distribution: BaseDistribution) -> tuple[Any, ...]:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return tuple(choices)
        case IntDistribution(low=low, high=high):
            return (low, high)
    return ()
