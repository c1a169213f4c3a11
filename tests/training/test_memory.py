"""What a step of the recipe holds; the network is left as it was."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from optunas.data import Data
from optunas.nn.memory import MIB
from optunas.training import Recipe
from optunas.training.memory import training_memory_mb

from .conftest import MakeNetwork

RECIPE = Recipe(batch_size=64)


class Wide(nn.Module):
    """One matrix (64, 10,000), and its sum over groups: the weights are all that matters."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10_000, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1)).unflatten(1, (10, 1000)).sum(2)


def test_weights_gradients_and_the_optimizers_state(few: Data) -> None:
    weights = 64 * 10_000 * 4 / MIB
    for recipe, copies in (
        (RECIPE, 4),  # AdamW keeps two numbers a weight, SGD with momentum one
        (Recipe(batch_size=64, optimizer="sgd"), 3),
        (Recipe(batch_size=64, optimizer="sgd", momentum=0.0), 2),
        (Recipe(batch_size=64, ema=0.9), 5),  # and an average
    ):
        # and on the way back the gradient of (64, 10,000) answers
        answers = 64 * 10_000 * 4 / MIB
        found = training_memory_mb(Wide(), few, recipe)
        assert copies * weights <= found <= copies * weights + answers + 0.1, recipe


def test_it_grows_with_the_batch_by_what_is_kept_for_the_backward_pass(
    few: Data, make_network: MakeNetwork
) -> None:
    network = make_network()
    small, large = (
        training_memory_mb(network, few, replace(RECIPE, batch_size=b)) for b in (32, 64)
    )
    kept = 4 * (64 + 2 * 16 * 64 + 16 * 16 + 2 * 32 * 16)  # images, two maps, pooled, two maps
    assert 32 * kept < (large - small) * MIB < 32 * 3 * kept


def test_a_batch_has_no_more_images_than_there_are(few: Data, make_network: MakeNetwork) -> None:
    network = make_network()
    found = [training_memory_mb(network, few, replace(RECIPE, batch_size=b)) for b in (220, 4000)]
    assert found[0] == found[1]


def test_smaller_images_take_less(few: Data, make_network: MakeNetwork) -> None:
    network = make_network()
    whole, half = (training_memory_mb(network, few, replace(RECIPE, resolution=r)) for r in (8, 4))
    assert half < whole / 2


def test_what_is_done_to_the_images_counts(few: Data) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    plain = training_memory_mb(network, few, RECIPE)
    assert training_memory_mb(network, few, replace(RECIPE, mixup=0.2)) > plain


@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_random_numbers_are_left_as_they_were(
    training: bool, few: Data, make_network: MakeNetwork
) -> None:
    network = make_network(dropout=0.5).train(training)
    network.register_buffer("seen", torch.zeros(3), persistent=False)
    before = [t.clone() for t in (*network.parameters(), *network.buffers())]
    generator = torch.get_rng_state()
    training_memory_mb(network, few, RECIPE)
    after = [*network.parameters(), *network.buffers()]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert torch.equal(torch.get_rng_state(), generator)
    assert network.training is training
    assert all(p.grad is None for p in network.parameters())
    found = [training_memory_mb(network, few, RECIPE) for _ in range(2)]
    assert found[0] == found[1]
