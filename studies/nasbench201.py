"""NAS-Bench-201: every search strategy on every column of the benchmark, in one command.

    pip install 'optunas[plots]'
    python studies/nasbench201.py nasbench201.csv.xz
    python studies/nasbench201.py nasbench201.csv.xz --strategies architecture \\
        --workers 1,8 --warm-start architecture --scaling

The table is a CSV, or one of the benchmark's own files (`optunas.benchmarks.nasbench201`). Each
search is a file in the folder of `--out` and is not run again: a command that was stopped goes on
where it was. `comparison.md` and `comparison.svg` in that folder show all its searches of the same
budget, those of earlier commands too; after a change to a strategy, begin with an empty folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import optuna
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import create_trial
from rich.console import Console
from rich.progress import track

from optunas.benchmarks import Simulation, TabularBenchmark, nasbench201, simulate
from optunas.benchmarks.comparison import Searches, estimate, markdown, ranking, ratio
from optunas.benchmarks.plot import plot_regret
from optunas.errors import OptunasError
from optunas.samplers import make_sampler
from optunas.samplers import warm_start as begin_from
from optunas.spaces import NASBench201
from optunas.spaces.sight import Remembering, sight_of

STRATEGIES = "random,tpe,screened-tpe,gp,nsgaii,evolution,local,genetic,catcma,architecture"
FEWER = {"gp": 100}  # evaluations, where proposals take too long for more
EARLIER = 100  # evaluations of the study that a warm start begins from
FINISHED = (300, 2000)  # trials beside which a proposal is timed

PROTOCOL = "cifar10_val12:cifar10_test200"
TITLES = {
    "cifar10_test200": "CIFAR-10",
    "cifar100_test200": "CIFAR-100",
    "imagenet16_test200": "ImageNet16-120",
    PROTOCOL: "CIFAR-10, chosen after 12 epochs",
}
PUBLISHED = (
    "Published for this protocol, its budget in seconds of training (Dong & Yang 2020, "
    "arXiv:2001.00326): random 93.70, regularized evolution 93.92, BOHB 93.61."
)

Record = dict[str, Any]


# one search: what it is, how it runs, what is kept of it


@dataclass(frozen=True)
class Run:
    """A search: by which strategy, on which column, with which random numbers.

    `column`: "searched" or "searched:reported", where the choice is made by the first one and the
    second is said of it. `earlier`: the column of the study that it begins from. `whole`: it goes
    on after it has found the best network, as one does that does not know it.
    """

    strategy: str
    column: str
    seed: int
    budget: int
    workers: int = 1
    earlier: str = ""
    whole: bool = False

    @property
    def file(self) -> str:
        """The name of its file."""
        parts = self.strategy, self.column, f"seed{self.seed}", f"budget{self.budget}"
        more = f"-from-{self.earlier}" if self.earlier else "-whole" if self.whole else ""
        return spelled(f"{'-'.join(parts)}-workers{self.workers}{more}") + ".json"

    @property
    def first(self) -> Run:
        """The search that a warm start begins from; it has other random numbers."""
        budget = min(self.budget, EARLIER)
        return Run(self.strategy, self.earlier, 1000 + self.seed, budget, whole=True)


def spelled(name: str) -> str:
    """As a file may be called."""
    return re.sub(r"[^\w.,=()-]", "_", name)


@cache
def benchmark_of(path: Path, column: str) -> TabularBenchmark:
    """What a strategy searches, each evaluation one second; read once in each process."""
    searched, _, reported = column.partition(":")
    benchmark = replace(nasbench201(path, searched), seconds=1.0)
    benchmark.table.place(reported or searched)
    return benchmark


@cache
def sight() -> Remembering:
    """The space as samplers see it; a process looks at each network once for all its searches."""
    return Remembering(sight_of(NASBench201()))


def search(run: Run, path: Path, folder: Path) -> None:
    """Run it and write its file, all or nothing."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    benchmark = benchmark_of(path, run.column)
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    if run.earlier:
        _, record = read(folder / run.first.file)
        begin_from(study, [study_of(benchmark_of(path, run.earlier), record["rows"])])
    study.sampler = make_sampler(run.strategy, seed=run.seed, space=sight())
    goal = None if run.whole else benchmark.best()
    done = simulate(study, benchmark, n_trials=run.budget, workers=run.workers, goal=goal)
    write(folder / run.file, record_of(run, done, benchmark))


