"""`ParetoPruner`: who is stopped, when, and who never is."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optunas.pruners import ParetoPruner, make_pruner, report, reported, should_prune
from optunas.pruners.reports import REPORTED

EPOCHS = 10


def study_of(
    pruner: ParetoPruner,
    *done: Sequence[float],
    directions: Sequence[str] = ("maximize", "minimize"),
) -> optuna.Study:
    """A study whose trials ended with these values, which they also had at every epoch."""
    study = optuna.create_study(directions=directions, pruner=pruner)
    for values in done:
        rows = [[epoch, *values] for epoch in range(1, EPOCHS + 1)]
        study.add_trial(create_trial(values=list(values), user_attrs={REPORTED: rows}))
    return study


def stopped_at(study: optuna.Study, *values: Sequence[float] | float) -> int | None:
    """The epoch at which a trial of these values, one for each epoch, is stopped."""
    trial = study.ask()
    for epoch, row in enumerate(values, start=1):
        report(trial, row, epoch)
        if should_prune(trial):
            return epoch
    return None


def simple(**settings: Any) -> ParetoPruner:
    """One that one trial is enough for, at once."""
    loose = {"n_dominators": 1, "share": 0.0, "patience": 1, "n_startup_trials": 0}
    return ParetoPruner(**{**loose, **settings})


SIMPLE = simple()


@pytest.mark.parametrize(
    ("values", "is_stopped"),
    [
        ((0.7, 200), True),  # worse and dearer
        ((0.8, 200), True),  # as good and dearer
        ((0.7, 100), True),  # worse and as dear
        ((0.8, 100), False),  # an equal
        ((0.1, 99), False),  # the cheapest, however bad
        ((0.81, 900), False),  # the best, however dear
    ],
)
def test_dominated_means_nowhere_better_and_somewhere_worse(
    values: tuple[float, float], is_stopped: bool
) -> None:
    assert stopped_at(study_of(SIMPLE, (0.8, 100)), values) == (1 if is_stopped else None)


def test_directions_are_the_studys() -> None:
    study = study_of(SIMPLE, (100, 0.8), directions=("minimize", "maximize"))
    assert stopped_at(study, (200, 0.7)) == 1
    assert stopped_at(study, (200, 0.9)) is None
    losses = study_of(SIMPLE, (0.3, 100), directions=("minimize", "minimize"))
    assert stopped_at(losses, (0.4, 200)) == 1
    assert stopped_at(losses, (0.2, 200)) is None


def test_several_learned_values_and_several_costs() -> None:
    directions = ("maximize", "maximize", "minimize", "minimize")
    study = study_of(SIMPLE, (0.8, 0.7, 100, 5.0), directions=directions)
    assert stopped_at(study, (0.7, 0.6, 200, 6.0)) == 1
    for better in range(4):
        values = [0.7, 0.6, 200, 6.0]
        values[better] = (0.81, 0.71, 99, 4.9)[better]
        assert stopped_at(study, values) is None


def test_compared_is_at_the_same_epoch() -> None:
    """A slow starter that ends high counts for what it was at the epoch, not for its end."""
    study = study_of(SIMPLE)
    rows = [[epoch, epoch / EPOCHS, 100] for epoch in range(1, EPOCHS + 1)]
    study.add_trial(create_trial(values=[1.0, 100], user_attrs={REPORTED: rows}))
    assert stopped_at(study, *[(0.55, 200)] * EPOCHS) == 6


def test_so_many_must_dominate() -> None:
    pruner = simple(n_dominators=3)
    three = [(0.8, 100), (0.9, 150), (0.8, 120)]
    assert stopped_at(study_of(pruner, *three[:2], (0.9, 300)), (0.7, 200)) is None
    assert stopped_at(study_of(pruner, *three), (0.7, 200)) == 1


def test_and_such_a_share_of_all() -> None:
    pruner = simple(share=0.3)
    others = [(0.9, 900)] * 7
    assert stopped_at(study_of(pruner, *[(0.8, 100)] * 2, *others), (0.7, 200)) is None
    assert stopped_at(study_of(pruner, *[(0.8, 100)] * 3, *others), (0.7, 200)) == 1


def test_it_waits_for_trials_and_epochs() -> None:
    pruner = simple(n_startup_trials=4, n_warmup_steps=3)
    assert stopped_at(study_of(pruner, *[(0.8, 100)] * 3), *[(0.7, 200)] * 9) is None
    assert stopped_at(study_of(pruner, *[(0.8, 100)] * 4), *[(0.7, 200)] * 9) == 3


def test_one_bad_epoch_is_forgiven() -> None:
    study = study_of(simple(patience=3), (0.8, 100))
    good, bad = (0.9, 200), (0.7, 200)
    assert stopped_at(study, bad, bad, good, bad, bad, good) is None
    assert stopped_at(study, bad, good, bad, bad, bad) == 5
    assert stopped_at(study, bad, bad, bad) == 3
    assert stopped_at(study, bad, bad) is None


def test_it_asks_at_intervals_from_the_warmup_on() -> None:
    pruner = simple(n_warmup_steps=2, interval_steps=3)
    study = study_of(pruner, (0.8, 100))
    good, bad = (0.9, 200), (0.7, 200)
    assert stopped_at(study, good, bad) == 2
    assert stopped_at(study, good, good, *[bad] * 8) == 5
    trial = study.ask()  # nothing is said at 5, the check: it is made up for at 6
    for epoch, values in ((2, good), (6, bad)):
        report(trial, values, epoch)
    assert should_prune(trial)


def test_only_completed_trials_within_their_constraints_count() -> None:
    study = study_of(SIMPLE)
    rows = [[1, 0.8, 100]]
    for state in (TrialState.PRUNED, TrialState.FAIL):
        study.add_trial(create_trial(state=state, user_attrs={REPORTED: rows}))
    other = study.ask()
    report(other, (0.8, 100), 1)  # and it runs on
    over = study.ask()
    over.set_constraint("size", 1.0)
    report(over, (0.8, 100), 1)
    study.tell(over, (0.8, 100))
    assert stopped_at(study, (0.7, 200)) is None
    study.tell(other, (0.8, 100))
    assert stopped_at(study, (0.7, 200)) == 1


def test_trials_that_reported_nothing_or_something_else_are_passed_over() -> None:
    study = study_of(SIMPLE)
    for attributes in ({}, {REPORTED: [[1, 0.8]]}, {REPORTED: [[2, 0.8, 100]]}, {REPORTED: "?"}):
        study.add_trial(create_trial(values=[0.8, 100], user_attrs=attributes))
    assert stopped_at(study, (0.7, 200)) is None
    assert not SIMPLE.prune(study, study.trials[0])


def test_what_is_no_number_stops_the_trial_and_dominates_nobody() -> None:
    study = study_of(SIMPLE)
    study.add_trial(create_trial(values=[0.8, 100], user_attrs={REPORTED: [[1, None, 100]]}))
    assert stopped_at(study, (0.7, 200)) is None
    assert stopped_at(study, (nan, 50)) == 1


def test_one_objective_is_pruned_by_optunas_own_calls() -> None:
    study = optuna.create_study(direction="maximize", pruner=SIMPLE)

    def objective(trial: optuna.Trial) -> float:
        height = (0.8, 0.7, 0.9)[trial.number]
        for epoch in range(1, 4):
            trial.report(height * epoch, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return height

    study.optimize(objective, n_trials=3)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert study.trials[1].last_step == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_dominators": 0},
        {"patience": 0},
        {"share": 1.0},
        {"share": -0.1},
        {"n_startup_trials": -1},
        {"n_warmup_steps": -1},
        {"interval_steps": 0},
    ],
)
def test_bad_settings_are_refused_when_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="; got"):
        ParetoPruner(**wrong)


# whole searches


def curves(trial: optuna.Trial) -> tuple[float, float]:
    """A person's own objective: a larger network learns more; what it wastes is lost."""
    size = trial.suggest_int("size", 1, 100)
    waste = trial.suggest_float("waste", 0, 1)
    for epoch in range(1, EPOCHS + 1):
        accuracy = (1 - 1 / (1 + size * (1 - waste) / 20)) * (1 - 0.7**epoch)
        report(trial, (accuracy, size), epoch)
        if should_prune(trial):
            raise optuna.TrialPruned
    return accuracy, size


