"""`optunas run`: search, or go on with a search."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from optunas.cli.options import Device, Storage, StudyName
from optunas.cli.speaking import console, program, say, storage_option, this_command, without
from optunas.errors import OptunasError

if TYPE_CHECKING:
    import optuna

    from optunas.search import Search
    from optunas.terminal.live import Watcher
    from optunas.together import Member

SUGGESTED_TRIALS = 40


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
            help="Search strategy: architecture, evolution, genetic, local, catcma, random, grid, "
            "tpe, gp, cmaes, nsgaii, nsgaiii; screened-tpe and the like draw again what is over "
            "the limits; settings in brackets: 'tpe(startup=20)'.",
            show_default="architecture",
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(
            help="Stops weak candidates: none, median, percentile, successive-halving, hyperband, "
            "threshold, patient; for several objectives pareto.",
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
    device: Device = None,
    workers_per_device: Annotated[
        int,
        typer.Option(
            min=1,
            help="So many processes share the device, its memory and the cores. Small networks "
            "leave most of a GPU idle: try 4.",
        ),
    ] = 1,
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
    from optunas.quantities import count, mebibytes, milliseconds
    from optunas.search import search_for
    from optunas.together import this_member

    member = this_member()
    options: dict[str, Any] = {
        "trials": trials,
        "hours": hours,
        "storage": storage if member is None else member.storage,
        "name": study,
        "sampler": sampler,
        "pruner": pruner,
        "metrics": tuple(metric) if metric else None,
        "params": _typed("--max-params", count, max_params),
        "macs": _typed("--max-macs", count, max_macs),
        "latency_ms": _typed("--max-latency", milliseconds, max_latency),
        "memory_mb": _typed("--max-memory", mebibytes, max_memory),
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
    if member is not None:
        _serve(search, member)
        return
    _search(
        search,
        [target, *_again(size=size, flip=flip, data_root=data_root)],
        partial(_together, workers=workers_per_device, storage=storage)
        if workers_per_device > 1
        else _alone,
    )


def _typed(option: str, parse: Callable[[str], float], typed: str | None) -> float | None:
    """A quantity as it was typed; the error names the option."""
    if typed is None:
        return None
    try:
        return parse(typed)
    except OptunasError as error:
        raise OptunasError(f"{option}: {error}") from None


def _alone(search: Search, study: optuna.Study, watcher: Watcher) -> None:
    search.watched(watcher.epoch).run(study, watcher)


def _together(
    search: Search, study: optuna.Study, watcher: Watcher, *, workers: int, storage: str | None
) -> None:
    from optunas.together import search_together

    words = without("--storage", sys.argv[1:])  # told in another way, for its password
    search_together(search, study, workers, words, storage, watcher)


def _serve(search: Search, member: Member) -> None:
    """Be one of several workers: the one that leads them says what there is to say."""
    import optuna

    from optunas.storage import address, explained, open_storage
    from optunas.together import serve

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = replace(search, storage=open_storage(search.storage))
    try:
        with explained(address(search.storage)):
            serve(search, member)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _search(
    search: Search,
    searched: list[str],
    go: Callable[[Search, optuna.Study, Watcher], None],
) -> None:
    """Search by `go`, and say what was found; `searched` names the data as they were typed."""
    import optuna

    from optunas.storage import address, explained, open_storage
    from optunas.tally import Tally
    from optunas.terminal import intro, watching

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = replace(search, storage=open_storage(search.storage))
    study = search.study(on_change=lambda line: console.print(Text(f"note: {line}")))
    with explained(address(search.storage)):
        before = Tally.of(study.get_trials(deepcopy=False)).finished
        console.print(intro(search, before))
        say(f"Ctrl-C stops it; the same command goes on:  {this_command()}\n")
        if search.plan.trials is not None and before >= search.plan.trials:
            say(f"The study holds {before} finished trials already: nothing is left to do.\n")
        try:
            with watching(console, study, search.plan) as watcher:
                go(search, study, watcher)
        except KeyboardInterrupt:
            say(f"\nStopped; nothing is lost. To go on:\n  {this_command()}")
            raise typer.Exit(130) from None
        _results(study, search)
        _next(study, search, searched)


def _results(study: optuna.Study, search: Search) -> None:
    from optunas.terminal import best_table, comparison_table

    trials = study.get_trials(deepcopy=False)
    console.print(best_table(study, trials))
    if search.own is not None:
        console.print(comparison_table(study, trials))
        say("All figures are of the validation split; no search sees the test split.")


def _next(study: optuna.Study, search: Search, searched: list[str]) -> None:
    """The commands that a person may want now."""
    from optunas.tally import Tally, best_trials

    trials = study.get_trials(deepcopy=False)
    storage = storage_option(search.storage)
    more = 2 * max(Tally.of(trials).finished, SUGGESTED_TRIALS // 2)
    name = shlex.quote(study.study_name)
    say("\nNext:")
    say(f"  search on             {this_command(trials=more)}")
    for best in best_trials(study, trials)[:1]:
        say(f"  look at the best      {program()} show {best.number} --study {name}{storage}")
        if search.own is not None:
            again = shlex.join([program(), "deliver", *searched])
            say(f"  retrain and keep it   {again} --study {name}{storage}")
    say(f"  watch in the browser  {program()} dashboard{storage}")


def _again(**options: Any) -> list[str]:
    """The options that are set, as they are typed."""
    words: list[str] = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value:
            words += [option, str(value)]
    return words
