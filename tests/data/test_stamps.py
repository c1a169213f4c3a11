import os
from pathlib import Path

import pytest

from optunas.data.stamps import digest, stamped


def of(files: list[str], *facts: object) -> str:
    return digest(files, stamped(files), *facts)


def test_stamps_are_what_the_disk_says(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("four")
    found = stamped([str(tmp_path / "a"), str(tmp_path / "b")])
    facts = (tmp_path / "a").stat()
    assert found.tolist() == [[4, facts.st_mtime_ns, facts.st_ctime_ns], [-1, -1, -1]]
    assert stamped([]).shape == (0, 3)


def test_the_digest_sees_every_change(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in "abc"]
    for file in files:
        Path(file).write_text("same")
    found = [of(files), of(files, 8), of(files[::-1]), of(files[:2])]
    facts = os.stat(files[1])
    Path(files[1]).write_text("emas")
    os.utime(files[1], ns=(facts.st_atime_ns, facts.st_mtime_ns))
    found.append(of(files))
    Path(files[1]).unlink()
    found.append(of(files))
    assert len(set(found)) == 6
    assert of(files) == found[-1]


def test_a_path_is_the_same_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("a")
    monkeypatch.chdir(tmp_path / "x")
    assert of([str(tmp_path / "x" / "a")]) == of(["a"]) == of(["./a"]) == of(["../x/a"])
