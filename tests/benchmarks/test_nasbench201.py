"""NAS-Bench-201 and NATS-Bench: the CSV, and the benchmarks' own files in small."""

import bz2
import logging
import math
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from random import Random

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import TrialState

from optunas.benchmarks import nasbench201, natssize, simulate
from optunas.benchmarks.table import tabulated
from optunas.errors import OptunasError
from optunas.spaces import NASBench201, NATSSize

TABLE = Path(__file__).parents[2] / ".." / "shared" / "data" / "nasbench201.csv.xz"
CELLS = [
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
]
SIZES = ["8:16:32:48:64", "64:64:64:64:64"]
CSV = "index,arch_str,cifar10_val12,cifar10_test200,cifar10_seconds200\n" + "".join(
    f"{n},{cell},{80 + n},{90 + n},{1000 * (n + 1)}\n" for n, cell in enumerate(CELLS)
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(CSV)
    return path


def chosen(benchmark, text, **settings):
    study = optuna.create_study(directions=benchmark.directions, **settings)
    study.enqueue_trial(benchmark.space.params(text))
    study.optimize(benchmark, n_trials=1)
    return study.trials[0]


def test_a_cell_is_looked_up(table):
    benchmark = nasbench201(table)
    trial = chosen(benchmark, CELLS[1])
    assert trial.value == 91
    assert trial.intermediate_values == {}
    assert benchmark.row(trial.params)["cifar10_val12"] == 81
    assert benchmark.best() == 92
    assert benchmark.best("cifar10_val12") == 82
    assert isinstance(benchmark.space, NASBench201)


def test_seconds_are_those_of_the_table(table):
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial(NASBench201().params(CELLS[2]))
    assert simulate(study, nasbench201(table), n_trials=1).seconds == 3000
    assert nasbench201(table, "cifar10_val12").seconds == 1.0


def test_the_short_training_is_reported_where_asked(table):
    benchmark = nasbench201(table, curve=True)
    assert chosen(benchmark, CELLS[0]).intermediate_values == {12: 80, 200: 90}
    pruner = optuna.pruners.ThresholdPruner(lower=80.5)
    assert chosen(benchmark, CELLS[0], pruner=pruner).state is TrialState.PRUNED
    assert chosen(benchmark, CELLS[1], pruner=pruner).state is TrialState.COMPLETE
    assert nasbench201(table, "cifar10_val12", curve=True).curve == {}


def test_a_cell_that_the_table_lacks(table):
    trial = chosen(nasbench201(table), CELLS[1].replace("none~2", "skip_connect~2"))
    assert trial.user_attrs["outcome"] == "rejected"


def test_the_size_space(tmp_path):
    path = tmp_path / "sizes.csv"
    path.write_text("arch_str,acc\n" + "".join(f"{s},{n}\n" for n, s in enumerate(SIZES)))
    benchmark = natssize(path, "acc")
    assert isinstance(benchmark.space, NATSSize)
    assert chosen(benchmark, SIZES[1]).value == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("arch_str", "arch"), "no column is called 'arch_str'. Did you mean 'arch'"),
        (CSV.replace("cifar10_test200", "cifar10_test20"), "Did you mean 'cifar10_test20'"),
        (CSV.replace("none~0|+|none~0", "nome~0|+|none~0"), "each one of none, skip_connect"),
        (CSV.replace("91,", ","), "finite number in every row; in row 2"),
        (CSV + CSV.splitlines()[1].replace("90", "89"), "rows 1 and 4 .* is 90 and 89"),
    ],
)
def test_tables_that_are_none(table, text, message):
    table.write_text(text)
    with pytest.raises(OptunasError, match=message):
        nasbench201(table)


# the benchmarks' own files: dictionaries as their `state_dict` makes them


def record(rng, seed, epochs, always, at_end=()):
    """One training: accuracies and seconds by epoch, on sets measured always or at the end."""
    known = [f"{name}@{e}" for name in always for e in range(epochs)]
    ends = [f"{name}@{epochs - 1}" for name in at_end]
    times = {f"{name}@{e}": rng.random() for name in (*always, *at_end) for e in range(epochs)}
    return {
        "name": "infer.tiny", "net_state_dict": None, "seed": seed, "epochs": epochs,
        "train_acc1es": {}, "train_acc5es": {}, "train_losses": OrderedDict(),
        "train_times": OrderedDict((e, 1 + rng.random()) for e in range(epochs)),
        "arch_config": {"channel": 16}, "params": 0.8, "flop": 117.0, "latency": [0.01, 0.03],
        "eval_names": [*always, *at_end], "eval_losses": {}, "eval_times": times,
        "eval_acc1es": {name: 100 * rng.random() for name in (*known, *ends)},
    }  # fmt: skip


