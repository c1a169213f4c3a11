"""What the normal form is made of: operations, and forks whose branches meet again."""

from __future__ import annotations

from dataclasses import dataclass

from .layer import Primitive, Shape


@dataclass(frozen=True)
class Operation:
    """A primitive at the shape where it stands."""

    layer: Primitive
    token: str
    input: Shape
    output: Shape


@dataclass(frozen=True)
class Fork:
    """Branches that see the same input and meet again."""

    join: str
    branches: tuple[tuple[Step, ...], ...]
    token: str
    input: Shape
    output: Shape


Step = Operation | Fork


def token(steps: tuple[Step, ...]) -> str:
    """Steps as a text, equal exactly where the steps are."""
    return ">".join([step.token for step in steps])
