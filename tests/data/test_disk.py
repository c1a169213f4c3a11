from pathlib import Path

import pytest

from optunas.atomic import whole
from optunas.data.disk import recall, remember


def test_facts_come_back(tmp_path: Path) -> None:
    facts = [[3, 8, 8], [[1, "not an image"], [5, "ünlesbar\udcff"]], None, 0.25]
    remember(tmp_path / "deep" / "facts", facts)
    assert recall(tmp_path / "deep" / "facts") == facts
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["facts"]


def test_damaged_facts_are_none(tmp_path: Path) -> None:
    file = tmp_path / "facts"
    remember(file, {"shape": [3, 8, 8]})
    content = file.read_bytes()
    for cut in range(len(content)):
        file.write_bytes(content[:cut])
        assert recall(file) is None
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert recall(file) is None
    assert recall(tmp_path / "absent") is None


def test_where_nothing_can_be_written_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    remember(tmp_path / "taken" / "facts", [1])
    assert (tmp_path / "taken").read_text() == "x"


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def killed() -> None:
        with whole(file) as draft:
            draft.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert file.read_text() == "old"
    with whole(file) as draft:
        draft.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]