def record_of(run: Run, done: Simulation, benchmark: TabularBenchmark) -> Record:
    """What is kept of a search: after each evaluation the best value and the reported one; the rows
    of its networks in the table; the seconds that a proposal took in the end."""
    column = run.column.rpartition(":")[2]
    return {
        "run": asdict(run),
        "best": done.best_by_evaluation,
        "reported": [benchmark.row(n.params)[column] if n else np.nan for n in done.incumbents],
        "rows": [benchmark.table.rows[benchmark.key(trial.params)] for trial in done.evaluations],
        "proposal_s": float(np.median([trial.proposal_s for trial in done.trials[-10:]])),
    }


def write(file: Path, content: Any) -> None:
    """As JSON, whole or not at all."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(content) + "\n")
    draft.replace(file)


def read(file: Path) -> tuple[Run, Record]:
    """A search, and what was kept of it."""
    record = json.loads(file.read_text())
    return Run(**record["run"]), record


def study_of(benchmark: TabularBenchmark, rows: Iterable[int]) -> optuna.Study:
    """A study in which the networks of these rows are finished."""
    space, column = NASBench201(), benchmark.metrics[0]
    cells = {row: str(cell) for cell, row in benchmark.table.rows.items()}
    study = optuna.create_study(study_name=column, direction="maximize")
    for row in rows:
        params = space.params(cells[row])
        choices: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(space.ops) for name in params
        }
        value = benchmark.row(params)[column]
        study.add_trial(create_trial(params=params, distributions=choices, value=value))
    return study


# many searches: which ones, on several processes


def planned(
    strategies: Sequence[str],
    columns: Sequence[str],
    seeds: int,
    budget: int,
    workers: Sequence[int],
) -> list[Run]:
    """Every strategy on every column, seed by seed."""
    return [
        Run(strategy, column, seed, budget_of(strategy, budget), n)
        for seed, strategy, column, n in product(range(seeds), strategies, columns, workers)
    ]


def warmed(runs: Sequence[Run]) -> Iterator[Run]:
    """Each column begun from each other one, of those that report what they search."""
    columns = dict.fromkeys(run.column for run in runs if ":" not in run.column)
    for run in runs:
        if run.column in columns:
            yield from (replace(run, earlier=other) for other in columns if other != run.column)


def budget_of(strategy: str, budget: int) -> int:
    """How many evaluations a search has."""
    name = strategy.partition("(")[0].removeprefix("screened-")
    return min(budget, FEWER.get(name, budget))


def run_all(runs: Iterable[Run], path: Path, folder: Path, processes: int) -> int:
    """Run what has no file yet; gives how many that were."""
    left = [run for run in dict.fromkeys(runs) if not (folder / run.file).exists()]
    called(search, [(run, path, folder) for run in left], processes)
    return len(left)


def called(
    function: Any, arguments: Sequence[Any], processes: int, each: int | None = None
) -> list[Any]:
    """The results of calls on several processes, with a bar on a terminal; the first call that
    fails ends them all. `each`: how many calls a process serves, by default any number."""
    console = Console(stderr=True)
    pool = ProcessPoolExecutor(processes, get_context("spawn"), max_tasks_per_child=each)
    try:
        tasks = [pool.submit(function, *given) for given in arguments]
        done = as_completed(tasks)
        for task in track(done, "", len(tasks), console=console, disable=not console.is_terminal):
            task.result()
    finally:
        pool.shutdown(cancel_futures=True)
    return [task.result() for task in tasks]


def time_all(strategies: Sequence[str], column: str, path: Path, folder: Path) -> list[Any]:
    """Time what has no file yet, each in a process of its own; gives all that is known."""
    calls = []
    for strategy, finished in product(strategies, FINISHED):
        file = folder / f"{spelled(strategy)}-{finished}.json"
        slow = finished > 1000 and budget_of(strategy, finished) < finished
        if not slow and not file.exists():
            calls.append((strategy, finished, column, path, file))
    called(time_proposals, calls, 1, each=1)
    return sorted(json.loads(file.read_text()) for file in folder.glob("*.json"))


def time_proposals(strategy: str, finished: int, column: str, path: Path, file: Path) -> None:
    """Write the seconds of a proposal beside so many finished trials: of a process's first one, and
    the median of its next five."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    benchmark = benchmark_of(path, column)
    rows = np.random.default_rng(0).permutation([*benchmark.table.rows.values()])[:finished]
    study = study_of(benchmark, rows.tolist())
    study.sampler = make_sampler(strategy, seed=0, space=NASBench201())
    first, *later = (trial.proposal_s for trial in simulate(study, benchmark, n_trials=6).trials)
    write(file, [strategy, len(rows), first, float(np.median(later))])


