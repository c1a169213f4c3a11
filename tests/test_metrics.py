"""What a search can aim at."""

from typing import Any

import pytest

from optunas.errors import StudyError
from optunas.metrics import DIRECTIONS, check_metrics, directions


def test_more_is_better_of_what_is_learned_and_less_of_what_it_costs() -> None:
    better = {name for name, direction in DIRECTIONS.items() if direction == "maximize"}
    assert better == {"accuracy", "f1"}
    assert directions(["accuracy", "params"]) == ["maximize", "minimize"]


def test_one_name_may_stand_alone() -> None:
    assert check_metrics("f1") == ("f1",)
    assert check_metrics(["macs", "f1"]) == ("macs", "f1")


@pytest.mark.parametrize("metrics", [(), ("f1", "f1"), ("loss",), ("accuracy", 5)])
def test_other_metrics_are_refused(metrics: Any) -> None:
    with pytest.raises(StudyError):
        check_metrics(metrics)
