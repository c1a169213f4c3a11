"""The remembering pruner decides as Optuna's does, whatever was reported, while a study grows."""

import pickle
import warnings
from math import inf, nan

import numpy as np
import optuna
import pytest
from optuna.pruners import PercentilePruner
from optuna.trial import TrialState

from optunas.pruners.percentile import RememberingPruner

SETTINGS = [
    (50.0, 5, 0, 1),
    (25.0, 0, 3, 1),
    (75.0, 1, 2, 3),
    (0.0, 5, 0, 2),
    (100.0, 2, 1, 4),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_it_decides_as_optunas(settings: tuple[float, int, int, int], direction: str) -> None:
    rng = np.random.default_rng(0)
    ours, theirs = RememberingPruner(*settings), PercentilePruner(*settings)
    study = optuna.create_study(direction=direction)
    verdicts = []
    for _ in range(40):
        trial = study.ask()
        for step in sorted(rng.choice(12, size=rng.integers(1, 12), replace=False)):
            value = rng.choice([nan, inf, -inf]) if rng.random() < 0.1 else rng.normal()
            trial.report(float(value), int(step))
            frozen = study.get_trials()[trial.number]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of NumPy, on nothing but NaN
                wanted = theirs.prune(study, frozen)
                assert ours.prune(study, frozen) == wanted
            verdicts.append(wanted)
        ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[rng.integers(3)]
        study.tell(trial, 0.0 if ended is TrialState.COMPLETE else None, state=ended)
    assert settings[0] in (0.0, 100.0) or {True, False} == set(verdicts)


def test_a_trial_without_a_report_goes_on() -> None:
    study = optuna.create_study()
    study.add_trial(optuna.trial.create_trial(value=1.0, intermediate_values={1: 1.0}))
    trial = study.ask()
    frozen = study.get_trials()[trial.number]
    assert not RememberingPruner(50.0, n_startup_trials=1).prune(study, frozen)


def test_each_study_has_its_own_memory_and_a_pruner_travels() -> None:
    pruner = RememberingPruner(50.0, n_startup_trials=1)
    for reported, verdict in ((0.0, False), (1.0, True)):
        study = optuna.create_study(direction="maximize", study_name="the same")
        study.add_trial(optuna.trial.create_trial(value=1.0, intermediate_values={1: reported}))
        trial = study.ask()
        trial.report(0.5, 1)
        frozen = study.get_trials()[trial.number]
        assert pruner.prune(study, frozen) is verdict
        assert pickle.loads(pickle.dumps(pruner)).prune(study, frozen) is verdict
