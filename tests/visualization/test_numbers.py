"""What is drawn, against an independent reading of `study.trials`: pandas or plain Python."""

import numpy as np
import optuna
import pandas as pd
import pytest
from scipy.stats import spearmanr

import optunas.visualization as pictures
from optunas.insights import agreement, effects, importances, operations, savings

from ..insights.made import BEGIN, a_search, study_of


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    return a_search(160)


@pytest.fixture(scope="module")
def frame(study: optuna.Study) -> pd.DataFrame:
    frame = study.trials_dataframe().set_index("number")
    return frame.assign(value=[trial.value for trial in study.trials])


def named(figure, start: str):
    return next(trace for trace in figure.data if str(trace.name).startswith(start))


def test_cost_shows_every_finished_network(study, frame):
    figure = pictures.plot_cost(study, "latency_ms")
    outcomes = frame["user_attrs_outcome"]
    numbers = {
        "pruned": outcomes == "pruned",
        "reused": outcomes == "reused",
        "never trained": outcomes.isin(["rejected", "failed"]),
    }
    for name, rows in numbers.items():
        trace = named(figure, name)
        assert sorted(trace.customdata) == sorted(frame.index[rows])
        assert trace.name == f"{name} ({rows.sum()})"
    search = named(figure, "search")
    assert search.y == pytest.approx(100 * frame.loc[list(search.customdata), "value"], rel=1e-4)
    costs = frame.loc[list(search.customdata), "user_attrs_latency_ms"]
    assert search.x == pytest.approx(costs, rel=1e-4)
    pruned = named(figure, "pruned")
    trials = study.get_trials(deepcopy=False)
    last = [trials[n].intermediate_values[3] for n in pruned.customdata]
    assert pruned.y == pytest.approx([100 * value for value in last], rel=1e-4)


def test_cost_draws_the_front_and_the_limit(study, frame):
    figure = pictures.plot_cost(study)
    line = named(figure, "Pareto front")
    able = frame[frame["user_attrs_outcome"] == "trained"]
    expected, top = [], -np.inf
    for number, row in able.sort_values(
        ["user_attrs_params", "value"], ascending=[1, 0]
    ).iterrows():
        if row["value"] > top:
            expected, top = [*expected, number], row["value"]
    assert list(line.customdata) == expected
    (limit,) = figure.layout.shapes
    assert limit.x0 == pytest.approx(3000)
    assert any(note.text == "limit 3.00 k" for note in figure.layout.annotations)


def test_cost_of_two_objectives_has_both_on_its_axes():
    rng = np.random.default_rng(0)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.set_metric_names(["accuracy", "latency_ms"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), 10 ** (3 * rng.random())), n_trials=40)
    figure = pictures.plot_cost(study)
    assert figure.layout.xaxis.title.text == "latency (ms)"
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.title.text == "validation accuracy (%)"
    front = {trial.number for trial in study.best_trials}
    assert set(named(figure, "Pareto front").customdata) == front


def test_savings_are_hours_of_the_trials(study, frame):
    spent, saved = pictures.plot_savings(study).data
    seconds = (frame["datetime_complete"] - frame["datetime_start"]).dt.total_seconds()
    by = seconds.groupby(frame["user_attrs_outcome"]).sum()
    minutes = {name.removesuffix(" trials"): x for name, x in zip(spent.y, spent.x, strict=True)}
    assert minutes == pytest.approx((by / 60).to_dict(), rel=1e-3)
    assert saved.y == ("saved by pruning", "saved by rejection", "saved by reuse")
    assert saved.x == pytest.approx([s.seconds / 60 for s in savings(study).saved], rel=1e-3)


