"""Where torchvision keeps each classification set, and how its parts are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Files = Callable[[Any], list[tuple[str, int]]]  # a torchvision data set -> (path, label)


@dataclass(frozen=True)
class Source:
    """One set: `kind` is torchvision's class, `parts` its arguments for each official split.

    `place` is where its files lie below the root. `files` lists them for sets of photos; sets
    without it hold their pixels in `.data`. `loader` says that the class takes `loader=`.
    """

    kind: str
    place: str
    parts: Mapping[str, dict[str, Any]]
    flip: bool = True
    classes: tuple[str, ...] = ()
    channels_last: bool = False
    first_label: int = 0
    files: Files | None = None
    loader: bool = False


_DIGITS = tuple("0123456789")
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
_TRAIN_TEST = {"train": {"train": True}, "test": {"train": False}}


def _split(**parts: str) -> dict[str, dict[str, Any]]:
    return {part: {"split": value} for part, value in parts.items()}


def _emnist(split: str, classes: tuple[str, ...] = (), first_label: int = 0) -> Source:
    parts = {part: {"split": split, "train": part == "train"} for part in ("train", "test")}
    return Source(
        "EMNIST", "EMNIST/raw", parts, flip=False, classes=classes, first_label=first_label
    )


def _photos(
    kind: str, place: str, parts: Mapping[str, dict[str, Any]], classes: tuple[str, ...] = ()
) -> Source:
    return Source(kind, place, parts, classes=classes, files=list, loader=True)


def _pets(dataset: Any) -> list[tuple[str, int]]:
    return list(zip(map(str, dataset._images), dataset._labels, strict=True))


def _caltech101(dataset: Any) -> list[tuple[str, int]]:
    folder = Path(dataset.root) / "101_ObjectCategories"
    pairs = zip(dataset.y, dataset.index, strict=True)
    return [(str(folder / dataset.categories[y] / f"image_{i:04d}.jpg"), y) for y, i in pairs]


SOURCES: Mapping[str, Source] = {
    "caltech101": Source(
        "Caltech101", "caltech101/101_ObjectCategories", {"train": {}}, files=_caltech101
    ),
    "cifar10": Source("CIFAR10", "cifar-10-batches-py", _TRAIN_TEST, channels_last=True),
    "cifar100": Source("CIFAR100", "cifar-100-python", _TRAIN_TEST, channels_last=True),
    "dtd": _photos("DTD", "dtd", _split(train="train", validation="val", test="test")),
    "emnist_balanced": _emnist("balanced"),
    "emnist_digits": _emnist("digits"),
    "emnist_letters": _emnist("letters", _LETTERS, first_label=1),
    "eurosat": _photos("EuroSAT", "eurosat", {"train": {}}),
    "fashion_mnist": Source("FashionMNIST", "FashionMNIST/raw", _TRAIN_TEST),
    "fgvc_aircraft": _photos(
        "FGVCAircraft",
        "fgvc-aircraft-2013b",
        _split(train="train", validation="val", test="test"),
    ),
    "flowers102": _photos(
        "Flowers102", "flowers-102", _split(train="train", validation="val", test="test")
    ),
    "food101": _photos("Food101", "food-101", _split(train="train", test="test")),
    "gtsrb": Source(
        "GTSRB",
        "gtsrb",
        _split(train="train", test="test"),
        flip=False,
        classes=tuple(f"{i:05d}" for i in range(43)),
        files=lambda dataset: list(dataset._samples),
    ),
    "imagenette": _photos("Imagenette", "imagenette2", _split(train="train", test="val")),
    "kmnist": Source("KMNIST", "KMNIST/raw", _TRAIN_TEST, flip=False),
    "mnist": Source("MNIST", "MNIST/raw", _TRAIN_TEST, flip=False),
    "oxford_iiit_pet": Source(
        "OxfordIIITPet", "oxford-iiit-pet", _split(train="trainval", test="test"), files=_pets
    ),
    "qmnist": Source("QMNIST", "QMNIST/raw", _TRAIN_TEST, flip=False),
    "stl10": Source("STL10", "stl10_binary", _split(train="train", test="test")),
    "sun397": _photos("SUN397", "SUN397", {"train": {}}),
    "svhn": Source(
        "SVHN", "train_32x32.mat", _split(train="train", test="test"), flip=False, classes=_DIGITS
    ),
    "usps": Source("USPS", "usps.bz2", _TRAIN_TEST, flip=False, classes=_DIGITS),
}
