"""Studies that do not begin at zero."""

import json

import optuna
import pytest
from optuna.trial import FixedTrial, Trial, TrialState

from optunas.architecture import features
from optunas.errors import StudyError
from optunas.samplers import ArchitectureSampler, guess, warm_start
from optunas.samplers.model.prior import RESULTS, Guess, Prior
from optunas.samplers.proposing import whole_view
from optunas.samplers.warm import MOST, PART
from optunas.spaces import NASBench201, sight_of

SPACE = NASBench201(repeats=1)
SIGHT = sight_of(SPACE)


def merit(trial: Trial) -> float:
    found = features(SPACE.suggest(trial), (3, 32, 32), 10)
    return found["depth.longest"] + found["log2.paths"] - found.get("count.Pool", 0.0)


def other_scale(trial: Trial) -> float:
    """Ranks as `merit` does, but in other units."""
    return 0.9 - 2.0 ** -merit(trial)


def earlier(trials: int = 60, seed: int = 0, name: str = "earlier") -> optuna.Study:
    study = optuna.create_study(
        study_name=name, direction="maximize", sampler=optuna.samplers.RandomSampler(seed=seed)
    )
    study.optimize(merit, n_trials=trials)
    return study


def fresh(seed: int = 1) -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=ArchitectureSampler(SPACE, seed=seed))


def test_the_winner_is_tried_first_and_what_follows_is_good_from_the_start() -> None:
    before = earlier()
    study, cold = fresh(), fresh()
    assert warm_start(study, from_studies=[before]) == 60
    study.optimize(other_scale, n_trials=6)
    cold.optimize(other_scale, n_trials=6)
    assert study.trials[0].params == before.best_params
    assert study.trials[0].user_attrs["role"] == "winner of earlier"
    middle = [sorted(t.value for t in s.trials)[3] for s in (study, cold)]
    assert middle[0] > middle[1]
    assert study.best_value > other_scale(FixedTrial(before.best_params))


def test_a_second_call_changes_nothing() -> None:
    before, study = earlier(20), fresh()
    warm_start(study, from_studies=[before], winners=3)
    attributes = study.user_attrs
    warm_start(study, from_studies=[before], winners=3)
    assert study.user_attrs == attributes
    assert [trial.state for trial in study.trials] == [TrialState.WAITING] * 3


def test_a_misleading_study_is_found_out() -> None:
    wrong = earlier()
    upside_down = optuna.create_study(study_name="wrong", direction="maximize")
    for trial in wrong.trials:
        made = optuna.trial.create_trial(
            params=trial.params, distributions=trial.distributions, value=-trial.value
        )
        upside_down.add_trial(made)
    study = fresh()
    warm_start(study, from_studies=[upside_down])
    study.optimize(merit, n_trials=25)
    assert study.best_value > max(trial.value for trial in wrong.trials)


def test_a_long_study_is_thinned_and_stored_in_parts() -> None:
    before, study = earlier(MOST + 40), fresh()
    assert warm_start(study, from_studies=[before], winners=0) == MOST
    parts = {k: v for k, v in study.user_attrs.items() if k.startswith(RESULTS)}
    assert [len(part) for _, part in sorted(parts.items())] == [PART, MOST - PART]
    assert max(len(json.dumps(part)) for part in parts.values()) < 60_000
    merits = [row[1][0] for part in parts.values() for row in part]
    assert max(merits) == before.best_value


def test_networks_of_another_space_are_left_out() -> None:
    study = fresh()
    warm_start(study, from_studies=[earlier(20)], winners=0)
    narrow = sight_of(NASBench201(ops=("none", "nor_conv_3x3", "skip_connect"), repeats=1))
    prior = Prior.of(study.user_attrs, lambda params: whole_view(narrow, params))
    assert sum(len(source.views) for source in prior.sources) < 20


def test_several_earlier_studies_are_several_tasks() -> None:
    study = fresh()
    taken = warm_start(study, from_studies=[earlier(15), earlier(15, seed=3, name="another")])
    prior = Prior.of(study.user_attrs, lambda params: whole_view(SIGHT, params))
    assert taken == 30
    assert [len(source.views) for source in prior.sources] == [15, 15]
    study.optimize(merit, n_trials=4)


def test_what_can_t_be_taken_over_is_refused() -> None:
    other = optuna.create_study(study_name="other", direction="minimize")
    with pytest.raises(StudyError, match="must aim at the same"):
        warm_start(fresh(), from_studies=[other])
    empty = optuna.create_study(study_name="empty", direction="maximize")
    with pytest.raises(StudyError, match="must hold completed trials; 'empty' has none"):
        warm_start(fresh(), from_studies=[empty])


def test_a_guess_is_tried_first_and_weighs_in() -> None:
    believed = dict.fromkeys(SPACE.baseline(), "nor_conv_3x3")
    study, neutral = fresh(), fresh()
    guess(study, believed, confidence=100)
    for one in (study, neutral):
        one.optimize(merit, n_trials=16)
    assert study.trials[0].params == believed

    def alike(one: optuna.Study) -> int:
        return sum(op == "nor_conv_3x3" for t in one.trials[1:] for op in t.params.values())

    assert alike(study) > alike(neutral) + 10


def test_the_weight_of_a_guess_fades() -> None:
    view = whole_view(SIGHT, dict.fromkeys(SPACE.baseline(), "none"))
    assert view is not None
    prior = Prior(guesses=(Guess({"edge0_1": "nor_conv_3x3", "edge0_2": "none"}, 10.0),))
    assert prior.pull(view, 0) == -5.0
    assert prior.pull(view, 99) == -0.05


@pytest.mark.parametrize(
    ("params", "confidence", "message"),
    [({}, 1.0, "names at least one parameter"), ({"a": 1}, -1.0, "is 0 or more; got -1")],
)
def test_a_guess_that_is_none(params: dict, confidence: float, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        guess(fresh(), params, confidence=confidence)
