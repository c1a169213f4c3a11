"""`optunas deliver`: the winner, retrained, tested once and written to disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import Device, Storage, StudyName, named_devices
from optunas.cli.speaking import console, say
from optunas.errors import StudyError

if TYPE_CHECKING:
    import optuna

    from optunas.delivery import Winner
    from optunas.objective import Objective


def deliver(
    target: Annotated[
        str, typer.Argument(help="What was searched: the study file, folder or data set.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="Folder to write.")] = "winner",
    longer: Annotated[
        int, typer.Option(help="How many times the epochs of the search.", min=1)
    ] = 3,
    candidates: Annotated[
        int,
        typer.Option(
            help="How many of the best networks are retrained, of which the best is delivered: "
            "who leads a search was lucky as well as good.",
            min=1,
        ),
    ] = 3,
    seeds: Annotated[int, typer.Option(help="With how many seeds each.", min=1)] = 2,
    baselines: Annotated[
        bool,
        typer.Option(
            help="Retrain a ResNet-18 and a MobileNetV3 as large as the limits allow as well, and "
            "a pretrained network where its weights are on this machine; the best of all wins.",
        ),
    ] = True,
    choose: Annotated[
        str | None,
        typer.Option(
            help="Of several objectives: balanced, or the metric that decides.",
            show_default="balanced",
        ),
    ] = None,
    all_data: Annotated[
        bool,
        typer.Option(
            "--all-data", help="Train the winner once more, with the validation images as well."
        ),
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write a quantised ONNX file, too, and say its loss.")
    ] = False,
    ema: Annotated[
        float,
        typer.Option(
            help="Decay of an average of the weights over the steps, which is then the network: "
            "0.999, say. 0: none.",
            min=0.0,
        ),
    ] = 0.0,
    study: StudyName = None,
    storage: Storage = None,
    device: Device = None,
    devices: Annotated[
        str | None,
        typer.Option(help="Several, as cuda:0,cuda:1: each retrains networks of its own."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="As in the search.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="As in the search.")] = False,
    keep: Annotated[str | None, typer.Option(help="As in the search.")] = None,
    data_root: Annotated[str | None, typer.Option(help="As in the search.")] = None,
) -> None:
    """Retrain the best networks for longer, test the best of them once, write it to disk.

    With the defaults that takes as long as 18 trainings of the search, and some 12 of the
    baselines; the same command goes on where it was interrupted.

    The folder then holds the weights (safetensors), the network as plain PyTorch (model.py), as
    torch.export knows it (model.pt2) and for other runtimes (model.onnx), each checked in a process
    of its own; what is done to images before; its architecture; and winner.json with all that is
    known of it. `optunas predict` uses it.
    """
    from optunas.planning import kept, promised
    from optunas.remembered import recall
    from optunas.search import search_for
    from optunas.study import load_study

    options: dict[str, Any] = {
        "name": study,
        "storage": storage,
        "device": device,
        "devices": None if devices is None else named_devices(devices),
        "size": size,
        "flip": flip or None,
        "root": data_root,
        "keep": keep,
    }
    with console.status("Loading torch and the data ..."):
        search = search_for(target, options, recall)
    if search.own is None:
        raise StudyError(
            "only a study of an optunas.Objective ends in a network; the study file's objective is "
            "a plain callable"
        )
    found = load_study(search.name, search.storage)
    objective = kept(search, promised(found)).own
    assert objective is not None
    retrain_and_keep(
        found,
        objective,
        output,
        longer=longer,
        candidates=candidates,
        seeds=seeds,
        baselines=baselines,
        choose=choose,
        all_data=all_data,
        int8=int8,
        ema=ema,
        devices=options["devices"] or (),
    )


def retrain_and_keep(
    study: optuna.Study, objective: Objective, folder: str, **how_long: Any
) -> None:
    """Deliver the winner to a folder, and say how good it is; `how_long` as for `deliver`."""
    with console.status("Retraining ...") as progress:
        from optunas.delivery import deliver as make

        running = ""

        def on_run(said: str) -> None:
            nonlocal running
            running = said

        winner = make(
            study,
            objective,
            folder,
            on_run=on_run,
            on_epoch=lambda e: progress.update(
                f"Retraining {running}: epoch {e.number} of {e.of}, "
                f"validation accuracy {e.accuracy:.4f}"
            ),
            **how_long,
        )
    _tell(winner)


def _tell(winner: Winner) -> None:
    if winner.race is not None and len(winner.race.results) > 1:
        for result in winner.race.results:
            say(f"  {result}")
        for line in winner.race.said():
            say(f"  {line}")
    say(f"{winner.folder}/ holds the winner: {winner.name}, {winner.params:,} parameters")
    say(f"  validation  accuracy {winner.validation.accuracy:.4f}, F1 {winner.validation.f1:.4f}")
    if (look := winner.look) is not None:
        say(f"  test        accuracy {look.accuracy}, F1 {look.f1}: 95 % intervals")
        say(f"  calibration error {look.calibration_error}; temperature {look.temperature:.3g}")
    for file in winner.files:
        say(f"  {file}")
    if winner.overlap:
        say(
            f"note: {winner.overlap:,} test images are among those of training or validation, too, "
            "which flatters the test figures: see optunas look"
        )
    for note in winner.notes:
        say(f"note: {note}")
    if winner.looks > 1:
        say(
            f"note: this was look number {winner.looks} at this test split; the first one was the "
            "honest one"
        )
