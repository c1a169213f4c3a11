"""Graphs in their normal form: what is a sequence or a fork becomes one, the rest is a web.

A graph is taken apart by what is true of it however it was written. Zeros and what only they need
vanish; nodes with one input and one use are threaded into sequences, edges between the same two
nodes into forks; a sum that is only a term of another sum gives its terms. Then it is cut where
every path passes (sequences) and split where paths share nothing (forks). What is left is bound
together and becomes a `Web`, its nodes numbered canonically. Graphs without sharing end as the
sequences and forks that say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import groupby

from optunas.architecture.canonical import Node
from optunas.architecture.compose import joined
from optunas.architecture.cuts import Cuts
from optunas.architecture.edges import (
    absorbed,
    begun,
    by_source,
    loose,
    only_constants,
    source_and_kind,
    webbed,
)
from optunas.architecture.flow import Steps, constant, meet, settled, silent, zeros
from optunas.architecture.knots import Above, Edge, Knot, dominators, last_common
from optunas.architecture.layer import Shape
from optunas.architecture.merge import extend
from optunas.architecture.steps import Fork, Operation, Step, Web


@dataclass
class Weave:
    """A graph with one input, number 0, whose nodes are added in order."""

    shape: Shape
    knots: dict[int, Knot] = field(default_factory=dict)
    uses: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.knots[0] = Knot("sum", [], self.shape)

    def add(self, join: str, edges: Iterable[tuple[int, Steps]], shape: Shape) -> int:
        """A new node, joined from edges of earlier ones; gives its number."""
        threaded: list[Edge] = [self._threaded(source, steps) for source, steps in edges]
        number = len(self.knots)
        self.knots[number] = Knot(join, threaded, shape)
        return number

    def _threaded(self, source: int, steps: Steps) -> tuple[int, Steps]:
        """The last edge of steps: the webs in them become nodes of this graph."""
        plain: list[Step] = []
        for step in steps:
            if not webbed(step):
                plain.append(step)
                continue
            if plain:
                source = self.add("sum", [(source, tuple(plain))], step.input)
                plain = []
            if isinstance(step, Web):
                source = self._opened(step, source)
            elif isinstance(step, Fork):
                branches = [(source, branch) for branch in step.branches]
                source = self.add(step.join, branches, step.output)
        return source, tuple(plain)

    def _opened(self, web: Web, source: int) -> int:
        numbers = [source]
        for meeting in web.meetings:
            edges = [(numbers[n], steps) for n, steps in meeting.edges]
            numbers.append(self.add(meeting.join, edges, meeting.output))
        return numbers[-1]

    def steps(self, sink: int) -> Steps:
        """What leads from the input to the node `sink`."""
        self._without_zeros()
        if silent(self._only(sink)):
            return self._only(sink)
        self._without_dead(sink)
        self._simplify(loosen=True)
        if any(source is None for knot in self.knots.values() for source, _ in knot.edges):
            self._anchor(sink)
            self._simplify(loosen=False)
        knot = self.knots[sink]
        return Cuts(self.knots, solved).to(knot.edges, knot.join)

    def _only(self, number: int) -> Steps:
        edges = self.knots[number].edges
        return edges[0][1] if len(edges) == 1 and edges[0][0] is None else ()

    def _without_zeros(self) -> None:
        """Let zeros run on through what keeps them; let constants come from nowhere."""
        for number, knot in self.knots.items():
            if number == 0:
                continue
            steps = [self._heard(source, steps) for source, steps in knot.edges]
            edges = [
                (None if constant(now) else source, now)
                for now, (source, _) in zip(steps, knot.edges, strict=True)
            ]
            if any(map(silent, steps)):
                edges = self._joined_without_zeros(knot, edges)
            knot.edges = edges

    def _heard(self, source: int | None, steps: Steps) -> Steps:
        if source is not None and silent(self._only(source)):
            return fed_zeros(self.knots[source].shape, steps)
        return steps

    def _joined_without_zeros(self, knot: Knot, edges: list[Edge]) -> list[Edge]:
        quiet = [silent(steps) for _, steps in edges]
        if all(quiet) or knot.join == "multiply":
            return [(None, (zeros(knot.shape),))]
        if knot.join == "sum":
            return [edge for edge, zero in zip(edges, quiet, strict=True) if not zero]
        merged: list[Edge] = []
        for zero, group in groupby(edges, key=lambda edge: silent(edge[1])):
            run = list(group)
            if zero:
                whole = joined("concat", [steps[-1].output for _, steps in run])
                run = [(None, (zeros(whole),))]
            merged += run
        return merged

    def _without_dead(self, sink: int) -> None:
        alive = {0, sink}
        for number in sorted(self.knots, reverse=True):
            if number in alive:
                alive |= {source for source, _ in self.knots[number].edges if source is not None}
        self.knots = {number: self.knots[number] for number in sorted(alive)}

    def _simplify(self, loosen: bool) -> None:
        """Thread and fork until nothing changes."""
        self.uses = Counter(
            source for knot in self.knots.values() for source, _ in knot.edges if source is not None
        )
        changed = True
        while changed:
            changed = False
            for number in list(self.knots):
                if number and number in self.knots:
                    changed |= self._simplified(self.knots[number], loosen)

    def _simplified(self, knot: Knot, loosen: bool) -> bool:
        before = knot.edges
        edges = before
        while True:
            pulled = [
                edge for each in edges for edge in self._pulled(each, knot.join, len(edges), loosen)
            ]
            if loosen and len(pulled) > 1 and knot.join != "concat":
                pulled = [edge for each in pulled for edge in loose(each, knot.join)]
            pulled = self._forked(pulled, knot.join)
            pulled = self._with_constants(pulled, knot.join)
            if pulled == edges:
                break
            edges = pulled
        knot.edges = edges
        return edges is not before

    def _pulled(self, edge: Edge, join: str, width: int, loosen: bool) -> list[Edge]:
        """An edge, begun earlier where its source is a node of no importance."""
        source, steps = edge
        while source:
            knot = self.knots[source]
            alone = self.uses[source] == 1
            if len(knot.edges) == 1:
                (earlier, first), *_ = knot.edges
                if first and not alone:
                    break
                self._released(source, earlier, alone)
                threaded = list(first)
                extend(threaded, steps)
                source, steps = earlier, settled(tuple(threaded))
            elif loosen and alone and only_constants(steps, knot.join):
                knot.edges, steps = absorbed(knot.edges, steps), steps[1:]
            elif alone and not steps and width > 1 and knot.join == join:
                del self.knots[source]
                return knot.edges
            else:
                break
        return [(source, steps)]

    def _released(self, number: int, source: int | None, alone: bool) -> None:
        """Bookkeeping: an edge leaves the node `number` for that node's source."""
        if alone:
            del self.knots[number]
            return
        self.uses[number] -= 1
        if source is not None:
            self.uses[source] += 1

    def _forked(self, edges: list[Edge], join: str) -> list[Edge]:
        """Edges from one source become one (in a concatenation, where they are neighbours)."""
        if join != "concat":
            edges = sorted(edges, key=by_source)
        if len({source for source, _ in edges}) == 1:
            return self._one(edges, join)
        forked: list[Edge] = []
        for (source, fixed), group in groupby(edges, key=source_and_kind):
            run = list(group)
            forked += run if source is None or fixed else self._one(run, join)
        return forked

    def _one(self, run: list[Edge], join: str) -> list[Edge]:
        source = run[0][0]
        if source is None or len(run) == 1:
            return run
        self.uses[source] -= len(run) - 1
        return [(source, meet([steps for _, steps in run], join, self.knots[source].shape))]

    def _with_constants(self, edges: list[Edge], join: str) -> list[Edge]:
        """One edge and constants beside it are one edge."""
        sources = [source for source, _ in edges if source is not None]
        if len(sources) > 1 or len(edges) == 1:
            return edges
        source = sources[0] if sources else None
        shape = self.knots[source or 0].shape
        return [(source, meet([steps for _, steps in edges], join, shape))]

    def _ended(self, above: Above) -> None:
        """Give the end of an edge that only constants join a number: they may begin there."""
        knots: dict[int, Knot] = {}
        for number, knot in self.knots.items():
            heeding = [place for place, (source, _) in enumerate(knot.edges) if source in above]
            if len(heeding) == 1 and len(knot.edges) > 1 and knot.edges[heeding[0]][1]:
                _, steps = edge = knot.edges[heeding[0]]
                end = len(self.knots) + max(self.knots) + len(knots)
                knots[end] = Knot("sum", [edge], steps[-1].output)
                knot.edges[heeding[0]] = (end, ())
            knots[number] = knot
        self.knots = knots

    def _anchor(self, sink: int) -> None:
        """Let constants begin where all paths to their uses pass: the same however written."""
        self._ended(dominators(self.knots))
        above = dominators(self.knots)
        wanted: dict[int, list[int]] = {sink: [] if sink in above else [0]}
        for number, knot in reversed(self.knots.items()):
            place = above[number][0] if number in above else last_common(wanted[number], above)
            for source, _ in knot.edges:
                if source is not None and source not in above:
                    wanted.setdefault(source, []).append(place)
            if number not in above:
                knot.edges = begun(knot.edges, place)
        self._in_order()
        for number, (place, _) in dominators(self.knots).items():
            self.knots[number].edges = begun(self.knots[number].edges, place)

    def _in_order(self) -> None:
        """Sort topologically: what constants begin from comes before them."""
        sources = {n: [s for s, _ in knot.edges if s is not None] for n, knot in self.knots.items()}
        self.knots = {n: self.knots[n] for n in TopologicalSorter(sources).static_order()}


