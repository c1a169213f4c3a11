"""What one process need not work out again: it changes no proposal, only how soon it comes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from optuna.trial import FrozenTrial

from optunas.pruners import reported
from optunas.samplers.model.table import Table
from optunas.samplers.model.targets import Curve
from optunas.samplers.views import OfTrials
from optunas.spaces.sight import Sight, View, look

T = TypeVar("T")

MOST = 16  # results that are kept; the largest are matrices of all that is known
FEW = 4  # sets of random networks


class Recall:
    """Remembers by what a result was made of, so that nobody can tell whether it was remembered."""

    def __init__(self) -> None:
        self._reports: OfTrials[Curve] = OfTrials(reported)
        self._table = Table()
        self._known: OrderedDict[bytes, Any] = OrderedDict()
        self._drawn: dict[tuple[int, tuple[int, ...], int], tuple[Sight, list[View]]] = {}

    @property
    def table(self) -> Table:
        """The numbers of networks; for one proposal."""
        if self._table.is_full:
            self._table = Table()
        return self._table

    def reported(self, trial: FrozenTrial) -> Curve:
        """What a trial reported."""
        return self._reports.of(trial)

    def drawn(self, sight: Sight, seed: tuple[int, ...], number: int) -> Sequence[View]:
        """The networks of so many random draws by this seed; fewer where some can't be built."""
        name = id(sight), seed, number
        if name not in self._drawn:
            if len(self._drawn) >= FEW:
                self._drawn.clear()
            rng = np.random.default_rng(seed)
            views = [view for _ in range(number) if (view := look(sight, rng)) is not None]
            self._drawn[name] = sight, views  # the sight is kept, so that its id stays its own
        return self._drawn[name][1]

    def once(self, make: Callable[..., T], *given: Any) -> T:
        """`make(*given)`, worked out once for equal arguments: arrays, numbers, data classes."""
        hashed = hashlib.blake2b(make.__name__.encode(), digest_size=16)
        _add(hashed.update, given)
        name = hashed.digest()
        if name not in self._known:
            self._known[name] = make(*given)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(name)
        found: T = self._known[name]
        return found


def _add(update: Callable[[Any], None], thing: Any) -> None:
    """Tell a hash what a thing is, so that different things are told differently."""
    if isinstance(thing, np.ndarray):
        update(f"{thing.dtype.str}{thing.shape}".encode())
        update(np.ascontiguousarray(thing).data)
    elif isinstance(thing, tuple):
        update(f"({len(thing)}".encode())
        for part in thing:
            _add(update, part)
    elif is_dataclass(thing) and not isinstance(thing, type):
        _add(update, tuple(getattr(thing, field.name) for field in fields(thing)))
    else:
        update(f"{thing!r};".encode())
