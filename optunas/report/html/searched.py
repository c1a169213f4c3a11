"""What was searched: space, data, recipe, limits, aim, strategy, devices, dates, the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import text
from optunas.fingerprint import STRATEGY, command_of, fingerprint_of
from optunas.insights.reading import aims, limits_of
from optunas.insights.timeline import timeline
from optunas.tally import Tally
from optunas.wording import amount, plain, setting, title

LONG = 300  # signs of a line
UNITS = {"latency_ms": " ms", "memory_mb": " MiB", "inference_memory_mb": " MiB"}


@dataclass(frozen=True)
class Searched:
    """`rows`: names and what stands for them; `command`: how to start it again, where known."""

    rows: tuple[tuple[str, str], ...]
    command: str | None


def searched(study: Study, trials: Sequence[FrozenTrial]) -> Searched:
    """What a person must know to judge the numbers."""
    known = fingerprint_of(study)
    rows = [
        ("space", _space(known, trials)),
        ("data", plain(known.get("data", ""), LONG)),
        ("recipe", _recipe(known.get("recipe"))),
        ("limits", _limits(study, trials)),
        ("aim", ", ".join(f"{plain(aim.name, LONG)} ({aim.direction})" for aim in aims(study))),
        ("strategy", _strategy(known.get(STRATEGY))),
        ("trials", str(Tally.of(trials))),
        ("devices", _devices(trials)),
        ("time", _time(study, trials)),
        ("versions", ", ".join(versions(known))),
    ]
    return Searched(tuple(row for row in rows if row[1]), command_of(study))


def versions(known: Mapping[str, Any]) -> Iterator[str]:
    """The versions that searched, as the study's fingerprint has them."""
    for name in ("optunas", "optuna", "torch"):
        if name in known:
            yield f"{name} {plain(known[name], 40)}"


def _space(known: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> str:
    """Its name and how much is chosen; all of it stands among the settings."""
    choices = known.get("choices")
    names = choices if isinstance(choices, dict) else {n for t in trials for n in t.params}
    name = plain(known.get("space", "")).partition("(")[0]
    parts = (name, f"{len(names)} choices" if names else "")
    return ", ".join(part for part in parts if part)


def _recipe(recipe: Any) -> str:
    """In one line; each field of it stands among the settings."""
    if not isinstance(recipe, dict):
        return plain(recipe or "", LONG)
    said = {name: setting(value) for name, value in recipe.items() if value not in (None, "")}
    parts = [
        f"{said['epochs']} epochs" if "epochs" in said else "",
        f"batches of {said['batch_size']}" if "batch_size" in said else "",
        *(said.get(name, "") for name in ("optimizer", "schedule")),
        f"learning rate {said['lr']}" if "lr" in said else "",
        f"weight decay {said['weight_decay']}" if "weight_decay" in said else "",
        "parts of it searched" if any(str(name).startswith("search.") for name in said) else "",
    ]
    return plain(", ".join(part for part in parts if part), LONG)


def _limits(study: Study, trials: Sequence[FrozenTrial]) -> str:
    found = limits_of(study, trials)
    return ", ".join(
        f"{title(name)} ≤ {amount(limit)}{UNITS.get(name, '')}" for name, limit in found.items()
    )


def _strategy(strategy: Any) -> str:
    if not isinstance(strategy, dict):
        return ""
    return plain(", ".join(f"{name} {setting(value)}" for name, value in strategy.items()), LONG)


def _devices(trials: Sequence[FrozenTrial]) -> str:
    found = Counter(text(trial, "device") for trial in trials if text(trial, "device"))
    return plain(", ".join(f"{name} ({n} trials)" for name, n in found.most_common(6)), LONG)


def _time(study: Study, trials: Sequence[FrozenTrial]) -> str:
    spans = timeline(study, trials)
    if not spans:
        return ""
    first, workers = spans[0].start, {span.worker for span in spans}
    last = max((span.end for span in spans if span.end is not None), default=first)
    who = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {who}"
