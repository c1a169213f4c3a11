"""Tables of a person's own: what is read off them, what is refused, how trials end."""

import bz2
import gzip
import lzma
import pickle

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState

from optunas.benchmarks import TabularBenchmark
from optunas.errors import OptunasError

FULL = """op,depth,acc
conv,1,0.5
conv,2,0.7
skip,1,0.2
skip,2,0.9
"""
"""Every combination of two parameters."""

SPARSE = """op,width,lr,bias,acc,loss,note
conv,8,0.1,True,0.5,1.5,a
conv,16,0.01,True,0.7,1.2,
skip,8,0.01,False,0.2,1.9,b
conv,64,0.1,False,0.6,,
"""
PARAMS = ("op", "width", "lr", "bias")


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def searched(benchmark, n_trials=60, **settings):
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(directions=benchmark.directions, sampler=sampler, **settings)
    study.optimize(benchmark, n_trials=n_trials)
    return study


def chosen(benchmark, params):
    study = optuna.create_study(directions=benchmark.directions)
    study.enqueue_trial(params)
    study.optimize(benchmark, n_trials=1)
    return study.trials[0]


def test_without_params_every_other_column_is_one(table):
    benchmark = TabularBenchmark.from_csv(table(FULL), metric="acc")
    study = searched(benchmark)
    assert study.best_value == benchmark.best() == 0.9
    assert study.best_params == {"op": "skip", "depth": 2}
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    distributions = study.best_trial.distributions
    assert distributions["depth"] == IntDistribution(1, 2)
    assert distributions["op"] == CategoricalDistribution(("conv", "skip"))


def test_values_are_of_the_kind_that_the_column_has(table):
    benchmark = TabularBenchmark.from_csv(table(SPARSE), metric="acc", params=PARAMS)
    trial = chosen(benchmark, {"op": "conv", "width": 64, "lr": 0.1, "bias": False})
    assert trial.value == 0.6
    assert trial.distributions["width"] == CategoricalDistribution((8, 16, 64))
    assert trial.distributions["lr"] == CategoricalDistribution((0.01, 0.1))
    assert trial.distributions["bias"] == CategoricalDistribution((False, True))
    assert benchmark.space.size() == 24
    assert len(benchmark.table) == 4


def test_a_combination_that_is_not_in_the_table_is_rejected(table):
    benchmark = TabularBenchmark.from_csv(table(SPARSE), metric="acc", params=PARAMS)
    params = {"op": "skip", "width": 64, "lr": 0.1, "bias": True}
    trial = chosen(benchmark, params)
    assert trial.state is TrialState.PRUNED
    assert trial.value is None
    assert trial.user_attrs["outcome"] == "rejected"
    assert trial.user_attrs["reason"] == "the table has no row for ('skip', 64, 0.1, True)"
    with pytest.raises(OptunasError, match="no row for"):
        benchmark.row(params)


def test_a_row_has_all_numbers(table):
    benchmark = TabularBenchmark.from_csv(table(SPARSE), metric="acc", params=PARAMS)
    row = benchmark.row({"op": "conv", "width": 8, "lr": 0.1, "bias": True})
    assert row == {"acc": 0.5, "loss": 1.5}  # a note is no number, a hole in the loss no error
    assert benchmark.columns == ("acc", "loss")


def test_to_minimise(table):
    benchmark = TabularBenchmark.from_csv(table(FULL), metric="acc", direction="minimize")
    assert searched(benchmark).best_value == benchmark.best() == 0.2


def test_several_objectives(table):
    text = FULL.replace("acc", "acc,cost").replace("0.9", "0.9,40").replace("0.7", "0.7,20")
    text = text.replace("0.5", "0.5,10").replace("0.2", "0.2,30")
    benchmark = TabularBenchmark.from_csv(
        table(text), metric=("acc", "cost"), direction=("maximize", "minimize")
    )
    front = {tuple(trial.values) for trial in searched(benchmark).best_trials}
    assert front == {(0.9, 40.0), (0.7, 20.0), (0.5, 10.0)}


def test_a_space_of_ones_own(table):
    def space(trial):
        op = trial.suggest_categorical("op", ("skip", "conv"))
        return op, trial.suggest_int("depth", 1, 3)

    benchmark = TabularBenchmark.from_csv(table(FULL), metric="acc", space=space)
    assert chosen(benchmark, {"op": "conv", "depth": 2}).value == 0.7
    assert chosen(benchmark, {"op": "conv", "depth": 3}).state is TrialState.PRUNED


def test_a_conditional_space_of_ones_own(table):
    def space(trial):
        if trial.suggest_categorical("op", ("conv", "skip")) == "conv":
            trial.suggest_categorical("kernel", (3, 5))

    path = table("op,kernel,acc\nconv,3,0.5\nconv,5,0.7\nskip,,0.2\n")
    benchmark = TabularBenchmark.from_csv(path, metric="acc", params=("op", "kernel"), space=space)
    assert chosen(benchmark, {"op": "conv", "kernel": 5}).value == 0.7
    assert chosen(benchmark, {"op": "skip"}).value == 0.2
    assert {trial.state for trial in searched(benchmark).trials} == {TrialState.COMPLETE}


