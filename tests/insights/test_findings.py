"""Sentences: what is told is sure, and nothing is told of noise."""

import re

import numpy as np
import pytest

from optunas.insights import findings

from .made import a_search, a_trial, choices_of, drawn, study_of


def of_kind(study, kind: str):
    return [finding for finding in findings(study) if finding.kind == kind]


def noise(seed: int, trials: int = 80):
    rng = np.random.default_rng(seed)
    space = choices_of(8)
    return study_of(
        [
            a_trial(n, value=float(rng.normal(0.9, 0.01)), params=drawn(space, rng),
                    distributions=space, attributes={"params": int(rng.integers(1000, 9000))})
            for n in range(trials)
        ]
    )  # fmt: skip


def test_pure_noise_has_almost_no_findings():
    told = [len(findings(noise(seed))) for seed in range(20)]
    assert sum(map(bool, told)) <= 3  # 1 is expected; more than 3 once in sixty


def test_the_planted_effect_is_told_with_its_size_and_its_cost():
    study = a_search(150)
    first = of_kind(study, "effect")[0]
    assert first.estimate == pytest.approx(0.02, abs=0.005)
    assert first.low < 0.02 < first.high
    said = re.fullmatch(
        r"stage1\.block1\.kernel = 5 is worth \+(\d\.\d+) ± (\d\.\d+) points of validation "
        r"accuracy against its other choices, but costs (0\.\d+) ± (0\.\d+) ms of latency "
        r"\((\d+) networks with it, (\d+) with another; (\d+) were pruned, their ends "
        r"estimated\)\.",
        first.text,
    )
    assert said, first.text
    worth, margin, cost = (float(said[place]) for place in (1, 2, 3))
    assert worth == pytest.approx(100 * first.estimate, abs=0.06)
    assert margin == pytest.approx(100 * (first.high - first.low) / 2, abs=0.06)
    assert cost == pytest.approx(0.3, abs=0.02)
    assert first.trials == int(said[5]) + int(said[6])


def test_of_two_choices_one_sentence_is_told():
    rng = np.random.default_rng(0)
    space = choices_of(1, ("a", "b"))
    made = []
    for number in range(60):
        params = drawn(space, rng)
        value = float((params["p0"] == "a") + rng.normal(0, 0.1))
        made.append(a_trial(number, value=value, params=params, distributions=space))
    (told,) = findings(study_of(made))
    assert told.text.startswith("p0 = a is worth +")


@pytest.mark.parametrize(("gain", "is_told"), [(0.03, True), (0.0, False)])
def test_the_search_is_held_against_its_random_draws(gain: float, is_told: bool):
    rng = np.random.default_rng(0)
    roles = ["baseline"] + ["random draw"] * 10 + [None] * 30
    made = [
        a_trial(n, value=float(0.8 + gain * (role is None) + rng.normal(0, 0.01)),
                attributes={"role": role} if role else {})
        for n, role in enumerate(roles)
    ]  # fmt: skip
    values = [trial.value for trial in made]
    told = of_kind(study_of(made, names=["accuracy"]), "search")
    assert bool(told) == is_told
    if told:
        assert told[0].estimate == pytest.approx(np.mean(values[11:]) - np.mean(values[1:11]), 0.03)
        assert told[0].text.startswith("Networks that the search proposed come to +")
        assert told[0].text.endswith("(30 networks against 10).")
        assert told[0].trials == 40


def test_pruning_is_told_where_it_is_sure():
    rng = np.random.default_rng(0)
    ends = rng.normal(0, 1, 60)
    made = [a_trial(n, value=float(e), values=[float(e + rng.normal(0, 0.1)), float(e)])
            for n, e in enumerate(ends)]  # fmt: skip
    (told,) = of_kind(study_of(made), "pruning")
    assert told.text.startswith("Pruning after epoch 1 would be safe")
    assert told.low < told.estimate < told.high
    assert of_kind(study_of(made[:9]), "pruning") == []


def test_savings_are_told_with_their_estimate():
    told = {finding.text.split()[0]: finding for finding in of_kind(a_search(150), "savings")}
    assert set(told) == {"Pruning", "Rejection", "Reuse"}
    assert all(one.estimate > 0 and one.trials > 0 for one in told.values())


def test_nothing_yet():
    assert findings(study_of([])) == ()
    assert findings(study_of([a_trial(0)])) == ()
