"""A search space in words that are the same in every process: what it is, and what it chooses from.

Spaces are data classes, classes with a `repr`, or functions; neither an address nor the order of a
set gets into their description. A function has no parameters that one could list, so it is asked
for some: what a few draws see, which are the same draws everywhere.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from optunas.spaces.draw import DrawnTrial

DRAWS = 20
SAME = 3  # draws in a row that show nothing new: there is nothing else, as far as one can see


def described(thing: Any) -> str:
    """`ConvNet(stages=(1, 2), ...)`, `my_network`: a space, or a part of it, in one line."""
    match thing:
        case str() | bytes() | int() | float() | None:
            return repr(thing)
        case functools.partial():
            given = [*map(described, thing.args), *_pairs(thing.keywords)]
            return f"partial({', '.join([described(thing.func), *given])})"
        case dict():
            return f"{{{', '.join(_pairs(thing))}}}"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(described, thing)))}}}"
        case list() | tuple():
            return f"({', '.join(map(described, thing))})"
    known = getattr(thing, "fingerprint", None)
    if isinstance(known, str):  # images that a space is made for
        return f"{named(thing)}({known})"
    if is_dataclass(thing) and not isinstance(thing, type):
        shown = {f.name: getattr(thing, f.name) for f in fields(thing) if f.repr}
        return f"{named(thing)}({', '.join(_pairs(shown))})"
    if hasattr(thing, "__qualname__") or not _has_own_repr(thing):
        return named(thing)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def named(thing: Any) -> str:
    """The name of a function or class, or of a thing's class."""
    return str(getattr(thing, "__qualname__", type(thing).__qualname__))


def choices_of(suggest: Callable[[BaseTrial], Any]) -> dict[str, str]:
    """The parameters that draws of `suggest` have, each with what it is drawn from."""
    seen: dict[str, str] = {}
    rng = np.random.default_rng(0)
    old = 0
    for _ in range(DRAWS):
        trial = DrawnTrial(rng, {})
        with suppress(Exception):  # a draw that can't be built has chosen all the same
            suggest(trial)
        found = {name: _range(d) for name, d in trial.distributions.items() if name not in seen}
        old = 0 if found else old + 1
        seen |= found
        if old == SAME:
            break
    return dict(sorted(seen.items()))


def _has_own_repr(thing: Any) -> bool:
    return any("__repr__" in vars(kind) for kind in type(thing).__mro__[:-1])


def _pairs(values: dict[Any, Any]) -> list[str]:
    return [f"{name}={described(value)}" for name, value in values.items()]


def _range(distribution: BaseDistribution) -> str:
    """`["conv", "skip"]`, `8..64 step 8`, `0.1..5.0 log`."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return json.dumps(list(choices), default=repr)
        case IntDistribution(low=low, high=high, step=step, log=log):
            stride = f" step {step}" if step != 1 else ""
            return f"{low}..{high}{stride}{' log' if log else ''}"
        case FloatDistribution(low=low, high=high, step=step, log=log):
            stride = f" step {step}" if step is not None else ""
            return f"{low}..{high}{stride}{' log' if log else ''}"
    return repr(distribution)
