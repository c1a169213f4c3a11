"""The command line: `optunas run`, `status`, `show`, `dashboard`.

Only this file prints. torch is imported by the commands that train, and by no other.
"""

from __future__ import annotations

import logging
import shlex
import sys
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ._version import __version__
from .errors import OptunasError, StudyError

if TYPE_CHECKING:
    import optuna

    from .search import Search

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)

app = typer.Typer(
    name="optunas",
    help="""Neural architecture search the Optuna way.

    \b
    optunas run studies/digits.py        search, or go on with a search
    optunas run ./photos --max-params 2M a folder of images is enough to begin
    optunas status                       where the studies stand
    optunas show 12                      one trial: its network, costs, learning curve
    optunas dashboard                    watch it in the browser
    optunas deliver studies/digits.py    retrain the best, test it once, write it to disk
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Storage = Annotated[
    str | None,
    typer.Option(
        help="Database URL, such as sqlite:///optunas.db or postgresql+psycopg://host/studies. "
        "Also taken from OPTUNAS_STORAGE, which keeps a password out of the process list.",
        show_default="sqlite:///optunas.db",
    ),
]
StudyName = Annotated[str | None, typer.Option("--study", help="The study's name.")]


def main() -> None:
    """The console command. Bad input ends in one line on stderr and exit code 2."""
    try:
        app()
    except OptunasError as error:
        complain(str(error))
        sys.exit(2)


def complain(line: str) -> None:
    """One line on stderr."""
    complaints.print(Text(f"optunas: {line}"), soft_wrap=True)


def _version(asked: bool) -> None:
    if asked:
        console.print(f"optunas {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option(help="Log what happens, with tracebacks.")] = False,
) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR)


@app.command()
def run(
    target: Annotated[
        str,
        typer.Argument(
            help="A study file (.py), a folder of images, or the name of a data set such as "
            "digits or cifar10.",
            show_default=False,
        ),
    ],
    trials: Annotated[
        int | None,
        typer.Option(
            help="How many finished trials the study shall hold, those of earlier runs included. "
            "Finished: trained to the end or pruned; rejected and failed ones don't count.",
            show_default="40, if no --hours are given",
        ),
    ] = None,
    hours: Annotated[float | None, typer.Option(help="Stop after so many hours.")] = None,
    storage: Storage = None,
    study: StudyName = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="Search strategy: random, grid, tpe, gp, cmaes, nsgaii, nsgaiii; with settings "
            "in brackets: 'tpe(startup=20)'.",
            show_default="tpe",
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(
            help="Stops weak candidates: none, median, percentile, successive-halving, hyperband, "
            "threshold, patient.",
            show_default="median",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="What to aim at: accuracy, f1, params, macs, latency_ms, memory_mb or "
            "train_seconds. Several times for several objectives.",
            show_default="accuracy",
        ),
    ] = None,
    max_params: Annotated[
        str | None, typer.Option(help="Most parameters a network may have: 500k, 2M.")
    ] = None,
    max_macs: Annotated[
        str | None, typer.Option(help="Most multiply-accumulates for one image: 50M, 1G.")
    ] = None,
    max_latency: Annotated[
        str | None, typer.Option(help="Slowest answer to one image, on this device: 5ms.")
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="Most memory that training may take: 512M, 4G.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of a full training.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    train_fraction: Annotated[
        float | None, typer.Option(help="Share of the training images that is used: 0.1.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    suggest_recipe: Annotated[
        bool,
        typer.Option(
            "--suggest-recipe",
            help="Search optimizer, learning rate, weight decay, batch size, label smoothing and "
            "augmentation together with the network.",
        ),
    ] = False,
    random_draws: Annotated[
        int | None,
        typer.Option(
            help="Trials at the start that are random, to compare the search with.",
            show_default="10",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:1.", show_default="auto")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of everything that is random.", show_default="0")
    ] = None,
    reuse: Annotated[
        bool, typer.Option(help="Take the result of an equal network instead of training it again.")
    ] = True,
    size: Annotated[
        int | None, typer.Option(help="Side of the images in pixels; for a folder or a data set.")
    ] = None,
    flip: Annotated[
        bool,
        typer.Option("--flip", help="A mirrored image keeps its label; for a folder of images."),
    ] = False,
    data_root: Annotated[
        str | None, typer.Option(help="Where a named data set lies.", show_default="data")
    ] = None,
) -> None:
    """Search for the best network, or go on with a search.

    \b
    optunas run studies/digits.py --trials 40
    optunas run ./photos --max-params 2M --hours 1
    optunas run studies/cifar10.py --storage postgresql+psycopg://me@host/studies

    The same command run again continues where it stopped: finished trials are kept, an interrupted
    one goes on from its last epoch. Run it in a second terminal, or on another machine with the
    same --storage, and both work on the same study.
    """
    from .quantities import count, mebibytes, milliseconds
    from .search import search_for

    options: dict[str, Any] = {
        "trials": trials,
        "hours": hours,
        "storage": storage,
        "name": study,
        "sampler": sampler,
        "pruner": pruner,
        "metrics": tuple(metric) if metric else None,
        "params": count(max_params) if max_params else None,
        "macs": count(max_macs) if max_macs else None,
        "latency_ms": milliseconds(max_latency) if max_latency else None,
        "memory_mb": mebibytes(max_memory) if max_memory else None,
        "epochs": epochs,
        "batch_size": batch_size,
        "train_fraction": train_fraction,
        "precision": precision,
        "suggest_recipe": suggest_recipe or None,
        "random_draws": random_draws,
        "device": device,
        "seed": seed,
        "reuse": None if reuse else False,
        "size": size,
        "flip": flip or None,
        "root": data_root,
    }
    with console.status("Loading torch and the data ..."):
        search = search_for(target, options)
    _search(search)


def _search(search: Search) -> None:
    import optuna

    from .storage import address, explained, open_storage
    from .tally import Tally
    from .terminal import intro, watching

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = replace(search, storage=open_storage(search.storage))
    study = search.study(on_change=lambda line: console.print(Text(f"note: {line}")))
    with explained(address(search.storage)):
        before = Tally.of(study.get_trials(deepcopy=False)).finished
        console.print(intro(search, before))
        _say(f"Ctrl-C stops it; the same command goes on:  {_command()}\n")
        if search.plan.trials is not None and before >= search.plan.trials:
            _say(f"The study holds {before} finished trials already: nothing is left to do.\n")
        try:
            with watching(console, study, search.plan) as watcher:
                search.watched(watcher.epoch).run(study, watcher)
        except KeyboardInterrupt:
            _say(f"\nStopped; nothing is lost. To go on:\n  {_command()}")
            raise typer.Exit(130) from None
        _results(study, search)


def _results(study: optuna.Study, search: Search) -> None:
    from .terminal import best_table, comparison_table

    trials = study.get_trials(deepcopy=False)
    console.print(best_table(study, trials))
    if search.own is not None:
        console.print(comparison_table(study, trials))
        _say("All figures are of the validation split; no search sees the test split.")
    where = _storage_option(search.storage)
    _say("\nNext:")
    _say(f"  search on             {_command(trials=2 * max(len(trials), 20))}")
    if study.best_trials:
        name = shlex.quote(study.study_name)
        _say(
            f"  look at the best      optunas show {study.best_trials[0].number} --study {name}{where}"
        )
    _say(f"  watch in the browser  optunas dashboard{where}")


def _say(line: str) -> None:
    """A line that is not wrapped: commands are there to be copied."""
    console.print(Text(line), soft_wrap=True)


def _command(trials: int | None = None) -> str:
    """What was typed, with passwords masked; with another number of trials where one is given."""
    from .storage import masked

    words = [masked(word) if "://" in word else word for word in sys.argv[1:]]
    if trials is not None:
        at = words.index("--trials") if "--trials" in words else len(words)
        words[at : at + 2] = ["--trials", str(trials)]
    return shlex.join(["optunas", *words])


def _storage_option(storage: optuna.storages.BaseStorage) -> str:
    from .storage import DEFAULT_URL, describe

    shown = describe(storage)
    return "" if shown == DEFAULT_URL else f" --storage {shlex.quote(shown)}"


@app.command()
def status(
    study: Annotated[
        str | None, typer.Argument(help="A study's name; all studies without.")
    ] = None,
    storage: Storage = None,
) -> None:
    """Where the studies of a storage stand: finished, pruned, rejected, failed, the best so far."""
    import optuna

    from .storage import address, describe, explained, open_storage
    from .study import load_study
    from .terminal import best_table, status_table

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = open_storage(storage, create=False)
    with explained(address(opened)):
        names = [study] if study else sorted(optuna.get_all_study_names(opened))
        studies = [load_study(name, opened) for name in names]
    _say(describe(opened))
    console.print(status_table(studies))
    if len(studies) == 1:
        console.print(best_table(studies[0], studies[0].get_trials(deepcopy=False)))


@app.command()
def show(
    trial: Annotated[int, typer.Argument(help="The trial's number.")],
    study: StudyName = None,
    storage: Storage = None,
) -> None:
    """One trial: its network layer by layer, what it costs, its learning curve."""
    import optuna

    from .study import load_study
    from .terminal import trial_page

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    loaded = load_study(study, storage)
    trials = loaded.get_trials(deepcopy=False)
    found = next((t for t in trials if t.number == trial), None)
    if found is None:
        raise StudyError(
            f"a trial's number is below the number of trials; study {loaded.study_name!r} has "
            f"{len(trials)}, got {trial}"
        )
    for part in trial_page(found):
        console.print(part)


@app.command()
def deliver(
    target: Annotated[
        str, typer.Argument(help="What was searched: the study file, folder or data set.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="Folder to write.")] = "winner",
    longer: Annotated[
        int, typer.Option(help="How many times the epochs of the search.", min=1)
    ] = 3,
    study: StudyName = None,
    storage: Storage = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:1.", show_default="auto")
    ] = None,
    size: Annotated[int | None, typer.Option(help="As in the search.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="As in the search.")] = False,
    data_root: Annotated[str | None, typer.Option(help="As in the search.")] = None,
) -> None:
    """Retrain the best network for longer, measure it once on the test split, write it to disk.

    The folder then holds the weights (safetensors), the network as torch.export knows it
    (model.pt2), its architecture, and winner.json with all that is known of it.
    """
    from .search import search_for
    from .study import load_study

    options: dict[str, Any] = {
        "name": study,
        "storage": storage,
        "device": device,
        "size": size,
        "flip": flip or None,
        "root": data_root,
    }
    with console.status("Loading torch and the data ..."):
        search = search_for(target, options)
        from .deliver import deliver as make
    if search.own is None:
        raise StudyError(
            "only a study of an optunas.Objective ends in a network; the study file's objective is "
            "a plain callable"
        )
    found = load_study(search.name, search.storage)
    with console.status("Retraining ...") as progress:
        winner = make(
            found,
            search.own,
            output,
            longer=longer,
            on_epoch=lambda e: progress.update(
                f"Retraining: epoch {e.number} of {e.of}, validation accuracy {e.accuracy:.4f}"
            ),
        )
    _say(f"{winner.folder}/ holds the winner: trial {winner.trial}, {winner.params:,} parameters")
    _say(f"  validation  accuracy {winner.validation.accuracy:.4f}, F1 {winner.validation.f1:.4f}")
    _say(f"  test        accuracy {winner.test.accuracy:.4f}, F1 {winner.test.f1:.4f}")


@app.command()
def dashboard(
    storage: Storage = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Watch the studies of a storage in optuna-dashboard. Ctrl-C ends it."""
    import socket

    import optuna

    from .storage import describe, open_storage

    opened = open_storage(storage, create=False)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StudyError(
                f"the dashboard needs a free port; {host}:{port} is not to be had "
                f"({error.strerror}): take another with --port"
            ) from None
    from optuna_dashboard import run_server

    url = f"http://{host}:{port}/"
    console.print(Text(f"{describe(opened)} is shown at {url}  (Ctrl-C ends it)"))
    if browser:
        webbrowser.open(url)
    # get_storage adds the cache without which every poll reads every trial
    run_server(optuna.storages.get_storage(opened), host=host, port=port)
