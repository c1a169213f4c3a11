"""What became of the search: the race of its best with the baselines, and the one look at the test
split. The last delivery wrote it into the study; what stands there may be anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from optuna import Study

from optunas.attributes import as_number
from optunas.report.html.tables import Table
from optunas.wording import COUNT, SHARE, amount, plain, title

DELIVERED = "delivered"
"""The study's user attribute; `optunas.delivery.facts` writes it."""

MOST, LONG = 20, 300


@dataclass(frozen=True)
class Delivered:
    """`lead`: which network, and how good; `table`: of the race; `lines`: what was said of it."""

    lead: str
    table: Table
    lines: tuple[str, ...]


def delivered(study: Study) -> Delivered | None:
    """The last delivery; None where there was none, or none that can be read."""
    known = study.user_attrs.get(DELIVERED)
    if not isinstance(known, Mapping) or not isinstance(known.get("network"), str):
        return None
    rows = tuple(_rows(known.get("results")))
    heads = ("network", "parameters", "MACs", "in the search", "retrained")
    lines = tuple(plain(line, LONG) for line in islice(_texts(known.get("said")), MOST))
    return Delivered(_lead(known), Table(heads, rows), lines)


def _lead(known: Mapping[str, Any]) -> str:
    lead = f"{plain(known['network'], LONG)} was retrained and delivered"
    test = known.get("test")
    if not isinstance(test, Mapping):
        return f"{lead}."
    told = [
        f"{title(name)} {amount(one[0], SHARE)} (95 % interval {amount(one[1], SHARE)} to "
        f"{amount(one[2], SHARE)})"
        for name in ("accuracy", "f1")
        if len(one := _numbers(test.get(name))) == 3
    ]
    return f"{lead}: {', '.join(told)} on the test split." if told else f"{lead}."


def _rows(results: Any) -> Iterator[tuple[str, ...]]:
    for result in results[:MOST] if isinstance(results, list) else ():
        if isinstance(result, Mapping):
            cells = {name: as_number(result.get(name)) for name in ("params", "macs", "searched")}
            yield (
                plain(result.get("name", ""), LONG),
                amount(cells["params"]),
                amount(cells["macs"], COUNT),
                amount(cells["searched"], SHARE),
                ", ".join(amount(score, SHARE) for score in _numbers(result.get("scores"))[:MOST]),
            )


def _texts(found: Any) -> Iterator[str]:
    return (one for one in found if isinstance(one, str)) if isinstance(found, list) else iter(())


def _numbers(found: Any) -> list[float]:
    known = map(as_number, found) if isinstance(found, list) else ()
    return [one for one in known if one is not None]
