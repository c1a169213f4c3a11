"""The objective: a trial proposes a network; it is priced, built, trained and judged.

    proposed -> priced -> (rejected: over a limit) -> (reused: evaluated before) -> built ->
    trained, an epoch at a time -> (pruned: hopeless) -> judged

Whatever goes wrong with a candidate ends its trial in the right state, with the reason in a user
attribute, and the study goes on. What is wrong with the search itself (a space that suggests
tuples, limits that nothing meets) is an error when the objective is made, before any trial exists.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from pathlib import Path
from typing import Any

import torch
from optuna import Study, TrialPruned
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.trial import FrozenTrial, Trial
from torch import nn

from optunas.architecture import to_json
from optunas.attributes import CURVE, Outcome, conclude, promoted_after
from optunas.data import Data
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.metrics import LEARNED, MEASURED, check_metrics, directions
from optunas.objective.candidate import Candidate, Suggest
from optunas.objective.checkpoints import fetch, forget, park
from optunas.objective.device import chosen_device, device_name
from optunas.objective.failure import free_memory, reason
from optunas.objective.measured import WRITTEN, measure
from optunas.objective.prospect import Prospect
from optunas.objective.twin import find_twin, finished_before
from optunas.process import sign
from optunas.proxies import PREFIX, check_proxies
from optunas.proxies.probe import Probe
from optunas.pruners import report, should_prune
from optunas.training import Diverged, Engine, Epoch, NetworkError, Recipe, RecipeSpace
from optunas.training.loop import train
from optunas.training.seeds import derived

_log = logging.getLogger("optunas")

Values = float | tuple[float, ...]


@dataclass(frozen=True)
class Objective:
    """What a study optimises: `study.optimize(Objective(space, data), n_trials=100)`.

    * `space`: a search space, or your own function `trial -> nn.Module`.
    * `recipe`: how to train, or a `RecipeSpace`, so that hyperparameters are searched as well.
    * `limits`: a network over its limits is rejected before it is trained.
    * `metrics`: one or several of accuracy, f1, params, macs, latency_ms, memory_mb,
      inference_memory_mb, train_seconds; several make a multi-objective study. Values are those
      after the last epoch.
    * `device`: `auto` is the first GPU, or the CPU.
    * `seed`: of weights, batches and augmentation; each trial derives its own.
    * `checkpoints`: a folder; a killed trial that is run again goes on from its last epoch.
    * `engine`: where the images lie and how steps are run: speed, not results.
    * `proxies`: zero-cost proxies that each trial notes, `proxy.swap` and so on; whether one is any
      good is told by `optunas.proxies.correlations(study)`.
    * `reuse`: don't train a network again whose equal was evaluated by the same recipe.
    * `on_epoch`: called with the trial's number and each `Epoch`.

    Raises `OptunasError` where no network of the space fits the data and the limits.
    """

    space: Suggest
    data: Data
    recipe: Recipe | RecipeSpace = Recipe()
    limits: Limits = Limits()
    metrics: tuple[str, ...] = ("accuracy",)
    device: str = "auto"
    seed: int = 0
    checkpoints: Path | None = None
    engine: Engine = Engine()
    proxies: tuple[str, ...] = ()
    reuse: bool = True
    on_epoch: Callable[[int, Epoch], None] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", check_metrics(self.metrics))
        object.__setattr__(self, "device", str(chosen_device(self.device)))
        data: object = self.data
        if not isinstance(data, Data):
            raise StudyError(
                "an objective needs data, for example optunas.data.digits() or "
                f"optunas.data.image_folder('photos'); got {data!r:.80}"
            )
        object.__setattr__(self, "proxies", check_proxies(self.proxies))
        if self.checkpoints is not None:
            object.__setattr__(self, "checkpoints", Path(self.checkpoints))
        self.prospect.check()

    @property
    def directions(self) -> list[str]:
        """`maximize` or `minimize` for each metric: `create_study(directions=...)`."""
        return directions(self.metrics)

    @property
    def epochs(self) -> int:
        """How many epochs a network that is not pruned is trained."""
        return (self.recipe if isinstance(self.recipe, Recipe) else self.recipe.base).epochs

    @property
    def prospect(self) -> Prospect:
        """The search seen from outside: its candidates, without a study."""
        classes = len(self.data.classes)
        shape, probe = self.data.input_shape, self._probe
        return Prospect(self.space, self.recipe, shape, classes, self.limits, probe)

    @cached_property
    def _probe(self) -> Probe:
        """The images by which zero-cost proxies look at a network."""
        return Probe.of(self.data, self.device, self.seed)

    def __call__(self, trial: Trial) -> Values:
        """Evaluate one candidate; NaN, which Optuna counts as a failed trial, where that fails."""
        self._check_study(trial.study)
        sign(trial)
        try:
            return self._evaluate(trial)
        except (TrialPruned, StorageInternalError):
            raise
        except KeyboardInterrupt:
            conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
            raise
        except Exception as error:
            conclude(trial, Outcome.FAILED, reason(error, self.device))
            _log.debug("trial %d failed", trial.number, exc_info=True)
        free_memory(self.device)
        return nan if len(self.metrics) == 1 else (nan,) * len(self.metrics)

    def _check_study(self, study: Study) -> None:
        wanted = self.directions
        found = [direction.name.lower() for direction in study.directions]
        if found != wanted:
            raise StudyError(
                f"this objective aims at {', '.join(self.metrics)}, to {', '.join(wanted)}; the "
                f"study is to {', '.join(found)}: create it with directions={wanted}"
            )
        if study.metric_names is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                study.set_metric_names(list(self.metrics))

    def _evaluate(self, trial: Trial) -> Values:
        candidate = self._propose(trial)
        finished = finished_before(trial, candidate.key)
        seed = self._describe(trial, candidate)
        self._reject(trial, {"params": candidate.params, "macs": candidate.macs})
        goes_on = "promotes" in trial.user_attrs  # its twin is the trial that it goes on with
        looks = self.reuse and not goes_on
        twin = finished or (find_twin(trial, self._measured) if looks else None)
        if twin is not None:
            return self._reuse(trial, twin)
        network = candidate.build(seed, torch.device(self.device))
        for name, score in self._probe.scores(self.proxies, network).items():
            if not isnan(score):  # a proxy that can't say anything of this network
                trial.set_user_attr(f"{PREFIX}{name}", score)
        self._reject(trial, self._measure(trial, network, candidate.recipe))
        return self._train(trial, network, candidate, seed)

    def _propose(self, trial: Trial) -> Candidate:
        try:
            return self.prospect.propose(trial)
        except TrialPruned as error:  # a person's own space may refuse its own draws
            conclude(trial, Outcome.REJECTED, f"the space refused it: {error}")
            raise

    def _describe(self, trial: Trial, candidate: Candidate) -> int:
        """Write down what is about to be evaluated; gives the trial's seed."""
        known = trial.user_attrs
        seed = known.get("seed")
        if not isinstance(seed, int):  # a trial that is run again keeps its seed
            seed = derived(self.seed, trial.number) % 2**32
        facts: dict[str, Any] = {
            "key": candidate.key,
            "params": candidate.params,
            "macs": candidate.macs,
            "recipe": candidate.recipe.to_json(),
            "seed": seed,
            "data": self.data.fingerprint,
            "input_shape": list(self.data.input_shape),
            "classes": len(self.data.classes),
            "device": device_name(self.device),
        }
        if candidate.architecture is not None:
            facts["architecture"] = to_json(candidate.architecture)
        for name, value in facts.items():
            if known.get(name) != value:
                trial.set_user_attr(name, value)
        return seed

    def _reject(self, trial: Trial, costs: dict[str, float]) -> None:
        """Set the limits as constraints; stop here where one is not met."""
        margins = self.limits.margins(**costs)
        inherited = trial.constraints if margins else {}  # written once, and kept by a retry
        for name, margin in margins.items():
            if name not in inherited:
                trial.set_constraint(name, margin)
                trial.set_user_attr(f"margin.{name}", margin)
        over = [name for name, margin in margins.items() if margin > 0]
        if over:
            limits = dict(self.limits)
            found = ", ".join(f"{n} {_plain(costs[n])} > {_plain(limits[n])}" for n in over)
            conclude(trial, Outcome.REJECTED, f"over its limits: {found}")
            raise TrialPruned(f"rejected, {found}")

    @property
    def _measured(self) -> list[str]:
        """What is asked for, as a limit or a metric, that only the built network can tell."""
        wanted = {name for name, _ in self.limits} | set(self.metrics)
        return [name for name in MEASURED if name in wanted]

    def _measure(self, trial: Trial, network: nn.Module, recipe: Recipe) -> dict[str, float]:
        return measure(trial, self._measured, network, self.data, recipe)

    def _reuse(self, trial: Trial, twin: FrozenTrial) -> Values:
        """Take the result of an equal network: its learning curve, its values, its end."""
        known = twin.user_attrs
        for name in ("accuracy", "f1", "train_seconds", "curve", *WRITTEN):
            if name in known:
                trial.set_user_attr(name, known[name])
        self._reject(trial, {name: known[name] for name in self._measured})
        if twin.number != trial.number:
            trial.set_user_attr("reused_from", twin.number)
            conclude(trial, Outcome.REUSED, f"the same network as trial {twin.number}")
        if self._is_learned and len(self.metrics) == 1:  # of several, one report a network counts
            for epoch, row in enumerate(known.get("curve", []), start=1):
                trial.report(row[CURVE.index(self.metrics[0])], epoch)
        if known["outcome"] == Outcome.PRUNED:
            raise TrialPruned(f"pruned like trial {twin.number}, the same network")
        return self._values(known)

    def _train(self, trial: Trial, network: nn.Module, candidate: Candidate, seed: int) -> Values:
        checkpoint = self._checkpoint(candidate, seed)
        fetch(checkpoint)
        try:
            values = self._epochs(trial, network, candidate.recipe, seed, checkpoint)
        except TrialPruned:
            park(checkpoint)
            raise
        except _FINAL:
            forget(checkpoint)
            raise
        # From here on the result is in the storage: a worker that is killed before Optuna has
        # noted the value leaves a trial that is not trained again.
        conclude(trial, Outcome.TRAINED)
        forget(checkpoint)
        return values

    def _epochs(
        self, trial: Trial, network: nn.Module, recipe: Recipe, seed: int, checkpoint: Path | None
    ) -> Values:
        curve: list[list[float]] = []
        for epoch in train(
            network,
            self.data,
            recipe,
            device=self.device,
            seed=seed,
            checkpoint=checkpoint,
            engine=self.engine,
        ):
            if trial.user_attrs.get("engine") != epoch.engine:
                trial.set_user_attr("engine", epoch.engine)
            curve.append([getattr(epoch, name) for name in CURVE])
            if self.on_epoch is not None:
                self.on_epoch(trial.number, epoch)
            scores = _scores(epoch, curve)
            if self._hopeless(trial, epoch, scores):
                said = f"pruned after epoch {epoch.number} of {epoch.of}"
                self._judge(trial, scores, curve)
                conclude(trial, Outcome.PRUNED, said)
                raise TrialPruned(said)
        return self._judge(trial, scores, curve)

    @property
    def _is_learned(self) -> bool:
        """Whether there is anything in an epoch that a pruner could judge."""
        return not set(LEARNED).isdisjoint(self.metrics)

    def _hopeless(self, trial: Trial, epoch: Epoch, scores: Mapping[str, float]) -> bool:
        """Report the epoch and ask the pruner."""
        if not self._is_learned:
            return False
        report(trial, self._values({**trial.user_attrs, **scores}), epoch.number)
        past = promoted_after(trial)  # so far it was judged before, and may go on
        return past < epoch.number < epoch.of and should_prune(trial)

    def _judge(self, trial: Trial, scores: Mapping[str, float], curve: list[list[float]]) -> Values:
        rounded = [[round(value, 5) for value in row] for row in curve]
        for name, value in {**scores, "curve": rounded}.items():
            trial.set_user_attr(name, value)
        return self._values(trial.user_attrs)

    def _values(self, known: Mapping[str, Any]) -> Values:
        values = tuple(float(known[name]) for name in self.metrics)
        return values if len(values) > 1 else values[0]

    def _checkpoint(self, candidate: Candidate, seed: int) -> Path | None:
        """One file a training: a trial that is run again has the same network and seed."""
        if self.checkpoints is None:
            return None
        return self.checkpoints / f"{candidate.key[:16]}-{seed}.pt"


_FINAL = (Diverged, NetworkError, torch.OutOfMemoryError)
"""After these nobody goes on with the training."""


def _scores(epoch: Epoch, curve: list[list[float]]) -> dict[str, float]:
    """What is learned and spent by the end of an epoch, by the names of the metrics."""
    seconds = sum(row[CURVE.index("seconds")] for row in curve)
    return {"accuracy": epoch.accuracy, "f1": epoch.f1, "train_seconds": seconds}


def _plain(cost: float) -> str:
    """A count with all its digits, a measure with four."""
    return f"{cost:,}" if isinstance(cost, int) else f"{cost:,.4g}"
