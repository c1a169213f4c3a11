"""What the arguments of a search space must be: tuples of values to choose from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from optunas.errors import OptunasError
from optunas.numeric import is_whole

Law = tuple[str, Callable[[Any], bool]]
"""What the values of an argument must be, in words and as a test."""


def check(space: object, laws: Mapping[str, Law], listed: Collection[str] = ()) -> None:
    """Check each argument's values, and keep them as tuples; raises `OptunasError`.

    Values that are given twice are kept once, but for arguments that are `listed`, not chosen from.
    """
    owner = type(space).__name__
    for name, (law, holds) in laws.items():
        values = getattr(space, name)
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            example = getattr(type(space), name)
            raise OptunasError(
                f"{owner}.{name} is the tuple of values to choose from, for example {example!r}; "
                f"got {values!r:.80}"
            )
        wrong = [value for value in values if not holds(value)]
        if wrong:
            raise OptunasError(f"{owner}.{name} must be {law}; got {wrong[0]!r:.80}")
        kept = values if name in listed else dict.fromkeys(values)
        object.__setattr__(space, name, tuple(kept))


def among(known: tuple[Any, ...]) -> Law:
    """One of the known values."""

    def holds(value: Any) -> bool:
        return not isinstance(value, list | dict | set) and value in known

    return f"among {', '.join(map(str, known))}", holds


WHOLE: Law = ("whole numbers of at least 1", is_whole)
ODD: Law = ("odd whole numbers", lambda value: is_whole(value) and value % 2 == 1)
CHOICE: Law = ("True or False", lambda value: isinstance(value, bool))


def prefer(value: Any, choices: tuple[Any, ...]) -> Any:
    """The value where it is a choice, else the first choice."""
    return value if value in choices else choices[0]
