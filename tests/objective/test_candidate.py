"""Candidates: described or written, priced without being built."""

from typing import Any

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn

from optunas import Recipe, RecipeSpace
from optunas.architecture import Conv, GlobalPool, Linear, Sequential, cost, key
from optunas.errors import OptunasError, ShapeError, StudyError
from optunas.objective.candidate import Described, Written, check_choices, propose
from optunas.spaces.draw import draw

from ..small import RECIPE, SPACE, plain

SHAPE = (1, 8, 8)


def proposed(space: Any, recipe: Any = RECIPE, **params: Any) -> Any:
    return propose(space, recipe, FixedTrial(params), SHAPE, 10)


def test_a_described_candidate_has_the_price_and_key_of_its_description() -> None:
    drawn = draw(SPACE.suggest, np.random.default_rng(0))
    candidate = proposed(SPACE, **drawn.params)
    assert isinstance(candidate, Described)
    assert candidate.architecture == drawn.architecture
    price = cost(drawn.architecture, SHAPE, 10)
    assert (candidate.params, candidate.macs) == (price.params, price.macs)
    assert candidate.key == key(drawn.architecture, SHAPE, 10)
    network = candidate.build(0, torch.device("cpu"))
    assert sum(p.numel() for p in network.parameters()) == candidate.params


def test_a_description_that_is_no_classifier_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"must end in \(10,\) logits"):
        proposed(lambda trial: Sequential(Conv(4), GlobalPool()))
    with pytest.raises(ShapeError):
        proposed(lambda trial: Sequential(GlobalPool(), Linear(7)))


def test_pricing_a_written_network_takes_no_memory() -> None:
    def huge(trial: Any) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10**9), nn.Linear(10**9, 10))

    candidate = proposed(huge)
    assert isinstance(candidate, Written)
    assert candidate.params == 64 * 10**9 + 10**9 + 10 * 10**9 + 10


def test_the_seed_decides_the_weights_of_a_written_network_and_nothing_else() -> None:
    candidate = proposed(lambda trial: plain(3))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (candidate.build(seed, torch.device("cpu")) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_frozen_parameters_are_counted_because_they_ship_with_the_network() -> None:
    def half(trial: Any) -> nn.Module:
        network = plain(3)
        network[0].requires_grad_(False)  # type: ignore[operator]
        return network

    assert proposed(half).params == 3 * 9 + 3 + 4 * 3 * 10 + 10


@pytest.mark.parametrize(
    "network",
    [nn.Flatten(), nn.Sequential(nn.Flatten(), nn.Linear(64, 9)), nn.Conv2d(1, 10, 1)],
)
def test_a_written_network_with_another_answer_is_refused(network: nn.Module) -> None:
    with pytest.raises(ShapeError, match=r"logits of shape \(1, 10\); this one gave"):
        proposed(lambda trial: network.to_empty(device="meta"))


class Two(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


def test_a_network_with_two_answers_is_refused() -> None:
    with pytest.raises(ShapeError, match="tuple"):
        proposed(lambda trial: Two())


def test_the_recipe_is_the_given_or_the_suggested_one() -> None:
    assert proposed(lambda trial: plain(2)).recipe == RECIPE
    space = RecipeSpace(RECIPE, batch_size=(32, 64))
    params = {**space.baseline(), "recipe.batch_size": 32}
    assert proposed(lambda trial: plain(2), space, **params).recipe.batch_size == 32
    same = proposed(lambda trial: plain(2), space, **params).key
    assert same == proposed(lambda trial: plain(2), RECIPE).key  # a network is not its recipe


def with_choice(trial: Any) -> nn.Module:
    trial.suggest_categorical("activation", ("relu", "gelu"))
    return plain(trial.suggest_int("width", 2, 5))


def test_the_key_of_a_written_network_tells_choices_and_shapes() -> None:
    keys = {
        proposed(with_choice, activation=activation, width=width).key
        for activation in ("relu", "gelu")
        for width in (2, 3)
    }
    assert len(keys) == 4


class Shown(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(64, 10)

    def extra_repr(self) -> str:
        return object.__repr__(self)  # with its address

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x.flatten(1))  # type: ignore[no-any-return]


def test_the_key_of_a_written_network_has_no_address_in_it() -> None:
    networks = [Shown().to("meta") for _ in range(2)]  # both alive: their addresses differ
    keys = {proposed(lambda trial, n=n: n).key for n in networks}  # type: ignore[misc]
    assert repr(networks[0]) != repr(networks[1])
    assert len(keys) == 1


def test_choices_are_strings_and_numbers() -> None:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    check_choices(
        {"a": CategoricalDistribution(("x", 1, 0.5, True, None)), "b": IntDistribution(1, 2)}
    )
    with pytest.warns(UserWarning, match="persistent storage"):
        wrong = CategoricalDistribution(((1, 2), (3, 4)))
    with pytest.raises(OptunasError, match=r"'kernel' has \(1, 2\): suggest a name for it"):
        check_choices({"kernel": wrong})


@pytest.mark.parametrize("space", [None, 5, "convnet", Recipe()])
def test_what_is_no_space_is_said(space: Any) -> None:
    with pytest.raises(StudyError, match="a search space has a method suggest"):
        proposed(space)
