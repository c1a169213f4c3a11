"""What is searched: targets, settings of files, options, and which of them wins."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from PIL import Image

from optunas import Objective, RecipeSpace
from optunas.errors import OptunasError, StudyError
from optunas.search import Search, in_words, search_for
from optunas.training import Epoch
from optunas.worker import Plan

from .small import PLAIN_FILE, STUDY_FILE, small_objective


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "plain.py").write_text(PLAIN_FILE)


def write(extra: str) -> str:
    Path("few.py").write_text(STUDY_FILE + extra)
    return "few.py"


def own(search: Search) -> Objective:
    assert search.own is not None
    return search.own


@pytest.mark.parametrize(
    ("in_file", "options", "plan"),
    [
        ("", {}, Plan(40, None)),
        ("trials = 5", {}, Plan(5, None)),
        ("hours = 2", {}, Plan(None, 2)),
        ("trials = 5; hours = 2", {}, Plan(5, 2)),
        ("trials = 5", {"hours": 1.0}, Plan(None, 1.0)),
        ("hours = 2", {"trials": 3}, Plan(3, None)),
        ("", {"trials": 3, "hours": 1.0}, Plan(3, 1.0)),
    ],
)
def test_how_long_is_said_by_the_command_line_else_the_file(
    in_file: str, options: dict[str, Any], plan: Plan
) -> None:
    Path("plain.py").write_text(PLAIN_FILE + in_file)
    assert search_for("plain.py", options).plan == plan


@pytest.mark.parametrize(
    ("in_file", "options", "seed"),
    [("", {}, 0), ("seed = 5", {}, 5), ("seed = 5", {"seed": 6}, 6), ("", {"seed": 0}, 0)],
)
def test_one_seed_for_the_sampler_and_the_weights(
    in_file: str, options: dict[str, Any], seed: int
) -> None:
    search = search_for(write(in_file), options)
    assert search.seed == own(search).seed == seed


def test_the_seed_of_an_objective_counts_where_nothing_else_is_said() -> None:
    Path("seeded.py").write_text(
        STUDY_FILE.replace("on_epoch=on_epoch", "seed=9") + "\nname = 'a/b'\n"
    )
    search = search_for("seeded.py", {})
    assert search.seed == own(search).seed == 9
    assert own(search).checkpoints == Path("optunas-runs/a%2Fb/checkpoints")


def test_options_none_count_as_not_given() -> None:
    search = search_for("few.py", {"trials": None, "epochs": None, "metrics": None})
    assert own(search).epochs == 3
    assert own(search).metrics == ("accuracy",)
    assert search.random_draws == 2


def test_limits_of_the_file_and_of_the_command_line_add_up() -> None:
    file = STUDY_FILE.replace("on_epoch=on_epoch", "limits=optunas.Limits(params=9000, macs=10**8)")
    Path("few.py").write_text(file)
    limits = own(search_for("few.py", {"params": 800})).limits
    assert dict(limits) == {"params": 800, "macs": 10**8}


def test_a_typed_batch_size_is_not_searched() -> None:
    recipe = own(search_for("few.py", {"suggest_recipe": True, "batch_size": 32})).recipe
    assert isinstance(recipe, RecipeSpace)
    assert (recipe.base.batch_size, recipe.batch_size) == (32, None)


@pytest.mark.parametrize(
    ("sampler", "is_random"),
    [("random", True), ("Random()", True), (optuna.samplers.RandomSampler(), True), ("tpe", False)],
)
def test_a_random_search_needs_no_random_draws(sampler: Any, is_random: bool) -> None:
    search = Search(small_objective(), "s", sampler=sampler, random_draws=1, plan=Plan(trials=1))
    study = optuna.create_study(direction="maximize")
    told: list[Any] = []
    watch = type("W", (), {n: lambda self, *a: told.append(a) for n in ("began", "ended", "note")})
    search.run(study, watch())
    assert len(study.trials) == (1 if is_random else 2)


def test_who_watches_is_told_beside_the_files_own_listener() -> None:
    told: list[str] = []
    objective = small_objective(on_epoch=lambda number, epoch: told.append("own"))
    watched = Search(objective, "s").watched(lambda number, epoch: told.append("watcher"))
    listener = own(watched).on_epoch
    assert listener is not None
    listener(0, Epoch(1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    assert told == ["watcher", "own"]


def test_a_folder_of_images_is_enough(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            shade = 20 * number + (5 if name == "cats" else 0)
            Image.new("RGB", (16, 16), (shade, 0, 0)).save(
                tmp_path / "photos" / name / f"{number}.png"
            )
    search = search_for("./photos", {"epochs": 1, "flip": True, "size": 8})
    assert search.name == "photos"
    assert own(search).data.classes == ("cats", "dogs")
    assert own(search).data.input_shape == (3, 8, 8)
    assert own(search).data.flip


def test_a_named_data_set_is_enough() -> None:
    search = search_for("digits", {})
    assert (search.name, own(search).data.name) == ("digits", "digits")


def test_the_study_has_the_objectives_directions_and_names() -> None:
    objective = small_objective(metrics=("accuracy", "params"))
    storage = optuna.storages.InMemoryStorage()
    notes: list[str] = []
    study = Search(objective, "s", storage=storage).study(notes.append)
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["accuracy", "params"]
    with pytest.raises(StudyError, match="a study keeps its directions"):
        Search(small_objective(), "s", storage=storage).study(notes.append)
    assert notes == []


def test_random_draws_are_counted_from_zero() -> None:
    with pytest.raises(OptunasError, match="from 0 on"):
        Search(lambda trial: 1.0, "s", random_draws=-1)


def test_options_in_words_can_be_typed_again() -> None:
    options = {
        "trials": 5,
        "sampler": "tpe(startup=20)",
        "metrics": ("accuracy", "params"),
        "params": 500000,
        "latency_ms": 2.5,
        "memory_mb": 512.0,
        "suggest_recipe": True,
        "reuse": False,
    }
    assert in_words(options) == (
        "--trials 5 --sampler 'tpe(startup=20)' --metric accuracy --metric params "
        "--max-params 500000 --max-latency 2.5ms --max-memory 512M --suggest-recipe --no-reuse"
    )