def test_timeline_has_a_bar_for_every_trial(study, frame):
    figure = pictures.plot_timeline(study)
    drawn = {}
    for trace in figure.data:
        for place in range(0, len(trace.x), 3):
            start, end, gap = trace.x[place : place + 3]
            assert gap is None
            row = figure.layout.yaxis.ticktext[trace.y[place]]
            drawn[trace.customdata[place]] = (trace.name.split(" (")[0], row, start, end)
    assert sorted(drawn) == list(frame.index)
    for number, (outcome, row, start, end) in drawn.items():
        trial = frame.loc[number]
        assert outcome == trial["user_attrs_outcome"]
        worker = trial["user_attrs_worker"]
        assert row == f"{worker['host']}:{worker['pid']}"
        begun = (trial["datetime_start"] - BEGIN).total_seconds() / 60
        ended = (trial["datetime_complete"] - BEGIN).total_seconds() / 60
        assert (start, end) == pytest.approx((begun, ended), rel=1e-4)
    assert figure.layout.xaxis.title.text == "time since the first trial began (min)"


def test_agreement_shows_spearmans_rho(study, frame):
    trained = frame.index[frame["user_attrs_outcome"] == "trained"]
    trials = study.get_trials(deepcopy=False)
    rows = np.array([list(trials[n].intermediate_values.values()) for n in trained])
    figure = pictures.plot_agreement(study)
    line = named(figure, "Spearman")
    rho = [spearmanr(rows[:, place], rows[:, -1]).statistic for place in range(7)]
    assert list(line.x) == [1, 2, 3, 4, 5, 6, 7]
    assert line.y == pytest.approx(rho, abs=1e-4)
    said = figure.layout.title.text.replace("<br>", " ")
    plain = " ".join(said.replace("</span>", "").split("<span style='font-size:12px'>")[1:])
    assert " ".join(plain.split()) == agreement(study).verdict


def test_learning_curves_are_what_was_reported(study, frame):
    figure = pictures.plot_learning_curves(study)
    trained = frame[frame["user_attrs_outcome"] == "trained"]
    best = trained.sort_values("value", ascending=False).index[:5]
    lines = [trace for trace in figure.data if str(trace.name).startswith("trial ")]
    assert {line.name for line in lines} == {f"trial {number}" for number in best}
    top = named(figure, f"trial {best[0]}")
    reported = study.get_trials(deepcopy=False)[best[0]].intermediate_values
    assert list(top.x) == list(reported)
    assert top.y == pytest.approx([100 * value for value in reported.values()], rel=1e-3)
    assert named(figure, "trained").name == f"trained ({len(trained) - 5})"


def test_effects_importances_and_operations_are_those_of_insights(study):
    every = {(e.parameter, e.choice): e for e in effects(study)}
    figure = pictures.plot_effects(study)
    assert named(figure, "better").y == (0,)
    labels = figure.layout.yaxis.ticktext
    assert labels[0] == "stage1.block1.kernel = 5"
    for trace in figure.data:
        for x, y, up in zip(trace.x, trace.y, trace.error_x.array, strict=True):
            value = every[tuple(labels[y].split(" = "))].value
            assert x == pytest.approx(100 * value.difference, rel=1e-3)
            assert up == pytest.approx(100 * (value.high - value.difference), rel=1e-3)

    anova, permuted = pictures.plot_importances(study).data
    found = importances(study)
    assert anova.x == pytest.approx([one.anova for one in found], rel=1e-2)
    assert permuted.x == pytest.approx([one.permutation for one in found], rel=1e-2)
    first = next(name for name in anova.y if name.startswith("stage1.block1.kernel"))
    assert first == "stage1.block1.kernel = 5"

    (heat,) = pictures.plot_operations(study).data
    shares = operations(study)
    for one in shares.shares:
        row = heat.y.index(one.kind)
        assert heat.z[row][one.depth] == pytest.approx(100 * (one.best - one.all), abs=0.06)
        assert bool(heat.text[row][one.depth]) == one.sure


def test_some_trials_can_be_drawn():
    study = a_search(30)
    figure = pictures.plot_timeline(study, study.trials[:4])
    assert sum(len(trace.x) for trace in figure.data) == 3 * 4
    empty = pictures.plot_cost(study_of([]), trials=study.trials)
    assert empty.data
