"""What the best networks are made of, by depth, against all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights.holm import holm
from optunas.insights.reading import aim_of, trained, trials_of, value
from optunas.insights.sample import sampled
from optunas.insights.student import half_width, two_sided
from optunas.ranks import Array

BINS = 10
FEWEST = 20
"""So many trained networks are needed."""

LEAST = 5
"""The best tenth are so many networks at least: of two or three nothing can be said."""

SHOWN = 9
OTHER = "other"
DEEPEST = 50
NAME_LENGTH = 40

SILENT = frozenset(
    ("Activation", "Norm", "Dropout", "DropPath", "Identity", "Flatten", "Scale", "Pad", "Resize")
)
"""Layers that say little of what a network is; they take no place in it."""

COMPOSED = frozenset(("Sequential", "Parallel", "Residual", "Graph", "Node"))

PARTS = ("layers", "branches", "nodes")


@dataclass(frozen=True)
class Share:
    """How much of the networks' depth, in tenth `depth` (0 is next to the input), a kind of layer
    takes: among the best, and among all; 0 to 1. `low` and `high`: the 95 % interval of best less
    all, from how much networks differ among each other; `sure`: whether there is a difference, with
    one chance in twenty of any false one among all kinds and depths (Holm).
    """

    depth: int
    kind: str
    best: float
    all: float
    low: float
    high: float
    sure: bool


@dataclass(frozen=True)
class Operations:
    """Shares by depth and kind; `best` networks are the best tenth of `networks`, or five."""

    shares: tuple[Share, ...]
    kinds: tuple[str, ...]
    best: int
    networks: int
    bins: int = BINS


def operations(study: Study, trials: Sequence[FrozenTrial] | None = None) -> Operations:
    """The kinds of layers along the networks that were trained to the end.

    A network's layers (as described; blocks count as one, activations and norms not at all) follow
    one another from 0 to 1, each taking an equal part, branches side by side sharing theirs. Kinds
    beyond the nine most common are `other`. Above `sample.LARGEST` networks a random sample.
    """
    aim = aim_of(study)
    networks = [t for t in sampled(trained(trials_of(study, trials), aim)) if _words(t)]
    if len(networks) < FEWEST:
        return Operations((), (), 0, len(networks))
    ranked = sorted(networks, key=lambda t: (-aim.sign * (value(t, aim) or 0.0), t.number))
    spread = [spread_out(_words(trial)) for trial in ranked]
    kinds = _common(spread)
    table = np.stack([_row(one, kinds) for one in spread])
    best = max(LEAST, round(len(ranked) / 10))
    return Operations(_shares(table, kinds, best), kinds, best, len(ranked))


def spread_out(words: Sequence[tuple[str, ...]]) -> dict[str, Array]:
    """Kinds of layers in their order, side by side ones together -> kind -> (BINS,) its share of
    each tenth of the depth. All kinds together are 1 in each tenth."""
    shares: dict[str, Array] = {}
    edges = np.linspace(0, 1, BINS + 1)
    for place, kinds in enumerate(words):
        start, end = place / len(words), (place + 1) / len(words)
        overlap = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
        for kind in kinds:
            shares[kind] = shares.get(kind, np.zeros(BINS)) + overlap * BINS / len(kinds)
    return shares


def _words(trial: FrozenTrial) -> list[tuple[str, ...]]:
    said = trial.user_attrs.get("architecture")
    return list(_walk(said, 0)) if isinstance(said, Mapping) else []


def _walk(said: Any, depth: int) -> Iterator[tuple[str, ...]]:
    """The kinds of layers in order; those of parallel branches together, as one place."""
    kind = said.get("layer") if isinstance(said, Mapping) else None
    if not isinstance(kind, str) or depth > DEEPEST:
        return
    inner = next((said[name] for name in PARTS if isinstance(said.get(name), list)), None)
    if kind == "Sequential" and inner is not None:
        for part in inner:
            yield from _walk(part, depth + 1)
    elif inner is not None:
        met = [word for part in inner for words in _walk(part, depth + 1) for word in words]
        if met:
            yield tuple(met)
    elif kind not in SILENT | COMPOSED:
        yield (_name(kind, said),)


def _name(kind: str, said: Mapping[str, Any]) -> str:
    kernel, sort = said.get("kernel"), said.get("kind")
    size = f" {kernel}x{kernel}" if isinstance(kernel, int) else ""
    which = f" {sort}" if isinstance(sort, str) and sort.isalpha() else ""
    return f"{kind}{which}{size}"[:NAME_LENGTH]


def _common(spread: Sequence[Mapping[str, Array]]) -> tuple[str, ...]:
    """The most common kinds, in the order in which they stand in the networks; the others last."""
    totals: dict[str, Array] = {}
    for one in spread:
        for kind, share in one.items():
            totals[kind] = totals.get(kind, np.zeros(BINS)) + share
    order = sorted(totals, key=lambda kind: (-totals[kind].sum(), kind))
    kept = order if len(order) <= SHOWN + 1 else order[:SHOWN]
    places = {kind: float(totals[kind] @ np.arange(BINS) / totals[kind].sum()) for kind in kept}
    others = (OTHER,) if len(kept) < len(order) else ()
    return (*sorted(kept, key=lambda kind: (places[kind], kind)), *others)


def _row(shares: Mapping[str, Array], kinds: Sequence[str]) -> Array:
    """(kinds, BINS)"""
    row = np.zeros((len(kinds), BINS))
    places = {kind: place for place, kind in enumerate(kinds)}
    for kind, share in shares.items():
        row[places.get(kind, -1)] += share
    return row


def _shares(table: Array, kinds: Sequence[str], best: int) -> tuple[Share, ...]:
    """table: (networks, kinds, BINS), the best first."""
    top, whole = table[:best].mean(0), table.mean(0)
    low, high, p = _compared(table[:best], table[best:])
    sure = np.reshape(holm(list(p.ravel())), p.shape)
    return tuple(
        Share(
            depth,
            kind,
            float(top[k, depth]),
            float(whole[k, depth]),
            float(low[k, depth]),
            float(high[k, depth]),
            bool(sure[k, depth]),
        )
        for depth in range(BINS)
        for k, kind in enumerate(kinds)
    )


def _compared(best: Array, rest: Array) -> tuple[Array, Array, Array]:
    """The interval of best less all, and p: Student's t with the variance of both together."""
    one, other = len(best), len(rest)
    squares = one * best.var(0) + other * rest.var(0)
    freedom = one + other - 2
    error = np.sqrt(squares / freedom * (1 / one + 1 / other))
    apart = best.mean(0) - rest.mean(0)
    p = two_sided(apart / np.maximum(error, 1e-12), freedom)
    margin = half_width(freedom) * error
    part = other / (one + other)  # best less all is so much of best less the rest
    p = np.where(np.abs(apart) > 1e-9, p, 1.0)
    return part * (apart - margin), part * (apart + margin), p