# what they show

Groups = dict[Run, Searches]
"""The searches that differ in their seeds, by what they share; the seed there is 0."""


def grouped(folder: Path, path: Path, budget: int) -> Groups:
    """The searches of this budget in the folder."""
    groups: dict[Run, list[Record]] = {}
    for run, record in map(read, sorted(folder.glob("*.json"))):
        if run.budget == budget_of(run.strategy, budget) and not run.whole:
            groups.setdefault(replace(run, seed=0), []).append(record)
    return {
        run: Searches.of(
            [record["best"] for record in records],
            run.budget,
            benchmark_of(path, run.column).best(),
            reported=[record["reported"] for record in records],
            proposal_s=[record["proposal_s"] for record in records],
        )
        for run, records in sorted(groups.items(), key=place)
    }


def place(group: tuple[Run, list[Record]]) -> tuple[int, str, int]:
    """Where it stands in the report."""
    run, known = group[0], [*TITLES]
    at = known.index(run.column) if run.column in known else len(known)
    return at, run.column, run.workers


def report(groups: Groups, times: Sequence[Any], path: Path, budget: int) -> str:
    """All in Markdown."""
    parts = [
        f"# Search strategies on NAS-Bench-201\n\n{sum(len(s.best) for s in groups.values()):,} "
        f"searches of {budget} evaluations: accuracy in %, mean and standard error over the seeds. "
        "*To the best*: evaluations until the best network of the table was found; a search that "
        "did not find it counts with all that it had.\n\n![Median and quartiles](comparison.svg)\n"
    ]
    for column, workers in plainly(groups):
        title = TITLES.get(column, column) + (f", {workers} workers" if workers > 1 else "")
        best = benchmark_of(path, column).best(column.rpartition(":")[2])
        note = f"`{column}`; the best: {best:.2f}." + f" {PUBLISHED}" * (column == PROTOCOL)
        points = [*(point for point in (25, 50, 100, 200) if point < budget), budget]
        parts.append(f"## {title}\n\n{note}\n\n{ranking(plain(groups, column, workers), points)}")
    if rows := changed(groups):
        head = ["strategy", "column", "how", "plain", "so", "at most", "so / plain"]
        parts.append(
            "## Several workers, and a warm start\n\nEvaluations to the best; a warm start is from "
            f"{min(budget, EARLIER)} evaluations on another column.\n\n{markdown(head, rows, 3)}"
        )
    if times:
        head = ["strategy", "finished trials", "first of a process, s", "later, s"]
        rows = [[name, f"{n:,}", f"{first:.3f}", f"{later:.3f}"] for name, n, first, later in times]
        parts.append(f"## Seconds of a proposal, one core\n\n{markdown(head, rows)}")
    return "\n".join(parts)


def plainly(groups: Groups) -> list[tuple[str, int]]:
    """The columns and numbers of workers that were searched without a warm start."""
    return [*dict.fromkeys((run.column, run.workers) for run in groups if not run.earlier)]


def plain(groups: Groups, column: str, workers: int) -> dict[str, Searches]:
    """By strategy, without a warm start."""
    wanted = column, workers, ""
    return {
        run.strategy: searches
        for run, searches in groups.items()
        if (run.column, run.workers, run.earlier) == wanted
    }


def changed(groups: Groups) -> list[list[str]]:
    """What several workers lose, and what a warm start gains."""
    rows = []
    for run, searches in groups.items():
        base = replace(run, workers=1, earlier="")
        if base != run and base in groups:
            before, after = groups[base].efforts, searches.efforts
            share, error = ratio(after, before)
            how = f"from {run.earlier}" if run.earlier else f"{run.workers} workers"
            effort = estimate(before, 1), estimate(after, 1), f"{after.max():.0f}"
            rows.append([run.strategy, run.column, how, *effort, f"{share:.2f} ± {error:.2f}"])
    return rows


