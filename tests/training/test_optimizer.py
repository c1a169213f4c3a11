import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from optunas.training import NetworkError, Recipe
from optunas.training.optimizer import factor, make_optimizer, set_lr


class LayerScale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(4, 1, 1))


def network() -> nn.Module:
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(1, 4, 3),
            "batch": nn.BatchNorm2d(4),
            "scale": LayerScale(),
            "layer": nn.LayerNorm([4, 6, 6]),
            "linear": nn.Linear(4, 2),
        }
    )


def decayed_names(net: nn.Module, optimizer: torch.optim.Optimizer) -> set[str]:
    ids = {id(p) for g in optimizer.param_groups if g["weight_decay"] > 0 for p in g["params"]}
    return {name for name, parameter in net.named_parameters() if id(parameter) in ids}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_only_matrices_and_kernels_decay(name: str) -> None:
    net = nn.ModuleDict({k: m for k, m in network().named_children() if k != "layer"})
    optimizer = make_optimizer(net, Recipe(optimizer=name, weight_decay=0.1))
    assert decayed_names(net, optimizer) == {"conv.weight", "linear.weight"}
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    assert count == len(list(net.parameters()))


def test_a_normalisation_over_whole_pictures_does_not_decay() -> None:
    net = network()
    assert "layer.weight" not in decayed_names(net, make_optimizer(net, Recipe()))


def test_the_settings_arrive() -> None:
    sgd = make_optimizer(network(), Recipe(optimizer="sgd", lr=0.3, momentum=0.8))
    assert isinstance(sgd, SGD)
    assert all(g["nesterov"] and g["momentum"] == 0.8 and g["lr"] == 0.3 for g in sgd.param_groups)
    adamw = make_optimizer(network(), Recipe(optimizer="adamw", momentum=0.85))
    assert isinstance(adamw, AdamW)
    assert all(g["betas"] == (0.85, 0.999) for g in adamw.param_groups)
    plain = make_optimizer(network(), Recipe(optimizer="sgd", momentum=0))
    assert not any(g["nesterov"] for g in plain.param_groups)


def test_frozen_parameters_are_left_out() -> None:
    net = network()
    net["conv"].requires_grad_(False)  # type: ignore[index]
    optimizer = make_optimizer(net, Recipe())
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert not ids & {id(p) for p in net["conv"].parameters()}  # type: ignore[index]


def rates(net: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    return {name: rate[id(parameter)] for name, parameter in net.named_parameters()}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_part_with_an_lr_factor_learns_at_that_share_of_the_rate(name: str) -> None:
    net = nn.Sequential(network(), nn.Linear(2, 2))
    net[0].lr_factor = 0.1
    net[0]["conv"].lr_factor = 0.5  # type: ignore[index]  # the inner one counts
    optimizer = make_optimizer(net, Recipe(optimizer=name, lr=1.0, weight_decay=0.1))
    for rate in (1.0, 0.3):
        found = rates(net, optimizer)
        assert found["0.conv.weight"] == found["0.conv.bias"] == pytest.approx(0.5 * rate)
        assert found["0.linear.weight"] == found["0.batch.weight"] == pytest.approx(0.1 * rate)
        assert found["1.weight"] == pytest.approx(rate)
        set_lr(optimizer, 0.3)
    assert decayed_names(net, optimizer) == {"0.conv.weight", "0.linear.weight", "1.weight"}


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan])
def test_a_wrong_lr_factor_is_an_error(wrong: float) -> None:
    net = network()
    net["conv"].lr_factor = wrong  # type: ignore[index]
    with pytest.raises(NetworkError, match="lr_factor is a finite number above 0"):
        make_optimizer(net, Recipe())


@pytest.mark.parametrize("net", [nn.Flatten(), nn.Linear(2, 2).requires_grad_(False)])
def test_nothing_to_train_is_an_error(net: nn.Module) -> None:
    with pytest.raises(NetworkError, match="parameters to train"):
        make_optimizer(net, Recipe())


def test_cosine_equals_torchs() -> None:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        assert factor("cosine", step, 50) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_onecycle_warms_up_and_anneals() -> None:
    rates = [factor("onecycle", step, 100) for step in range(100)]
    assert rates[:3] == pytest.approx([1 / 21, 2 / 21, 3 / 21])
    assert rates[20] == 1.0 == max(rates)
    assert rates[60] == pytest.approx(0.5)  # half way down: 20 + 80 / 2
    assert rates[99] == pytest.approx((1 + math.cos(math.pi * 79 / 80)) / 2)
    assert all(a < b for a, b in pairwise(rates[:21]))
    assert all(a > b for a, b in pairwise(rates[20:]))
    assert 0 < rates[99] < 0.001


def test_constant_is_one() -> None:
    assert {factor("constant", step, 10) for step in range(10)} == {1.0}


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_shortest_runs_have_rates_too(schedule: str, steps: int) -> None:
    rates = [factor(schedule, step, steps) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == 1


def test_set_lr_reaches_every_group() -> None:
    optimizer = make_optimizer(network(), Recipe())
    set_lr(optimizer, 0.123)
    assert len(optimizer.param_groups) == 2
    assert all(group["lr"] == 0.123 for group in optimizer.param_groups)
