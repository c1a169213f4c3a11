"""What a search space promises to stored studies: the names of its choices, and the choices.

A study in a database remembers both. A renamed parameter, or one more choice, and its trials can
no longer be continued, so the names and choices of a space are written down once and compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, distribution_to_json

from optunas.spaces.draw import draw
from optunas.spaces.space import Suggests, suggestion

DRAWS = 200
"""Random draws that are looked at: a conditional space shows a part of its choices in each."""


def promises(space: Suggests) -> dict[str, Any]:
    """Each parameter's name, and what it is chosen from, as Optuna stores it; sorted by name."""
    rng = np.random.default_rng(0)
    found: dict[str, BaseDistribution] = {}
    for _ in range(DRAWS):
        found.update(draw(suggestion(space), rng).distributions)
    return {name: json.loads(distribution_to_json(found[name])) for name in sorted(found)}


def write_promises(space: Suggests, path: Path) -> None:
    """Write the promises of a space to a file, over what is there.

    To be called once, when the space is new. Later it breaks the studies that hold the space:
    give what changes a new name instead.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(name)}: {json.dumps(of)}" for name, of in promises(space).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def broken(space: Suggests, path: Path) -> list[str]:
    """What differs from the stored promises, one line each."""
    kept, now = json.loads(path.read_text()), promises(space)
    lines = [f"{name} is gone" for name in sorted(kept.keys() - now.keys())]
    lines += [f"{name} is new" for name in sorted(now.keys() - kept.keys())]
    return lines + [
        f"{name} was {kept[name]}, is {now[name]}"
        for name in sorted(kept.keys() & now.keys())
        if kept[name] != now[name]
    ]
