"""Sets in torchvision's own file formats, written here and read through torchvision."""

import bz2
import hashlib
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from optunas.data import (
    ImageFiles,
    Split,
    cifar10,
    cifar100,
    fashion_mnist,
    mnist,
    svhn,
    torchvision_set,
)
from optunas.data.sources import SOURCES
from optunas.errors import DataError

RNG = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def assert_is(split: Split, images: np.ndarray, labels: np.ndarray) -> None:
    """The split holds these images (N, C, H, W) in this order."""
    assert np.array_equal(split.images.numpy(), images)
    assert np.array_equal(split.labels.numpy(), labels)


def assert_holds(splits: tuple[Split, ...], images: np.ndarray, labels: np.ndarray) -> None:
    """The splits together hold these images, in any order."""
    pairs = [
        (i.numpy().tobytes(), int(y))
        for s in splits
        for i, y in zip(s.images, s.labels, strict=True)
    ]
    expected = [(i.tobytes(), int(y)) for i, y in zip(images, labels, strict=True)]
    assert sorted(pairs) == sorted(expected)


def write_cifar(
    root: Path, kind: type, key: str, names: list[str], mp: pytest.MonkeyPatch
) -> tuple:
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    made, sums = [], []
    for list_name in ("train_list", "test_list"):
        entries = getattr(kind, list_name)
        images = [noise(40, 3, 32, 32) for _ in entries]
        labels = [np.arange(40) % len(names) for _ in entries]
        for (file, _), x, y in zip(entries, images, labels, strict=True):
            batch = {"data": x.reshape(40, -1), key: y.tolist()}
            (folder / file).write_bytes(pickle.dumps(batch))
        sums = [[file, md5(folder / file)] for file, _ in entries]
        mp.setattr(kind, list_name, sums)
        made += [np.concatenate(images), np.concatenate(labels)]
    meta = dict(kind.meta)
    (folder / meta["filename"]).write_bytes(pickle.dumps({meta["key"]: names}))
    mp.setattr(kind, "meta", meta | {"md5": md5(folder / meta["filename"])})
    return tuple(made)


@pytest.mark.parametrize(
    ("read", "kind", "key"),
    [
        (cifar10, datasets.CIFAR10, "labels"),
        (cifar100, datasets.CIFAR100, "fine_labels"),
    ],
)
def test_cifar(read, kind, key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    x, y, test_x, test_y = write_cifar(tmp_path, kind, key, ["frog", "ship"], monkeypatch)
    data = read(tmp_path, validation=0.25)
    assert data.classes == ("frog", "ship")
    assert data.flip
    assert len(data.validation) == len(x) // 4
    assert_is(data.test, test_x, test_y)
    assert_holds((data.train, data.validation), x, y)
    assert read(tmp_path, validation=0.25).fingerprint == data.fingerprint
    assert read(tmp_path, validation=0.25, seed=1).fingerprint != data.fingerprint


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"uint8": 8, "int32": 12}
    head = bytes([0, 0, kinds[array.dtype.name], array.ndim])
    body = array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(head + np.array(array.shape, ">i4").tobytes() + body)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")],
)
def test_mnist_family(name: str, folder: str, tmp_path: Path) -> None:
    raw, labels = tmp_path / folder / "raw", (np.arange(60) % 10).astype(np.uint8)
    x, test_x = noise(60, 28, 28), noise(60, 28, 28)
    for part, images in (("train", x), ("t10k", test_x)):
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    data = torchvision_set(name, tmp_path, validation=0.5)
    assert data.input_shape == (1, 28, 28)
    assert len(data.classes) == 10
    assert data.flip == (name == "fashion_mnist")
    assert_is(data.test, test_x[:, None], labels)
    assert_holds((data.train, data.validation), x[:, None], labels)
    named = {"mnist": mnist, "fashion_mnist": fashion_mnist}.get(name)
    assert named is None or named(tmp_path, validation=0.5).fingerprint == data.fingerprint


