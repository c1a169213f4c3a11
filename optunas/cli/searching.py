"""`optunas run`: search, or go on with a search."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import (
    DataRoot,
    Device,
    Flip,
    Keep,
    Size,
    Storage,
    StudyName,
    named_devices,
)
from optunas.cli.speaking import console
from optunas.errors import OptunasError

if TYPE_CHECKING:
    from optunas.cli.conduct import Conduct
    from optunas.search import Search


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
            help="How long all of it may take, counted once for all that work on the study. In a "
            "new study the pace of this device is measured first, and chooses epochs and the share "
            "of the images, unless they are given.",
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
            "tpe, gp, nsgaii, nsgaiii; screened-tpe and the like draw again what is over "
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
    devices: Annotated[
        str | None,
        typer.Option(help="Several, with a process on each: cuda:0,cuda:1.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many processes in all, dealt round the devices.",
            show_default="one a device",
        ),
    ] = None,
    workers_per_device: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many processes share each device, its memory and the cores. Small networks "
            "leave most of a GPU idle: try 4.",
            show_default="1",
        ),
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Join a study also where its space, data, recipe, limits or versions are "
            "not those of this command.",
        ),
    ] = False,
    max_retries: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How often a candidate is tried again that has ended its worker, by a crash or "
            "with its machine.",
            show_default="3",
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            help="Seconds without a sign of life after which another worker takes a trial over.",
            show_default="60",
        ),
    ] = None,
    artifacts: Annotated[
        str | None,
        typer.Option(
            help="Where workers on several machines share checkpoints: a folder that all see, "
            "s3://bucket/prefix or gs://bucket/prefix. Also taken from OPTUNAS_ARTIFACTS.",
            show_default=False,
        ),
    ] = None,
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
    pages: Annotated[
        bool,
        typer.Option(
            help="Keep notes, pictures and plots for `optunas dashboard`. OPTUNAS_PAGES=no "
            "switches them off as well."
        ),
    ] = True,
    size: Size = None,
    flip: Flip = False,
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
    keep: Keep = None,
    data_root: DataRoot = None,
) -> None:
    """Search for the best network, or go on with a search.

    \b
    optunas run studies/digits.py --trials 40
    optunas run ./photos --max-params 2M --hours 1
    optunas run studies/cifar10.py --storage postgresql+psycopg://me@host/studies

    The same command run again continues where it stopped: finished trials are kept, an interrupted
    one goes on from its checkpoint. Run it in a second terminal, or on another machine with the
    same --storage, and both work on the same study. Options that were typed for a study hold for
    it from then on, also where they are not typed again.
    """
    typed = dict(locals())
    from optunas.together import this_member

    member = this_member()
    if member is None:
        conducted(typed).go()
        return
    from optunas.cli.conduct import serve

    serve(_search(typed, storage=member.storage, device=member.device, devices=None), member)


def conducted(typed: Mapping[str, Any], wait_s: float = 0.0) -> Conduct:
    """The search that was typed, ready to go; `wait_s`: for a storage that does not answer yet."""
    from optunas.cli.conduct import Conduct
    from optunas.together import dealt

    began = time.time()
    devices = None if typed["devices"] is None else named_devices(typed["devices"])
    with console.status("Loading torch and the data ..."):
        search = _search(typed, wait_s, devices=devices)
    hours = search.plan.hours
    return Conduct(
        search,
        searched=[typed["target"], *_again(typed, "size", "flip", "keep", "data_root")],
        deadline=None if hours is None else began + 3600 * hours,
        recipe_is_given=bool({"epochs", "train_fraction"} & set(search.given)),
        output=typed["output"],
        devices=dealt(search, devices, typed["workers"], typed["workers_per_device"]),
        storage=typed["storage"],
        wait_s=wait_s,
    )


def _search(typed: Mapping[str, Any], wait_s: float = 0.0, **told: Any) -> Search:
    """The search that was typed, but for what this process was told otherwise; what is not typed is
    as its study knows it."""
    from optunas.quantities import count, mebibytes, milliseconds
    from optunas.remembered import recall
    from optunas.search import search_for

    typed = {**typed, **told}
    options: dict[str, Any] = {name: typed[name] for name in _AS_TYPED}
    options |= {name: typed[name] or None for name in _SWITCHES}
    options |= {option: typed[name] for name, option in _RENAMED.items()}
    options |= {
        "metrics": tuple(typed["metric"]) if typed["metric"] else None,
        "proxies": tuple(typed["proxy"]) if typed["proxy"] else None,
        "reuse": None if typed["reuse"] else False,
        "pages": None if typed["pages"] else False,
        "params": _parsed("--max-params", count, typed["max_params"]),
        "macs": _parsed("--max-macs", count, typed["max_macs"]),
        "latency_ms": _parsed("--max-latency", milliseconds, typed["max_latency"]),
        "memory_mb": _parsed("--max-memory", mebibytes, typed["max_memory"]),
        "inference_memory_mb": _parsed(
            "--max-inference-memory", mebibytes, typed["max_inference_memory"]
        ),
    }
    return search_for(typed["target"], options, partial(recall, wait_s=wait_s))


_AS_TYPED = (
    *("trials", "hours", "storage", "sampler", "pruner", "epochs", "batch_size", "train_fraction"),
    *("precision", "random_draws", "device", "devices", "artifacts", "seed", "size", "keep"),
    *("images", "steps"),
)
_SWITCHES = ("suggest_recipe", "anyway", "flip", "deterministic")
_RENAMED = {"study": "name", "data_root": "root", "max_retries": "retries", "grace": "grace_s"}


def _parsed(option: str, parse: Callable[[str], float], typed: str | None) -> float | None:
    """A quantity as it was typed; the error names the option."""
    if typed is None:
        return None
    try:
        return parse(typed)
    except OptunasError as error:
        raise OptunasError(f"{option}: {error}") from None


def _again(typed: Mapping[str, Any], *names: str) -> list[str]:
    """The options that are set, as they are typed."""
    words: list[str] = []
    for name in names:
        option, value = f"--{name.replace('_', '-')}", typed[name]
        if value is True:
            words.append(option)
        elif value:
            words += [option, str(value)]
    return words
