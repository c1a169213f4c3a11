"""A study's fingerprint: what all its workers must agree on, or else their results don't compare.

It is plain JSON in a user attribute of the study, written by the first worker: the space with its
choices, the data, the recipe, the limits, the metrics, and the versions (major and minor)
of what computes. A worker with another one is refused, and told where the two differ. How
candidates are chosen (`strategy`: sampler, pruner and their seed) may change; that is only noted.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

import optuna

from optunas import _version
from optunas.errors import StudyError
from optunas.facts import fact, settle

ATTRIBUTE = "optunas.fingerprint"
COMMAND = "optunas.command"  # the command line of who made the study, for whoever repeats it
WAIT_SECONDS = 3.0  # for who has made the study, and is about to write
STRATEGY = "strategy"
TEXT_LIMIT = 400  # characters of one value; more is cut and told apart by a digest
PART_LIMIT = 20_000  # characters of one aspect: MySQL takes 64 KB of all of them
SHOWN = 3  # differences of one aspect
SHOWN_TEXT = 60  # characters of a value in a message


def complete(facts: Mapping[str, Any], strategy: Mapping[str, Any]) -> dict[str, Any]:
    """The fingerprint of these facts and this strategy, with versions, as a storage gives it back.

    Raises `StudyError` for facts that are not JSON.
    """
    versions = {"optunas": minor(_version.__version__), "optuna": minor(optuna.__version__)}
    aspects = {**facts, **versions, STRATEGY: strategy}
    try:
        return {name: _compact(json.loads(json.dumps(part))) for name, part in aspects.items()}
    except (TypeError, ValueError) as error:
        raise StudyError(f"a fingerprint consists of JSON values: {error}") from None


def minor(version: str) -> str:
    """`2.15` of `2.15.1+cu128`: what a patch must not change is compared."""
    return ".".join(version.split("+")[0].split(".")[:2])


def fingerprint_of(study: optuna.Study) -> dict[str, Any]:
    """What the study was created with; empty where nothing was written down, or nonsense."""
    found = fact(study, ATTRIBUTE)
    return dict(found) if isinstance(found, dict) else {}


def note_command(study: optuna.Study, command: str) -> None:
    """Write down how a search was started, where nothing is written yet."""
    if study.user_attrs.get(COMMAND) is None:
        study.set_user_attr(COMMAND, _cut(command))


def command_of(study: optuna.Study) -> str | None:
    """How the search was started, on one line; None where nobody knows."""
    found = study.user_attrs.get(COMMAND)
    return _clean(found) if isinstance(found, str) else None


def agree(
    study: optuna.Study,
    mine: Mapping[str, Any],
    note: Callable[[str], None],
    *,
    anyway: bool = False,
    is_new: bool = False,
) -> None:
    """Hold a worker's fingerprint against its study's; what that doesn't hold yet is added to it.

    is_new: this worker has made the study, which of several that begin at once only one can. The
    others wait until that one has written its fingerprint down.

    Raises `StudyError` where they differ in what both hold, or notes it where the worker joins
    `anyway`.
    """
    if is_new:
        study.set_user_attr(ATTRIBUTE, dict(mine))
    found = fingerprint_of(study)
    deadline = time.monotonic() + WAIT_SECONDS
    while not found and not study.get_trials(deepcopy=False) and time.monotonic() < deadline:
        time.sleep(0.1)
        found = fingerprint_of(study)
    if not (anyway or differences(found, mine)):
        found = settle(study, ATTRIBUTE, {**mine, **found}, lambda f: _holds(f, mine))
    apart = "; ".join(differences(found, mine))
    if apart and not anyway:
        made = command_of(study)
        same = f"the same options, or none (it was made by: {made})" if made else "the same options"
        raise StudyError(
            f"all workers of a study search the same; {study.study_name!r} and this one differ in "
            f"{apart}: give {same}, take another study name (--study), or join all the same "
            "(--anyway, in Python anyway=True)"
        )
    if apart:
        note(f"this worker joins though it differs in {apart}")
    _note_strategy(found.get(STRATEGY), mine[STRATEGY], note)


def differences(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """Where two fingerprints differ in what both hold, strategy apart: one text an aspect."""
    both = [name for name in mine if name in theirs and name != STRATEGY]
    return [
        f"{name}: {_apart(theirs[name], mine[name])}" for name in both if theirs[name] != mine[name]
    ]


def _holds(found: Any, mine: Mapping[str, Any]) -> bool:
    return isinstance(found, dict) and mine.keys() <= found.keys()


def _note_strategy(theirs: Any, mine: Mapping[str, Any], note: Callable[[str], None]) -> None:
    if not isinstance(theirs, dict):
        return
    changed = [key for key in mine if key in theirs and theirs[key] != mine[key]]
    if changed:
        before = ", ".join(f"{key} {theirs[key]!r}" for key in changed)
        after = ", ".join(f"{key} {mine[key]!r}" for key in changed)
        note(f"this study was created with {before}; continues with {after}")


def _apart(theirs: Any, mine: Any) -> str:
    if not (isinstance(theirs, dict) and isinstance(mine, dict)):
        return _pair(theirs, mine)
    keys = [k for k in dict.fromkeys([*theirs, *mine]) if theirs.get(k) != mine.get(k)]
    shown = [f"{_clean(key)} {_pair(theirs.get(key), mine.get(key))}" for key in keys[:SHOWN]]
    more = [f"and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return ", ".join([*shown, *more])


def _pair(theirs: Any, mine: Any) -> str:
    """Both values, long ones from where they differ."""
    texts = _text(theirs), _text(mine)
    alike = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))))
    start = max(0, alike - SHOWN_TEXT // 3) if max(map(len, texts)) > SHOWN_TEXT else 0
    ours = [_clean(text[start : start + SHOWN_TEXT]) for text in texts]
    return f"{ours[0]} in the study, {ours[1]} here"


def _text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _clean(text: str) -> str:
    """On one line, and without what would steer a terminal: anybody may have written it."""
    return "".join(c if c.isprintable() else " " for c in text)


def _compact(part: Any) -> Any:
    """A part of the fingerprint, short enough for any storage, and still telling others apart."""
    if isinstance(part, dict):
        part = {_cut(key): _compact(value) for key, value in part.items()}
    written = part if isinstance(part, str) else json.dumps(part)
    limit = TEXT_LIMIT if isinstance(part, str) else PART_LIMIT
    return part if len(written) <= limit else _cut(written)


def _cut(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[: TEXT_LIMIT // 2]} ... {digest}"
