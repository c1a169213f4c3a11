"""Facts of a study: one value for all, whoever came first."""

import threading
from pathlib import Path

import optuna
import pytest

from optunas.facts import TURN, fact, settle
from optunas.storage import open_storage


def test_the_first_value_stays_as_long_as_it_holds() -> None:
    study = optuna.create_study()
    assert settle(study, "x", 1) == 1
    assert settle(study, "x", 2) == 1
    assert settle(study, "x", 3, lambda found: found > 1) == 3
    assert study.user_attrs == {"x": 3}


def test_who_comes_while_another_decides_waits_for_the_decision() -> None:
    """It must not take for a fact what the other may still give up."""
    study = optuna.create_study()
    study.set_user_attr("x", {TURN: "another's"})
    assert fact(study, "x") is None
    threading.Timer(0.5, study.set_user_attr, ("x", 7)).start()
    assert settle(study, "x", 1) == 7
    assert fact(study, "x") == 7


def test_who_was_overtaken_in_its_turn_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study()
    writes = iter([{TURN: "another's"}, 7])
    monkeypatch.setattr(
        "optunas.facts.time.sleep", lambda seconds: study.set_user_attr("x", next(writes))
    )
    assert settle(study, "x", 1) == 7


def test_a_turn_whose_owner_is_gone_passes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optunas.facts.GONE_SECONDS", 0.2)
    study = optuna.create_study()
    study.set_user_attr("x", {TURN: "a dead one's"})
    assert settle(study, "x", 1) == 1


def test_a_database_decides_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path}/s.db"))
    monkeypatch.setattr("optunas.facts.time.sleep", lambda seconds: pytest.fail("it waited"))
    assert settle(study, "x", 1) == 1
    assert settle(study, "x", 2) == 1
    assert settle(study, "x", 3, lambda found: found > 1) == 3
    assert study.user_attrs == {"x": 3}


@pytest.mark.parametrize("turn", range(2))
@pytest.mark.parametrize("kind", ["sqlite", "journal"])  # one that swaps, and one that takes turns
def test_of_those_that_begin_at_once_all_go_by_the_same(
    tmp_path: Path, kind: str, turn: int
) -> None:
    url = f"{kind}:///{tmp_path}/s.db"
    optuna.create_study(study_name="s", storage=open_storage(url))
    gate = threading.Barrier(3)
    found: list[int] = []

    def worker(number: int) -> None:
        study = optuna.load_study(study_name="s", storage=open_storage(url))
        gate.wait()
        found.append(settle(study, "x", number))

    threads = [threading.Thread(target=worker, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
