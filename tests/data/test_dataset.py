from dataclasses import replace

import pytest
import torch

from optunas.data import Data, ImageFiles, Split
from optunas.errors import DataError


def a_split(count: int = 6, shape: tuple[int, ...] = (3, 4, 5), seed: int = 0) -> Split:
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=rng)
    return Split(images, torch.arange(count) % 2)


def some_data() -> Data:
    splits = (a_split(6, seed=1), a_split(4, seed=2), a_split(2, seed=3))
    return Data.from_splits("toy", splits, ("a", "b"))


def test_describe_names_every_size() -> None:
    data = Data.from_splits("toy", (a_split(1078), a_split(4), a_split(2)), ("a", "b"))
    assert data.describe() == "toy: 2 classes, 3x4x5, 1,078 train / 4 validation / 2 test"
    assert data.input_shape == (3, 4, 5)


def test_moments_come_from_the_training_split_alone() -> None:
    data = some_data()
    scaled = data.train.images.double() / 255
    assert data.mean == pytest.approx(scaled.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(scaled.std((0, 2, 3), correction=0).tolist())


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_fingerprint_sees_one_pixel_and_one_label(part: str) -> None:
    data = some_data()
    split = getattr(data, part)
    images, labels = split.images.clone(), split.labels.clone()
    images[1, 0, 0, 0] += 1
    labels[0] = 1 - labels[0]
    prints = {
        data.fingerprint,
        replace(data, **{part: Split(images, split.labels)}).fingerprint,
        replace(data, **{part: Split(split.images, labels)}).fingerprint,
        replace(data, flip=True).fingerprint,
        replace(data, classes=("b", "a")).fingerprint,
    }
    assert len(prints) == 5


def test_fingerprint_is_of_the_contents() -> None:
    data = some_data()
    assert data.fingerprint == some_data().fingerprint
    assert data.fingerprint == replace(data, name="other", notes=("a note",)).fingerprint
    swapped = replace(data, validation=data.test, test=data.validation)
    assert swapped.fingerprint != data.fingerprint
    turned = Split(data.train.images.mT, data.train.labels)  # not contiguous
    plain = Split(turned.images.contiguous(), turned.labels)
    others = (a_split(4, (3, 5, 4)), a_split(2, (3, 5, 4)))
    prints = [Data.from_splits("t", (s, *others), ("a", "b")).fingerprint for s in (turned, plain)]
    assert prints[0] == prints[1]


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64), "images are .*uint8.*float32"),
        (torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "images are"),
        (torch.zeros(2, 0, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "images"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2), "labels are .*int64"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), [0, 1], "labels are a torch tensor.*list"),
        (
            torch.zeros(2, 3, 4, 4, dtype=torch.uint8),
            torch.zeros(3, dtype=torch.int64),
            "2 images and 3 labels",
        ),
    ],
)
def test_a_split_checks_its_tensors(images: object, labels: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Split(images, labels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": ("a",)}, "at least 2 classes; toy has 1: a"),
        ({"test": a_split(0)}, "the test split of toy has none"),
        ({"validation": a_split(2, (3, 4, 4))}, r"\(3, 4, 5\) in train and \(3, 4, 4\) in valid"),
        (
            {"test": Split(a_split(2).images, torch.tensor([0, 2]))},
            "test split of toy holds 0 to 2",
        ),
        ({"test": Split(a_split(2).images, torch.tensor([-1, 0]))}, "holds -1 to 0"),
        ({"mean": (0.5,)}, r"one value per channel \(3\)"),
        ({"std": (0.5, 0.0, 0.5)}, "std above 0"),
    ],
)
def test_data_checks_that_the_parts_fit(change: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        replace(some_data(), **change)  # type: ignore[arg-type]


def test_no_training_images_is_said() -> None:
    with pytest.raises(DataError, match="no training images"):
        Data.from_splits("toy", (a_split(0), a_split(2), a_split(2)), ("a", "b"))


def in_files(names: str, sizes: list[int], shape: tuple[int, int, int] = (3, 4, 5)) -> Split:
    images = ImageFiles.of([f"/x/{name}.png" for name in names], sizes, shape)
    return Split(images, torch.arange(len(names)) % 2)


def data_in_files(**changes: Split) -> Data:
    splits = {
        "train": in_files("abcd", [1, 2, 3, 4]),
        "validation": in_files("ef", [5, 6]),
        "test": in_files("gh", [7, 8]),
    }
    moments = ((0.5,) * 3, (0.25,) * 3)
    train, validation, test = (splits | changes).values()
    return Data.from_splits("toy", (train, validation, test), ("a", "b"), moments=moments)


def test_images_may_stay_in_their_files() -> None:
    data = data_in_files()
    assert data.describe() == "toy: 2 classes, 3x4x5, 4 train / 2 validation / 2 test"
    assert data.input_shape == (3, 4, 5)
    assert (data.mean, data.std) == ((0.5,) * 3, (0.25,) * 3)
    with pytest.raises(DataError, match="2 images and 3 labels"):
        Split(data.test.images, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match=r"\(3, 4, 5\) in train and \(3, 5, 4\) in test"):
        data_in_files(test=in_files("gh", [7, 8], (3, 5, 4)))


def test_a_split_keeps_its_files_in_step() -> None:
    files = in_files("abcd", [1, 2, 3, 4]).images
    split = replace(a_split(4), files=files)
    assert [p[-5] for p in split[1:3].files.paths] == ["b", "c"]
    assert [p[-5] for p in split[torch.tensor([3, 0])].files.paths] == ["d", "a"]
    assert a_split(4)[1:3].files is None
    with pytest.raises(DataError, match="one file; got 4 images and 2 files"):
        replace(split, files=files[:2])


def test_fingerprint_of_files_sees_names_sizes_labels_and_order() -> None:
    test = in_files("gh", [7, 8])
    others = [
        in_files("gi", [7, 8]),
        in_files("gh", [7, 9]),
        in_files("hg", [8, 7]),
        in_files("ghi", [7, 8, 9]),
        Split(test.images, 1 - test.labels),
        a_split(2),
    ]
    prints = {data_in_files(test=split).fingerprint for split in others}
    assert len(prints) == 6
    assert data_in_files().fingerprint == data_in_files(test=test).fingerprint
    assert data_in_files().fingerprint not in prints
