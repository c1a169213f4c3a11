import warnings

import optuna
import pytest
from optuna.trial import TrialState

from optunas.errors import StudyError
from optunas.pruners import PRUNERS, ParetoPruner, make_pruner

EPOCHS = 9


def curve(trial: optuna.Trial) -> float:
    """A learning curve whose height is chosen; the last epoch's value is the height."""
    height = trial.suggest_float("height", 0, 1)
    for epoch in range(1, EPOCHS + 1):
        trial.report(height * epoch / EPOCHS, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return height


def run(pruner: optuna.pruners.BasePruner, trials: int = 30) -> optuna.Study:
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner
    )
    study.optimize(curve, n_trials=trials)
    return study


def pruned(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.trials if trial.state is TrialState.PRUNED]


@pytest.mark.parametrize("name", PRUNERS)
def test_every_name_prunes_the_worse_after_some_epochs(name: str) -> None:
    text = "threshold(lower=0.2)" if name == "threshold" else name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)
        study = run(make_pruner(text, epochs=EPOCHS))
    stopped = pruned(study)
    if name in ("none", "patient"):  # curves that always rise never try one's patience
        assert stopped == []
        return
    assert stopped
    best = max(trial.params["height"] for trial in study.trials)
    assert study.best_value == best
    heights = [trial.params["height"] for trial in stopped]
    assert sum(heights) / len(heights) < sum(t.params["height"] for t in study.trials) / 30


def test_the_median_waits_for_trials_and_epochs() -> None:
    study = run(make_pruner("median", epochs=EPOCHS))
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials[:5])
    first = min(t.last_step for t in pruned(study) if t.last_step is not None)
    assert first == round(0.3 * EPOCHS)
    late = run(make_pruner("median(startup=20, warmup=6)", epochs=EPOCHS))
    assert all(trial.state is TrialState.COMPLETE for trial in late.trials[:20])
    assert {trial.last_step for trial in pruned(late)} == {6}


def test_percentile_keeps_fewer_than_the_median() -> None:
    few, many = (
        len(pruned(run(make_pruner(f"percentile(percentile={keep})", epochs=EPOCHS))))
        for keep in (75, 10)
    )
    assert few < many


def test_halving_decides_at_powers_of_its_factor() -> None:
    study = run(make_pruner("halving", epochs=EPOCHS))
    assert {trial.last_step for trial in pruned(study)} == {3, 6}
    study = run(make_pruner("successive_halving(first=1, factor=3)", epochs=EPOCHS))
    assert {trial.last_step for trial in pruned(study)} <= {1, 3, 9}


def test_patience_ends_with_a_curve_that_falls() -> None:
    study = optuna.create_study(
        direction="maximize", pruner=make_pruner("patient(patience=2)", epochs=EPOCHS)
    )

    def objective(trial: optuna.Trial) -> float:
        level = 1.0 if trial.number < 6 else 0.5
        for epoch in range(1, EPOCHS + 1):
            trial.report(level * (3 - abs(epoch - 3) / 9), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return level

    study.optimize(objective, n_trials=7)
    assert [trial.number for trial in pruned(study)] == [6]
    assert study.trials[6].last_step == 6  # three epochs, 4 to 6, under the third


@pytest.mark.parametrize("name", [name for name in PRUNERS if name != "threshold"])
def test_one_epoch_is_enough(name: str) -> None:
    run(make_pruner(name, epochs=1), trials=8)


def test_several_objectives_have_their_own_pruner() -> None:
    for text in ("median", "pareto", "median(startup=3)", "pareto(dominators=5)"):
        assert isinstance(make_pruner(text, epochs=EPOCHS, n_objectives=2), ParetoPruner)
    assert not isinstance(make_pruner("median", epochs=EPOCHS), ParetoPruner)
    for nothing in ("none", None):
        made = make_pruner(nothing, epochs=EPOCHS, n_objectives=2)
        assert isinstance(made, optuna.pruners.NopPruner)
    own = optuna.pruners.MedianPruner()
    assert make_pruner(own, epochs=EPOCHS, n_objectives=2) is own


@pytest.mark.parametrize("name", ["halving", "hyperband", "patient", "percentile", "threshold"])
def test_what_compares_one_value_is_refused_for_several(name: str) -> None:
    with pytest.raises(StudyError, match=f"'{name}' serves one objective; the study has 3: take"):
        make_pruner(name, epochs=EPOCHS, n_objectives=3)


def test_own_pruners_pass_through_and_none_is_none() -> None:
    own = optuna.pruners.WilcoxonPruner()
    assert make_pruner(own, epochs=5) is own
    assert isinstance(make_pruner(None, epochs=5), optuna.pruners.NopPruner)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("medain", "no pruner is called 'medain'. Did you mean 'median'\\? There are: asha"),
        ("threshold", "write threshold\\(lower=0.3\\)"),
        ("percentile(percent=25)", "takes percentile, startup, warmup, interval; got 'percent'"),
        ("percentile(percentile=250)", "between 0 and 100"),
        ("percentile(percentile='25')", "percentile is of type float; got '25'"),
        ("median(warmup=0.5)", "warmup is of type int | None; got 0.5"),
        ("median 5", "a pruner is written as name or name\\(key=value, ...\\)"),
        ("halving(factor=1)", "reduction_factor"),
        ("pareto(dominators=0)", "n_dominators, patience and interval_steps are at least 1; got 0"),
        ("pareto(share=1.5)", "share is a number from 0 up to, but not, 1; got 1.5"),
        ("none(epochs=3)", "takes no arguments; got 'epochs'"),
    ],
)
def test_bad_texts_are_one_line_that_names_the_way_out(text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        make_pruner(text, epochs=EPOCHS)
    assert len(str(caught.value).splitlines()) == 1


def test_no_epoch_is_too_few() -> None:
    with pytest.raises(StudyError, match="at least 1 epoch; got epochs=0"):
        make_pruner("median", epochs=0)
