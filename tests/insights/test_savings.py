"""Time spent and saved, added up once more by hand."""

import numpy as np
import pytest

from optunas.insights import savings
from optunas.insights.savings import NEIGHBOURS

from .made import a_search, a_trial, study_of


def curve(*seconds: float) -> dict[str, object]:
    rows = [[1.0, 1.0, 0.5, 0.5, s] for s in seconds]
    return {"curve": rows, "train_seconds": sum(seconds), "recipe": {"epochs": 10}}


def saved(found, by: str):
    return next(saving for saving in found.saved if saving.by == by)


def test_spent_is_what_trials_held_their_workers():
    study = a_search(120)
    found = savings(study)
    frame = study.trials_dataframe()
    seconds = (frame["datetime_complete"] - frame["datetime_start"]).dt.total_seconds()
    by = seconds.groupby(frame["user_attrs_outcome"]).sum()
    assert found.by_outcome == pytest.approx(by[by > 0].to_dict())
    assert found.spent == pytest.approx(seconds.sum())
    trained = frame["user_attrs_outcome"].isin(["trained", "pruned"])
    assert found.training == pytest.approx(frame.loc[trained, "user_attrs_train_seconds"].sum())


def test_a_search_saved_what_its_trials_say():
    study = a_search(120)
    found = savings(study)
    ends = [trial.user_attrs["outcome"] for trial in study.trials]
    assert saved(found, "pruning").seconds == pytest.approx(ends.count("pruned") * (8 - 3) * 2.0)
    assert saved(found, "rejection").seconds == pytest.approx(ends.count("rejected") * 16.0)
    assert saved(found, "reuse").seconds == pytest.approx(ends.count("reused") * 16.0)
    assert found.total_saved == pytest.approx(sum(saving.seconds for saving in found.saved))


def test_pruning_saved_the_epochs_that_were_left():
    pruned = a_trial(0, "pruned", None, values=[0.1, 0.2, 0.3], attributes=curve(9.0, 2.0, 4.0))
    found = saved(savings(study_of([pruned])), "pruning")
    assert (found.seconds, found.trials, found.of) == (7 * 4.0, 1, 1)  # the median epoch took 4 s


def test_a_stopped_network_that_was_promoted_saved_nothing():
    trials = [
        a_trial(0, "pruned", None, attributes=curve(1.0)),
        a_trial(1, attributes={**curve(*[1.0] * 10), "promotes": 0}),
    ]
    assert saved(savings(study_of(trials)), "pruning").seconds == 0.0


def test_rejection_saved_what_networks_of_that_size_take():
    rng = np.random.default_rng(0)
    sizes = {n: int(10 ** rng.uniform(3, 6)) for n in range(40)}
    times = {n: size / 1000 * rng.uniform(0.8, 1.2) for n, size in sizes.items()}
    trials = [a_trial(n, attributes={"macs": sizes[n], **curve(times[n])}) for n in sizes]
    rejected = [30_000, 2_000_000]
    trials += [
        a_trial(40 + n, "rejected", None, attributes={"macs": macs})
        for n, macs in enumerate(rejected)
    ]
    expected = []
    for macs in rejected:
        near = sorted(sizes, key=lambda n: abs(np.log1p(sizes[n]) - np.log1p(macs)))[:NEIGHBOURS]
        expected.append(np.percentile([times[n] for n in near], [25, 50, 75]))
    found = saved(savings(study_of(trials)), "rejection")
    low, middle, high = np.sum(expected, 0)
    assert (found.low, found.seconds, found.high) == pytest.approx((low, middle, high))
    assert (found.trials, found.of) == (2, 2)


def test_what_can_t_be_estimated_is_counted_and_not_added():
    trials = [
        a_trial(0, "pruned", None, attributes={"curve": "x"}),
        a_trial(1, "pruned", None, attributes={**curve(1.0), "recipe": {"epochs": "many"}}),
        a_trial(2, "rejected", None, attributes={"macs": 10}),
        a_trial(3, "reused", 0.5),
    ]
    found = savings(study_of(trials))
    assert [(one.seconds, one.trials) for one in found.saved] == [(0.0, 0)] * 3
    assert [one.of for one in found.saved] == [2, 1, 1]


@pytest.mark.parametrize(
    "bad", ["x", [[1]], [["a"] * 5], [[1, 1, 1, 1, float("nan")]], {"a": 1}, [[1, 1, 1, 1, None]]]
)
def test_a_broken_curve_costs_nothing(bad: object):
    found = savings(study_of([a_trial(0, "pruned", None, attributes={"curve": bad})]))
    assert found.training == 0.0


def test_an_interrupted_trial_is_told_apart():
    trials = [a_trial(0, "failed", None, seconds=3), a_trial(1, seconds=7)]
    trials[1].set_system_attr("retry_history", [0]) if hasattr(trials[1], "set_system_attr") else (
        trials[1].system_attrs.update(retry_history=[0])
    )
    assert savings(study_of(trials)).by_outcome == {"interrupted": 3.0, "trained": 7.0}


def test_nothing_yet():
    found = savings(study_of([]))
    assert (found.spent, found.training, found.total_saved) == (0.0, 0.0, 0.0)
