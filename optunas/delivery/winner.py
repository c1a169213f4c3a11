"""`deliver`: the best network of a study, retrained for longer, tested once, put on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optuna import Study
from torch import nn

from optunas._version import __version__
from optunas.architecture import Layer
from optunas.data import Data, Split
from optunas.data.findings import overlap
from optunas.data.joining import joined
from optunas.delivery.entrants import line_up
from optunas.delivery.export import Exported, export
from optunas.delivery.facts import write_facts
from optunas.delivery.folder import opened, published, workshop
from optunas.delivery.kept import agreed_limits, broken_limits
from optunas.delivery.look import Look, fitted_temperature, look
from optunas.delivery.looks import noted
from optunas.delivery.race import Entrant, Race, race, retrained
from optunas.delivery.spread import spread
from optunas.errors import StudyError
from optunas.objective import Candidate, Objective
from optunas.training import Epoch, Scores
from optunas.training.logits import Labels, Logits, logits_of, scores_of
from optunas.training.seeds import derived
from optunas.wording import count, percent

LEARNED_FROM = (
    "trained on the validation images as well: the validation figures are those of the network "
    "before that, and what a quantised file loses is told of images that it has learned from"
)
CANDIDATES, SEEDS = 3, 2
LONGER = 3


@dataclass(frozen=True)
class Winner:
    """What was delivered. `network` is in eval mode, on the objective's device."""

    network: nn.Module
    name: str
    """`trial 21`, or the baseline that no network of the search could beat"""
    params: int
    macs: int
    epochs: int
    validation: Scores
    test: Scores
    folder: Path
    trial: int | None = None
    """of the study; None for a baseline"""
    architecture: Layer | None = None
    """None for a function of one's own"""
    input_shape: tuple[int, ...] | None = None
    classes: tuple[str, ...] = ()
    race: Race | None = None
    """how the best few did when they were retrained"""
    look: Look | None = None
    """the look at the test split, with intervals"""
    looks: int = 1
    """how often a delivery of this study has looked at it so far"""
    overlap: int = 0
    """test images that are among those of training or validation, too: they flatter"""
    files: tuple[Exported, ...] = ()
    """the files of the network, and how far each was off when it was loaded again"""
    notes: tuple[str, ...] = ()
    """what else a person must know, a line each: a limit that is not kept, say"""

    def _repr_html_(self) -> str:
        """Jupyter shows what it reached on the two splits, what it costs, and its picture."""
        from optunas.report.html.card import card

        scores = [
            (name, percent(split.accuracy), percent(split.f1), f"{split.loss:.4f}", _images(split))
            for name, split in (("validation", self.validation), ("test", self.test))
        ]
        said = f"{self.params:,} parameters, {count(self.macs)} MACs, {self.epochs} epochs"
        return card(
            f"The winner, {self.name}: {said}; in {self.folder}/",
            ("split", "accuracy", "F1", "loss", "images"),
            scores,
            self.architecture,
            self.input_shape,
            len(self.classes) or None,
        )


def _images(scores: Scores) -> str:
    """How many images a split has, where its confusion is known."""
    return "" if scores.confusion is None else f"{sum(map(sum, scores.confusion)):,}"


