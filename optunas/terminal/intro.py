"""What is going to happen, before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from optunas.storage import describe
from optunas.terminal.data import data_lines

if TYPE_CHECKING:
    from optunas.objective import Objective
    from optunas.search import Search


def intro(search: Search, finished: int) -> RenderableType:
    """Data, space, recipe, limits, device, strategy, storage: a line each.

    `search.storage` must be open.
    """
    rows = Table.grid(padding=(0, 2))
    own = search.own
    if own is not None:
        for name, said in data_lines(own.data):
            rows.add_row(name, said)
        for name, told in _own(own):
            rows.add_row(name, Text(told))
    rows.add_row("strategy", Text(_strategy(search)))
    rows.add_row("until", Text(_until(search, finished)))
    rows.add_row("storage", Text(_storage(search)))
    return Group(Text("Searching for the best network", "bold"), rows)


def _own(objective: Objective) -> list[tuple[str, str]]:
    return [
        ("space", _space(objective.space)),
        ("recipe", _recipe(objective.recipe)),
        ("limits", str(objective.limits)),
        ("aim", ", ".join(f"{m} ({d})" for m, d in _aims(objective))),
        ("device", objective.device),
        ("images", _images(objective)),
    ]


def _aims(objective: Objective) -> list[tuple[str, str]]:
    return list(zip(objective.metrics, objective.directions, strict=True))


def _images(objective: Objective) -> str:
    """Where they will lie; a search trains, so torch is there already."""
    import torch

    from optunas.training.place import lies_on

    device = torch.device(objective.device)
    if lies_on(device, objective.data.train, objective.engine):
        return "on the device"
    return "streamed to the device"


def _space(space: Any) -> str:
    name = getattr(space, "__name__", type(space).__name__)
    size = getattr(space, "size", None)
    if not callable(size):
        return str(name)
    networks = size()
    said = f"{networks:,}" if networks < 10**9 else f"{networks:.1e}"
    return f"{name}, {said} networks"


def _recipe(recipe: Any) -> str:
    base = getattr(recipe, "base", recipe)
    return str(base.describe()) + (", searched from there" if base is not recipe else "")


def _strategy(search: Search) -> str:
    sampler = search.sampler if isinstance(search.sampler, str) else type(search.sampler).__name__
    pruner = search.pruner if isinstance(search.pruner, str) else type(search.pruner).__name__
    first = f"; first a hand-made network and {search.draws} random draws" if search.own else ""
    return f"{sampler}, pruner {pruner}, seed {search.seed}{first}"


def _storage(search: Search) -> str:
    return f"{describe(search.storage)}, study {search.name!r}"


def _until(search: Search, finished: int) -> str:
    parts = []
    if search.plan.trials is not None:
        parts.append(f"{search.plan.trials} finished trials ({finished} so far)")
    if search.plan.hours is not None:
        parts.append(f"{search.plan.hours:g} hours from now")
    return " or ".join(parts)