def results(text, index, epochs):
    rng = Random(f"{text} {epochs}")
    halves = ["ori-test"], ["x-valid", "x-test"]
    sets = {
        "cifar10-valid": (["x-valid", "ori-test"],),
        "cifar10": (["ori-test"],),
        "cifar100": halves,
        "ImageNet16-120": halves,
    }
    return {
        "arch_index": index,
        "arch_str": text,
        "clear_net_done": True,
        "dataset_seed": {data: [777, 888] for data in sets},
        "all_results": {
            (data, seed): record(rng, seed, epochs, *measured)
            for data, measured in sets.items()
            for seed in (777, 888)
        },
    }


def whole(texts, **trainings):
    return {
        "meta_archs": texts,
        "evaluated_indexes": set(range(len(texts))),
        "arch2infos": {
            index: {name.strip("_"): results(text, index, n) for name, n in trainings.items()}
            for index, text in enumerate(texts)
        },
    }


def packed(thing, path):
    with bz2.open(path, "wb") as file:
        pickle.dump(thing, file, protocol=4)
    return path


def native(kind, tmp_path):
    """A file of each kind, with the same results."""
    if kind == "pth":
        torch.save(whole(CELLS, less=12, full=200), tmp_path / "NAS-Bench-201-v1_1-096897.pth")
        return tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    content = whole(CELLS, _12=12, _200=200)
    if kind == "pickle":
        return packed(content, tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2")
    folder = tmp_path / "NATS-tss-v1_0-3ffb9-simple"
    folder.mkdir()
    packed({"meta_archs": CELLS}, folder / "meta.pickle.pbz2")
    for index, infos in content["arch2infos"].items():
        packed(infos, folder / f"{index:06d}.pickle.pbz2")
    return folder


@pytest.mark.parametrize("kind", ["pickle", "folder", "pth"])
def test_the_benchmarks_own_files(kind, tmp_path):
    benchmark = nasbench201(native(kind, tmp_path), "cifar100_val200", curve=True)
    assert len(benchmark.table) == 3
    row = benchmark.row(benchmark.space.params(CELLS[0]))
    long, short = (results(CELLS[0], 0, epochs)["all_results"] for epochs in (200, 12))

    def mean(records, data, name):
        return np.mean([records[data, seed]["eval_acc1es"][name] for seed in (777, 888)])

    assert row["cifar10_val12"] == mean(short, "cifar10-valid", "x-valid@11")
    assert row["cifar10_test200"] == mean(long, "cifar10", "ori-test@199")
    assert row["cifar100_test12"] == mean(short, "cifar100", "x-test@11")
    assert row["cifar100_val200"] == mean(long, "cifar100", "x-valid@199")
    assert row["cifar100_val200@7"] == mean(long, "cifar100", "ori-test@6")
    assert row["imagenet16_test200"] == mean(long, "ImageNet16-120", "x-test@199")
    assert (row["cifar10_flops"], row["cifar10_params"]) == (117.0, 0.8)
    assert row["cifar10_latency"] == pytest.approx(0.02)
    times = [long["cifar100", seed] for seed in (777, 888)]
    seconds = [
        sum(t["train_times"].values())
        + np.mean([s for name, s in t["eval_times"].items() if name.startswith("x-valid")])
        for t in times
    ]
    assert row["cifar100_seconds200"] == pytest.approx(np.mean(seconds))
    trial = chosen(benchmark, CELLS[0], pruner=optuna.pruners.NopPruner())
    assert trial.value == row["cifar100_val200"]
    assert sorted(trial.intermediate_values) == list(range(1, 201))
    assert benchmark.seconds == "cifar100_seconds200"


def test_the_size_spaces_own_file(tmp_path):
    path = packed(whole(SIZES, _01=1, _12=12, _90=90), tmp_path / "NATS-sss-v1_0.pickle.pbz2")
    benchmark = natssize(path)
    assert (
        chosen(benchmark, SIZES[0]).value
        == benchmark.row(benchmark.space.params(SIZES[0]))["cifar10_test90"]
    )
    assert {"cifar10_val1", "cifar10_val12", "cifar10_val90"} <= set(benchmark.columns)


def test_a_file_that_takes_long_is_written_as_a_table(tmp_path):
    benchmark = nasbench201(native("pickle", tmp_path))
    benchmark.table.to_csv(tmp_path / "table.csv.xz", "arch_str")
    again = nasbench201(tmp_path / "table.csv.xz")
    assert again.columns == benchmark.columns
    assert np.array_equal(again.table.numbers, benchmark.table.numbers)
    assert again.seconds == benchmark.seconds == "cifar10_seconds200"


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_a_file_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = whole(CELLS[:1], _12=12)
    content["arch2infos"][0]["12"]["all_results"]["cifar10", 777]["net_state_dict"] = Harmful()
    torch.save(content, "harmful.pth")
    for path in (packed(content, "harmful.pickle.pbz2"), "harmful.pth"):
        with pytest.raises(OptunasError, match=r"numbers and texts; this one asks for \S*\.mkdir"):
            nasbench201(path)
    assert not Path("harm").exists()


def test_a_network_that_was_not_trained_for_the_metric_is_left_out(tmp_path, caplog):
    content = whole(CELLS, _12=12)
    del content["arch2infos"][1]["12"]["dataset_seed"]["cifar100"]
    path = packed(content, tmp_path / "a.pickle.pbz2")
    with caplog.at_level(logging.WARNING, "optunas"):
        assert len(nasbench201(path, "cifar100_val12").table) == 2
    assert "1 of 3 networks have no cifar100_val12 and are left out" in caplog.text
    assert len(nasbench201(path, "cifar10_val12").table) == 3
    content["arch2infos"][0]["12"]["all_results"]["cifar10", 777]["eval_acc1es"] = {}
    path = packed({"arch2infos": {0: content["arch2infos"][0]}}, tmp_path / "b.pickle.pbz2")
    with pytest.raises(OptunasError, match="no column is called 'cifar10_test12'"):
        nasbench201(path, "cifar10_test12")
    with pytest.raises(OptunasError, match="no network has loss"):
        tabulated(["a"], {"loss": np.array([math.nan])}, ["loss"], partial=True)


def test_numpys_numbers_are_let_in(tmp_path):
    content = whole(CELLS[:1], _12=12)
    for found in content["arch2infos"][0]["12"]["all_results"].values():
        found["latency"] = [np.float64(0.25)]
    benchmark = nasbench201(packed(content, tmp_path / "a.pickle.pbz2"), "cifar10_test12")
    assert benchmark.best("cifar10_latency") == 0.25


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "it has no 'arch2infos'"),
        ({"arch2infos": [1]}, "it has no 'arch2infos'"),
        ({"arch2infos": {0: {"12": {"arch_str": CELLS[0]}}}}, "network 0 has no 'dataset_seed'"),
        ({"arch2infos": {}}, "at least one row"),
        (whole(SIZES, _90=90), "a cell of NAS-Bench-201 is written"),
        (whole(CELLS, _12=12), "no column is called 'cifar10_test200'. Did you mean"),
    ],
)
def test_files_of_something_else(tmp_path, content, message):
    with pytest.raises(OptunasError, match=message):
        nasbench201(packed(content, tmp_path / "a.pickle.pbz2"))


