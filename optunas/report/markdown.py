"""GitHub Markdown of what a study holds, which anybody may have written: nothing of it is obeyed.

A text is said as inline code, where Markdown knows neither HTML nor links nor pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 200


def code(text: object, shown: int = SHOWN) -> str:
    """A text as inline code, fit for a table: one line, no backticks, cut after `shown` signs."""
    said = " ".join(str(text)[: 4 * shown].replace("`", "'").split())
    said = "".join(c if c.isprintable() else " " for c in said).strip()
    said = f"{said[: shown - 1]}…" if len(said) > shown else said
    return f"`{said.replace('|', chr(92) + '|')}`" if said else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table; its last `numbers` columns stand on the right. Cells are Markdown."""
    rule = ["---"] * (len(heads) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows])


def trial_link(number: int) -> str:
    """A link to a trial, from the page of any trial of the same study."""
    return f"[trial {number}](?numbers={number})"


def trial_link_from_study(number: int) -> str:
    """A link to a trial, from the study's page or that of its note."""
    return f"[{number}](trials?numbers={number})"
