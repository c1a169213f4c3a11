"""One worker keeps a study's page; another one where that one ended, was killed or is silent."""

import time
from typing import Any

import optuna
import pytest

from optunas.process import this_process
from optunas.report.lease import ATTRIBUTE, GRACE_SECONDS, Lease

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def test_one_has_it_until_it_gives_it_back(study: optuna.Study) -> None:
    one, other = Lease(), Lease()
    assert one.take(study, 30)
    assert not other.take(study, 30)
    assert one.take(study, 30)
    other.give_back(study)
    assert not other.take(study, 30)
    one.give_back(study)
    assert other.take(study, 30)
    assert not one.take(study, 30)


def test_a_dead_worker_of_this_host_has_lost_it_at_once(study: optuna.Study) -> None:
    gone = {**this_process(), "pid": 2**22 + 1}
    study.set_user_attr(ATTRIBUTE, {"until": time.time() + 50, "token": "x", "worker": gone})
    assert Lease().take(study, 30)


def test_a_silent_worker_loses_it_after_its_time(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, began = Lease(), Lease(), time.time()
    assert one.take(study, 30)
    monkeypatch.setattr("optunas.report.lease.time.time", lambda: began + 29 + GRACE_SECONDS)
    assert not other.take(study, 30)
    monkeypatch.setattr("optunas.report.lease.time.time", lambda: began + 32 + GRACE_SECONDS)
    assert other.take(study, 30)


@pytest.mark.parametrize(
    "nonsense", ["x", 7, [], {}, {"until": "never"}, {"until": 1e18}, {"until": None, "worker": []}]
)
def test_nonsense_is_no_lease(study: optuna.Study, nonsense: Any) -> None:
    study.set_user_attr(ATTRIBUTE, nonsense)
    assert Lease().take(study, 30)
