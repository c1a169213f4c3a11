"""What this machine has to give, also inside a container."""

import os
from pathlib import Path

import psutil
import pytest

from optunas import machine
from optunas.machine import cores, free_ram

GIB = 2**30


def test_the_cores_of_this_process() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_no_more_is_free_than_the_machine_says() -> None:
    assert 0 < free_ram() <= psutil.virtual_memory().total


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".", 1)).write_text(text + "\n")


def left(tmp_path: Path, line: str) -> float:
    (tmp_path / "proc").mkdir(exist_ok=True)
    (tmp_path / "proc" / "cgroup").write_text(line + "\n")
    groups = machine._groups(tmp_path / "proc", tmp_path / "sys")
    return min(map(machine._left, groups), default=float("inf"))


def test_a_container_of_version_2_leaves_its_limit_less_what_is_used(tmp_path: Path) -> None:
    stat = f"anon {2 * GIB}\ninactive_file {GIB}"
    group(
        tmp_path / "sys" / "job" / "step",
        memory__max=str(8 * GIB), memory__current=str(3 * GIB), memory__stat=stat,
    )  # fmt: skip
    assert left(tmp_path, "0::/job/step") == 6 * GIB  # cached files make room when it is needed


def test_the_tightest_of_the_groups_around_counts(tmp_path: Path) -> None:
    group(
        tmp_path / "sys" / "job",
        memory__max=str(2 * GIB), memory__current=str(GIB), memory__stat="anon 0",
    )  # fmt: skip
    group(
        tmp_path / "sys" / "job" / "step",
        memory__max="max", memory__current="5", memory__stat="anon 0",
    )  # fmt: skip
    assert left(tmp_path, "0::/job/step") == GIB


def test_a_container_of_version_1_too_also_where_its_name_is_that_outside(tmp_path: Path) -> None:
    group(
        tmp_path / "sys" / "memory",
        memory__limit_in_bytes=str(4 * GIB), memory__usage_in_bytes=str(GIB),
        memory__stat="total_inactive_file 0",
    )  # fmt: skip
    assert left(tmp_path, "5:cpu:/x\n4:memory:/docker/1234\n0::/x") == 3 * GIB


@pytest.mark.parametrize("line", ["0::/", "4:memory:/", "3:cpu,cpuacct:/"])
def test_without_a_limit_nothing_is_limited(tmp_path: Path, line: str) -> None:
    assert left(tmp_path, line) == float("inf")
