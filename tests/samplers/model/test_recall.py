"""What is remembered changes nothing but the time that it takes."""

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from optunas.samplers.model.encoding import Encoder
from optunas.samplers.model.gaussian import Points
from optunas.samplers.model.recall import Recall
from optunas.samplers.model.table import Table
from optunas.spaces import NASBench201
from optunas.spaces.sight import Remembering, View, sight_of

KINDS = {"op": CategoricalDistribution(("conv", "pool")), "rate": FloatDistribution(0, 2)}


def view(params: dict, **features: float) -> View:
    kinds = {name: KINDS[name] for name in params}
    return View(params, kinds, str(params), describe=lambda: features)


VIEWS = [
    view({"op": "conv", "rate": 0.5}, depth=1.0, width=3.0),
    view({"op": "pool"}, depth=2.0),
    view({"op": "conv", "rate": 2.0}, depth=4.0, paths=2.0),
]


def test_results_are_worked_out_once_for_equal_arguments() -> None:
    calls: list[float] = []

    def total(points: Points, factor: float) -> float:
        calls.append(factor)
        return factor * float(points.blocks[0].sum())

    def points(value: float) -> Points:
        return Points((np.full((2, 2), value),), np.zeros(2, dtype=np.int64))

    recall = Recall()
    found = [recall.once(total, points(x), f) for x, f in ((1, 1.0), (2, 1.0), (1, 2.0), (1, 1.0))]
    assert found == [4.0, 8.0, 8.0, 4.0]
    assert calls == [1.0, 1.0, 2.0]


def test_shapes_are_told_apart() -> None:
    recall = Recall()
    shapes = [recall.once(np.shape, np.zeros(shape)) for shape in ((2, 3), (3, 2), (6,))]
    assert shapes == [(2, 3), (3, 2), (6,)]


def test_random_networks_are_drawn_once_for_a_seed() -> None:
    sight = Remembering(sight_of(NASBench201()))
    recall = Recall()
    first = recall.drawn(sight, (1, 2), 5)
    assert recall.drawn(sight, (1, 2), 5) is first
    assert [v.key for v in Recall().drawn(sight, (1, 2), 5)] == [v.key for v in first]
    assert [v.key for v in recall.drawn(sight, (1, 3), 5)] != [v.key for v in first]


@pytest.mark.parametrize("before", [[], VIEWS[2:], VIEWS[::-1]])
def test_networks_are_encoded_alike_whatever_was_met_before(before: list[View]) -> None:
    table = Table()
    table.rows(before)
    wanted = Encoder(VIEWS[:2])(VIEWS[:2])
    found = Encoder(VIEWS[:2], table=table)(VIEWS[:2])
    assert len(found) == len(wanted)
    for block, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(block, other)


def test_more_rows_and_columns_than_there_was_room_for() -> None:
    many = [view({"op": "conv"}, **{f"feature{i:03}": 1.0 + i}) for i in range(200)]
    (block,) = Encoder(many)(many)
    assert block.shape == (200, 200)
    assert (block > 0).sum() == 200
    assert (np.diag(block) > 0).all()


def test_a_number_that_a_network_lacks_stands_in_the_middle() -> None:
    *_, numbers = Encoder(VIEWS)(VIEWS)
    low, absent, high = numbers[:, 0]
    assert (absent - low) == pytest.approx((high - low) / 3)
