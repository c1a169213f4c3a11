"""Who keeps a study's page: while it runs and at its end, by one worker, at a bounded cost."""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna_dashboard import get_note, save_note

from optunas.report import Publisher, publisher
from optunas.report.publisher import MOST_BYTES, PLOTS
from optunas.search import search_for

from ..performance.made_up import made_up
from ..small import STUDY_FILE, Run

pytestmark = pytest.mark.usefixtures("quiet")


def plots(storage: optuna.storages.BaseStorage, study: optuna.Study) -> dict[str, Any]:
    """The plots that optuna-dashboard finds, by their names."""
    identifier = storage.get_study_id_from_name(study.study_name)
    attributes = storage.get_study_system_attrs(identifier)
    found: dict[str, dict[int, str]] = {}
    for key, value in attributes.items():
        if key.startswith("dashboard:plot_data:"):
            name, piece = key.removeprefix("dashboard:plot_data:").rsplit(":", 1)
            found.setdefault(name, {})[int(piece)] = value
    return {name: json.loads("".join(p for _, p in sorted(x.items()))) for name, x in found.items()}


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


def test_at_the_end_everything_is_there(storage: optuna.storages.BaseStorage) -> None:
    study = made_up(60, storage=storage)
    Publisher().close(study)
    found = plots(storage, study)
    assert set(found) == {f"optunas.{name}" for name in PLOTS}
    assert all(figure["data"] for figure in found.values())
    assert all(figure["layout"]["height"] <= 450 for figure in found.values())
    assert get_note(study).startswith("Best so far: trial [")


def test_it_is_written_while_the_search_runs_and_costs_no_wait() -> None:
    study, publish = optuna.create_study(), Publisher(every_s=0.0, share=1.0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1, callbacks=[publish])
    until = time.monotonic() + 60
    while "1 done" not in get_note(study) and time.monotonic() < until:
        time.sleep(0.1)
    assert "1 done" in get_note(study)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    publish.close(study)
    assert "2 done" in get_note(study)


def test_it_keeps_below_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(publisher.time, "monotonic", lambda: now[0])
    updates: list[float] = []

    class Slow(Publisher):
        def _write(self, study: optuna.Study) -> None:
            updates.append(now[0])
            now[0] += 3.0  # what an update takes

    study, publish = optuna.create_study(), Slow(every_s=10.0, share=0.02)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    trial = study.trials[0]
    for _ in range(400):
        publish(study, trial)
        if publish._thread is not None:
            publish._thread.join()
        now[0] += 1.0
    assert len(updates) == 3
    assert updates[1] - updates[0] == pytest.approx(3.0 / 0.02, abs=4.1)


def test_of_two_workers_one_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "PLOTS", ())
    study = optuna.create_study()
    one, other = Publisher(), Publisher()
    one._update(study)
    assert get_note(study) != ""
    save_note(study, "")
    other.close(study)  # the first one will write its own end
    assert get_note(study) == ""
    one.close(study)
    save_note(study, "")
    other.close(study)  # nobody else is left
    assert get_note(study) != ""


def test_what_a_person_has_written_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "PLOTS", ())
    study, publish = optuna.create_study(), Publisher()
    save_note(study, "what I think of it")
    publish._update(study)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    publish.close(study)
    assert "1 done" in get_note(study)
    assert get_note(study).count("what I think of it") == 1


@pytest.mark.parametrize("part", ["note", "plot"])
def test_a_failure_is_said_once_and_the_rest_is_written(
    part: str,
    storage: optuna.storages.BaseStorage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("nothing to divide")

    target = "study_note" if part == "note" else "PLOTS"
    monkeypatch.setattr(publisher, target, broken if part == "note" else ("cost", "nonsense"))
    study = made_up(5, storage=storage)
    with caplog.at_level(logging.WARNING, "optunas"):
        publish = Publisher()
        publish._update(study)
        publish.close(study)
    assert len([r for r in caplog.records if "not up to date" in r.message]) == 1
    assert "optunas.cost" in plots(storage, study)


@pytest.mark.parametrize("state", ["FAIL", "PRUNED", "RUNNING", None])
@pytest.mark.parametrize("objectives", [1, 2])
def test_with_nothing_to_show_each_plot_says_what_is_missing(
    state: str | None, objectives: int, storage: optuna.storages.BaseStorage, caplog: Any
) -> None:
    study = optuna.create_study(directions=["maximize"] * objectives, storage=storage)
    if state is not None:
        found = optuna.trial.create_trial(state=optuna.trial.TrialState[state])
        study.add_trials([found] * 3)
    with caplog.at_level(logging.WARNING, "optunas"):
        Publisher().close(study)
    assert [record.message for record in caplog.records] == []
    drawn = plots(storage, study)
    assert set(drawn) == {f"optunas.{name}" for name in PLOTS}
    for figure in drawn.values():
        assert len(json.dumps(figure["layout"])) > 50


def test_a_large_study_has_plots_of_bounded_size(
    storage: optuna.storages.BaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "PLOTS", ("timeline",))
    monkeypatch.setattr(publisher, "MOST_BYTES", 6_000)
    study = made_up(300, storage=storage)
    Publisher().close(study)
    (figure,) = plots(storage, study).values()
    assert 1_000 < len(json.dumps(figure, separators=(",", ":"))) <= 6_000
    assert MOST_BYTES == 150_000


def test_optunas_run_writes_all_of_it(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTUNAS_PAGES", "yes")
    (tmp_path / "few.py").write_text(STUDY_FILE)
    code, _, err = run("run", "few.py", "--trials", "2")
    assert (code, err) == (0, "")
    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path}/optunas.db")
    study = optuna.load_study(study_name="few", storage=storage)
    assert len(plots(storage, study)) == len(PLOTS)
    assert "2 done" in get_note(study)
    assert "`optunas run few.py --trials 2" in get_note(study)
    assert len(os.listdir(tmp_path / "optunas-runs" / "few" / "artifacts")) == 1 + 2 * 5


@pytest.mark.parametrize(("given", "variable", "kept"), [
    ({}, "yes", True), ({}, "", True), ({"pages": False}, "yes", False), ({}, "no", False),
])  # fmt: skip
def test_pages_can_be_left_out(
    given: dict[str, bool], variable: str, kept: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTUNAS_PAGES", variable)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    search = search_for("few.py", given)
    assert search.own is not None
    assert (search.pages, search.own.pages) == (kept, kept)
