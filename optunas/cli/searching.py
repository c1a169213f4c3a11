"""`optunas run`: search, or go on with a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from optunas.cli.options import Device, Storage, StudyName
from optunas.cli.speaking import console
from optunas.errors import OptunasError


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
    hours: Annotated[
        float | None,
        typer.Option(
            help="How long all of it may take. In a new study the pace of this device is measured "
            "first, and chooses epochs and the share of the images, unless they are given.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Retrain the winner afterwards, test it once and write it to this folder; of "
            "--hours, time is kept for that.",
        ),
    ] = None,
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
            help="Stops weak candidates: none, median, percentile, successive-halving, asha "
            "(which also promotes what it stopped), hyperband, threshold, patient; for several "
            "objectives pareto.",
            show_default="median",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="What to aim at: accuracy, f1, params, macs, latency_ms, memory_mb, "
            "inference_memory_mb or train_seconds. Several times for several objectives.",
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
    max_inference_memory: Annotated[
        str | None, typer.Option(help="Most memory that an answer to one image may take: 64M.")
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
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="A zero-cost proxy to note of each network, and to hold against its accuracy: "
            "swap, naswot, synflow, grad_norm, params, macs. Several times for several.",
        ),
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
    images: Annotated[
        str | None,
        typer.Option(
            help="Where the training images lie: device (as uint8, where they fit), stream "
            "(brought batch by batch), auto.",
            show_default="auto",
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            help="How a training step is run: eager, captured (as a CUDA graph), compiled "
            "(torch.compile), auto.",
            show_default="auto",
        ),
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic", help="Ask CUDA for kernels that repeat themselves."),
    ] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Where a folder's images are kept: memory, files (decoded again and again), auto.",
            show_default="auto",
        ),
    ] = None,
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
    from optunas.cli.conduct import Conduct, serve
    from optunas.quantities import count, mebibytes, milliseconds
    from optunas.search import search_for
    from optunas.together import this_member

    began = time.monotonic()
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
        "inference_memory_mb": _typed("--max-inference-memory", mebibytes, max_inference_memory),
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
        "keep": keep,
        "proxies": tuple(proxy) if proxy else None,
        "images": images,
        "steps": steps,
        "deterministic": deterministic or None,
    }
    with console.status("Loading torch and the data ..."):
        search = search_for(target, options)
    if member is not None:
        serve(search, member)
        return
    Conduct(
        search,
        searched=[target, *_again(size=size, flip=flip, keep=keep, data_root=data_root)],
        deadline=None if hours is None else began + 3600 * hours,
        recipe_is_given=epochs is not None or train_fraction is not None,
        output=output,
        workers=workers_per_device,
        storage=storage,
    ).go()


def _typed(option: str, parse: Callable[[str], float], typed: str | None) -> float | None:
    """A quantity as it was typed; the error names the option."""
    if typed is None:
        return None
    try:
        return parse(typed)
    except OptunasError as error:
        raise OptunasError(f"{option}: {error}") from None


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
