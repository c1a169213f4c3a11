"""The words to write a search space with: choice, optional, repeat, branches, cell.

Each takes a `Scope` (a trial below a prefix), a name, and what to make: layers, or functions
`scope -> layer` that make choices of their own below that name. They nest to any depth, and the
names of the parameters nest with them:

>>> def space(trial):                                                    # doctest: +SKIP
...     def block(scope, position):
...         width = scope.suggest_int("width", 16, 64, step=16)
...         return choice(scope, "op", {
...             "conv": lambda inner: ConvNorm(width, choice(inner, "kernel", (3, 5))),
...             "separable": SeparableConv(width),
...         })
...     body = repeat(Scope(trial), "block", (1, 2, 3), block)
...     return Sequential(body, GlobalPool(), Linear())

asks for `block.count`, `block1.width`, `block1.op`, `block1.op.conv.kernel`, `block2.width`, ...

By default spaces are flat: every alternative is asked for its choices in every trial, and the
inactive ones are ignored. `Scope(trial, flat=False)` asks only what is active.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from optunas.architecture import Graph, Layer, Node, Parallel
from optunas.architecture import Sequential as Chain
from optunas.errors import OptunasError
from optunas.spaces.scope import Scope

T = TypeVar("T")
Block = Callable[[Scope, int], Layer]
"""Makes the block at a position, from 1 on."""


def choice(
    scope: Scope, name: str, options: Mapping[str, T | Callable[[Scope], T]] | Sequence[T]
) -> T:
    """One of several: values (strings and numbers) as they are, or anything under a name.

    A function among the named ones is called with the scope `name.its_name` for its own choices.
    """
    if not options:
        raise OptunasError(f"a choice needs something to choose from; {name!r} has nothing")
    chosen = scope.suggest_categorical(name, tuple(options))
    if not isinstance(options, Mapping):
        return cast(T, chosen)
    made = [
        _made(option, scope / name / label)
        for label, option in options.items()
        if scope.flat or label == chosen
    ]
    return made[list(options).index(chosen) if scope.flat else 0]


def optional(scope: Scope, name: str, layer: Layer | Callable[[Scope], Layer]) -> Layer:
    """The layer, or nothing. A function is called with the scope `name.yes`."""
    return choice(scope, name, {"no": Chain(), "yes": layer})


def repeat(
    scope: Scope, name: str, counts: Sequence[int], block: Layer | Block, *, shared: bool = False
) -> Chain:
    """Blocks one after another; how many is the choice `name.count`.

    `block(scope, position)` makes the block at a position, from 1 on, with the scope `name1`,
    `name2`, ...; `shared` gives all of them the scope `name`, and so the same choices. `counts`
    may hold 0.
    """
    return Chain(*_several(scope, name, counts, block, shared))


def branches(
    scope: Scope,
    name: str,
    counts: Sequence[int],
    block: Layer | Block,
    *,
    join: str = "sum",
    shared: bool = False,
) -> Layer:
    """Blocks side by side, joined by `sum`, `concat` or `multiply`; named as `repeat` does."""
    if min(counts, default=0) < 1:
        raise OptunasError(f"branches are one or more; {name!r} may have {counts!r}")
    return Parallel(*_several(scope, name, counts, block, shared), join=join)


def cell(
    scope: Scope,
    name: str,
    nodes: int,
    ops: Mapping[str, Layer | Callable[[Scope], Layer]],
    *,
    inputs: int | None = None,
    concat: bool = False,
) -> Graph:
    """A small graph of nodes, each the sum of operations on what came before.

    Without `inputs` a node takes an operation on the input and on every earlier node (the choices
    `name.node2.from0`, ...), as in NAS-Bench-201 (Dong & Yang 2020). With `inputs=2` it takes that
    many, and which is a choice as well (`name.node2.input1`, `name.node2.op1`, ...), as in NASNet
    (Zoph et al. 2018). The output is the last node, or all of them concatenated. All operations
    must give one shape. Use the cell that comes back several times for several equal cells.
    """
    if nodes < 1 or (inputs is not None and inputs < 1):
        raise OptunasError(f"a cell has nodes with inputs; {name!r} has {nodes} with {inputs}")
    made: list[Node] = []
    for number in range(1, nodes + 1):
        inner = scope / name / f"node{number}"
        if inputs is None:
            edges = [(source, choice(inner, f"from{source}", ops)) for source in range(number)]
        else:
            edges = [_edge(inner, number, place, ops) for place in range(1, inputs + 1)]
        made.append(Node(*edges))
    if concat:
        made.append(Node(*range(1, nodes + 1), join="concat"))
    return Graph(*made)


def _edge(
    scope: Scope, number: int, place: int, ops: Mapping[str, Layer | Callable[[Scope], Layer]]
) -> tuple[int, Layer]:
    source = scope.suggest_categorical(f"input{place}", tuple(range(number)))
    return source, choice(scope, f"op{place}", ops)


def _several(
    scope: Scope, name: str, counts: Sequence[int], block: Layer | Block, shared: bool
) -> list[Layer]:
    if not counts or min(counts) < 0:
        raise OptunasError(f"{name!r} is repeated 0 or more times; got the counts {counts!r}")
    count = scope.suggest_categorical(f"{name}.count", tuple(counts))
    made: list[Layer] = []
    for position in range(1, (max(counts) if scope.flat else count) + 1):
        inner = scope / (name if shared else f"{name}{position}")
        made.append(block if isinstance(block, Layer) else block(inner, position))
    return made[:count]


def _made(option: T | Callable[[Scope], T], scope: Scope) -> T:
    return option(scope) if callable(option) else option