def test_files_that_are_broken(tmp_path):
    path = packed(whole(CELLS, _12=12), tmp_path / "a.pickle.pbz2")
    path.write_bytes(path.read_bytes()[:1000])
    (tmp_path / "b.pth").write_bytes(b"no torch")
    (tmp_path / "c.pickle").write_bytes(b"no pickle")
    (tmp_path / "d").mkdir()
    for name in ("a.pickle.pbz2", "b.pth", "c.pickle"):
        with pytest.raises(OptunasError, match=f"'{name}' can't be read as a benchmark's file"):
            nasbench201(tmp_path / name)
    with pytest.raises(OptunasError, match=r"has no file like 000000.pickle.pbz2"):
        nasbench201(tmp_path / "d")


@pytest.mark.skipif(not TABLE.exists(), reason="the table of NAS-Bench-201 is not here")
class TestTheWholeTable:
    def test_the_published_optima(self):
        """Table 1 of the NATS-Bench paper: 94.37, 73.51 and 47.31 %."""
        benchmark = nasbench201(TABLE)
        assert len(benchmark.table) == benchmark.space.size() == 15625
        found = [
            benchmark.best(f"{data}_test200") for data in ("cifar10", "cifar100", "imagenet16")
        ]
        assert found == pytest.approx([94.37, 73.51, 47.31], abs=0.005)

    def test_workers_find_what_one_finds_in_less_time(self):
        def run(workers):
            sampler = optuna.samplers.TPESampler(
                seed=0, multivariate=True, constant_liar=True, n_startup_trials=10
            )
            study = optuna.create_study(direction="maximize", sampler=sampler)
            return simulate(study, nasbench201(TABLE), n_trials=100, workers=workers)

        one, eight = run(1), run(8)
        assert (one.seconds, eight.seconds) == (100, 13)
        assert min(one.best_by_evaluation[-1], eight.best_by_evaluation[-1]) > 93.7
        assert not math.isnan(eight.best_by_evaluation[0])
