"""A stopped trial goes on as a new one."""

from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import Trial, TrialState

from optunas.attributes import Outcome, conclude, promoted_after, promotes
from optunas.errors import StudyError
from optunas.pruners import PromotingPruner
from optunas.worker import promote
from optunas.worker.promotion import is_promoted_twice, promote_due
from optunas.worker.session import Plan, work

from .test_session import Told

pytestmark = pytest.mark.usefixtures("quiet")


def curve(trial: Trial) -> float:
    """A trial of nine epochs, in each of which it is as good as at its end."""
    x = trial.suggest_float("x", 0, 1)
    for epoch in range(1, 10):
        trial.report(x, epoch)
        if promoted_after(trial) < epoch < 9 and trial.should_prune():
            conclude(trial, Outcome.PRUNED, f"after {epoch}")
            raise optuna.TrialPruned
    return x


def stopped(*values: float) -> optuna.Study:
    study = optuna.create_study(direction="maximize", pruner=PromotingPruner())
    for value in values:
        study.enqueue_trial({"x": value}, user_attrs={"seed": int(100 * value), "role": "r"})
        study.optimize(curve, n_trials=1)
    return study


def test_a_promoted_trial_has_the_parameters_and_the_seed_of_the_stopped_one() -> None:
    study = stopped(0.5)
    promote(study, 0)
    new = study.trials[1]
    assert new.state is TrialState.WAITING
    assert new.user_attrs == {"seed": 50, "role": "r", "promotes": 0, "promoted_after": 1}
    assert (promotes(new), promoted_after(new)) == (0, 1)
    study.optimize(curve, n_trials=1)
    assert study.trials[1].params == {"x": 0.5}
    assert study.trials[1].last_step == 3  # stopped again, at the next rung


def test_only_what_the_pruner_stopped_is_promoted_and_only_once() -> None:
    study = stopped(0.5)
    with pytest.raises(StudyError, match="trials 0 to 0; got 7"):
        promote(study, 7)
    promote(study, 0)
    with pytest.raises(StudyError, match="promoted already, as trial 1"):
        promote(study, 0)
    with pytest.raises(StudyError, match="trial 1 is waiting"):
        promote(study, 1)
    study.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(StudyError, match="trial 2 is trained"):
        promote(study, 2)


def test_one_whose_promotion_failed_can_be_promoted_again() -> None:
    study = stopped(0.5)
    promote(study, 0)
    study.tell(study.ask({"x": FloatDistribution(0, 1)}), state=TrialState.FAIL)
    promote(study, 0)
    assert promotes(study.trials[2]) == 0


def test_a_worker_promotes_what_became_good_enough(tmp_path: Path) -> None:
    study = optuna.create_study(
        direction="maximize", pruner=PromotingPruner(), storage=f"sqlite:///{tmp_path}/s.db"
    )
    for value in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1):
        study.enqueue_trial({"x": value})
    told = Told()
    work(study, curve, Plan(trials=13), told)
    trials = study.trials
    chain = [trial for trial in trials if trial.params["x"] == 0.9]
    assert [t.last_step for t in chain] == [1, 3, 9]
    assert [promotes(t) for t in chain] == [None, chain[0].number, chain[1].number]
    assert chain[-1].state is TrialState.COMPLETE
    assert any(line.startswith("trial 0 is promoted") for line in told.notes)


def test_other_pruners_promote_nothing() -> None:
    study = optuna.create_study(direction="maximize")
    assert list(promote_due(study)) == []


def test_of_two_workers_that_promote_at_once_one_gives_way() -> None:
    study = stopped(0.5)
    promote(study, 0)
    study.enqueue_trial({"x": 0.5}, user_attrs={"promotes": 0, "promoted_after": 1})
    trials = study.trials
    assert not is_promoted_twice(trials, trials[1])
    assert is_promoted_twice(trials, trials[2])
    work(study, curve, Plan(trials=3), Told())
    assert study.trials[2].user_attrs["outcome"] == "rejected"
    assert study.trials[2].user_attrs["reason"] == "another worker goes on with the same trial"
