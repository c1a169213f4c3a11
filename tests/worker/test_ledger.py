"""Each trial is counted once, however often one looks; nothing that may still happen is lost."""

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, conclude, continues, evaluated
from optunas.process import TAKEN
from optunas.worker.ledger import Ledger
from optunas.worker.recovery import put_back
from optunas.worker.vigil import is_left


def by_hand(trials: list[FrozenTrial]) -> tuple[int, int, set[int], list[int]]:
    """What a look through all trials finds."""
    continued = {number for trial in trials for number in continues(trial)}
    running = sum(trial.state is TrialState.RUNNING for trial in trials)
    unsettled = [
        trial.number
        for trial in trials
        if not trial.state.is_finished() or (is_left(trial) and trial.number not in continued)
    ]
    return len(evaluated(trials)), running, continued, unsettled


def something(study: optuna.Study, rng: np.random.Generator) -> None:
    running = [t for t in study.get_trials() if t.state is TrialState.RUNNING]
    left = [t for t in study.get_trials() if is_left(t)]
    match rng.integers(6):
        case 0 | 1:
            study.ask()
        case 2:
            study.enqueue_trial({"x": 1})
        case 3 | 4 if running:
            trial = running[rng.integers(len(running))]
            ended = optuna.Trial(study, trial._trial_id)
            match rng.integers(4):
                case 0:
                    study.tell(trial.number, 1.0)
                case 1:
                    conclude(ended, Outcome.REJECTED, "too large")
                    study.tell(trial.number, state=TrialState.PRUNED)
                case 2:
                    conclude(ended, Outcome.INTERRUPTED, "a signal")
                    study.tell(trial.number, state=TrialState.FAIL)
                case 3:
                    study._storage.set_trial_system_attr(trial._trial_id, TAKEN, True)
                    study.tell(trial.number, state=TrialState.FAIL)
        case 5 if left:
            put_back(study, left[rng.integers(len(left))].number)


def test_it_finds_what_a_look_through_all_trials_finds() -> None:
    rng = np.random.default_rng(0)
    study, ledger = optuna.create_study(), Ledger()
    seen = set()
    for _ in range(400):
        something(study, rng)
        if rng.random() < 0.5:  # some time passes between two looks
            trials = study.get_trials()
            unsettled = [trial.number for trial in ledger.read(trials)]
            found = ledger.evaluated, ledger.running, ledger.continued, unsettled
            assert found == by_hand(trials)
            seen |= {bool(part) for part in found}
    assert seen == {True, False}
    assert ledger.continued


def test_to_read_the_same_again_changes_nothing() -> None:
    study, ledger = optuna.create_study(), Ledger()
    study.optimize(lambda trial: 1.0, n_trials=3)
    study.ask()
    for _ in range(3):
        assert [trial.number for trial in ledger.read(study.get_trials())] == [3]
        assert (ledger.evaluated, ledger.running) == (3, 1)
