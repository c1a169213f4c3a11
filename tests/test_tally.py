"""Counts of trials and the best of them, against Optuna's own and brute force."""

import random

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.attributes import Outcome
from optunas.tally import Tally, best_trials, groups


def study_of(*trials: FrozenTrial, **settings: object) -> optuna.Study:
    study = optuna.create_study(**(settings or {"direction": "maximize"}))  # type: ignore[arg-type]
    study.add_trials(trials)
    return study


def complete(*values: float, **attributes: object) -> FrozenTrial:
    return create_trial(values=list(values), user_attrs=attributes)


def ended(state: TrialState, end: str) -> FrozenTrial:
    return create_trial(state=state, user_attrs={"outcome": end})


def test_a_tally_says_how_many_ended_how() -> None:
    study = study_of(
        complete(1), complete(1, outcome="reused"), ended(TrialState.PRUNED, "pruned"),
        ended(TrialState.PRUNED, "rejected"), ended(TrialState.FAIL, "failed"),
        ended(TrialState.FAIL, "interrupted"),
    )  # fmt: skip
    study.ask()
    study.enqueue_trial({})
    tally = Tally.of(study.get_trials())
    assert (tally.finished, tally.running, tally.waiting) == (3, 1, 1)
    assert tally.ended[Outcome.REJECTED] == 1
    assert str(tally) == (
        "2 done, 1 pruned, 1 rejected, 1 failed, 1 reused, 1 interrupted, 1 running, 1 waiting"
    )
    assert str(Tally.of([])) == "0 done, 0 pruned, 0 rejected, 0 failed"


@pytest.mark.parametrize(("direction", "order"), [("maximize", [1, 0, 3]), ("minimize", [0, 3, 1])])
def test_the_best_come_first_the_earlier_of_equals_before(direction: str, order: list[int]) -> None:
    pruned = create_trial(state=TrialState.PRUNED, value=99.0)
    study = study_of(complete(1), complete(2), pruned, complete(1), direction=direction)
    assert [t.number for t in best_trials(study, study.trials)] == order
    assert best_trials(study, study.trials)[0].number == study.best_trial.number


def test_reused_networks_stand_for_themselves_only_alone() -> None:
    study = study_of(complete(1), complete(2, outcome="reused"))
    assert [t.number for t in best_trials(study, study.trials)] == [0]
    assert [t.number for t in best_trials(study, study.trials[1:])] == [1]


def test_a_network_over_a_limit_is_not_among_the_best() -> None:
    study = optuna.create_study(direction="maximize")
    for margin, value in ((0.5, 9.0), (-0.5, 1.0)):
        trial = study.ask()
        trial.set_constraint("params", margin)
        study.tell(trial, value)
    assert [t.number for t in best_trials(study, study.trials)] == [1]


def test_the_front_is_optunas_own() -> None:
    rng = random.Random(0)
    points = [(rng.randint(0, 9), rng.randint(0, 9), rng.randint(0, 9)) for _ in range(200)]
    directions = ["maximize", "minimize", "maximize"]
    study = study_of(*(complete(*point) for point in points), directions=directions)
    front = best_trials(study, study.trials)
    assert {t.number for t in front} == {t.number for t in study.best_trials}
    assert [t.values[0] for t in front] == sorted((t.values[0] for t in front), reverse=True)


def test_the_front_of_a_part_is_its_own() -> None:
    study = study_of(
        complete(9, 1), complete(5, 5), complete(4, 6), directions=["maximize", "minimize"]
    )
    assert [t.number for t in best_trials(study, study.trials)] == [0]
    assert [t.number for t in best_trials(study, study.trials[1:])] == [1]


def test_groups_by_who_proposed() -> None:
    roles = ["baseline", "random draw", None, "somebody's own"]
    trials = [complete(1, **({} if role is None else {"role": role})) for role in roles]
    found = groups(trials)
    assert {role: len(members) for role, members in found.items()} == {
        "baseline": 1, "random draw": 1, "search": 2,
    }  # fmt: skip
