"""Where pictures lie: written once, found again, and nobody is led into somebody else's folder."""

import io
import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import InMemoryStorage

from optunas.artifacts import Folder
from optunas.report import places
from optunas.report.gallery import Gallery
from optunas.report.places import ATTRIBUTE, MARK, opened, pictures_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(study_name="s", storage=InMemoryStorage())


def test_the_first_worker_writes_the_place_and_the_next_one_finds_it(
    study: optuna.Study, tmp_path: Path
) -> None:
    first = pictures_of(study, None, tmp_path / "a")
    assert first == Folder(tmp_path / "a")
    assert pictures_of(study, None, tmp_path / "b") == first  # whatever folder it has itself
    assert not (tmp_path / "b").exists()
    assert study.user_attrs[ATTRIBUTE]["folder"] == str(tmp_path / "a")


def test_what_all_share_comes_before_a_folder_of_one(study: optuna.Study, tmp_path: Path) -> None:
    assert pictures_of(study, tmp_path / "shared", tmp_path / "own") == Folder(tmp_path / "shared")


def test_without_a_place_there_are_no_pictures(study: optuna.Study) -> None:
    assert pictures_of(study, None, None) is None
    assert ATTRIBUTE not in study.user_attrs


def test_a_machine_with_another_disk_has_none(
    study: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures_of(study, None, tmp_path / "a")
    monkeypatch.setattr(places.socket, "gethostname", lambda: "elsewhere")
    (tmp_path / "a" / MARK).write_text("0" * 32)  # a folder of that name, and another one
    assert pictures_of(study, None, tmp_path / "b") is None


def test_a_folder_that_was_deleted_on_this_host_is_replaced(
    study: optuna.Study, tmp_path: Path
) -> None:
    pictures_of(study, None, tmp_path / "a")
    (tmp_path / "a" / MARK).unlink()
    (tmp_path / "a").rmdir()
    assert pictures_of(study, None, tmp_path / "b") == Folder(tmp_path / "b")


@pytest.mark.parametrize(
    "place",
    [
        None, 7, "x", [], {}, {"folder": "/etc"}, {"folder": "/etc", "token": "0" * 32},
        {"folder": "/etc", "token": None}, {"folder": "\0", "token": "0" * 32},
        {"folder": "relative", "token": "0" * 32}, {"url": "file:///etc"}, {"url": "/etc"},
        {"url": "http://somewhere"}, {"url": "s3://user:password@bucket/x"}, {"url": ["s3://b"]},
        {"folder": "/proc/self", "token": "../" * 20},
    ],
)  # fmt: skip
def test_what_a_study_only_claims_is_not_opened(place: Any) -> None:
    assert opened(place) is None


def test_a_mark_that_is_a_link_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a" * 32)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / MARK).symlink_to(tmp_path / "token")
    assert opened({"folder": str(tmp_path / "folder"), "token": "a" * 32}) is None


def test_the_gallery_looks_in_each_studys_place(tmp_path: Path) -> None:
    storage = InMemoryStorage()
    for name in "ab":
        made = optuna.create_study(study_name=name, storage=storage)
        store = pictures_of(made, None, tmp_path / name)
        assert store is not None
        store.write(f"{name}123", io.BytesIO(name.encode()))
    hostile = optuna.create_study(study_name="c", storage=storage)
    hostile.set_user_attr(ATTRIBUTE, {"folder": "/etc", "token": "0" * 32})
    gallery = Gallery(storage)
    assert [gallery.open_reader(f"{name}123").read() for name in "ab"] == [b"a", b"b"]
    for name in ("hosts", "../../etc/hosts", "nothing"):
        with pytest.raises(ArtifactNotFound):
            gallery.open_reader(name)
    gallery.remove("a123")
    assert not (tmp_path / "a" / "a123").exists()
    with pytest.raises(ArtifactNotFound):
        gallery.remove("a123")


def test_what_is_uploaded_in_the_browser_goes_to_the_store_that_was_named(tmp_path: Path) -> None:
    storage = InMemoryStorage()
    with pytest.raises(ArtifactNotFound, match="no study of this storage has a place"):
        Gallery(storage).write("a1", io.BytesIO(b"x"))
    Gallery(storage, Folder.made(tmp_path)).write("a1", io.BytesIO(b"x"))
    assert (tmp_path / "a1").read_bytes() == b"x"


def test_a_place_is_plain_json(study: optuna.Study, tmp_path: Path) -> None:
    pictures_of(study, None, tmp_path)
    found = study.user_attrs[ATTRIBUTE]
    assert json.loads(json.dumps(found)) == found
    assert found.keys() == {"folder", "token", "host"}
