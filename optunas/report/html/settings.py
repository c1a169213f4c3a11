"""Everything that somebody needs to repeat the search, as it is stored in the study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from optunas.fingerprint import STRATEGY, fingerprint_of
from optunas.wording import plain, setting

LONG = 600  # signs of one value
MOST = 300  # settings of one part
_NONE = (None, "")


@dataclass(frozen=True)
class Settings:
    """A part of the settings: names and values."""

    title: str
    rows: tuple[tuple[str, str], ...]
    short: bool = True
    """whether two of them fit beside each other"""


def settings(study: Study, trials: Sequence[FrozenTrial]) -> list[Settings]:
    """The parts that a study has; of a plain study of Optuna only its parameters."""
    known = fingerprint_of(study)
    choices = _mapping(known.get("choices")) or _distributions(trials)
    rest = {k: v for k, v in known.items() if not isinstance(v, dict) and k != "choices"}
    parts = [
        Settings("Search", _rows({**rest, **_mapping(known.get(STRATEGY))}), short=False),
        Settings("Recipe", _rows(_mapping(known.get("recipe")))),
        Settings("Choices", _rows(choices)),
    ]
    return [part for part in parts if part.rows]


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _rows(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = (
        (plain(name, LONG), _told(value)) for name, value in found.items() if value not in _NONE
    )
    return tuple(islice(pairs, MOST))


def _told(value: Any) -> str:
    """A value; a list of choices, which a fingerprint keeps as JSON, without its brackets."""
    if isinstance(value, str) and value.startswith("["):
        value = _parsed(value)
    if isinstance(value, list):
        return plain(", ".join(map(setting, value)), LONG)
    return plain(setting(value), LONG)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _distributions(trials: Sequence[FrozenTrial]) -> dict[str, str]:
    """The parameters of a study that is not ours, as its trials have them."""
    return {name: _range(how) for name, how in _each(trials)}


def _each(trials: Sequence[FrozenTrial]) -> Iterator[tuple[str, BaseDistribution]]:
    for trial in trials:
        yield from trial.distributions.items()


def _range(how: BaseDistribution) -> str:
    if isinstance(how, CategoricalDistribution):
        return ", ".join(map(setting, how.choices))
    low, high = getattr(how, "low", None), getattr(how, "high", None)
    step = getattr(how, "step", None)
    log = ", log scale" if getattr(how, "log", False) else ""
    return f"{setting(low)} to {setting(high)}{log}" + (
        f", step {setting(step)}" if step not in (None, 1) else ""
    )
