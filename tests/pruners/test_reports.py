"""Reports and verdicts in studies of any number of objectives."""

from __future__ import annotations

import json
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from optunas.errors import StudyError
from optunas.pruners import report, reported, should_prune
from optunas.pruners.reports import REPORTED


def several(**settings: Any) -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"], **settings)


def frozen(study: optuna.Study, trial: optuna.Trial) -> FrozenTrial:
    (found,) = (t for t in study.get_trials() if t.number == trial.number)
    return found


def test_optuna_still_refuses_what_these_stand_in_for() -> None:
    trial = several().ask()
    with pytest.raises(NotImplementedError):
        trial.report(1.0, 1)
    with pytest.raises(NotImplementedError):
        trial.should_prune()


def test_several_objectives_are_kept_in_an_attribute(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    study = several(storage=url, study_name="s")
    trial = study.ask()
    report(trial, (0.5, 100), 1)
    report(trial, [0.625, 100], 2)
    (found,) = optuna.load_study(study_name="s", storage=url).trials
    assert found.user_attrs[REPORTED] == [[1, 0.5, 100.0], [2, 0.625, 100.0]]
    assert reported(found) == {1: (0.5, 100.0), 2: (0.625, 100.0)}
    assert found.intermediate_values == {}


def test_one_objective_is_optunas_own_report() -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(0.5))
    trial = study.ask()
    report(trial, 0.75, 1)
    assert not should_prune(trial)
    report(trial, (0.25,), 2)
    assert should_prune(trial)
    found = frozen(study, trial)
    assert found.intermediate_values == {1: 0.75, 2: 0.25}
    assert reported(found) == {1: (0.75,), 2: (0.25,)}
    assert REPORTED not in found.user_attrs


def test_a_step_that_is_told_again_takes_the_later_ones_off() -> None:
    study = several()
    trial = study.ask()
    for step in (1, 2, 3):
        report(trial, (step / 10, 5), step)
    report(trial, (0.9, 5), 2)
    assert reported(frozen(study, trial)) == {1: (0.1, 5), 2: (0.9, 5)}


def test_a_trial_that_is_put_back_inherits_its_reports() -> None:
    from optunas.worker.recovery import put_back

    study = several()
    trial = study.ask()
    report(trial, (0.5, 5), 1)
    study.tell(trial, state=TrialState.FAIL)
    put_back(study, 0)
    again = study.ask()
    assert again.number == 1
    report(again, (0.6, 5), 2)
    assert reported(frozen(study, again)) == {1: (0.5, 5), 2: (0.6, 5)}


def test_what_is_no_number_is_stored_as_json_has_it() -> None:
    study = several()
    trial = study.ask()
    report(trial, (nan, inf), 1)
    found = frozen(study, trial)
    assert json.dumps(found.user_attrs[REPORTED], allow_nan=False) == "[[1, null, null]]"
    assert all(map(isnan, reported(found)[1]))


@pytest.mark.parametrize("values", [0.5, (0.5,), (0.5, 1, 2)])
def test_the_number_of_values_is_that_of_the_objectives(values: Any) -> None:
    with pytest.raises(StudyError, match="for each of the study's 2 objectives; got"):
        report(several().ask(), values, 1)


@pytest.mark.parametrize(
    "written",
    [None, "x", 5, {}, [5], [[1]], [["a", 1.0]], [[1, "a"]], [[]], [[1.5, 2.0]], [None]],
)
def test_what_a_stranger_wrote_does_no_harm(written: Any) -> None:
    study = several()
    trial = study.ask()
    trial.set_user_attr(REPORTED, written)
    assert reported(frozen(study, trial)) == {}
    report(trial, (0.5, 5), 7)
    assert reported(frozen(study, trial)) == {7: (0.5, 5)}


OPTUNAS = [
    optuna.pruners.NopPruner(),
    optuna.pruners.MedianPruner(),
    optuna.pruners.PercentilePruner(25),
    optuna.pruners.SuccessiveHalvingPruner(),
    optuna.pruners.HyperbandPruner(),
    optuna.pruners.ThresholdPruner(lower=2.0),
    optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(), patience=1),
    optuna.pruners.WilcoxonPruner(),
]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("pruner", OPTUNAS, ids=lambda pruner: type(pruner).__name__)
def test_optunas_pruners_let_trials_with_several_objectives_go_on(
    pruner: optuna.pruners.BasePruner,
) -> None:
    study = several(pruner=pruner)
    for number in range(9):
        study.add_trial(optuna.trial.create_trial(values=[number, number]))
    trial = study.ask()
    for step in range(1, 5):
        report(trial, (0.0, 9.0), step)
        assert not should_prune(trial)


class Own(optuna.pruners.BasePruner):
    """Knows its objectives, and stops what learned nothing."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        return max(reported(trial).items())[1][0] == 0


def test_a_persons_own_pruner_is_asked_too() -> None:
    study = several(pruner=Own())
    study.ask()  # another that runs beside it
    trial = study.ask()
    report(trial, (0.1, 9.0), 1)
    assert not should_prune(trial)
    report(trial, (0.0, 9.0), 2)
    assert should_prune(trial)
