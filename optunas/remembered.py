"""The options of a study: what was typed for it holds for whoever joins it and types less.

They stand in a user attribute of the study, by the names of `optunas.search.search_for`. Only
options that are the search's own are kept; where this machine has its data, which device it has and
whom it trusts with checkpoints is nobody else's affair. What is found there, anybody may have
written: whatever is of another kind than a typed option counts as not there, and the rest passes
the same checks as what is typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any

import optuna
from optuna.storages import BaseStorage

from optunas.errors import NoStudiesError
from optunas.storage import address, explained, open_storage
from optunas.study import existing

ATTRIBUTE = "optunas.options"
LONGEST = 500  # characters of a text
MOST = 20  # metrics or proxies
HOW_LONG = ("trials", "hours")
SEVERAL = ("metrics", "proxies")
KINDS: Mapping[str, type | UnionType] = {
    "trials": int,
    "hours": int | float,
    "retries": int,
    "sampler": str,
    "pruner": str,
    "seed": int,
    "random_draws": int,
    "metrics": list | tuple,
    "params": int | float,
    "macs": int | float,
    "latency_ms": int | float,
    "memory_mb": int | float,
    "inference_memory_mb": int | float,
    "epochs": int,
    "batch_size": int,
    "train_fraction": int | float,
    "precision": str,
    "suggest_recipe": bool,
    "proxies": list | tuple,
    "reuse": bool,
    "deterministic": bool,
    "size": int,
    "flip": bool,
    "keep": str,
}
"""The options that are remembered, and what each is."""


def recall(
    name: str, storage: Any, typed: Mapping[str, Any], *, wait_s: float = 0.0
) -> dict[str, Any]:
    """What the study of this name knows of the options that are left open; nothing where there is
    no such study yet.

    wait_s: how long to wait for a storage that does not answer. Raises `StorageError` where the
    storage can't be opened; a file is not made.
    """
    try:
        opened = open_storage(storage, create=False, wait_s=wait_s)
    except NoStudiesError:
        return {}
    try:
        with explained(address(opened)):
            study = existing(name, opened)
            return {} if study is None else _left_open(typed, options_of(study))
    finally:
        if not isinstance(storage, BaseStorage):  # ours to close
            opened.close()


def remember(study: optuna.Study, given: Mapping[str, Any]) -> None:
    """Keep what was typed, in the place of what was typed before."""
    before = options_of(study)
    mine = {name: given[name] for name in KINDS if name in given}
    if (now := {**_left_open(mine, before), **mine}) != before:
        study.set_user_attr(ATTRIBUTE, now)


def options_of(study: optuna.Study) -> dict[str, Any]:
    """What was typed for this study, as far as it can have been."""
    found = study.user_attrs.get(ATTRIBUTE)
    if not isinstance(found, dict):
        return {}
    known = {name: found[name] for name in KINDS if name in found and _is_one(name, found[name])}
    return known | {name: tuple(known[name]) for name in SEVERAL if name in known}


def _left_open(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What was said before and isn't now; trials and hours say how long to search, together."""
    settled = set(given) | (set(HOW_LONG) if set(HOW_LONG) & set(given) else set())
    return {name: value for name, value in before.items() if name not in settled}


def _is_one(name: str, value: Any) -> bool:
    if isinstance(value, bool) != (KINDS[name] is bool) or not isinstance(value, KINDS[name]):
        return False
    if isinstance(value, list | tuple):
        return 0 < len(value) <= MOST and all(_is_text(part) for part in value)
    return not isinstance(value, str) or _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and value.isprintable()
