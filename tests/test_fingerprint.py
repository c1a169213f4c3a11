"""The fingerprint of a study: what differs is said, and refused unless it is wanted."""

import json
from typing import Any

import optuna
import pytest

from optunas.errors import StudyError
from optunas.fingerprint import (
    ATTRIBUTE,
    agree,
    complete,
    differences,
    fingerprint_of,
    minor,
    note_command,
)

STRATEGY = {"sampler": "tpe", "pruner": "median", "seed": 0}
FACTS: dict[str, Any] = {"limits": {"params": 500_000}, "recipe": {"epochs": 3}, "seed": 0}


def mine(**changes: Any) -> dict[str, Any]:
    return complete(FACTS | changes, STRATEGY)


def join(study: optuna.Study, fingerprint: dict[str, Any], anyway: bool = False) -> list[str]:
    notes: list[str] = []
    agree(study, fingerprint, notes.append, anyway=anyway)
    return notes


def test_the_first_writes_it_and_the_same_joins_in_silence() -> None:
    study = optuna.create_study()
    assert join(study, mine()) == join(study, mine()) == []
    assert fingerprint_of(study) == mine()
    assert fingerprint_of(study)["optuna"] == minor(optuna.__version__)


def test_another_is_refused_in_one_line_and_joins_where_it_is_told_to() -> None:
    study = optuna.create_study(study_name="digits")
    join(study, mine())
    other = mine(limits={"params": 10**6}, recipe={"epochs": 5}, seed=4)
    with pytest.raises(StudyError) as refused:
        join(study, other)
    line = str(refused.value)
    apart = (
        "limits: params 500000 in the study, 1000000 here; recipe: epochs 3 in the study, 5 here; "
        "seed: 0 in the study, 4 here"
    )
    assert f"'digits' and this one differ in {apart}: " in line
    assert "--anyway" in line
    assert "\n" not in line
    assert "made by" not in line
    note_command(study, "optunas run study.py --epochs 3\n\x1b[31m")
    with pytest.raises(
        StudyError, match=r"\(it was made by: optunas run study.py --epochs 3 +\[31m"
    ):
        join(study, other)
    assert join(study, other, anyway=True) == [f"this worker joins though it differs in {apart}"]
    assert fingerprint_of(study) == mine()


def test_what_a_study_does_not_know_yet_is_added() -> None:
    study = optuna.create_study()
    join(study, complete({}, STRATEGY))
    join(study, mine())
    assert fingerprint_of(study) == mine()
    join(study, complete({}, STRATEGY))
    with pytest.raises(StudyError, match="limits: params 500000 in the study, none here"):
        join(study, mine(limits={}))


def test_another_strategy_is_noted() -> None:
    study = optuna.create_study()
    join(study, mine())
    (note,) = join(study, complete(FACTS, STRATEGY | {"sampler": "random"}))
    assert note == "this study was created with sampler 'tpe'; continues with sampler 'random'"


def test_of_two_that_write_at_once_the_one_that_is_overwritten_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = optuna.create_study()
    monkeypatch.setattr(
        "optunas.facts.time.sleep", lambda seconds: study.set_user_attr(ATTRIBUTE, mine(seed=7))
    )
    with pytest.raises(StudyError, match="seed: 7 in the study, 0 here"):
        join(study, mine())


def test_long_parts_are_short_and_still_told_apart() -> None:
    names = {f"layer{n}": "x" * 300 for n in range(1000)}
    large = mine(choices=names, space="S(" + "a" * 5000 + "1)")
    other = mine(choices=names | {"layer7": "y"}, space="S(" + "a" * 5000 + "2)")
    assert len(json.dumps(large)) < 2**16
    assert [line.partition(":")[0] for line in differences(large, other)] == ["choices", "space"]


def test_of_many_differences_some_are_shown_and_hostile_text_does_nothing() -> None:
    theirs = mine(recipe={f"f{n}\x1b[2J\n": "\x1b]0;x\x07" for n in range(9)})
    (line,) = differences(theirs, mine(recipe={}))
    assert line.endswith("and 6 more")
    assert line.isprintable()


def test_facts_are_json() -> None:
    with pytest.raises(StudyError, match="consists of JSON values"):
        complete({"space": object()}, STRATEGY)


@pytest.mark.parametrize(
    ("version", "short"), [("2.15.1+cu128", "2.15"), ("5.0.0", "5.0"), ("0.1.0.dev1", "0.1")]
)
def test_patches_are_not_compared(version: str, short: str) -> None:
    assert minor(version) == short
