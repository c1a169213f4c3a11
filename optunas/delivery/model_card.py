"""`model_card.md`: what a person must know of a network before using it (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from optunas.data import Data
from optunas.delivery.export import Exported
from optunas.delivery.look import Look, Measured
from optunas.delivery.race import Race, Result
from optunas.wording import count, title

MOST_CLASSES = 100


@dataclass(frozen=True)
class Subject:
    """What the card is of. `searched`: what there is to say of the search, by name; `trained`: the
    recipe; `looks`: how often the test split was looked at; `overlap`: how many of its images are
    elsewhere, too; `versions`: of what made it."""

    params: int
    macs: int
    searched: Mapping[str, str]
    trained: str
    looks: int
    versions: Mapping[str, str]
    overlap: int = 0
    race: Race | None = None
    notes: tuple[str, ...] = ()


def model_card(subject: Subject, data: Data, found: Look, files: Iterable[Exported]) -> str:
    """The card, in Markdown."""
    size = "x".join(map(str, data.input_shape))
    parts = [
        f"# An image classifier: {_plain(data.name)}",
        f"{subject.params:,} parameters, {subject.macs:,} multiply-accumulates for an image of "
        f"{size} (channels, height, width). It tells {len(data.classes)} classes apart, and "
        "answers with one of them whatever it is shown: an image of anything else, too.",
        "## How good it is",
        f"On {found.images:,} test images, {_unseen(subject.overlap)}. "
        "Intervals are of 95 %: what another test split of that size might have said.",
        _table(("", "value", "interval"), _figures(found)),
        _looks(subject.looks),
        "## Class by class",
        _table(("class", "images", "F1", "interval"), _by_class(found)),
        *_choice(subject.race),
        "## How it came about",
        _list({**subject.searched, "training of this network": subject.trained}),
        "\n".join(f"- {_plain(note)}" for note in subject.notes),
        "## Files",
        "\n".join(f"- {_plain(str(one))}" for one in files),
        "`model.py` says how to use it; `preprocess.py` what is done to pixels before.",
        "## Versions",
        _list(subject.versions),
        "## Licences",
        "The weights follow from the data, whose licence optunas does not know: look it up before "
        "you pass them on. PyTorch and torchvision are under BSD-3-Clause, Optuna under MIT.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _choice(race: Race | None) -> Iterator[str]:
    """How it was chosen, and what it was compared with."""
    if race is None or len(race.results) < 2:
        return
    yield "## What it was chosen from"
    seeds = len(race.results[0].scores)
    yield (
        f"Each was trained from scratch with {seeds} seed{'s' * (seeds > 1)}; "
        f"{title(race.rule.learned)} on the validation split. The first by the rule ({race.rule}) "
        "is the winner."
    )
    heads = (
        "network",
        "parameters",
        "MACs",
        "in the search",
        *(f"seed {n + 1}" for n in range(seeds)),
    )
    yield _table((*heads, "mean"), (_row(result) for result in race.results))
    yield "\n".join(f"- {_plain(line)}" for line in race.said())


def _row(result: Result) -> tuple[str, ...]:
    reached = [_share(score) for score in (result.searched, *result.scores, result.mean)]
    return (_plain(result.name), f"{result.params:,}", count(result.macs), *reached)


def _share(value: float) -> str:
    return f"{100 * value:.2f} %" if isfinite(value) else ""


def _figures(found: Look) -> list[tuple[str, ...]]:
    divided = f"calibration error, logits divided by {found.temperature:.3g}"
    rows = {
        "accuracy": found.accuracy,
        "F1 (macro)": found.f1,
        "calibration error": found.calibration_error,
        divided: found.calibration_error_scaled,
    }
    return [(name, *_shares(one)) for name, one in rows.items()]


def _by_class(found: Look) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (_plain(name), f"{sum(row):,}", *_shares(one))
        for (name, one), row in zip(found.f1_by_class.items(), found.confusion, strict=True)
    ]
    left = len(rows) - MOST_CLASSES
    return rows[:MOST_CLASSES] + ([(f"and {left} more", "", "", "")] if left > 0 else [])


def _unseen(overlap: int) -> str:
    if not overlap:
        return "which neither the search nor the training has seen"
    return (
        f"**of which {overlap:,} are among those of training or validation, too**: these flatter "
        "it, `optunas look` names them"
    )


def _looks(looks: int) -> str:
    if looks == 1:
        return ""
    return (
        f"**This was look number {looks} at this test split.** Who looks again and keeps the best "
        "is flattered; the first look was the honest one."
    )


def _shares(one: Measured) -> tuple[str, str]:
    return f"{100 * one.value:.2f} %", f"{100 * one.low:.2f} to {100 * one.high:.2f} %"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---", *("---:" for _ in heads[1:])), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _list(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_plain(str(said))}" for name, said in facts.items())


def _plain(text: str) -> str:
    """A name from anywhere, on one line and without meaning in Markdown."""
    said = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in said)
