"""Tables at 80 columns: words may wrap, numbers never vanish."""

import re
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from rich.console import Console, RenderableType

from optunas.terminal import best_table, comparison_table, proxy_table, status_table, trial_page
from optunas.wording import count, percent


def rendered(*parts: RenderableType, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    return text


FACTS: dict[str, Any] = {
    "outcome": "trained", "accuracy": 1.0, "f1": 0.98765, "params": 123_456_789,
    "macs": 98_765_432_100, "train_seconds": 12_345.67,
}  # fmt: skip


def trial(value: Any = 1.0, state: TrialState = TrialState.COMPLETE, **facts: Any) -> FrozenTrial:
    values = value if isinstance(value, list) else [value]
    attributes = {**FACTS, **facts}
    return create_trial(state=state, values=values, user_attrs=attributes)


def study_of(*trials: FrozenTrial, name: str = "s", **settings: Any) -> optuna.Study:
    study = optuna.create_study(study_name=name, **(settings or {"direction": "maximize"}))
    study.add_trials(trials)
    return study


@pytest.mark.parametrize("extra", [{}, {"latency_ms": 12.345, "memory_mb": 1234.5}])
def test_the_best_networks_fit_a_narrow_terminal(extra: dict[str, float]) -> None:
    study = study_of(*[trial(role="random draw", **extra) for _ in range(7)])
    text = rendered(best_table(study, study.trials))
    for shown in ("100.00 %", "98.77 %", "123 M", "98.8 G", "12,345.7 s", "accuracy", "training"):
        assert shown in text
    for value in extra:
        assert value.split("_")[0] in text
    assert text.count("123 M") == 5


def test_the_comparison_fits_a_narrow_terminal() -> None:
    rows = [trial(role="baseline"), trial(role="random draw"), trial(), trial(value=0.5)]
    study = study_of(*rows)
    text = rendered(comparison_table(study, study.trials))
    assert "…" not in text
    for shown in ("hand-made", "random draws", "search", "100.00 %", "123 M", "98.8 G", "24,691 s"):
        assert shown in text
    for head in ("trials", "best", "accuracy", "F1", "params", "MACs", "training"):
        assert head in text


def test_the_comparison_counts_reused_networks_and_not_their_time() -> None:
    rejected = trial(state=TrialState.PRUNED, outcome="rejected")
    study = study_of(trial(), trial(outcome="reused"), rejected)
    text = rendered(comparison_table(study, study.trials))
    (row,) = (line for line in text.splitlines() if "12,346 s" in line)
    assert row.split()[:3] == ["search", "2", "0"]


def test_who_has_no_completed_trial_has_an_empty_best() -> None:
    study = study_of(trial(), trial(state=TrialState.PRUNED, outcome="pruned", role="random draw"))
    text = rendered(comparison_table(study, study.trials))
    (row,) = (line for line in text.splitlines() if "random draws" in line)
    assert row.split() == ["random", "draws", "1", "12,346", "s"]


def test_several_objectives_are_a_front() -> None:
    settings = {"directions": ["maximize", "minimize"]}
    worse, better, cheap = trial([0.5, 9.0]), trial([0.9, 8.0]), trial([0.1, 1.0])
    study = study_of(worse, better, cheap, **settings)
    text = rendered(best_table(study, study.trials))
    assert "The Pareto front" in text
    assert [line.split()[1] for line in text.splitlines() if "search" in line] == ["1", "2"]


def test_a_study_of_anything_shows_its_values() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 0.12345), n_trials=1)
    assert "0.1234, " in rendered(best_table(study, study.trials)) or "0.1235" in rendered(
        best_table(study, study.trials)
    )
    study.set_metric_names(["error", "watts"])
    assert "error, watts" in rendered(best_table(study, study.trials))


def test_the_state_of_studies_with_long_names_keeps_every_number() -> None:
    name = "a-study-with-a-name-that-is-longer-than-any-terminal-is-wide-" * 2
    mixed = [trial(value=0.987654321)] * 3 + [trial(state=TrialState.PRUNED, outcome="pruned")] * 2
    study = study_of(*mixed, name=name)
    study.enqueue_trial({})
    study.ask()
    text = rendered(status_table([study]))
    words = " ".join(text.split())
    for shown in ("3 done", "2", "pruned", "0.9877", "123 M", "running", "finished"):
        assert shown in words
    assert "…" not in text
    assert text.replace("\n", "").replace(" ", "").count("wide") == 2  # folded, not cut


def test_an_empty_study_has_tables_too() -> None:
    study = optuna.create_study()
    for table in (best_table, comparison_table):
        rendered(table(study, []))
    rendered(status_table([study]))


def test_names_in_brackets_are_no_markup() -> None:
    study = study_of(trial(), name="[bold]x[/bold]")
    assert "[bold]x[/bold]" in rendered(status_table([study]))
    assert "[red]role" in rendered(*trial_page(trial(role="[red]role")))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"), (770, "770"), (999.4, "999"), (999.6, "1.00 k"), (1400, "1.40 k"),
        (48_700, "48.7 k"), (999_499, "999 k"), (999_600, "1.00 M"), (1_396_000, "1.40 M"),
        (2e10, "20.0 G"), (3e14, "300 T"),
    ],
)  # fmt: skip
def test_large_numbers_in_three_digits(value: float, said: str) -> None:
    assert count(value) == said
    assert percent(0.98613) == "98.61 %"


def test_proxies_stand_with_their_correlation_where_they_were_asked_for() -> None:
    def ranked(**facts: float) -> optuna.Study:
        rows = [
            trial(
                value, key=str(value), params=10 - value, **{k: value * f for k, f in facts.items()}
            )
            for value in range(6)
        ]
        return study_of(*rows)

    assert proxy_table(ranked()) is None  # parameters alone nobody asked for
    table = proxy_table(ranked(**{"proxy.swap": 2.0}))
    assert table is not None
    text = rendered(table)
    assert re.search(r"swap +1\.00 .* 6", text)
    assert re.search(r"params +-1\.00 .* 6", text)
