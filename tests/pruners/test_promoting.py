"""ASHA's rungs, and the way back from them."""

import random

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from optunas.errors import StudyError
from optunas.pruners import PromotingPruner, make_pruner

SPACE = {"x": FloatDistribution(0, 1)}


def study_of(
    *curves: dict[int, float], direction: str = "maximize", first: int = 1, factor: int = 3
) -> optuna.Study:
    """A study with stopped trials of these curves."""
    study = optuna.create_study(
        direction=direction, pruner=PromotingPruner(first=first, factor=factor)
    )
    for curve in curves:
        study.add_trial(stopped(curve))
    return study


def stopped(curve: dict[int, float], **attributes: object) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=TrialState.PRUNED,
        params={"x": 0.5},
        distributions=SPACE,
        intermediate_values=curve,
        user_attrs={"outcome": "pruned", **attributes},
    )


def reach(study: optuna.Study, curve: dict[int, float]) -> bool:
    """Whether a running trial with this curve is stopped at its last epoch."""
    trial = study.ask()
    for step, value in curve.items():
        trial.report(value, step)
    end = trial.should_prune()
    study.tell(trial, state=TrialState.PRUNED if end else TrialState.FAIL)
    return end


def promotable(study: optuna.Study) -> list[int]:
    pruner = study.pruner
    assert isinstance(pruner, PromotingPruner)
    return pruner.promotable(study)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_at_a_rung_the_best_third_goes_on(direction: str) -> None:
    sign = 1 if direction == "maximize" else -1

    def study() -> optuna.Study:
        return study_of(*({2: sign * v} for v in (0.1, 0.2, 0.3, 0.4, 0.5)),
                        direction=direction, first=2)  # fmt: skip

    assert not reach(study(), {1: 0.0, 2: sign * 0.6})  # among the best 2 of 6
    assert not reach(study(), {1: 0.0, 2: sign * 0.45})
    assert reach(study(), {1: 0.0, 2: sign * 0.35})
    assert not reach(study(), {1: -sign * 9.0})  # no rung
    assert not reach(study(), {3: -sign * 9.0})


def test_the_first_ones_stop_until_there_is_a_third_to_be_among() -> None:
    study = study_of()
    assert reach(study, {1: 0.9})
    assert reach(study, {1: 0.8})
    assert not reach(study, {1: 0.95})


def test_a_value_that_is_no_number_stops() -> None:
    study = study_of(*({1: 0.1 * i} for i in range(6)))
    assert reach(study, {1: float("nan")})


def test_what_became_good_enough_is_promotable_and_nothing_else() -> None:
    study = study_of({1: 0.5}, {1: 0.4})
    assert promotable(study) == []
    study.add_trial(stopped({1: 0.1}))
    assert promotable(study) == [0]
    study.add_trial(stopped({1: 0.6}))
    assert promotable(study) == [3]  # one of four; 0 is second now
    for value in (0.0, 0.05):
        study.add_trial(stopped({1: value}))
    assert promotable(study) == [3, 0]


def test_the_furthest_rung_comes_first() -> None:
    study = study_of({1: 0.5, 3: 0.7}, {1: 0.6, 3: 0.5}, {1: 0.7, 3: 0.6}, {1: 0.9}, {1: 0.1},
                     {1: 0.0})  # fmt: skip
    assert promotable(study) == [0, 3]


def test_one_that_was_promoted_counts_once_and_is_not_promoted_again() -> None:
    study = study_of({1: 0.5}, {1: 0.4}, {1: 0.1})
    study.enqueue_trial({"x": 0.5}, user_attrs={"promotes": 0, "promoted_after": 1})
    assert promotable(study) == []
    trial = study.ask(SPACE)
    trial.report(0.5, 1)
    assert not trial.should_prune()  # it is past this rung
    study.add_trial(stopped({1: 0.0}))
    study.add_trial(stopped({1: 0.0}))
    assert promotable(study) == []  # 1 of 5 networks: that one; of 6 trials it would be 2
    trial.report(0.2, 3)
    assert trial.should_prune()  # the only one at its rung, and not the best third


def test_one_stopped_again_further_on_can_be_promoted_from_there() -> None:
    study = study_of({1: 0.5}, {1: 0.6, 3: 0.3}, {1: 0.7, 3: 0.2})
    study.add_trial(stopped({1: 0.5, 3: 0.4}, promotes=0, promoted_after=1))
    assert promotable(study) == [3]


def test_one_that_took_anothers_result_is_not_promoted() -> None:
    study = study_of({1: 0.1}, {1: 0.2})
    study.add_trial(stopped({1: 0.9}, outcome="reused"))
    assert promotable(study) == []


def test_with_promotion_the_best_is_found_where_stopping_alone_loses_it() -> None:
    """Networks come in a bad order: the best ones first, when nobody is there to compare with."""
    rng = random.Random(0)
    final = sorted((rng.random() for _ in range(27)), reverse=True)

    def search(promoting: bool) -> float:
        pruner = PromotingPruner(first=1, factor=3)
        study = optuna.create_study(
            direction="maximize",
            pruner=pruner if promoting else optuna.pruners.SuccessiveHalvingPruner(
                min_resource=1, reduction_factor=3, bootstrap_count=3
            ),
        )  # fmt: skip
        queue = [(value, 0, None) for value in final]
        best = 0.0
        while queue:
            value, after, number = queue.pop(0)
            attrs = {} if number is None else {"promotes": number, "promoted_after": after}
            study.enqueue_trial({"x": value}, user_attrs=attrs)
            trial = study.ask(SPACE)
            for step in range(1, 10):
                trial.report(value, step)
                if trial.should_prune():
                    trial.set_user_attr("outcome", "pruned")
                    study.tell(trial, state=TrialState.PRUNED)
                    break
            else:
                study.tell(trial, value)
                best = max(best, value)
            if promoting:
                trials = study.get_trials()
                due = pruner.promotable(study)
                queue[:0] = [(trials[n].params["x"], trials[n].last_step, n) for n in due]
        return best

    assert search(promoting=True) == final[0]
    assert search(promoting=False) < final[0]


@pytest.mark.parametrize("settings", [{"first": 0}, {"factor": 1}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(StudyError, match="at least"):
        PromotingPruner(**settings)


def test_it_has_a_name() -> None:
    pruner = make_pruner("asha(factor=2)", epochs=20)
    assert isinstance(pruner, PromotingPruner)
    assert (pruner._first, pruner._factor) == (4, 2)
    with pytest.raises(StudyError, match="serves one objective"):
        make_pruner("asha", epochs=20, n_objectives=2)
