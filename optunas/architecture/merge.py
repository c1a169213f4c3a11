"""Operations that, one after another, are a single one or could stand the other way round."""

from __future__ import annotations

from dataclasses import replace

from optunas.architecture.channels import Shuffle, Slice
from optunas.architecture.layer import spelled
from optunas.architecture.layers import Activation, Dropout, DropPath, Flatten
from optunas.architecture.layouts import pixelwise, relaid
from optunas.architecture.pooling import GlobalPool
from optunas.architecture.steps import Operation, Step

NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid")
AT_MOST_ONE = ("sigmoid", "hardsigmoid")
KEEP_POSITIVE = ("relu", "leaky_relu", "elu")
"""They give back what is not negative, and nothing positive for the rest."""


def extend(steps: list[Step], more: tuple[Step, ...]) -> None:
    """Append steps to steps; both are in normal form, so merging begins, and ends, at the seam."""
    done = 0
    while done < len(more):
        if not _merge(steps, more[done]):
            if not pixelwise(more[done]):  # a pooling behind it may still merge
                break
            steps.append(more[done])
        done += 1
    steps.extend(more[done:])


def _append(steps: list[Step], step: Step) -> None:
    if not _merge(steps, step):
        steps.append(step)


def _merge(steps: list[Step], step: Step) -> bool:
    """Take `step` into the steps before it, where it doesn't stand for itself."""
    before = steps[-1] if steps else None
    if not (isinstance(before, Operation) and isinstance(step, Operation)):
        return False
    match before.layer, step.layer:
        case Activation(kind=first), Activation(kind=then):
            if _changes_nothing(first, then):
                return True
            if first in KEEP_POSITIVE and then in ("relu", "relu6"):
                steps.pop()
                _append(steps, step)
                return True
        case GlobalPool(keep=True), Flatten():
            flat = replace(before.layer, keep=False)
            steps.pop()
            _append(steps, Operation(flat, spelled(flat), before.input, step.output))
            return True
        case Slice(start=start), Slice() as inner:
            both = replace(inner, start=start + inner.start, stop=start + (inner.stop or 0))
            steps[-1] = Operation(both, spelled(both), before.input, step.output)
            return True
        case Shuffle() as first, Shuffle() as then:
            return _shuffled(steps, before, first.then(then, step.input[0]))
        case ((Activation() | Dropout() | DropPath()), (Flatten() | Slice() | Shuffle())):
            steps.pop()  # number by number, in whatever shape: what only rearranges comes first
            _append(steps, step)
            steps.append(replace(before, input=step.output, output=step.output))
            return True
    return relaid(steps, step, _append)


def _shuffled(steps: list[Step], before: Operation, both: Shuffle | None) -> bool:
    """Put the one shuffle that does the same in the place of two."""
    if both is None:
        return False
    steps.pop()
    if not both.is_identity(before.input):
        steps.append(replace(before, layer=both, token=spelled(both)))
    return True


def _changes_nothing(first: str, then: str) -> bool:
    """Whether the activation `then` gives back whatever comes from `first`."""
    if then == "relu6":
        return first in ("relu6", *AT_MOST_ONE)
    return then in KEEP_POSITIVE and first in NEVER_NEGATIVE
