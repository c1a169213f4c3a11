"""The pictures and the note that each trial gets, in real searches; none of it may cost a trial."""

import io
import json
import logging
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.trial import FrozenTrial, TrialState
from optuna_dashboard import get_note, save_note
from PIL import Image

from optunas import Limits
from optunas.attributes import Outcome, outcome
from optunas.report import trial_pages
from optunas.report.gallery import Gallery
from optunas.report.note import ROOM

from ..small import plain, small_objective

pytestmark = pytest.mark.usefixtures("quiet")
ALL = ["1 network.svg", "2 curve.svg", "3 curve.csv", "4 confusion.svg", "5 mistakes.png"]


def searched(folder: Path, trials: int, study: Any = None, **changes: Any) -> optuna.Study:
    storage = f"sqlite:///{folder}/studies.db"
    if study is None:
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(study_name="s", storage=storage, sampler=sampler,
                                    direction="maximize")  # fmt: skip
    objective = small_objective(pages=True, checkpoints=folder / "run" / "checkpoints", **changes)
    study.optimize(objective, n_trials=trials)
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    """Fourteen trials, of which some are rejected, and some reused."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return searched(tmp_path_factory.mktemp("s"), 14, limits=Limits(params=6_000))


def files(study: optuna.Study, trial: FrozenTrial) -> dict[str, bytes]:
    """The artifacts of a trial by name, as the dashboard would read them."""
    storage = study.trials and optuna.storages.get_storage(URLS[study.study_name])
    gallery = Gallery(storage)
    return {
        meta.filename: gallery.open_reader(meta.artifact_id).read()
        for meta in get_all_artifact_meta(trial, storage=storage)
    }


URLS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    URLS["s"] = f"sqlite:///{tmp_path}/studies.db"
    if "study" in request.fixturenames:
        folder = Path(request.getfixturevalue("study").user_attrs["optunas.pictures"]["folder"])
        URLS["s"] = f"sqlite:///{folder.parents[1]}/studies.db"


def test_each_end_has_the_pictures_that_there_can_be(study: optuna.Study) -> None:
    seen = set()
    for trial in study.trials:
        end = outcome(trial)
        names = sorted(files(study, trial))
        seen.add(end)
        if end is Outcome.REJECTED:
            assert names == ALL[:1]
        elif end is Outcome.TRAINED and trial.number < 3:
            assert names == ALL
        else:
            assert names in (ALL[:3], ALL)
    assert {Outcome.REJECTED, Outcome.REUSED, Outcome.TRAINED} <= seen


def test_pictures_are_what_they_say_and_small(study: optuna.Study) -> None:
    best = study.best_trial
    found = files(study, best)
    for name, content in found.items():
        assert len(content) < 200_000
        if name.endswith(".svg"):
            ElementTree.fromstring(content)
    assert found["3 curve.csv"].decode().splitlines()[1].startswith("1,")
    assert f"{100 * best.user_attrs['accuracy']:.2f} %".encode() in found["2 curve.svg"]
    assert Image.open(io.BytesIO(found["5 mistakes.png"])).width > 90


def test_the_mime_types_are_those_that_the_dashboard_shows_inline(study: optuna.Study) -> None:
    storage = optuna.storages.get_storage(URLS["s"])
    types = {
        meta.filename: meta.mimetype
        for meta in get_all_artifact_meta(study.best_trial, storage=storage)
    }
    svg = dict.fromkeys(ALL[:2] + ALL[3:4], "image/svg+xml")
    assert types == {**svg, "3 curve.csv": "text/csv", "5 mistakes.png": "image/png"}


def test_each_trial_has_a_note_of_one_piece(study: optuna.Study) -> None:
    for trial in study.trials:
        note = note_of(study, trial)
        assert 0 < len(note) <= ROOM
        end = outcome(trial)
        assert end is not None
        assert note.startswith(f"**{end.value.capitalize()}**")
        if end is Outcome.REUSED:
            assert f"(?numbers={trial.user_attrs['reused_from']})" in note
        if end is Outcome.REJECTED:
            assert "`over its limits: params " in note
    assert "F1 by class, the worst first" in note_of(study, study.best_trial)


def note_of(study: optuna.Study, trial: FrozenTrial) -> str:
    """Trials of the first study of a storage are numbered from 1 there."""
    return get_note(optuna.trial.Trial(study, trial.number + 1))


def test_what_can_be_sorted_are_numbers(study: optuna.Study) -> None:
    for name in ("params", "macs", "margin.params"):
        assert all(type(trial.user_attrs[name]) in (int, float) for trial in study.trials)
    trained = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    for name in ("accuracy", "f1", "train_seconds"):
        assert all(type(trial.user_attrs[name]) is float for trial in trained)


def test_a_function_of_ones_own_has_all_but_the_diagram(tmp_path: Path) -> None:
    made = searched(tmp_path, 1, space=lambda trial: plain(trial.suggest_int("width", 4, 8)))
    assert sorted(files(made, made.trials[0])) == ALL[1:]


def test_a_network_that_fails_says_why(tmp_path: Path) -> None:
    def broken(trial: optuna.trial.BaseTrial) -> Any:
        raise RuntimeError("no <b>such</b> layer")

    made = searched(tmp_path, 1)
    searched(tmp_path, 1, made, space=lambda t: broken(t) if t.number else plain(4))
    assert made.trials[1].state is TrialState.FAIL
    assert "`RuntimeError: no <b>such</b> layer`" in note_of(made, made.trials[1])


@pytest.mark.parametrize("where", ["upload", "save_note", "pictures", "trial_note"])
def test_a_full_disk_costs_no_trial_and_is_said_once(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "optuna_dashboard.save_note" if where == "save_note" else f"{trial_pages.__name__}.{where}",
        full,
    )
    monkeypatch.setattr(trial_pages, "PAUSE_SECONDS", 0.0)
    with caplog.at_level(logging.WARNING, "optunas"):
        made = searched(tmp_path, 3)
    assert [trial.state for trial in made.trials] == [TrialState.COMPLETE] * 3
    said = [record.message for record in caplog.records if "page" in record.message]
    assert len(said) == 1
    assert "No space left on device" in said[0]


def test_after_a_failure_it_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(*_: Any) -> None:
        calls.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trial_pages, "upload", full)
    searched(tmp_path, 3)
    assert len(calls) == 1


def test_only_the_first_trials_and_the_best_have_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_pages, "NOTED", 2)
    monkeypatch.setattr("optunas.objective.closer.FEW", 1)
    made = searched(tmp_path, 8, reuse=False)
    best = -1.0
    for trial in made.trials:
        noted = note_of(made, trial) != ""
        is_best = trial.values[0] >= best
        best = max(best, trial.values[0])
        assert noted == (trial.number < 2 or is_best), trial.number
    assert any(note_of(made, trial) == "" for trial in made.trials)


def test_what_a_person_wrote_while_the_trial_ran_stays(tmp_path: Path) -> None:
    made = optuna.create_study(study_name="s", direction="maximize")

    def objective(trial: optuna.Trial) -> Any:
        save_note(trial, "**mine**")
        return small_objective(pages=True)(trial)

    made.optimize(objective, n_trials=1)
    note = get_note(optuna.trial.Trial(made, 0))
    assert note.startswith("**Trained**")
    assert note.endswith("\n---\n\n**mine**")


def test_pages_can_be_left_out(tmp_path: Path) -> None:
    made = optuna.create_study(study_name="s", direction="maximize")
    made.optimize(small_objective(pages=False, checkpoints=tmp_path / "checkpoints"), n_trials=1)
    assert not (tmp_path / "artifacts").exists()
    assert json.dumps(made.user_attrs) == "{}"


def test_the_sheet_shows_the_images_of_the_validation_split(tmp_path: Path) -> None:
    """The surest mistake's pixels are those of one of the data's images, as stored."""
    from optunas.report.mistakes import GAP, HEAD, TILE

    made = searched(tmp_path, 1)
    sheet = Image.open(io.BytesIO(files(made, made.trials[0])["5 mistakes.png"])).convert("L")
    first = np.asarray(sheet.crop((GAP, HEAD, GAP + TILE, HEAD + TILE)))[::12, ::12]
    images = small_objective().data.validation.images.numpy()[:, 0]
    assert (images == first).all(axis=(1, 2)).any()
