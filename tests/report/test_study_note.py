"""A study's note: what it says is so, what a person wrote stays, nothing of a study is obeyed."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optunas import fingerprint
from optunas.report.study_note import merged, study_note
from optunas.tally import Tally

from ..performance.made_up import made_up

pytestmark = pytest.mark.usefixtures("quiet")


def test_it_says_what_is_searched_and_the_best() -> None:
    study = made_up(60)
    trials = study.get_trials(deepcopy=False)
    note = study_note(study, trials)
    fit = [
        t for t in trials if t.state is TrialState.COMPLETE and t.user_attrs["params"] <= 1_000_000
    ]
    best = max(fit, key=lambda t: (t.value, -t.number))
    assert note.startswith(f"Best so far: trial [{best.number}](trials?numbers={best.number})")
    assert f"accuracy **{100 * best.value:.2f} %**" in note
    assert f"{best.user_attrs['params']:,} parameters" in note
    assert str(Tally.of(trials)) in note
    assert "| aims at | maximize `accuracy` |" in note
    assert "| limits | parameters ≤ 1,000,000 |" in note
    assert "| data | `10 classes, 3x32x32, 40,000 train" in note
    assert "| recipe | `epochs 10, batch_size 128, optimizer adamw, lr 0.003` |" in note
    assert "| strategy | `sampler architecture, pruner median, seed 0` |" in note
    assert "`optunas run made_up.py --trials 40`" in note
    roles = [t.user_attrs.get("role") for t in trials]
    assert f"| baseline | {roles.count('baseline')} |" in note
    assert f"| random draw | {roles.count('random draw')} |" in note
    assert len(note) < 6000


def test_it_says_which_trials_have_notes_where_not_all_have() -> None:
    study = made_up(12)
    trials = study.get_trials(deepcopy=False)
    assert "is one of the first 10, or among the best" in study_note(study, trials, 10)
    assert "has a note" not in study_note(study, trials, 12)


def test_what_a_person_writes_below_the_line_stays() -> None:
    first = merged("", "one")
    assert first.startswith("one\n\n---\n")
    second = merged(f"{first}\n**mine**, and\n---\nmore\n", "two")
    assert second.startswith("two\n\n---\n")
    assert "one" not in second.split("---")[0]
    assert second.rstrip().endswith("**mine**, and\n---\nmore")
    assert merged(second, "two") == second
    assert merged("a person's own note", "one").rstrip().endswith("a person's own note")


@pytest.mark.parametrize("trials", [
    [],
    [create_trial(state=TrialState.FAIL)] * 3,
    [create_trial(state=TrialState.PRUNED)] * 3,
    [create_trial(state=TrialState.RUNNING)],
])  # fmt: skip
def test_without_a_result_it_says_so(trials: list[Any]) -> None:
    study = optuna.create_study()
    study.add_trials(trials)
    note = study_note(study, study.get_trials(deepcopy=False))
    assert note.startswith("**No network has been trained to its end yet.** 0 done")


def test_of_several_objectives_it_names_one_of_the_front() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.set_metric_names(["accuracy", "params"])
    for accuracy, params in ((0.5, 10), (0.9, 20), (0.4, 30)):
        study.add_trial(create_trial(values=[accuracy, params]))
    note = study_note(study, study.get_trials(deepcopy=False))
    assert "trial [1](trials?numbers=1) (one of 2 on the front)" in note
    assert "accuracy **90.00 %**, parameters **20**" in note.replace("params **", "parameters **")
    assert "maximize `accuracy`, minimize `params`" in note


HOSTILE = ("<script>alert(1)</script>", "[x](javascript:alert(1))", 7, [1], {"<b>": {"<i>": "<u>"}})


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_whatever_stands_in_a_study_a_note_comes_of_it(value: Any) -> None:
    study = optuna.create_study()
    names = ("space", "choices", "data", "recipe", "limits", "strategy", "torch", "optuna")
    study.set_user_attr(fingerprint.ATTRIBUTE, dict.fromkeys(names, value))
    study.set_user_attr(fingerprint.COMMAND, value)
    study.set_metric_names(["<script>"])
    known = dict.fromkeys(("accuracy", "f1", "params", "macs", "role", "train_seconds"), value)
    study.add_trial(create_trial(value=1.0, user_attrs=known))
    note = study_note(study, study.get_trials(deepcopy=False))
    for line in note.splitlines():
        outside = "".join(line.split("`")[::2])
        assert "<" not in outside
        assert "javascript" not in outside
