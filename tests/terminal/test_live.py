"""What is said while a search runs."""

import io

import optuna
import pytest
from rich.console import Console

from optunas.attributes import Outcome, conclude
from optunas.terminal import watching
from optunas.terminal.live import Watcher
from optunas.training import Epoch
from optunas.worker import Plan, work


def epoch(number: int) -> Epoch:
    return Epoch(number, 3, 1.0, 1.0, 0.5, 0.5, 0.1, 100.0)


def objective(trial: optuna.Trial) -> float:
    trial.set_user_attr("params", 48_700)
    if trial.number == 1:
        conclude(trial, Outcome.PRUNED, "pruned after epoch 1 of 3")
        raise optuna.TrialPruned
    if trial.number == 2:
        raise RuntimeError("no [luck]")
    trial.set_user_attr("accuracy", 0.9)
    return 0.9


@pytest.mark.parametrize("width", [80, 30])
def test_without_a_terminal_a_line_a_trial(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width)
    study = optuna.create_study(direction="maximize")
    with watching(console, study, Plan(trials=3)) as watcher:
        work(study, objective, Plan(trials=3), watcher)
    lines = file.getvalue().splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == [
        "trial 0, accuracy 90.00 %, 48.7 k parameters  trained",
        "trial 1  pruned (pruned after epoch 1 of 3)",
        "trial 2  failed (RuntimeError: no [luck])",
        "trial 3, accuracy 90.00 %, 48.7 k parameters  trained",
    ]


def panel(watcher: Watcher) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(watcher.panel())
    return captured.get()


def test_the_panel_says_where_it_stands() -> None:
    study = optuna.create_study(direction="maximize")
    watcher = Watcher(Console(file=io.StringIO()), study, Plan(trials=4))
    assert "0 of 4" in panel(watcher)
    trial = study.ask()
    watcher.began(trial)
    assert "trial 0" in panel(watcher)
    watcher.epoch(0, epoch(2))
    assert "trial 0, epoch 2 of 3, accuracy 50.00 %" in panel(watcher)
    study.tell(trial, objective(trial))
    watcher.ended(study, study.trials[0])
    text = panel(watcher)
    for part in ("1 of 4", "1 done, 0 pruned", "best", "48.7 k parameters", "left"):
        assert part in text
    assert "epoch 2 of 3" not in text


def test_the_panel_says_what_several_workers_do() -> None:
    study = optuna.create_study()
    watcher = Watcher(Console(file=io.StringIO()), study, Plan(trials=4))
    first, _ = study.ask(), study.ask()
    first.report(0.5, 2)
    watcher.running(study.trials)
    assert "trial 0, epoch 2; trial 1 " in panel(watcher)
    watcher.running([])
    assert "trial 0" not in panel(watcher)


def test_with_hours_alone_there_is_no_total() -> None:
    watcher = Watcher(Console(file=io.StringIO()), optuna.create_study(), Plan(hours=2))
    text = panel(watcher)
    assert " of " not in text
    assert "about 2:00:00 left" in text or "about 1:59:" in text


def test_on_a_terminal_failures_are_said_above_the_panel() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    study = optuna.create_study(direction="maximize")
    with watching(console, study, Plan(trials=3)) as watcher:
        work(study, objective, Plan(trials=3), watcher)
    assert "trial 2 failed: RuntimeError: no [luck]" in file.getvalue()
