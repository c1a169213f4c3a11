"""The words for one's own space: names nest, spaces are flat, or conditional when told so."""

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import FixedTrial

from optunas.architecture import (
    Conv,
    ConvNorm,
    GlobalPool,
    Identity,
    Linear,
    Parallel,
    Sequential,
    cost,
    key,
)
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.spaces import (
    ConvNet,
    Scope,
    branches,
    cell,
    choice,
    draw,
    optional,
    repeat,
)

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)


def rng():
    return np.random.default_rng(0)


def block(scope, position):
    return choice(
        scope,
        "op",
        {
            "conv": lambda inner: Conv(8, choice(inner, "kernel", (3, 5))),
            "wide": Sequential(Conv(16), Conv(8)),
        },
    )


def tower(trial, flat=True):
    body = repeat(Scope(trial, flat=flat), "block", (1, 2, 3), block)
    return Sequential(Conv(8), body, GlobalPool(), Linear())


FLAT = {
    "block.count", *(f"block{n}.op" for n in (1, 2, 3)),
    *(f"block{n}.op.conv.kernel" for n in (1, 2, 3)),
}  # fmt: skip


def test_names_nest_as_the_network_does_and_all_are_asked_for():
    for seed in range(20):
        assert set(draw(tower, np.random.default_rng(seed)).params) == FLAT


def test_a_conditional_space_asks_for_what_is_active():
    given = {"block.count": 2, "block1.op": "wide", "block2.op": "conv"}
    drawn = draw(lambda trial: tower(trial, flat=False), rng(), given)
    assert set(drawn.params) == {*given, "block2.op.conv.kernel"}
    flat = draw(tower, rng(), drawn.params)
    assert flat.architecture == drawn.architecture


def test_what_is_not_active_makes_no_difference():
    params = {**draw(tower, rng()).params, "block.count": 1, "block1.op": "wide"}
    inactive = {"block3.op": "conv", "block1.op.conv.kernel": 5, "block2.op": "wide"}
    one, other = (tower(FixedTrial({**params, **more})) for more in ({}, inactive))
    assert one == other == Sequential(
        Conv(8), Sequential(Sequential(Conv(16), Conv(8))), GlobalPool(), Linear()
    )  # fmt: skip


def test_shared_blocks_are_chosen_once():
    def space(trial):
        return repeat(Scope(trial), "stage", (2, 4), block, shared=True)

    drawn = draw(space, rng(), {"stage.count": 4, "stage.op": "conv", "stage.op.conv.kernel": 5})
    assert set(drawn.params) == {"stage.count", "stage.op", "stage.op.conv.kernel"}
    assert drawn.architecture == Sequential(*[Conv(8, 5)] * 4)


def test_a_choice_of_values_needs_no_names():
    drawn = draw(lambda trial: choice(Scope(trial, "a"), "width", (8, 16)), rng())
    assert drawn.params == {"a.width": drawn.architecture}


def test_optional_is_there_or_not():
    def space(trial):
        return optional(Scope(trial), "gate", lambda s: Conv(choice(s, "width", (4, 8))))

    params = {"gate": "yes", "gate.yes.width": 4}
    assert space(FixedTrial(params)) == Conv(4)
    assert space(FixedTrial({**params, "gate": "no"})) == Sequential()


def test_branches_stand_side_by_side():
    def space(trial):
        return branches(Scope(trial), "way", (1, 2), block, join="concat")

    params = {"way.count": 2, "way1.op": "wide", "way1.op.conv.kernel": 3, "way2.op": "conv",
              "way2.op.conv.kernel": 5}  # fmt: skip
    expected = Parallel(Sequential(Conv(16), Conv(8)), Conv(8, 5), join="concat")
    assert space(FixedTrial(params)) == expected
    assert cost(expected, (3, 8, 8)).output_shape == (16, 8, 8)


OPS = {"skip": Identity(), "conv": lambda scope: ConvNorm(8, choice(scope, "kernel", (1, 3)))}


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        ({"nodes": 3}, 6),
        ({"nodes": 3, "inputs": 2}, 12),
        ({"nodes": 2, "concat": True}, 3),
    ],
)
def test_cells_are_graphs(arguments, choices):
    def space(trial):
        inner = cell(Scope(trial), "cell", ops=OPS, **arguments)
        return Sequential(Conv(8), inner, Conv(8), inner, GlobalPool(), Linear())

    keys = set()
    for seed in range(30):
        drawn = draw(space, np.random.default_rng(seed))
        assert len([name for name in drawn.params if "kernel" not in name]) == choices
        price = cost(drawn.architecture, (3, 8, 8), 10)
        network = build(drawn.architecture, (3, 8, 8), 10)
        assert sum(p.numel() for p in network.parameters()) == price.params
        assert network(torch.zeros(2, 3, 8, 8)).shape == (2, 10)
        keys.add(key(drawn.architecture, (3, 8, 8), 10))
    assert len(keys) > 5


def test_a_node_of_a_cell_sums_what_its_edges_give():
    names = {"c.node1.from0": "twice", "c.node2.from0": "skip", "c.node2.from1": "skip"}
    ops = {"skip": Identity(), "twice": Parallel(Identity(), Identity())}
    graph = cell(Scope(FixedTrial(names)), "c", 2, ops)
    x = torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(build(graph, (4, 3, 3))(x), 3 * x)


def test_a_space_stands_below_a_scope():
    space = ConvNet(stages=(1,))
    drawn = draw(lambda trial: space.suggest(Scope(trial) / "left" / "net"), rng())
    assert {name.split(".")[:2] == ["left", "net"] for name in drawn.params} == {True}
    plain = {name.removeprefix("left.net."): value for name, value in drawn.params.items()}
    assert draw(space.suggest, rng(), plain).architecture == drawn.architecture


def test_a_scope_is_a_trial():
    study = optuna.create_study()
    trial = study.ask()
    scope = Scope(Scope(trial, "a"), "b")
    assert scope.suggest_int("depth", 1, 3) == trial.params["a.b.depth"]
    assert 0.1 <= scope.suggest_float("rate", 0.1, 1, log=True) <= 1
    trial.suggest_int("other", 1, 2)
    assert set(scope.params) == set(scope.distributions) == {"depth", "rate"}
    scope.set_user_attr("seen", 1)
    scope.report(0.5, 1)
    assert scope.should_prune() is False
    assert (scope.number, scope.user_attrs) == (trial.number, {"seen": 1})
    assert scope.datetime_start == trial.datetime_start


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (lambda s: choice(s, "op", {}), "'op' has nothing"),
        (lambda s: repeat(s, "block", (), Conv(8)), "got the counts \\(\\)"),
        (lambda s: repeat(s, "block", (-1,), Conv(8)), "repeated 0 or more times"),
        (lambda s: branches(s, "way", (0, 1), Conv(8)), "branches are one or more"),
        (lambda s: cell(s, "cell", 0, OPS), "a cell has nodes"),
    ],
)
def test_wrong_arguments_are_named(space, message):
    with pytest.raises(OptunasError, match=message):
        draw(lambda trial: space(Scope(trial)), rng())
