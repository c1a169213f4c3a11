"""A trial's note: what it says is what the trial holds, on one screen, and nothing is obeyed."""

from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from optunas.architecture import ConvNorm, GlobalPool, Linear, Sequential, cost, to_json
from optunas.report.note import ROOM, trial_note

NETWORK = Sequential(ConvNorm(8), GlobalPool(), Linear())
PRICE = cost(NETWORK, (1, 8, 8), 10)


def trial(state: TrialState = TrialState.COMPLETE, **attributes: Any) -> FrozenTrial:
    known = {
        "outcome": "trained",
        "architecture": to_json(NETWORK),
        "input_shape": [1, 8, 8],
        "classes": 10,
        "params": PRICE.params,
        "macs": PRICE.macs,
        "margin.params": -0.25,
        "accuracy": 0.9876,
        "f1": 0.5,
        "train_seconds": 12.34,
        "curve": [[1.0, 1.0, 0.5, 0.5, 1.0]] * 3,
        "latency_ms": 0.731,
    }
    value = 0.9876 if state is TrialState.COMPLETE else None
    found = optuna.trial.create_trial(state=state, value=value, user_attrs={**known, **attributes})
    found.number = 9
    return found


def test_it_says_scores_costs_and_layers() -> None:
    note = trial_note(trial())
    assert note.startswith("**Trained**, accuracy **98.76 %**, F1 50.00 % (validation)")
    assert f"| parameters | {PRICE.params} (25.0 % below the limit) |" in note
    assert f"| MACs | {PRICE.macs:,} |" in note
    assert "| latency | 0.731 ms |" in note
    assert "| training | 12.3 s, 3 epochs |" in note
    assert "| `ConvNorm(8)` | 8×8×8 | 88 | 4,608 |" in note
    assert f"| in all |  | {PRICE.params:,} | {PRICE.macs:,} |" in note


def test_f1_of_each_class_stands_in_it_where_it_is_known() -> None:
    note = trial_note(trial(), ("cat", "dog"), [[8, 2], [0, 10]])
    assert "F1 by class, the worst first: `cat` 88.89 %, `dog` 90.91 %." in note


def test_it_leads_to_the_trials_it_comes_from() -> None:
    note = trial_note(trial(reused_from=3, promotes=4))
    assert "goes on with [trial 4](?numbers=4), which the pruner had stopped" in note
    assert "The same network as [trial 3](?numbers=3)" in note
    first = optuna.trial.create_trial(value=1.0, system_attrs={"retry_history": [2, 5]})
    first.number = 9
    assert "Goes on with [trial 5](?numbers=5), which was interrupted" in trial_note(first)


def test_it_says_why_a_trial_was_pruned_or_rejected() -> None:
    pruned = trial(TrialState.PRUNED, outcome="pruned", reason="pruned after epoch 3 of 10")
    assert "**Pruned**" in trial_note(pruned)
    assert "`pruned after epoch 3 of 10`" in trial_note(pruned)
    running = trial(TrialState.RUNNING, outcome="rejected", reason="over its limits")
    assert trial_note(running).startswith("**Rejected**")


def test_a_deep_network_finds_room() -> None:
    deep = Sequential(*(ConvNorm(8 + i) for i in range(200)), GlobalPool(), Linear())
    note = trial_note(trial(architecture=to_json(deep)))
    assert len(note) <= ROOM
    assert "`ConvNorm(8)`" in note
    assert "`Linear()`" in note
    assert "more |" in note


HOSTILE = (
    *("<script>alert(1)</script>", "[x](javascript:alert(1))", "x" * 9999),
    *(7, None, [1], {"a": {}}, float("nan"), float("inf"), True),
)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_whatever_stands_in_the_attributes_a_note_comes_of_it(value: Any) -> None:
    names = trial().user_attrs | dict.fromkeys(
        ("reason", "role", "recipe", "device", "reused_from", "promotes"), 0
    )
    note = trial_note(trial(**dict.fromkeys(names, value)))
    assert 0 < len(note) <= ROOM
    for line in note.splitlines():
        outside = "".join(line.split("`")[::2])
        assert "<" not in outside
        assert "javascript" not in outside