def plot(groups: Groups, path: Path) -> Figure:
    """How far the choice is behind the best network; by the fewest workers, not warm-started."""
    panels: dict[str, dict[str, NDArray[np.float64]]] = {}
    for column, workers in reversed(plainly(groups)):
        best = benchmark_of(path, column).best(column.rpartition(":")[2])
        some = plain(groups, column, workers).items()
        panels[TITLES.get(column, column)] = {name: best - one.reported for name, one in some}
    panels = dict(reversed(panels.items()))
    unit = "points of accuracy"
    return plot_regret(panels, near=0.03, unit=unit, highlight="architecture")


# the command


def main(
    table: Annotated[Path, typer.Argument(help="nasbench201.csv.xz, or the benchmark's own file.")],
    strategies: Annotated[str, typer.Option(help="Names of samplers.")] = STRATEGIES,
    columns: Annotated[
        str, typer.Option(help="What to search; a:b searches a and reports b.")
    ] = ",".join(TITLES),
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 20,
    budget: Annotated[int, typer.Option(min=1, help="Evaluations of each search.")] = 200,
    workers: Annotated[str, typer.Option(help="Simulated workers: 1,8.")] = "1",
    warm_start: Annotated[
        str, typer.Option(help="Strategies that also begin from another column's study.")
    ] = "",
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Time proposals beside 300 and 2,000 trials.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="On so many cores.")] = 2,
    out: Annotated[Path, typer.Option(help="A folder.")] = Path("optunas-runs/nasbench201"),
) -> None:
    """Run every strategy on every column; write comparison.md and comparison.svg."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are begun from here on
    names, warm, wanted = listed(strategies), listed(warm_start), listed(columns)
    for name in (*names, *warm):
        make_sampler(name, seed=0, space=sight())
    counts = [int(n) for n in listed(workers) if n.isdecimal() and int(n) > 0]
    if not (names and wanted and len(counts) == len(listed(workers)) > 0):
        raise OptunasError(
            f"strategies, columns and numbers of workers are needed; got {strategies!r}, "
            f"{columns!r} and {workers!r}"
        )
    searches = prepared(out, table, wanted)
    cold = planned([*dict.fromkeys((*names, *warm))], wanted, seeds, budget, counts)
    late = [*warmed(planned(warm, wanted, seeds, budget, [1]))]
    ran = run_all([*cold, *(run.first for run in late)], table, searches, processes)
    ran += run_all(late, table, searches, processes)
    times = time_all(names if scaling else [], wanted[0], table, out / "times")
    groups = grouped(searches, table, budget)
    (out / "comparison.md").write_text(report(groups, times, table, budget))
    plot(groups, table).savefig(out / "comparison.svg", metadata={"Date": None})
    print(f"searches run: {ran}; see {out / 'comparison.md'} and {out / 'comparison.svg'}")


def listed(text: str) -> list[str]:
    """The names between commas; those within brackets belong to a name."""
    names = (name.strip() for name in re.split(r",(?![^(]*\))", text))
    return list(dict.fromkeys(filter(None, names)))


def prepared(out: Path, path: Path, columns: Sequence[str]) -> Path:
    """Where searches are written; raises `OptunasError` where there are some of another table."""
    seen = out / "tables.json"
    known = json.loads(seen.read_text()) if seen.exists() else {}
    for column in (*known, *columns):
        benchmark = benchmark_of(path, column)
        values = benchmark.table.column(benchmark.metrics[0])
        digest = hashlib.blake2b(values.tobytes(), digest_size=8).hexdigest()
        if known.setdefault(column, digest) != digest:
            raise OptunasError(f"{out} holds searches of another table: take another folder, --out")
    for name in ("searches", "times"):
        (out / name).mkdir(parents=True, exist_ok=True)
    write(seen, known)
    return out / "searches"


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except OptunasError as error:
        print(f"nasbench201: {error}", file=sys.stderr)
        sys.exit(2)
