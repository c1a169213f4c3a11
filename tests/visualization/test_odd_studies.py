"""Studies with next to nothing in them, and with whatever somebody wrote: a sensible figure."""

import datetime
import json
import re

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

import optunas.visualization as pictures

from ..insights.made import a_search, a_trial, after, searched, study_of

PLOTS = [getattr(pictures, name) for name in pictures.__all__]
SCRIPT = "<img src=x onerror=alert(1)>"


def running():
    trial = optuna.create_trial(state=TrialState.RUNNING)
    trial.datetime_start = after(0)
    return trial


def plain(trials: int, objectives: int = 1) -> optuna.Study:
    """Of somebody who uses Optuna alone."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["minimize"] * objectives)

    def objective(trial: optuna.Trial):
        x, kind = trial.suggest_float("x", 0, 1), trial.suggest_categorical("kind", ("a", "b"))
        return [x + (kind == "a") * place for place in range(1, objectives + 1)]

    study.optimize(objective, n_trials=trials)
    return study


STUDIES = {
    "none": lambda: study_of([]),
    "one": lambda: study_of([a_trial(0, attributes={"params": 10})]),
    "running": lambda: study_of([running()]),
    "failed": lambda: study_of([a_trial(n, "failed", None) for n in range(5)]),
    "rejected": lambda: study_of(
        [a_trial(n, "rejected", None, attributes={"params": n + 1}) for n in range(5)]
    ),
    "pruned": lambda: study_of([a_trial(n, "pruned", None, values=[0.1, 0.2]) for n in range(30)]),
    "infinite": lambda: study_of([a_trial(n, value=float("inf")) for n in range(30)]),
    "equal": lambda: study_of(
        [a_trial(n, value=0.5, values=[0.5, 0.5], attributes={"params": 10}) for n in range(30)]
    ),
    "plain": lambda: plain(30),
    "three objectives": lambda: plain(30, 3),
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_plot_of_an_odd_study_is_a_figure(name: str):
    study = STUDIES[name]()
    for plot in PLOTS:
        figure = plot(study)
        json.loads(figure.to_json())
        assert figure.layout.title.text
        assert figure.data or text_of(figure).rstrip().endswith(".")  # or it says what is missing


def text_of(figure) -> str:
    """The title without its markup, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", figure.layout.title.text).split())


def test_nothing_is_said_in_a_line():
    said = {plot.__name__: text_of(plot(study_of([]))) for plot in PLOTS}
    assert "takes 10 networks" in said["plot_agreement"]
    assert "params" in said["plot_cost"]
    assert "five networks made" in said["plot_effects"]
    assert "takes 20 networks" in said["plot_importances"]
    assert "takes 20 networks" in said["plot_operations"]
    assert "No network has reported" in said["plot_learning_curves"]
    assert "No trial has ended" in said["plot_savings"]
    assert "No trial was started" in said["plot_timeline"]


ATTRIBUTES = (
    "outcome", "reason", "architecture", "key", "recipe", "params", "macs", "latency_ms", "role",
    "train_seconds", "curve", "reported", "worker", "promotes", "reused_from", "margin.params",
)  # fmt: skip
HOSTILE = {
    "script": SCRIPT,
    "huge": "x" * 200_000,
    "number": -1,
    "not a number": float("nan"),
    "list": [[[]], None, {"a": [1]}],
    "object": {"layer": "Sequential", "layers": [SCRIPT, {"layer": SCRIPT}], "pid": [], "host": {}},
    "nothing": None,
    "truth": True,
}


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_attributes_are_no_error_and_no_markup(value: str):
    study = a_search(45)
    trials = study.get_trials(deepcopy=True)
    for place, trial in enumerate(trials):
        trial.user_attrs[ATTRIBUTES[place % len(ATTRIBUTES)]] = HOSTILE[value]
    study.set_user_attr("optunas.fingerprint", HOSTILE[value])
    for plot in PLOTS:
        said = plot(study, trials=trials).to_json()
        assert "<img" not in said.replace("\\u003c", "<")
        assert len(said) < 100_000


def test_hostile_names_and_choices_are_shown_and_not_obeyed():
    names = [SCRIPT, "x" * 3000, "a<br>b", "stage999999999999999999999.op", "%{y}"]
    choices = [SCRIPT, "y" * 300, "c</span>", "\x1b[31m", "%{x}"]
    pairs = zip(names, choices, strict=True)
    space = {name: CategoricalDistribution((choice, "z")) for name, choice in pairs}
    worker = {"host": SCRIPT, "pid": 1, "trial": None}
    trials = []
    for number in range(40):
        params = {
            n: one.choices[number >> place & 1] for place, (n, one) in enumerate(space.items())
        }
        layers = [{"layer": SCRIPT, "kernel": 3}, {"layer": "Linear"}]
        attributes = {
            "worker": {**worker, "trial": number},
            "architecture": {"layer": "Sequential", "layers": layers},
            "params": 10,
        }
        trials.append(
            a_trial(number, value=float(number), params=params, distributions=space,
                    values=[0.1, float(number)], attributes=attributes)
        )  # fmt: skip
    study = study_of(trials, names=[SCRIPT])
    for plot in PLOTS:
        figure = plot(study)
        said = figure.to_json().replace("\\u003c", "<")
        assert "<img" not in said
        assert "</span>=" not in said
        assert len(said) < 60_000


def test_times_that_run_backwards():
    trials = [a_trial(n, start=10.0 - n) for n in range(5)]
    trials[3].datetime_complete = trials[3].datetime_start - datetime.timedelta(days=900)
    for plot in PLOTS:
        plot(study_of(trials)).to_json()


def test_figures_of_many_trials_are_compact():
    study, trials = study_of([]), searched(5000, parameters=12, workers=16)
    for number, most in ((2000, 400_000), (5000, 1_000_000)):
        figures = [plot(study, trials=trials[:number]) for plot in PLOTS]
        assert all(figure.data for figure in figures)
        assert sum(len(figure.to_json()) for figure in figures) < most