def deliver(
    study: Study,
    objective: Objective,
    folder: str | os.PathLike[str] = "winner",
    *,
    longer: int = LONGER,
    candidates: int | None = None,
    seeds: int | None = None,
    baselines: bool = True,
    choose: str | None = None,
    all_data: bool = False,
    int8: bool = False,
    seconds: float | None = None,
    seed: int | None = None,
    ema: float = 0.0,
    devices: Sequence[str] = (),
    on_run: Callable[[str], None] = lambda said: None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Winner:
    """Retrain the best networks of `study`, measure one on the test split, write it to `folder`.

    The best are the completed trials within their limits with the best first values on the
    validation split; of several objectives, those of the Pareto front that `choose` puts first:
    `balanced` (`optunas.delivery.choice`), or one of the metrics. `candidates` of them (3) are
    retrained from scratch by their own recipes for `longer` times as many epochs on the whole
    training split, with `seeds` seeds (2) each, and so are `baselines`: a ResNet-18 and a
    MobileNetV3 as large as the limits allow, and a pretrained backbone where weights are at hand
    (`optunas.delivery.baselines`), by the recipe of the best. The one with the best mean on the
    validation split is the winner, and of it the network of the first seed
    (`optunas.delivery.race`); with `all_data` it is then trained once more, on the training and the
    validation split. The test split is looked at once, after that, for that network only.

    `seconds` is how long all of this may take, for one candidate and one seed: the epochs are then
    as many as fit, up to ten times those of the search, at a pace that is measured first. `int8`
    adds a quantised file. `ema` is the decay of an average over the steps of the retraining
    (`Recipe.ema`). Of several `devices` each trains networks of its own. `on_run` is told of
    each retraining, `on_epoch` of each epoch.

    The folder holds the files of `optunas.delivery.export` (weights, plain PyTorch, ONNX, ...),
    `architecture.json` where the network is described, and `winner.json` with what is known of it;
    that one is written last, so a folder that has it is complete. Raises `StudyError` where there
    is no completed trial, or the objective is not the one that the study was searched with.
    """
    usual = (CANDIDATES, SEEDS) if seconds is None else (1, 1)
    candidates = usual[0] if candidates is None else candidates
    seeds = usual[1] if seeds is None else seeds
    if candidates < 1 or seeds < 1 or (seconds is not None and candidates * seeds > 1):
        raise StudyError(
            "a delivery retrains 1 candidate or more with 1 seed or more, and just one where its "
            f"time is given; got candidates={candidates}, seeds={seeds}, seconds={seconds}"
        )
    objective = replace(objective, limits=agreed_limits(study, objective.limits))
    deadline = None if seconds is None else time.monotonic() + seconds
    running = line_up(
        study,
        objective,
        candidates=candidates,
        longer=longer,
        choose=choose,
        compared=baselines,
        ema=ema,
    )
    target = Path(folder)
    training = opened(target)
    if deadline is not None:
        running = running.within(deadline, objective, training, max(1, len(devices)))
    seed = derived(objective.seed, "winner") % 2**32 if seed is None else seed
    every = [seed, *(derived(seed, number) % 2**32 for number in range(1, seeds))]
    if len(devices) > 1:
        spread(running.entrants, objective, every, training, devices, on_run)
    found, network = race(
        running.entrants, objective, every, running.rule, training, on_run, on_epoch
    )
    best = next(one for one in running.entrants if one.name == found.results[0].name)
    data, candidate = objective.data, best.candidate
    validation = _answers(network, best, objective, data.validation)
    temperature = fitted_temperature(*validation)
    if all_data:
        on_run(f"{best.name}, with the validation images")
        more = replace(objective, data=replace(data, train=joined(data.train, data.validation)))
        network, _ = retrained(best, more, seed, training / "all-data.pt", on_epoch)
    looks = noted(study, best.name, data.fingerprint, training)
    test = _answers(network, best, objective, data.test)
    room = workshop(training)
    files = tuple(export(network, data, room, _said(candidate, data), objective.device, int8))
    winner = Winner(
        network=network,
        name=best.name,
        trial=best.trial,
        params=candidate.params,
        macs=candidate.macs,
        epochs=best.recipe.epochs,
        validation=scores_of(*validation),
        test=scores_of(*test),
        folder=target,
        architecture=candidate.architecture,
        input_shape=tuple(data.input_shape),
        classes=tuple(data.classes),
        race=found,
        look=look(*test, data.classes, temperature),
        looks=looks,
        overlap=overlap(data),
        files=files,
        notes=(
            *running.notes,
            *broken_limits(objective.limits, candidate, files, objective.device),
            *([LEARNED_FROM] if all_data else []),
        ),
    )
    write_facts(room, winner, best, study, data, seed, all_data)
    published(room, target)
    return winner


def _answers(
    network: nn.Module, entrant: Entrant, objective: Objective, split: Split
) -> tuple[Logits, Labels]:
    """Logits (N, classes) and labels (N,) of the split."""
    precision, engine = entrant.recipe.precision, objective.engine
    return logits_of(
        network,
        split,
        objective.data,
        device=objective.device,
        precision=precision,
        engine=engine,
    )


def _said(candidate: Candidate, data: Data) -> str:
    size = "x".join(map(str, data.input_shape))
    return (
        f"A network of {candidate.params:,} parameters and {candidate.macs:,} multiply-accumulates "
        f"for an image of {size}, made by optunas {__version__}."
    )
