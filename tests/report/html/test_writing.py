"""The report: its numbers against `study.trials`, and a sensible page for every kind of study."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optunas.errors import StudyError
from optunas.report.html import page, write

from ...performance.made_up import LIMIT, made_up
from .reading import Read

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    return made_up(80)


@pytest.fixture(scope="module")
def html(study: optuna.Study) -> str:
    return page(study)


@pytest.fixture(scope="module")
def read(html: str) -> Read:
    return Read(html)


def best(study: optuna.Study) -> optuna.trial.FrozenTrial:
    """The best of those that were trained within the limit, by hand."""
    able = [
        t
        for t in study.trials
        if t.state is TrialState.COMPLETE
        and t.user_attrs["outcome"] == "trained"
        and t.user_attrs["params"] <= LIMIT
    ]
    return max(able, key=lambda t: t.value)


def test_the_top_says_what_came_out(study: optuna.Study, read: Read) -> None:
    first, trials = best(study), study.trials
    ends = Counter(t.user_attrs["outcome"] for t in trials)
    evaluated = ends["trained"] + ends["reused"] + ends["pruned"]
    gain = 100 * (first.value - trials[0].value)
    seconds = sum((t.datetime_complete - t.datetime_start).total_seconds() for t in trials)
    for said in (
        f"The best of {evaluated} evaluated is trial {first.number}: accuracy "
        f"{100 * first.value:.2f} % with {first.user_attrs['params']:,} parameters",
        f"best accuracy {100 * first.value:.2f} % validation split, +{gain:.2f} points over",
        f"networks evaluated {evaluated} {ends['pruned']} pruned, {ends['rejected']} rejected",
        f"time on devices {seconds / 60:.3g} min",
    ):
        assert said in read.text


def test_it_says_what_was_searched_and_how_to_repeat_it(read: Read) -> None:
    for said in (
        "space ConvNet, ", "40,000 train / 10,000 validation / 10,000 test, made up",
        "10 epochs, batches of 128, adamw, learning rate 0.003", "parameters ≤ 1,000,000",
        "aim accuracy (maximize)", "sampler architecture, pruner median, seed 0",
        "cuda:0 (80 trials)", "2026-01-01 08:00 to 2026-01-01 08:0", "4 workers", "torch 2.11",
        "To repeat it: optunas run made_up.py --trials 40",
        "stage1.block1.kernel 3, 5, 7", "activation relu, silu, gelu",
    ):  # fmt: skip
        assert said in read.text, said


def test_the_table_of_the_best_holds_the_trials_numbers(study: optuna.Study, read: Read) -> None:
    heads = next(row for row in read.rows if row[:2] == ["from", "trial"])
    assert heads[2:] == ["accuracy", "F1", "parameters", "MACs", "training"]
    place = read.rows.index(heads)
    rows = read.rows[place + 1 : place + 11]
    assert int(rows[0][1]) == best(study).number
    shown = [float(row[2].removesuffix(" %")) for row in rows]
    assert shown == sorted(shown, reverse=True)
    for role, number, accuracy, f1, params, _, seconds in rows:
        trial = study.trials[int(number)]
        known = trial.user_attrs
        assert role == {"baseline": "hand-made", "random draw": "random draw"}.get(
            known.get("role", ""), "search"
        )
        assert accuracy == f"{100 * trial.value:.2f} %"
        assert f1 == f"{100 * known['f1']:.2f} %"
        assert params == f"{known['params']:,}"
        assert float(seconds.removesuffix(" s")) == pytest.approx(known["train_seconds"], rel=0.01)


def test_it_says_what_changed_from_the_hand_made_network(study: optuna.Study, read: Read) -> None:
    winner, by_hand = best(study), study.trials[0]
    assert (
        f"From the hand-made network (trial 0) to the winner (trial {winner.number})" in read.text
    )
    gap = winner.user_attrs["params"] - by_hand.user_attrs["params"]
    row = next(r for r in read.rows if r[0] == "parameters" and len(r) == 4)
    assert row[1:3] == [f"{t.user_attrs['params']:,}" for t in (by_hand, winner)]
    assert row[3].startswith(f"{gap:+,}".replace("-", "−"))
    marks = Counter(row[0] for row in read.rows if len(row) == 5 and row[0] in ("−", "+"))
    assert marks["−"] > 0
    assert marks["+"] > 0


def test_reasons_are_counted(study: optuna.Study, read: Read) -> None:
    ends = Counter(t.user_attrs["outcome"] for t in study.trials)
    failed = Counter(t.user_attrs["reason"] for t in study.trials if t.state is TrialState.FAIL)
    for reason, times in failed.items():
        assert f"{times} {reason}" in read.text
    assert f"rejected {ends['rejected']} {ends['rejected']} over its limits: params > " in read.text
    assert f"pruned {ends['pruned']} {ends['pruned']} pruned after epoch 3 of 10" in read.text


def test_the_best_networks_are_pictures_beside_each_other(study: optuna.Study, read: Read) -> None:
    pictures = [known for tag, known in read.elements if tag == "svg"]
    assert len(pictures) == 4  # three best, and the one by hand
    assert f"Trial {best(study).number} search" in read.text
    assert "Trial 0 hand-made" in read.text
    ids = [known["id"] for _, known in read.elements if "id" in known]
    assert len(ids) == len(set(ids))


def test_every_plot_is_there_with_its_heading_and_reading_aid(read: Read) -> None:
    plots = [known["id"] for _, known in read.elements if known.get("class") == "plot"]
    assert plots == [
        f"plot-{name}"
        for name in ("cost", "learning_curves", "operations", "effects", "importances",
                     "agreement", "savings", "timeline")
    ]  # fmt: skip
    tags = [tag for tag, _ in read.elements]
    assert tags.count("figure") == tags.count("figcaption") == len(plots)


def test_the_plot_of_costs_holds_every_network_once(study: optuna.Study, html: str) -> None:
    text = re.search(r'id="plot-cost-data">(.*?)</script>', html)
    assert text is not None
    figure = json.loads(text[1])
    marks = [t for t in figure["data"] if not t["name"].startswith("Pareto")]
    shown = [number for trace in marks for number in trace["customdata"]]
    assert sorted(shown) == [trial.number for trial in study.trials]
    params = {n: x for trace in marks for n, x in zip(trace["customdata"], trace["x"], strict=True)}
    for trial in study.trials:
        assert params[trial.number] == pytest.approx(trial.user_attrs["params"], rel=1e-4)
    assert {"scattergl"}.isdisjoint(trace["type"] for trace in figure["data"])


def test_nothing_is_loaded_from_anywhere(html: str, read: Read) -> None:
    assert not {"link", "img", "iframe", "object", "embed", "a"} & {tag for tag, _ in read.elements}
    assert not {"src", "href"} & {name for _, known in read.elements for name in known}
    assert len(html.encode()) < 5e6


# studies of all kinds


def sections(html: str) -> set[str | None]:
    return {known.get("id") for tag, known in Read(html).elements if tag == "section"}


def test_an_empty_study_says_so() -> None:
    html = page(optuna.create_study(study_name="empty"))
    assert "No trial has been started yet." in Read(html).text
    assert sections(html) == {"searched"}
    assert [kind for kind, _ in Read(html).scripts] == []  # not even a library
    assert "script-src 'none'" in unescape(html)


def test_one_trial_is_a_page() -> None:
    html = page(made_up(1))
    assert "The best of 1 evaluated is trial 0" in Read(html).text
    assert "Nothing so far: the hand-made network, trial 0, is the best." in Read(html).text
    assert {"networks", "best", "plots", "settings"} <= sections(html)


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_a_study_of_nothing_but_failures_says_why(state: TrialState) -> None:
    study = optuna.create_study()
    reason = {"reason": "out of memory"}
    study.add_trials([create_trial(state=state, user_attrs=reason) for _ in range(3)])
    html = page(study)
    how = "3 failed" if state is TrialState.FAIL else "3 pruned"
    said = Read(html).text
    assert "No network was trained to the end within the limits so far:" in said
    assert how in said
    assert "3 out of memory" in said
    assert not {"networks", "best", "changes"} & sections(html)


def test_trials_that_run_or_wait_are_counted() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 1})
    study.ask().suggest_float("x", 0, 2)
    study.enqueue_trial({"x": 1})
    said = Read(page(study)).text
    assert "1 running, 1 waiting" in said


def test_several_objectives_show_their_front() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    values = [(0.9, 5.0), (0.8, 1.0), (0.7, 3.0), (0.95, 9.0)]
    study.add_trials([create_trial(values=list(pair)) for pair in values])
    html = page(study)
    read = Read(html)
    assert "3 networks of 4 evaluated are beaten by no other" in read.text
    assert "The Pareto front in numbers" in read.text
    heads = next(row for row in read.rows if row[:2] == ["from", "trial"])
    place = read.rows.index(heads)
    assert [int(row[1]) for row in read.rows[place + 1 : place + 4]] == [3, 0, 1]
    assert heads[2:] == ["objective 1", "objective 2"]


def test_a_plain_study_of_optuna_is_a_page() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        return float(trial.suggest_int("n", 1, 5) + rate + (kind == "a"))

    study.optimize(objective, n_trials=12)
    read = Read(page(study))
    assert f"value {study.best_value:.4g}" in read.text
    assert "rate 0.0001 to 1, log scale" in read.text
    assert "kind a, b" in read.text
    assert "n 1 to 5" in read.text
    assert "space 3 choices" in read.text
    assert "aim value (minimize)" in read.text


def test_five_thousand_trials_are_a_page() -> None:
    study = optuna.create_study(direction="maximize")
    space = {"x": optuna.distributions.IntDistribution(0, 9)}
    study.add_trials(
        [
            create_trial(value=n % 997 / 997, params={"x": n % 10}, distributions=space)
            for n in range(5000)
        ]
    )
    text = page(study)
    assert "The best of 5000 evaluated is trial 996" in Read(text).text
    assert len(text.encode()) < 5e6


# the file


def test_it_is_written_whole_or_not_at_all(study: optuna.Study, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert write(study, target) == target
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(StudyError, match="can't write the report to"):
        write(study, tmp_path / "no" / "report.html")


def test_it_says_when_and_by_what_it_was_made(read: Read) -> None:
    found = re.search(r"Made on (\S+ \S+) UTC by optunas (\S+), optuna", read.text)
    assert found is not None
    made = datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - made).total_seconds()) < 600


def test_a_result_of_another_study_is_not_mixed_in() -> None:
    one, other = made_up(12, seed=1), made_up(12, seed=2)
    trials: Any = other.get_trials()
    assert Read(page(one, trials)).text != Read(page(one)).text
