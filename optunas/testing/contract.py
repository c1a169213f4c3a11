"""`SpaceContract`: what every search space keeps, ours and anybody's own.

A contract is a class of tests for pytest. Inherit it, say which space, and run pytest:

    class TestTower(SpaceContract):
        space = Tower()
        input_shape = (3, 32, 32)
        classes = 10
        promises = Path(__file__).with_name("tower.json")
"""

from __future__ import annotations

import json
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import BaseTrial

from optunas.architecture import Cost, Shape, cost, from_json, key, to_json
from optunas.architecture.layer import Layer
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces.draw import Draw, draw
from optunas.spaces.neighbours import mutate, neighbours
from optunas.spaces.space import suggestion
from optunas.testing.behaviour import same_function, structure
from optunas.testing.promises import broken

STEPS = 40  # neighbours that are looked at


class SpaceContract:
    """Inherit it in a test module; see the top of this file.

    * `space`: with a method `suggest(trial) -> Architecture`, or such a function in
      `staticmethod(...)`.
    * `draws`: so many random networks are described, priced, built on the meta device; `runs` of
      them (None: all) are run there, where torch counts their MACs: a fifth of a second each.
    * `pairs`: so many networks of equal price and unequal key are compared by what they answer.
    * `flat`: every trial has the same parameters. Say False for a conditional space.
    * `uncounted`: kinds of layer whose MACs torch's counter does not see, by name; networks that
      hold one are compared in parameters alone.
    * `promises`: the file that `optunas.testing.write_promises(space, path)` wrote when the space
      was new; names and choices must be those.
    """

    space: Any
    input_shape: Shape = (3, 32, 32)
    classes: int = 10
    draws: int = 500
    runs: int | None = None
    pairs: int = 8
    flat: bool = True
    uncounted: tuple[str, ...] = ()
    promises: Path | None = None

    def test_choices_are_strings_and_numbers_under_lasting_names(self) -> None:
        """Other choices come back from a database as something else."""
        for drawn in self._looked_at.draws:
            for name, distribution in drawn.distributions.items():
                assert name.strip() == name != "", f"{name!r} is no name for a parameter"
                for choice in getattr(distribution, "choices", ()):
                    assert isinstance(choice, str | int | float), f"{name} may be {choice!r}"

    def test_a_parameter_is_always_chosen_from_the_same(self) -> None:
        """Optuna allows no other; and a flat space asks for all of them in every trial."""
        first: dict[str, Any] = {}
        for drawn in self._looked_at.draws:
            for name, distribution in drawn.distributions.items():
                kept = first.setdefault(name, distribution)
                assert kept == distribution, f"{name} was {kept}, then {distribution}"
        if self.flat:
            for drawn in self._looked_at.draws:
                missing = first.keys() - drawn.distributions.keys()
                assert not missing, f"not asked for in every trial: {sorted(missing)}"

    def test_the_same_choices_make_the_same_network(self) -> None:
        """A stored trial must give back the network that was trained."""
        for drawn in self._looked_at.draws:
            again = draw(self._suggest, np.random.default_rng(1), drawn.params)
            assert again.params == drawn.params
            assert again.architecture == drawn.architecture, drawn.params

    def test_networks_are_built_and_have_the_parameters_that_were_priced(self) -> None:
        """On the meta device, by torch's own count."""
        for drawn, price in zip(self._looked_at.draws, self._looked_at.prices, strict=True):
            assert price.output_shape == (self.classes,), drawn.params
            network = build(drawn.architecture, self.input_shape, self.classes, device="meta")
            found = sum(parameter.numel() for parameter in network.parameters())
            assert found == price.params, drawn.params

    def test_networks_run_and_cost_what_was_priced(self) -> None:
        """Logits of the right shape; half of the operations that torch counts."""
        pairs = zip(self._looked_at.draws, self._looked_at.prices, strict=True)
        for drawn, price in islice(pairs, self.runs):
            network = build(drawn.architecture, self.input_shape, self.classes, device="meta")
            shapes: list[tuple[int, ...]] = []
            network.register_forward_hook(lambda *passed, kept=shapes: kept.append(passed[2].shape))
            _, macs = count(network, self.input_shape)
            assert shapes == [(1, self.classes)], drawn.params
            said = json.dumps(to_json(drawn.architecture))
            if not any(f'"{kind}"' in said for kind in self.uncounted):
                assert macs == price.macs, drawn.params

    def test_networks_come_back_from_json(self) -> None:
        """Equal, with an equal key."""
        for drawn in self._looked_at.draws:
            again = from_json(json.loads(json.dumps(to_json(drawn.architecture))))
            assert again == drawn.architecture, drawn.params
            assert self._key(again) == self._key(drawn.architecture), drawn.params

    def test_equal_keys_are_equal_networks(self) -> None:
        """Random networks and their neighbours: one key, one structure and one price."""
        for networks in self._by_key.values():
            if len(networks) == 1:
                continue
            kinds = {structure(self._on_meta(network)) for network in networks}
            assert len(kinds) == 1, f"one key for {networks[0]} and others"
            assert len({cost(n, self.input_shape, self.classes) for n in networks}) == 1

    def test_unequal_keys_are_unequal_networks(self) -> None:
        """Networks of one price and several keys answer differently."""
        by_price: dict[Cost, list[Layer]] = defaultdict(list)
        for networks in self._by_key.values():
            by_price[cost(networks[0], self.input_shape, self.classes)].append(networks[0])
        pairs = (pair for several in by_price.values() for pair in combinations(several, 2))
        for one, other in islice(pairs, self.pairs):
            same = same_function(one, other, self.input_shape, self.classes)
            assert not same, f"two keys, yet the same function:\n{one}\n{other}"

    def test_neighbours_differ_in_one_choice(self) -> None:
        """And each of them is a network of the space."""
        start = self._looked_at.draws[0]
        for step in self._some_neighbours(start):
            self._check_step(start, step)

    def test_mutations_differ_in_one_choice(self) -> None:
        """A chain of them stays in the space."""
        rng = np.random.default_rng(3)
        start = self._looked_at.draws[0]
        for _ in range(20):
            step = mutate(self.space, start.params, rng)
            self._check_step(start, step)
            start = step

    def test_it_works_with_random_search(self) -> None:
        """In a study in memory; costs stand in for training, here and below."""
        self._search(RandomSampler(seed=0), 6)

    def test_it_works_with_tpe(self) -> None:
        """Multivariate; in groups where the space is conditional."""
        sampler = TPESampler(
            seed=0, multivariate=True, group=not self.flat, n_startup_trials=6
        )  # fmt: skip
        self._search(sampler, 10)

    def test_it_works_with_a_gaussian_process(self) -> None:
        """Optuna's `GPSampler`."""
        self._search(GPSampler(seed=0, n_startup_trials=4), 6)

    def test_it_works_with_evolution(self) -> None:
        """Optuna's `NSGAIISampler`, into the third generation."""
        self._search(NSGAIISampler(seed=0, population_size=4), 12)

    def test_its_size_and_baseline_are_true(self) -> None:
        """Where it has them: no more networks than it says; a baseline that is one of them."""
        if hasattr(self.space, "size"):
            found = {self._key(drawn.architecture) for drawn in self._looked_at.draws}
            assert len(found) <= self.space.size()
        if hasattr(self.space, "baseline"):
            params = self.space.baseline()
            drawn = draw(self._suggest, np.random.default_rng(0), params)
            assert drawn.params == params
            assert cost(drawn.architecture, self.input_shape, self.classes).params > 0

    def test_names_and_choices_are_those_that_were_promised(self) -> None:
        """Stored studies hold them."""
        if self.promises is None:
            import pytest

            pytest.skip("say where its promises are kept: promises = Path(...)")
        assert self.promises.exists(), (
            f"write them once: optunas.testing.write_promises(space, {str(self.promises)!r})"
        )
        differences = broken(self.space, self.promises)
        assert not differences, (
            "studies that hold this space could not go on; give what changed a new name:\n"
            + "\n".join(differences)
        )

    @property
    def _suggest(self) -> Callable[[BaseTrial], Any]:
        return suggestion(self.space)

    @property
    def _looked_at(self) -> _Looked:
        return _look(type(self))  # type: ignore[arg-type]

    @property
    def _by_key(self) -> dict[str, list[Layer]]:
        return _near(type(self))  # type: ignore[arg-type]

    def _key(self, architecture: Layer) -> str:
        return key(architecture, self.input_shape, self.classes)

    def _on_meta(self, architecture: Layer) -> torch.nn.Module:
        return build(architecture, self.input_shape, self.classes, device="meta")

    def _some_neighbours(self, start: Draw) -> Iterator[Draw]:
        """A share of them, evenly spread, where there are many."""
        every = list(neighbours(self.space, start.params))
        yield from every[:: max(1, len(every) // STEPS)]

    def _check_step(self, start: Draw, step: Draw) -> None:
        shared = start.params.keys() & step.params.keys()
        changed = [name for name in shared if start.params[name] != step.params[name]]
        assert len(changed) == 1, f"one choice should have changed: {changed}"
        if self.flat:
            assert start.params.keys() == step.params.keys()
        price = cost(step.architecture, self.input_shape, self.classes)
        assert price.output_shape == (self.classes,), step.params

    def _search(self, sampler: BaseSampler, trials: int) -> None:
        def objective(trial: optuna.Trial) -> float:
            price = cost(self._suggest(trial), self.input_shape, self.classes)
            return math.log(1 + price.macs)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study = optuna.create_study(sampler=sampler)
            study.optimize(objective, n_trials=trials)
        assert len(study.trials) == trials
        assert all(math.isfinite(trial.values[0]) for trial in study.trials)
        if self.flat:
            names = {frozenset(trial.params) for trial in study.trials}
            assert len(names) == 1, "every trial should have the same parameters"


@dataclass(frozen=True)
class _Looked:
    """The random draws of a space, and their prices."""

    draws: list[Draw]
    prices: list[Cost]


@cache
def _look(contract: type[SpaceContract]) -> _Looked:
    """Drawn once for all tests of a contract."""
    self = contract()
    rng = np.random.default_rng(0)
    draws = [draw(self._suggest, rng) for _ in range(self.draws)]
    prices = [cost(drawn.architecture, self.input_shape, self.classes) for drawn in draws]
    return _Looked(draws, prices)


@cache
def _near(contract: type[SpaceContract]) -> dict[str, list[Layer]]:
    """Some random networks and neighbours of theirs, by key."""
    self = contract()
    found: dict[str, dict[Layer, None]] = defaultdict(dict)  # each description once
    for drawn in self._looked_at.draws[: STEPS // 2]:
        found[self._key(drawn.architecture)][drawn.architecture] = None
    for drawn in self._looked_at.draws[:2]:
        for step in self._some_neighbours(drawn):
            found[self._key(step.architecture)][step.architecture] = None
    return {name: list(networks) for name, networks in found.items()}