def test_emnist_letters_begin_at_a(tmp_path: Path) -> None:
    raw, labels = tmp_path / "EMNIST" / "raw", (np.arange(78) % 26 + 1).astype(np.uint8)
    images = noise(78, 28, 28)
    for part in ("train", "test"):
        write_idx(raw / f"emnist-letters-{part}-images-idx3-ubyte", images)
        write_idx(raw / f"emnist-letters-{part}-labels-idx1-ubyte", labels)
    data = torchvision_set("emnist_letters", tmp_path, validation=0.4)
    assert (data.classes[0], data.classes[-1], len(data.classes)) == ("a", "z", 26)
    assert_is(data.test, images[:, None], labels - 1)


def test_qmnist_takes_the_class_of_eight_labels(tmp_path: Path) -> None:
    raw, images = tmp_path / "QMNIST" / "raw", noise(30, 28, 28)
    labels = np.tile(np.arange(30, dtype=np.int32)[:, None] % 10, (1, 8)) + np.arange(
        8, dtype=np.int32
    )
    for part in ("train", "test"):
        write_idx(raw / f"qmnist-{part}-images-idx3-ubyte", images)
        write_idx(raw / f"qmnist-{part}-labels-idx2-int", labels)
    data = torchvision_set("qmnist", tmp_path, validation=0.4)
    assert_is(data.test, images[:, None], labels[:, 0])


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(50) % 10
    made, sums = {}, {}
    for part in ("train", "test"):
        made[part] = noise(50, 3, 32, 32)
        stored = {
            "X": made[part].transpose(2, 3, 1, 0),
            "y": np.where(labels == 0, 10, labels)[:, None],
        }
        url, file, _ = datasets.SVHN.split_list[part]
        savemat(tmp_path / file, stored)
        sums[part] = [url, file, md5(tmp_path / file)]
    monkeypatch.setattr(datasets.SVHN, "split_list", sums)
    data = svhn(tmp_path, validation=0.2)
    assert data.classes == tuple("0123456789")
    assert not data.flip
    assert_is(data.test, made["test"], labels)
    assert_holds((data.train, data.validation), made["train"], labels)


def test_usps(tmp_path: Path) -> None:
    labels = np.arange(40) % 10
    values = RNG.choice([-1.0, 1.0], (40, 256))
    lines = [
        f"{y + 1} " + " ".join(f"{i + 1}:{v:.1f}" for i, v in enumerate(row)) + " \n"
        for y, row in zip(labels, values, strict=True)
    ]
    for file in ("usps.bz2", "usps.t.bz2"):
        (tmp_path / file).write_bytes(bz2.compress("".join(lines).encode()))
    data = torchvision_set("usps", tmp_path, validation=0.25)
    assert_is(data.test, np.where(values > 0, 255, 0).reshape(40, 1, 16, 16), labels)


def test_stl10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, labels = tmp_path / "stl10_binary", (np.arange(20) % 10).astype(np.uint8)
    folder.mkdir()
    made = {}
    for part in ("train", "test"):
        made[part] = noise(20, 3, 96, 96)
        made[part].transpose(0, 1, 3, 2).tofile(folder / f"{part}_X.bin")  # column by column
        (labels + 1).tofile(folder / f"{part}_y.bin")
    (folder / "unlabeled_X.bin").write_bytes(b"")
    names = [f"thing{i}" for i in range(10)]
    (folder / "class_names.txt").write_text("\n".join(names) + "\n")
    for entries in ("train_list", "test_list"):
        sums = [[file, md5(folder / file)] for file, _ in getattr(datasets.STL10, entries)]
        monkeypatch.setattr(datasets.STL10, entries, sums)
    data = torchvision_set("stl10", tmp_path, validation=0.5)
    assert data.classes == tuple(names)
    assert_is(data.test, made["test"], labels)


