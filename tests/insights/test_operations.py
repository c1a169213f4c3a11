"""Kinds of layers by depth, laid out by hand."""

import numpy as np
import pytest

from optunas.architecture import (
    Activation,
    BasicBlock,
    ConvNorm,
    GlobalPool,
    Linear,
    MBConv,
    Parallel,
    Pool,
    Sequential,
    to_json,
)  # fmt: skip
from optunas.insights import operations
from optunas.insights.operations import BINS, FEWEST, LEAST, OTHER, SHOWN, spread_out

from .made import a_trial, study_of


def network(*middle):
    return to_json(Sequential(ConvNorm(8), *middle, GlobalPool(), Linear()))


def study_with(networks):
    """(value, architecture) each."""
    return study_of(
        [a_trial(n, value=v, attributes={"architecture": a}) for n, (v, a) in enumerate(networks)]
    )


def share(found, kind, depth):
    return next(one for one in found.shares if (one.kind, one.depth) == (kind, depth))


def test_layers_take_equal_parts_of_the_depth():
    shares = spread_out([("a",), ("b",), ("a",), ("c",)])
    quarter = [1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0]
    assert shares["b"] == pytest.approx([0, 0, 0.5, 1, 1, 0, 0, 0, 0, 0])
    assert shares["a"] == pytest.approx(np.add(quarter, [0, 0, 0, 0, 0, 1, 1, 0.5, 0, 0]))
    assert sum(shares.values()) == pytest.approx(np.ones(BINS))


def test_branches_share_a_place():
    shares = spread_out([("a", "b")])
    assert shares["a"] == pytest.approx([0.5] * BINS)


def test_the_best_are_made_of_something_else():
    good, bad = network(MBConv(8, kernel=5)), network(BasicBlock(8))
    found = operations(study_with([(1.0 + n / 100, good) for n in range(10)] + [(0.0, bad)] * 90))
    assert (found.best, found.networks) == (10, 100)
    assert found.kinds == ("ConvNorm", "BasicBlock", "MBConv 5x5", "GlobalPool", "Linear")
    middle = share(found, "MBConv 5x5", 3)  # the second of four layers: 0.25 to 0.5
    assert (middle.best, middle.all) == pytest.approx((1.0, 0.1))
    assert share(found, "BasicBlock", 3).all == pytest.approx(0.9)
    assert share(found, "ConvNorm", 0).best == 1.0
    assert not share(found, "ConvNorm", 0).sure
    for depth in range(BINS):
        assert sum(s.all for s in found.shares if s.depth == depth) == pytest.approx(1)


def test_a_difference_is_sure_where_it_is_no_chance():
    rng = np.random.default_rng(0)
    kinds = (MBConv(8), BasicBlock(8))
    planted = [
        (float(n), network(kinds[rng.random() < (0.1 if n >= 150 else 0.9)])) for n in range(200)
    ]
    chance = [(float(n), network(kinds[rng.random() < 0.5])) for n in range(200)]
    assert share(operations(study_with(planted)), "MBConv", 3).sure
    assert not any(one.sure for one in operations(study_with(chance)).shares)


def test_intervals_are_students():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(1)
    kinds = (MBConv(8), BasicBlock(8))
    picks = rng.integers(0, 2, 120)
    found = operations(
        study_with([(float(n), network(kinds[pick])) for n, pick in enumerate(picks)])
    )
    taken = 1.0 - picks[::-1]  # the best first: who has MBConv
    test = ttest_ind(taken[:12], taken[12:])
    low, high = test.confidence_interval(0.95)
    one = share(found, "MBConv", 3)
    assert (one.low, one.high) == pytest.approx((0.9 * low, 0.9 * high))
    assert one.best - one.all == pytest.approx(taken[:12].mean() - taken.mean())


def test_what_computes_nothing_takes_no_place():
    plain = network(Pool("max", 2))
    odd = to_json(
        Sequential(ConvNorm(8), Activation("relu"), Pool("max", 2), GlobalPool(), Linear())
    )
    one, other = (operations(study_with([(n, a) for n in range(FEWEST)])) for a in (plain, odd))
    assert one.shares == other.shares


def test_parallel_branches_of_a_description():
    both = network(Parallel(MBConv(8), BasicBlock(8)))
    found = operations(study_with([(n, both) for n in range(FEWEST)]))
    assert share(found, "MBConv", 3).all == pytest.approx(0.5)


def test_rare_kinds_are_put_together():
    odd = [network(BasicBlock(8, kernel=2 * (n % 15) + 1)) for n in range(60)]
    found = operations(study_with([(float(n), a) for n, a in enumerate(odd)]))
    assert len(found.kinds) == SHOWN + 1
    assert found.kinds[-1] == OTHER
    assert share(found, OTHER, 3).all == pytest.approx(1 - 6 * 4 / 60)


def test_the_best_are_five_at_least_and_less_is_better_where_the_study_minimises():
    good, bad = network(MBConv(8)), network(BasicBlock(8))
    rows = [(0.0, good)] * 5 + [(1.0, bad)] * 20
    made = [a_trial(n, value=v, attributes={"architecture": a}) for n, (v, a) in enumerate(rows)]
    found = operations(study_of(made, ("minimize",)))
    assert found.best == LEAST
    assert share(found, "MBConv", 3).best == pytest.approx(1)
    assert share(found, "MBConv", 3).sure


@pytest.mark.parametrize(
    "bad",
    [None, "x", [], {}, {"layer": 3}, {"layer": "Sequential", "layers": "x"},
     {"layer": "Sequential", "layers": [None, 3, {"layer": []}]}],
)  # fmt: skip
def test_what_is_no_architecture_is_no_network(bad: object):
    rows = [(float(n), network(MBConv(8))) for n in range(FEWEST)]
    assert operations(study_with([*rows, (9.0, bad)])).networks == FEWEST
    assert operations(study_with([(1.0, bad)] * 30)).shares == ()


def test_a_bottomless_architecture_ends():
    said: dict = {"layer": "ConvNorm"}
    for _ in range(60):
        said = {"layer": "Sequential", "layers": [said]}
    assert operations(study_with([(1.0, said)] * 30)).shares == ()
