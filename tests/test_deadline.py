"""The end of a search belongs to the study."""

import time
from typing import Any

import optuna
import pytest

from optunas.deadline import ATTRIBUTE, agree_on_deadline, deadline_of, plan_until
from optunas.worker import Plan


def test_who_joins_ends_with_the_others_and_who_comes_later_counts_anew() -> None:
    study = optuna.create_study()
    assert deadline_of(study) is None
    soon = time.time() + 0.5
    assert agree_on_deadline(study, soon) == soon
    assert agree_on_deadline(study, soon + 1000) == soon == deadline_of(study)
    time.sleep(max(0.0, soon - time.time()) + 0.01)
    assert agree_on_deadline(study, soon + 1000) == soon + 1000


@pytest.mark.parametrize("nonsense", ["soon", None, True, [1], -5, 1e300, float("inf")])
def test_nonsense_is_no_deadline(nonsense: Any) -> None:
    study = optuna.create_study()
    study.set_user_attr(ATTRIBUTE, nonsense)
    assert deadline_of(study) is None
    wished = time.time() + 60
    assert agree_on_deadline(study, wished) == wished


def test_a_plan_has_the_hours_that_are_left() -> None:
    end = time.time() + 3600
    assert plan_until(Plan(5, 9.0), end, reserve=1800).hours == pytest.approx(0.5, abs=0.01)
    assert plan_until(Plan(5, 9.0), 1.0).hours == pytest.approx(1 / 3600)
    assert plan_until(Plan(5), end) == Plan(5)
    assert plan_until(Plan(hours=9.0), None) == Plan(hours=9.0)
