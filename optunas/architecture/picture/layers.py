"""A layered drawing of a directed graph (Sugiyama et al. 1981): arrows go down, few of them cross.

Vertices get rows by their longest path, arrows over several rows get a place in each row between;
rows are ordered by the places of their neighbours, and then moved as near to them as the others in
the row allow. No random numbers: the same graph is always drawn the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 6
APART = 12.0
"""Least px between neighbours of a row."""


@dataclass(frozen=True)
class Arrow:
    """From one vertex to another: px from their middles where it leaves and arrives."""

    source: int
    target: int
    leaves: float = 0.0
    arrives: float = 0.0


@dataclass(frozen=True)
class Rows:
    """The row and middle of every vertex, and for each arrow the middles in the rows between."""

    rows: list[int]
    middles: list[float]
    between: list[list[float]]


def layered(
    widths: Sequence[float], arrows: Sequence[Arrow], budget: float, late: Sequence[bool]
) -> Rows:
    """Rows of vertices of these widths; those that are `late` stand right above their target."""
    rows = _rows(widths, arrows, budget, late)
    ways, sizes, where = _ways(widths, arrows, rows)
    links = [(a, b) for way in ways for a, b in pairwise(way)]
    offsets = _offsets(arrows, ways)
    lines: list[list[int]] = [[] for _ in range(max(where) + 1)]
    for vertex, row in enumerate(where):
        lines[row].append(vertex)
    above, below = defaultdict(list), defaultdict(list)
    for a, b in links:
        above[b].append(a)
        below[a].append(b)
    _order(lines, above, below)
    real = [v < len(widths) for v in range(len(sizes))]
    x = _placed(lines, sizes, (above, below), offsets, real)
    return Rows(rows, x[: len(widths)], [[x[v] for v in way[1:-1]] for way in ways])


def _rows(
    widths: Sequence[float], arrows: Sequence[Arrow], budget: float, late: Sequence[bool]
) -> list[int]:
    rows = [0] * len(widths)
    for arrow in arrows:  # arrows come sorted by their targets, which come after their sources
        rows[arrow.target] = max(rows[arrow.target], rows[arrow.source] + 1)
    for vertex in reversed(range(len(widths))):
        targets = [rows[arrow.target] for arrow in arrows if arrow.source == vertex]
        if late[vertex] and targets:
            rows[vertex] = min(targets) - 1
    return _narrowed(rows, widths, budget)


def _narrowed(rows: list[int], widths: Sequence[float], budget: float) -> list[int]:
    """Rows that are too wide become several: what is in one row does not depend on each other."""
    new, extra = list(rows), 0
    for row in range(max(rows) + 1):
        used = 0.0
        for vertex in [v for v, r in enumerate(rows) if r == row]:
            if used and used + widths[vertex] > budget:
                extra += 1
                used = 0
            new[vertex] = row + extra
            used += widths[vertex] + APART
    return new


def _ways(
    widths: Sequence[float], arrows: Sequence[Arrow], rows: list[int]
) -> tuple[list[list[int]], list[float], list[int]]:
    """Each arrow's vertices, one a row; arrows from one vertex share theirs as far as they go."""
    sizes, where = list(widths), list(rows)
    shared: dict[tuple[int, float, int], int] = {}
    ways = []
    for arrow in arrows:
        way = [arrow.source]
        for row in range(rows[arrow.source] + 1, rows[arrow.target]):
            place = (arrow.source, arrow.leaves, row)
            if place not in shared:
                shared[place] = len(sizes)
                sizes.append(6.0)
                where.append(row)
            way.append(shared[place])
        ways.append([*way, arrow.target])
    return ways, sizes, where


def _offsets(arrows: Sequence[Arrow], ways: list[list[int]]) -> dict[tuple[int, int], float]:
    """How far to the right of `a` the vertex `b` should stand for the arrow to be straight."""
    offsets: dict[tuple[int, int], float] = {}
    for arrow, way in zip(arrows, ways, strict=True):
        for a, b in pairwise(way):
            leaves = arrow.leaves if a == arrow.source else 0
            arrives = arrow.arrives if b == arrow.target else 0
            offsets[a, b] = leaves - arrives
    return offsets


Links = dict[int, list[int]]


def _order(lines: list[list[int]], above: Links, below: Links) -> None:
    """Sort each row by its neighbours' mean place, downwards and upwards in turns."""
    for sweep in range(SWEEPS):
        near, order = (above, lines[1:]) if sweep % 2 == 0 else (below, lines[-2::-1])
        place = {v: p - len(line) / 2 for line in lines for p, v in enumerate(line)}
        for line in order:
            wanted = {v: _mean([place[n] for n in near[v]], place[v]) for v in line}
            line.sort(key=lambda v, wanted=wanted: (wanted[v], v))  # type: ignore[misc]
            place |= {v: p - len(line) / 2 for p, v in enumerate(line)}


def _placed(
    lines: list[list[int]],
    sizes: list[float],
    links: tuple[Links, Links],
    offsets: dict[tuple[int, int], float],
    real: list[bool],
) -> list[float]:
    x, weights = [0.0] * len(sizes), [1.0] * len(sizes)
    for line in lines:
        _spread(line, [0.0] * len(line), weights, sizes, x)
    for sweep in range(4 * SWEEPS):
        for line in lines if sweep % 2 == 0 else lines[::-1]:
            wanted = []
            for v in line:
                pulls = [(x[a] + offsets[a, v], _pull(real, a, v)) for a in links[0][v]]
                pulls += [(x[b] - offsets[v, b], _pull(real, v, b)) for b in links[1][v]]
                weights[v] = sum(weight for _, weight in pulls) or 1.0
                middle = sum(goal * weight for goal, weight in pulls) / weights[v]
                wanted.append(middle if pulls else x[v])
            _spread(line, wanted, weights, sizes, x)
    return x


def _pull(real: list[bool], a: int, b: int) -> float:
    """Long arrows are straightened first."""
    return (8.0, 3.0, 1.0)[real[a] + real[b]]


def _spread(
    line: list[int], wanted: list[float], weights: list[float], sizes: list[float], x: list[float]
) -> None:
    """Put a row where it wants to be, least squares, its order and distances kept."""
    start, at = [], 0.0
    for place, v in enumerate(line):
        at += sizes[v] / 2 + (APART + sizes[line[place - 1]] / 2 if place else 0)
        start.append(at)
    blocks: list[tuple[float, float, int]] = []  # pooled neighbours: mean, weight and number
    for v, goal, begin in zip(line, wanted, start, strict=True):
        mean, weight, number = goal - begin, weights[v], 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, count = blocks.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, number = weight + heavy, number + count
        blocks.append((mean, weight, number))
    shifts = [mean for mean, _, number in blocks for _ in range(number)]
    for v, shift, begin in zip(line, shifts, start, strict=True):
        x[v] = shift + begin


def _mean(numbers: list[float], default: float) -> float:
    return sum(numbers) / len(numbers) if numbers else default
