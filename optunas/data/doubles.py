"""Images that are there twice, that contradict each other, or that show nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from optunas.data.equal_files import Groups
from optunas.data.files import ImageFiles
from optunas.data.finding import PARTS, Finding, Integers, Whole, share
from optunas.data.glance import Glance
from optunas.data.listing import counted

_TRAIN, _VALIDATION, _TEST = range(3)
_FEW_BETWEEN, _FEW_WITHIN = 0.001, 0.01  # shares below which copies are a fact, not a warning
_SHOWN = 3  # classes, or pairs of them, that are named
_WAY = "remove one of each pair (`optunas look --csv` lists them)"
_BETWEEN = (
    (_TEST, _TRAIN, f"the test figure is flattered: {_WAY}"),
    (_TEST, _VALIDATION, f"what was chosen by is tested on: {_WAY}"),
    (_VALIDATION, _TRAIN, f"the choice rewards learning by heart: {_WAY}"),
)


def doubles(whole: Whole, groups: Groups) -> Iterator[Finding]:
    """Copies between the splits, then within them, then copies with different labels."""
    if not groups:
        in_files = all(isinstance(split.images, ImageFiles) for split in whole.splits)
        things = "files hold" if in_files else "images are"
        yield Finding("fact", f"no two {things} the same")
        return
    members = [whole.parts[group] for group in groups]
    for part, other, advice in _BETWEEN:
        yield from _between(whole, groups, members, part, other, advice)
    yield from _within(whole, groups, members)
    yield from _conflicts(whole, groups)


def in_both(members: Integers, part: int, others: Sequence[int]) -> int:
    """Of one group of equal images, how many are in a split, if one is in another split too."""
    return int((members == part).sum()) if np.isin(members, others).any() else 0


def single_coloured(whole: Whole, glances: Sequence[Glance | None]) -> Iterator[Finding]:
    """Images of one colour, as far as the splits are in memory."""
    if any(seen is None for seen in glances):
        return
    flags = np.concatenate([seen.single for seen in glances if seen is not None])
    places = np.flatnonzero(flags)
    if not len(places):
        return
    classes = _top(Counter(map(whole.class_of, places.tolist())))
    yield Finding(
        "warning" if len(places) >= _FEW_BETWEEN * len(flags) else "fact",
        f"{counted(len(places), 'image')} of a single colour: {classes}, the first is "
        f"{whole.name(int(places[0]))}",
        "they show nothing: look at them, and remove them",
    )


def _between(
    whole: Whole, groups: Groups, members: list[Integers], part: int, other: int, advice: str
) -> Iterator[Finding]:
    counts = [in_both(found, part, [other]) for found in members]
    if not any(counts):
        return
    first = next(i for i, count in enumerate(counts) if count)
    one, two = (_first(groups[first], members[first], which) for which in (part, other))
    total = len(whole.splits[part])
    yield Finding(
        "warning" if sum(counts) >= _FEW_BETWEEN * total else "fact",
        f"{PARTS[part]} images that are in {PARTS[other]} too: {share(sum(counts), total)}, "
        f"such as {whole.name(one)} = {whole.name(two)}",
        advice,
    )


def _within(whole: Whole, groups: Groups, members: list[Integers]) -> Iterator[Finding]:
    """Copies beyond the first of an image in its split; all splits in one sentence."""
    told, examples, many = [], [], False
    for part, name in enumerate(PARTS):
        copies = [max(0, int((found == part).sum()) - 1) for found in members]
        total = len(whole.splits[part])
        if any(copies):
            first = next(i for i, count in enumerate(copies) if count)
            examples.append(np.asarray(groups[first])[members[first] == part][:2].tolist())
            told.append(f"{share(sum(copies), total)} in {name}")
            many = many or sum(copies) >= _FEW_WITHIN * total
    if told:
        one, two = examples[0]
        yield Finding(
            "warning" if many else "fact",
            f"images that are copies of others in their split: {', '.join(told)}, such as "
            f"{whole.name(two)} = {whole.name(one)}",
            "each counts as often as it is there: remove the copies (`optunas look --csv` lists "
            "them)",
        )


def _conflicts(whole: Whole, groups: Groups) -> Iterator[Finding]:
    """Equal images with different labels: at most one of them can be right."""
    pairs: Counter[str] = Counter()
    torn: Groups = []
    for group in groups:
        labels = np.unique(whole.labels[group]).tolist()
        if len(labels) > 1:
            torn.append(group)
            names = map(whole.class_name, labels[:_SHOWN])
            pairs.update(f"{one} / {two}" for one, two in combinations(names, 2))
    if not torn:
        return
    images, first = sum(map(len, torn)), torn[0]
    other = next(p for p in first if whole.labels[p] != whole.labels[first[0]])
    yield Finding(
        "warning" if images >= _FEW_BETWEEN * len(whole.labels) else "fact",
        f"{counted(len(torn), 'image')} with more than one label: {_top(pairs)}, such as "
        f"{whole.name(first[0])} = {whole.name(other)}",
        "at most one label can be right: mend them (`optunas look --csv` lists them)",
    )


def _first(group: list[int], members: Integers, part: int) -> int:
    return group[int(np.flatnonzero(members == part)[0])]


def _top(counts: Counter[str]) -> str:
    """The most frequent names, with their counts."""
    shown = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(_SHOWN))
    return shown + (f" and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else "")