def searched(
    sampler: optuna.samplers.BaseSampler, pruner: Any, trials: int = 60, **settings: Any
) -> optuna.Study:
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=sampler,
        pruner=make_pruner(pruner, epochs=EPOCHS, n_objectives=2),
        **settings,
    )
    study.optimize(curves, n_trials=trials)
    return study


def test_a_search_saves_epochs_and_loses_nothing_of_its_front() -> None:
    """These curves don't cross, so what is dominated early is dominated at the end."""
    whole, pruned = (
        searched(optuna.samplers.RandomSampler(seed=0), pruner) for pruner in ("none", "pareto")
    )
    assert [t.params for t in whole.trials] == [t.params for t in pruned.trials]
    assert {t.number for t in whole.best_trials} == {t.number for t in pruned.best_trials}
    spent, stopped = 0, 0
    for trial in pruned.trials:
        spent += max(reported(trial))
        stopped += trial.state is TrialState.PRUNED
        assert trial.state is not TrialState.PRUNED or max(reported(trial)) < EPOCHS
    assert stopped >= 10
    assert spent < 0.9 * 60 * EPOCHS


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", ["TPESampler", "NSGAIISampler", "NSGAIIISampler", "RandomSampler"])
def test_samplers_go_on_with_pruned_trials(name: str) -> None:
    study = searched(
        getattr(optuna.samplers, name)(seed=0), "pareto(dominators=1, patience=1, warmup=1)"
    )
    states = [trial.state for trial in study.trials]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}
    assert len({tuple(trial.params.values()) for trial in study.trials}) > 40
    assert all(t.values is None for t in study.trials if t.state is TrialState.PRUNED)


def test_the_verdict_is_the_same_after_a_round_through_a_database(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    kept, stored = (
        searched(optuna.samplers.RandomSampler(seed=1), "pareto", 25, storage=storage)
        for storage in (None, url)
    )
    assert [t.state for t in kept.trials] == [t.state for t in stored.trials]
    assert np.any([t.state is TrialState.PRUNED for t in kept.trials])
