"""`studies/nasbench201.py` on a made-up table: searches, resuming, the report and the plot."""

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from optunas.errors import OptunasError
from optunas.spaces import NASBench201

SCRIPT = Path(__file__).parents[1] / "studies" / "nasbench201.py"
PROTOCOL = "cifar10_val12:cifar10_test200"
OPTIONS = (
    "--strategies random,architecture --workers 1,2 --warm-start architecture --seeds 2 --budget 5 "
    f"--columns cifar10_test200,cifar100_test200,{PROTOCOL}"
).split()
GAIN = {"nor_conv_3x3": 3.0, "nor_conv_1x1": 2.0, "skip_connect": 2.5, "avg_pool_3x3": 1.0}


def write_table(path, seed):
    """Every cell, with accuracies that its operations decide, and noise."""
    space, rng = NASBench201(), np.random.default_rng(seed)
    lines = ["arch_str,cifar10_val12,cifar10_test200,cifar100_test200"]
    for cell in space.cells():
        value = 70 + sum(GAIN.get(op, 0.0) for op in cell)
        numbers = ",".join(f"{n:.4f}" for n in value + rng.normal(size=3))
        lines.append(f"{space.to_string(cell)},{numbers}")
    path.write_text("\n".join(lines) + "\n")
    return path


def command(table, out, *options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = [sys.executable, str(SCRIPT), str(table), "--out", str(out), *options]
    return subprocess.run(done, env=environment, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def study():
    """The file as a module."""
    spec = importlib.util.spec_from_file_location("study_of_nasbench201", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table") / "table.csv", 0)


@pytest.fixture(scope="module")
def out(table):
    """The folder of a finished command."""
    folder = table.parent / "out"
    done = command(table, folder, *OPTIONS)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("searches run: 32;")  # 24 plain, 4 to begin from, 4 warm
    return folder


def searches(out):
    found = [json.loads(file.read_text()) for file in (out / "searches").iterdir()]
    return {tuple(record["run"].values()): record for record in found}


def tables(out):
    """Of each section its table: rows by what they begin with, of cells by their heads."""
    found = {}
    for section in (out / "comparison.md").read_text().split("## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
        assert all(len(row) == len(head) for row in rows)
        found[section.splitlines()[0]] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def test_each_search_is_kept(out):
    records = searches(out)
    assert len(records) == 32
    for (_, column, _, budget, *_), record in records.items():
        assert len(record["best"]) == len(record["reported"]) == len(record["rows"]) == budget == 5
        assert record["best"] == sorted(record["best"])
        assert (record["best"] == record["reported"]) == (column != PROTOCOL)
    drawn = {tuple(record["rows"]) for run, record in records.items() if run[0] == "random"}
    assert len(drawn) == 2, "a seed draws the same networks on every column"


def test_the_choice_is_reported_by_the_other_column(out, table):
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    record = searches(out)["random", PROTOCOL, 0, 5, 1, "", False]
    validation, test = ([float(rows[row][at]) for row in record["rows"]] for at in (1, 2))
    assert record["best"][-1] == max(validation)
    assert record["reported"][-1] == test[validation.index(max(validation))]


def test_the_table_says_what_the_searches_found(out):
    found = tables(out)
    assert list(found) == [
        "CIFAR-10", "CIFAR-10, 2 workers", "CIFAR-100", "CIFAR-100, 2 workers",
        "CIFAR-10, chosen after 12 epochs", "CIFAR-10, chosen after 12 epochs, 2 workers",
        "Several workers, and a warm start",
    ]  # fmt: skip
    for row in found["CIFAR-10"]:
        ends = [
            record["best"][-1]
            for (strategy, column, _, _, workers, earlier, whole), record in searches(out).items()
            if (strategy, column, workers, earlier, whole)
            == (row["strategy"], "cifar10_test200", 1, "", False)
        ]
        mean, error = map(float, row["after 5"].split(" ± "))
        assert mean == pytest.approx(np.mean(ends), abs=0.006)
        assert error == pytest.approx(np.std(ends, ddof=1) / math.sqrt(2), abs=0.006)
        assert (row["to the best"], row["at most"], row["found"]) == ("5.0 ± 0.0", "5", "0 of 2")
    changes = {
        (row["strategy"], row["column"], row["how"])
        for row in found["Several workers, and a warm start"]
    }
    assert ("architecture", "cifar10_test200", "from cifar100_test200") in changes
    assert ("random", PROTOCOL, "2 workers") in changes
    assert len(changes) == 2 + 6
    assert "random 93.70" in (out / "comparison.md").read_text()


def test_the_plot_shows_every_column(out):
    plot = (out / "comparison.svg").read_text()
    assert plot.count("<!-- architecture -->") == plot.count("<!-- random -->") == 3
    assert "<!-- CIFAR-100 -->" in plot


def test_a_finished_search_is_not_run_again_and_a_lost_one_is(out, table):
    lost = out / "searches" / "architecture-cifar10_test200-seed1-budget5-workers2.json"
    before = json.loads(lost.read_text())
    lost.unlink()
    (out / "searches" / f"{lost.stem}.123").write_text('{"run": ')  # as a kill leaves it
    done = command(table, out, *OPTIONS)
    assert done.stdout.startswith("searches run: 1;"), done.stderr[-2000:]
    after = json.loads(lost.read_text())
    assert {**after, "proposal_s": 0} == {**before, "proposal_s": 0}


def test_a_later_command_adds_to_the_report(out, table):
    more = "nsgaii --columns cifar100_test200 --seeds 1 --budget 5 --scaling"
    done = command(table, out, "--strategies", *more.split())
    assert done.stdout.startswith("searches run: 1;"), done.stderr[-2000:]
    found = tables(out)
    assert {row["strategy"] for row in found["CIFAR-100"]} == {"architecture", "nsgaii", "random"}
    times = found["Seconds of a proposal, one core"]
    assert [row["finished trials"] for row in times] == ["300", "2,000"]
    assert all(0 < float(row["first of a process, s"]) < 30 for row in times)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategies": "randon"}, "no sampler is called 'randon'. Did you mean 'random'"),
        ({"columns": "cifar10_test20"}, "no column is called 'cifar10_test20'. Did you mean"),
        ({"columns": "cifar10_val12:accuracy"}, "no column is called 'accuracy'"),
        ({"workers": "1,0"}, "numbers of workers are needed; got .* '1,0'"),
        ({"columns": ","}, "strategies, columns and numbers of workers are needed"),
    ],
)
def test_what_can_not_be_run_is_said_at_once(study, table, tmp_path, options, message):
    with pytest.raises(OptunasError, match=message):
        study.main(table, **{"strategies": "random", "out": tmp_path / "none", **options})
    assert not (tmp_path / "none").exists()


def test_searches_of_another_table_are_not_mixed_in(out, tmp_path):
    other = write_table(tmp_path / "other.csv", 1)
    done = command(other, out, "--strategies", "random", "--columns", "cifar100_test200")
    assert done.returncode == 2
    said = "holds searches of another table: take another folder, --out"
    assert re.fullmatch(f"nasbench201: .* {said}\n", done.stderr)


def test_names_of_files_tell_searches_apart(study):
    strategies = study.listed("tpe(startup=20, candidates=10), nsgaii,random,random")
    assert strategies == ["tpe(startup=20, candidates=10)", "nsgaii", "random"]
    runs = study.planned([*strategies, "gp"], ["a", "a:b", "b"], 3, 200, [1, 8])
    runs += [*study.warmed(runs)]
    runs += [run.first for run in runs if run.earlier]
    assert len({run.file for run in runs}) == len(set(runs)) > 100
    assert {run.budget for run in runs if run.strategy == "gp"} == {100}
