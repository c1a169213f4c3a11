"""Repeats in a sequence: `A B A B A B C` is `(A B) x3, C`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

LONGEST = 64
"""Parts that a group may have; longer ones are looked for in vain and cost time."""


class Group(NamedTuple):
    """`count` times the `size` parts that begin at `start`."""

    start: int
    size: int
    times: int


def repeats(keys: Sequence[Hashable]) -> list[Group]:
    """Consecutive groups that cover the whole sequence; what doesn't repeat has size and count 1.

    Groups that save the most parts come first, of those the ones with the shortest period.
    """
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return sorted(_cover([numbers[key] for key in keys], 0))


def _cover(keys: list[int], offset: int) -> Iterator[Group]:
    free = [True] * len(keys)
    for start, size, times in sorted(_runs(keys), key=_worth):
        places = slice(start, start + size * times)
        if all(free[places]):
            yield Group(offset + start, size, times)
            free[places] = [False] * (size * times)
    if all(free):
        yield from (Group(offset + place, 1, 1) for place in range(len(keys)))
        return
    for is_free, group in groupby(range(len(keys)), key=free.__getitem__):
        if is_free:
            left = list(group)
            yield from _cover([keys[place] for place in left], offset + left[0])


def _worth(group: Group) -> tuple[int, int, int]:
    return -(group.times - 1) * group.size, group.size, group.start


def _runs(keys: list[int]) -> Iterator[Group]:
    """Every longest run of a period, begun at each of its places."""
    for size in range(1, min(LONGEST, len(keys) // 2) + 1):
        matches = [a == b for a, b in zip(keys, keys[size:], strict=False)]
        for same, places in groupby(range(len(matches)), key=matches.__getitem__):
            if not same:
                continue
            first, *rest = places
            length = 1 + len(rest)
            for start in range(min(size, length - size + 1)):
                yield Group(first + start, size, (length - start) // size + 1)
