from pathlib import Path

import pytest

from optunas.data import digits, image_folder, load
from optunas.errors import DataError


def test_digits_by_name() -> None:
    assert load("digits").fingerprint == digits().fingerprint
    assert load("digits", seed=3, size=None).fingerprint == digits(3).fingerprint


def test_a_folder_by_path(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = image_folder(photos, size=4).fingerprint
    assert load(photos, size=4, validation=None).fingerprint == expected
    monkeypatch.chdir(photos.parent)
    assert load("photos", size=4).fingerprint == expected
    assert load("./photos", size=4).name == "photos"


def test_a_set_by_name_below_the_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cifar10 is read from .*here/cifar-10-batches-py"):
        load("cifar10", root=tmp_path / "here")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("digit", "'digit' is neither: did you mean digits"),
        ("CIFAR10", "did you mean cifar10"),
        ("photoz", "data is a folder or one of digits, caltech101, .*is neither: Check the spell"),
        ("./photoz", "there is no folder photoz"),
        ("no/such", "there is no folder no/such"),
    ],
)
def test_what_is_neither(spec: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(spec)


def test_options_that_do_not_apply() -> None:
    with pytest.raises(DataError, match="digits takes the options seed; got size: leave it out"):
        load("digits", size=32)
