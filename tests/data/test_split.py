from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from optunas.data import ImageFiles, Split, stratified, subset
from optunas.data.split import divide
from optunas.errors import DataError


def names(count: int) -> list[str]:
    return [f"class{i}" for i in range(count)]


@given(
    counts=st.lists(st.integers(3, 40), min_size=1, max_size=6),
    validation=st.floats(0.01, 0.45),
    test=st.floats(0.01, 0.45),
    seed=st.integers(0, 9),
)
def test_parts_are_disjoint_complete_and_stratified(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]
    shares = (1 - validation - test, validation, test)
    parts = stratified(labels, shares, seed=seed, classes=names(len(counts)))
    assert sorted(torch.cat(parts).tolist()) == list(range(len(labels)))
    for part, share in zip(parts, shares, strict=True):
        held = torch.bincount(labels[part], minlength=len(counts))
        for n, count in zip(held.tolist(), counts, strict=True):
            assert n >= 1
            assert abs(n - share * count) <= 2


def test_the_seed_decides() -> None:
    labels = torch.arange(300) % 3
    first, again, other = (
        stratified(labels, (0.8, 0.2), seed=seed, classes=names(3))[1] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_split_of_a_seed_lasts() -> None:
    """A stored study refers to it: these numbers must not change between versions."""
    parts = stratified(torch.arange(12) % 2, (0.5, 0.25, 0.25), seed=0, classes=names(2))
    rng = np.random.default_rng(0)
    orders = [rng.permutation(np.arange(first, 12, 2)) for first in (0, 1)]
    cuts = ((0, 3), (3, 5), (5, 6))
    expected = [sorted(int(i) for order in orders for i in order[a:b]) for a, b in cuts]
    assert [len(part) for part in parts] == [6, 4, 2]
    assert [part.tolist() for part in parts] == expected


def test_small_classes_are_named_with_their_counts() -> None:
    labels = torch.tensor([0] * 9 + [1] * 2 + [2] * 1)
    with pytest.raises(DataError, match=r"3 images.*class1 \(2\), class2 \(1\).*Add images"):
        stratified(labels, (0.6, 0.2, 0.2), seed=0, classes=names(3))


@pytest.mark.parametrize("shares", [(0.5, 0.6, -0.1), (1.0, 0.0), (0.5, 0.2), (float("nan"), 0.5)])
def test_shares_leave_some_for_each(shares: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        stratified(torch.arange(20) % 2, shares, seed=0, classes=names(2))


def a_split() -> Split:
    labels = torch.tensor([0] * 100 + [1] * 30 + [2] * 2)
    return Split(torch.arange(132).to(torch.uint8).reshape(-1, 1, 1, 1), labels)


def test_subset_is_stratified_nested_and_seeded() -> None:
    split = a_split()
    small, large = subset(split, 0.1, seed=3), subset(split, 0.5, seed=3)
    assert torch.bincount(small.labels).tolist() == [10, 3, 1]
    assert torch.bincount(large.labels).tolist() == [50, 15, 1]
    held = [set(part.images.flatten().tolist()) for part in (small, large)]
    assert held[0] < held[1]
    assert torch.equal(small.labels, split.labels[small.images.flatten().long()])
    assert torch.equal(small.images, subset(split, 0.1, seed=3).images)
    assert not torch.equal(small.images, subset(split, 0.1, seed=4).images)
    assert subset(split, 1.0) is split


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5, float("nan")])
def test_subset_refuses_other_fractions(fraction: float) -> None:
    with pytest.raises(DataError, match="above 0 and at most 1"):
        subset(a_split(), fraction)


def test_files_are_divided_and_thinned_as_tensors_are() -> None:
    memory = a_split()
    paths = [f"/x/{i}" for i in range(len(memory))]
    images = ImageFiles.of(paths, range(132), (1, 1, 1))
    files, memory = Split(images, memory.labels), replace(memory, files=images)
    halves = [divide(split, (0.5, 0.5), seed=2, classes=names(3)) for split in (memory, files)]
    pairs = [*zip(*halves, strict=True), (subset(memory, 0.1, seed=3), subset(files, 0.1, seed=3))]
    for expected, found in pairs:
        assert isinstance(found.images, ImageFiles)
        assert found.images.paths == [f"/x/{i}" for i in expected.images.flatten().tolist()]
        assert expected.files.paths == found.images.paths
        assert torch.equal(found.labels, expected.labels)