def picture(path: Path) -> np.ndarray:
    """Write a picture and return its pixels as they come back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(12, 12, 3)).save(path, quality=95)
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)


def test_gtsrb(tmp_path: Path) -> None:
    base = tmp_path / "gtsrb"
    for label in range(43):
        picture(base / f"GTSRB/Training/{label:05d}/first.ppm")
        picture(base / f"GTSRB/Training/{label:05d}/second.ppm")
    test = [picture(base / f"GTSRB/Final_Test/Images/{i}.ppm") for i in range(2)]
    (base / "GT-final_test.csv").write_text("Filename;ClassId\n0.ppm;7\n1.ppm;42\n")
    data = torchvision_set("gtsrb", tmp_path, validation=0.3)
    assert len(data.classes) == 43
    assert_is(data.test, np.stack(test), np.array([7, 42]))


def test_pets(tmp_path: Path) -> None:
    base, made = tmp_path / "oxford-iiit-pet", {}
    (base / "annotations").mkdir(parents=True)
    for part, numbers in (("trainval", range(4)), ("test", range(4, 6))):
        rows = [
            (f"{breed}_{i}", label)
            for i in numbers
            for label, breed in ((1, "Abyssinian"), (2, "basset_hound"))
        ]
        lines = [f"{name} {label} 1 1" for name, label in rows]
        (base / "annotations" / f"{part}.txt").write_text("\n".join(lines))
        made[part] = np.stack([picture(base / "images" / f"{name}.jpg") for name, _ in rows])
    data = torchvision_set("oxford_iiit_pet", tmp_path, validation=0.25)
    assert data.classes == ("Abyssinian", "Basset Hound")
    assert_is(data.test, made["test"], np.array([0, 1, 0, 1]))
    assert_holds((data.train, data.validation), made["trainval"], np.array([0, 1] * 4))


def test_food101_and_its_bad_file(tmp_path: Path) -> None:
    base, made = tmp_path / "food-101", {}
    (base / "meta").mkdir(parents=True)
    for part, numbers in (("train", range(8)), ("test", range(8, 10))):
        listed = {dish: [f"{dish}/{i}" for i in numbers] for dish in ("pie", "rice")}
        (base / "meta" / f"{part}.json").write_text(json.dumps(listed))
        made |= {
            name: picture(base / "images" / f"{name}.jpg")
            for names in listed.values()
            for name in names
        }
    (base / "images" / "pie" / "0.jpg").write_text("broken")
    data = torchvision_set("food101", tmp_path, validation=0.25)
    assert_is(
        data.test,
        np.stack([made[n] for n in ("pie/8", "pie/9", "rice/8", "rice/9")]),
        np.array([0, 0, 1, 1]),
    )
    assert len(data.train) + len(data.validation) == 15
    assert data.notes == (
        "left out 1 file that can't be read as an image: food-101/images/pie/0.jpg (not an image)",
    )
    assert torchvision_set("food101", tmp_path, size=8).input_shape == (3, 8, 8)
    files = torchvision_set("food101", tmp_path, validation=0.25, keep="files")
    for part in ("train", "validation", "test"):
        images = getattr(files, part).images
        assert isinstance(images, ImageFiles)
        assert torch.equal(images.read(range(len(images))), getattr(data, part).images)
    assert files.notes == (
        *data.notes,
        "19 images of 3x12x12 (8.2 kB) stay in their files: as asked",
    )


def test_dtd_keeps_its_own_validation_split(tmp_path: Path) -> None:
    base, made = tmp_path / "dtd" / "dtd", {}
    (base / "labels").mkdir(parents=True)
    for part, numbers in (("train", range(2)), ("val", range(2, 5)), ("test", range(5, 6))):
        names = [f"{kind}/{i}.jpg" for kind in ("dotted", "woven") for i in numbers]
        (base / "labels" / f"{part}1.txt").write_text("\n".join(names))
        made[part] = np.stack([picture(base / "images" / name) for name in names])
    data = torchvision_set("dtd", tmp_path)
    assert_is(data.train, made["train"], np.array([0, 0, 1, 1]))
    assert_is(data.validation, made["val"], np.array([0, 0, 0, 1, 1, 1]))
    assert_is(data.test, made["test"], np.array([0, 1]))


@pytest.mark.parametrize("name", ["eurosat", "caltech101"])
def test_sets_without_a_test_split_are_split(name: str, tmp_path: Path) -> None:
    below = {"eurosat": "eurosat/2750", "caltech101": "caltech101/101_ObjectCategories"}[name]
    made = [
        picture(tmp_path / below / kind / f"image_{i + 1:04d}.jpg")
        for kind in ("a", "b")
        for i in range(10)
    ]
    if name == "caltech101":
        (tmp_path / below / "BACKGROUND_Google").mkdir()  # no class: torchvision takes it out
    data = torchvision_set(name, tmp_path, validation=0.1)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [14, 2, 4]
    assert_holds((data.train, data.validation, data.test), np.stack(made), np.repeat([0, 1], 10))


def test_a_copy_in_image_files_serves_as_well(tmp_path: Path) -> None:
    for part, count in (("train", 10), ("test", 3)):
        for name in ("frog", "ship"):
            for i in range(count):
                picture(tmp_path / part / name / f"{i}.jpg")
    data = cifar10(tmp_path, validation=0.2)
    assert data.describe() == "cifar10: 2 classes, 3x12x12, 16 train / 4 validation / 6 test"
    assert data.flip
    assert isinstance(cifar10(tmp_path, keep="files").test.images, ImageFiles)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_set_says_what_is_missing(name: str, tmp_path: Path) -> None:
    """Also: torchvision still has each class, and it takes our arguments."""
    with pytest.raises(DataError, match=r"is not there .*download=True, or put") as caught:
        torchvision_set(name, tmp_path)
    assert "unexpected keyword" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damage_is_told_from_absence(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match="damaged or incomplete"):
        cifar10(tmp_path)
    write_idx(tmp_path / "MNIST/raw/train-images-idx3-ubyte", noise(5, 28, 28))
    for file in ("train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        shutil.copy(
            tmp_path / "MNIST/raw/train-images-idx3-ubyte", tmp_path / f"MNIST/raw/{file}-ubyte"
        )
    (tmp_path / "MNIST/raw/train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    with pytest.raises(DataError, match="damaged or incomplete"):
        mnist(tmp_path)


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(self: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(datasets.CIFAR10, "download", no_network)
    with pytest.raises(DataError, match=r"no route to host.*check the connection"):
        cifar10(tmp_path, download=True)


@pytest.mark.parametrize(
    ("name", "close"), [("cifar", "cifar10"), ("Fashion-MNIST", "fashion_mnist")]
)
def test_unknown_names_get_the_list_and_the_closest(name: str, close: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"did you mean {close}.*The sets: caltech101, cifar10"):
        torchvision_set(name, tmp_path)


def test_size_is_for_photos(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one size already"):
        cifar10(tmp_path, size=16)


def test_only_photos_stay_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="cifar10 has no image files"):
        cifar10(tmp_path, keep="files")
    with pytest.raises(DataError, match="got keep='disk'"):
        cifar10(tmp_path, keep="disk")
    write_cifar(tmp_path, datasets.CIFAR10, "labels", ["frog", "ship"], monkeypatch)
    assert cifar10(tmp_path, keep="memory").fingerprint == cifar10(tmp_path).fingerprint


def test_labels_outside_the_classes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path, datasets.CIFAR10, "labels", ["a", "b", "c"], monkeypatch)
    meta = tmp_path / "cifar-10-batches-py" / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": ["a", "b"]}))
    monkeypatch.setattr(datasets.CIFAR10, "meta", datasets.CIFAR10.meta | {"md5": md5(meta)})
    with pytest.raises(DataError, match=r"labels run from 0 to 1 for 2 classes; .* holds 0 to 2"):
        cifar10(tmp_path)