def test_a_space_may_refuse_its_own_draws(table):
    def space(trial):
        if trial.suggest_categorical("op", ("skip", "conv")) == "skip":
            raise optuna.TrialPruned("no skips")
        trial.suggest_int("depth", 1, 2)

    benchmark = TabularBenchmark.from_csv(
        table(FULL), metric="acc", params=("op", "depth"), space=space
    )
    trial = chosen(benchmark, {"op": "skip", "depth": 2})
    assert trial.user_attrs["outcome"] == "rejected"
    assert trial.user_attrs["reason"] == "the space refused it: no skips"


def test_what_is_reported_on_the_way(table):
    text = "op,acc4,acc8,acc\na,0.1,0.2,0.3\nb,0.2,0.5,0.9\n"
    benchmark = TabularBenchmark.from_csv(
        table(text), metric="acc", params=("op",), curve={4: "acc4", 8: "acc8"}, step=16
    )
    trial = chosen(benchmark, {"op": "b"})
    assert trial.intermediate_values == {4: 0.2, 8: 0.5, 16: 0.9}
    study = searched(benchmark, pruner=optuna.pruners.ThresholdPruner(lower=0.4, n_warmup_steps=8))
    ends = {trial.params["op"]: trial for trial in study.trials}
    assert ends["b"].state is TrialState.COMPLETE
    assert ends["a"].state is TrialState.PRUNED
    assert ends["a"].intermediate_values == {4: 0.1, 8: 0.2}
    assert ends["a"].user_attrs["outcome"] == "pruned"


@pytest.mark.parametrize(
    ("ending", "packed"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
def test_compressed_files(tmp_path, ending, packed):
    path = tmp_path / f"table.csv{ending}"
    path.write_bytes(packed(("\ufeff" + FULL).encode()))
    assert TabularBenchmark.from_csv(path, metric="acc").best() == 0.9


def test_a_row_may_come_twice_if_it_says_the_same(table):
    text = "n,seconds,acc\n" + "".join(f"{n % 3},{n},{n % 3 / 2}\n" for n in range(6))
    benchmark = TabularBenchmark.from_csv(table(text), metric="acc", params=("n",))
    assert len(benchmark.table) == 3
    assert benchmark.row({"n": 2}) == {"seconds": 2.0, "acc": 1.0}


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "has neither"),
        ("op,acc\n", {}, "has only the names"),
        ("op,acc,acc\na,1,2\n", {}, "two called 'acc'"),
        ("op,acc\na,1\nb\n", {}, "row 2 has 1"),
        ("op,acc\na,nan\n", {}, "finite number in every row; in row 1, of \\('a',\\), it is nan"),
        ("op,acc\na,1\nb,\n", {}, "in row 2, of \\('b',\\), it is nan"),
        ("op,acc\na,1\nb,inf\n", {}, "it is inf"),
        ("op,acc\na,1\nb,high\n", {}, "'acc' must hold numbers; in row 2 it is 'high'"),
        ("op,acc\na,1\n,2\n", {"params": ["op"]}, "'op' is empty in row 2"),
        ("op,acc\na,1\na,2\n", {"params": ["op"]}, "rows 1 and 2 .* 'acc' is 1 and 2: average"),
        ("acc\n1\n", {}, "one column more than the metrics"),
        (FULL, {"metric": "accc"}, "no column is called 'accc'. Did you mean 'acc'"),
        (FULL, {"params": ["opp"]}, "no column is called 'opp'. Did you mean 'op'"),
        (FULL, {"params": "op"}, "a list of column names; got 'op'"),
        (FULL, {"params": ["op", "acc"]}, "'acc' can't be a parameter and a result"),
        (FULL, {"params": ["op"]}, "rows 1 and 2 are both of \\('conv',\\)"),
        (FULL, {"curve": {3: "acc3"}}, "no column is called 'acc3'"),
        (FULL, {"curve": {3: "acc"}, "step": 3}, "between 0 and step=3; got \\[3\\]"),
        (FULL, {"seconds": "hours"}, "no column is called 'hours'"),
        (FULL, {"seconds": -1}, "0 seconds or more; got seconds=-1"),
        (FULL, {"direction": "up"}, "'maximize' or 'minimize'; got 'up'"),
        ("op,acc,loss\na,1,2\n", {"metric": ("acc", "loss")}, "each metric has a direction"),
        ("op,acc,loss\na,1,2\nb,1,3\n", {}, "4 combinations, and the table has 2 rows: say which"),
        (SPARSE, {}, "'loss' is empty in row 4: .* or leave it out of params"),
    ],
)
def test_what_a_table_must_not_be(table, text, settings, message):
    with pytest.raises(OptunasError, match=message) as caught:
        TabularBenchmark.from_csv(table(text), **{"metric": "acc", **settings})
    assert len(str(caught.value).splitlines()) == 1


def test_files_that_are_none(tmp_path):
    with pytest.raises(OptunasError, match=r"there is no '.*nothing.csv'"):
        TabularBenchmark.from_csv(tmp_path / "nothing.csv", metric="acc")
    broken = tmp_path / "broken.csv.xz"
    broken.write_bytes(b"no xz")
    with pytest.raises(OptunasError, match=r"'broken.csv.xz' can't be read as CSV"):
        TabularBenchmark.from_csv(broken, metric="acc")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00,\x00\n")
    with pytest.raises(OptunasError, match=r"'binary.csv' can't be read as CSV"):
        TabularBenchmark.from_csv(binary, metric="acc")


def test_a_benchmark_is_pickled(table):
    benchmark = pickle.loads(pickle.dumps(TabularBenchmark.from_csv(table(FULL), metric="acc")))
    assert chosen(benchmark, {"op": "conv", "depth": 2}).value == 0.7