def solved(nodes: Sequence[Node], shape: Shape) -> Steps:
    """The normal form of nodes, in topological order, the output last."""
    weave = Weave(shape)
    return weave.steps([weave.add(*node) for node in nodes][-1])


def follow(steps: list[Step], more: Steps) -> bool:
    """Append steps to steps; whether zeros among them made some of them needless."""
    if not more or not (constant(more) or constant(tuple(steps))):
        extend(steps, more)
        return False
    if constant(more):
        steps[:] = more
    elif silent(tuple(steps)):
        steps[:] = fed_zeros(steps[-1].output, more)
    else:
        extend(steps, more)
        steps[:] = _settled(tuple(steps))
    return True


def _settled(steps: Steps) -> Steps:
    """Constants in their one form, also where they run through webs."""
    if not any(map(webbed, steps)):
        return settled(steps)
    weave = Weave(steps[0].input)
    return weave.steps(weave.add("sum", [(0, steps)], steps[-1].output))


def fed_zeros(shape: Shape, steps: Steps) -> Steps:
    """What steps come to where they get zeros of `shape`."""
    for position, step in enumerate(steps):
        if isinstance(step, Operation) and step.layer.keeps_zero(step.input):
            shape = step.output
            continue
        match step:
            case Operation():
                fed: Steps = (zeros(shape), step)
            case Fork():
                branches = [fed_zeros(shape, branch) for branch in step.branches]
                fed = meet(branches, step.join, shape)
            case Web():
                weave = Weave(shape)
                zero = weave.add("sum", [(0, (zeros(shape),))], shape)
                sink, _ = weave._threaded(zero, (step,))
                fed = weave.steps(sink)
        if not silent(fed):
            rest = list(fed)
            extend(rest, steps[position + 1 :])
            return _settled(tuple(rest))
        shape = step.output
    return (zeros(shape),)
