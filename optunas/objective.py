"""The objective: a trial proposes a network; it is priced, built, trained and judged.

    proposed -> priced -> (rejected: over a limit) -> (reused: evaluated before) -> built ->
    trained, an epoch at a time -> (pruned: hopeless) -> judged

Whatever goes wrong with a candidate ends its trial in the right state, with the reason in a user
attribute, and the study goes on. What is wrong with the search itself (a space that suggests
tuples, limits that nothing meets) is an error when the objective is made, before any trial exists.
"""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import torch
from optuna import Study, TrialPruned
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.trial import FrozenTrial, Trial, TrialState
from torch import nn

from .architecture import to_json
from .attributes import CURVE, Outcome
from .candidate import Candidate, Suggest
from .data import Data
from .device import chosen_device, device_name
from .errors import OptunasError, StudyError
from .limits import Limits
from .metrics import LEARNED, MEASURED, check_metrics, directions
from .nn.measure import latency_ms, training_memory_mb
from .process import this_process
from .prospect import Prospect
from .training import Diverged, Epoch, Recipe, RecipeSpace
from .training.checkpoint import remove
from .training.loop import train
from .training.seeds import derived

_log = logging.getLogger("optunas")

Values = float | tuple[float, ...]


@dataclass(frozen=True)
class Objective:
    """What a study optimises: `study.optimize(Objective(space, data), n_trials=100)`.

    * `space`: a search space, or your own function `trial -> nn.Module`.
    * `recipe`: how to train, or a `RecipeSpace`, so that hyperparameters are searched as well.
    * `limits`: a network over its limits is rejected before it is trained.
    * `metrics`: one or several of accuracy, f1, params, macs, latency_ms, memory_mb,
      train_seconds; several make a multi-objective study. Values are those after the last epoch.
    * `device`: `auto` is the first GPU, or the CPU.
    * `seed`: of weights, batches and augmentation; each trial derives its own.
    * `checkpoints`: a folder; a killed trial that is run again goes on from its last epoch.
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
        return Prospect(self.space, self.recipe, self.data.input_shape, classes, self.limits)

    def __call__(self, trial: Trial) -> Values:
        """Evaluate one candidate; NaN, which Optuna counts as a failed trial, where that fails."""
        self._check_study(trial.study)
        trial.set_user_attr("worker", {**this_process(), "trial": trial.number})
        try:
            return self._evaluate(trial)
        except (TrialPruned, StorageInternalError):
            raise
        except KeyboardInterrupt:
            _note(trial, Outcome.INTERRUPTED, "stopped from outside")
            raise
        except Exception as error:
            _note(trial, Outcome.FAILED, _one_line(error, self.device))
            _log.debug("trial %d failed", trial.number, exc_info=True)
        _free_memory(self.device)
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
        candidate = self.prospect.propose(trial)
        finished = _finished_before(trial, candidate)
        seed = self._describe(trial, candidate)
        self._reject(trial, {"params": candidate.params, "macs": candidate.macs})
        twin = finished or (self._twin(trial, candidate) if self.reuse else None)
        if twin is not None:
            return self._reuse(trial, twin)
        network = candidate.build(seed, torch.device(self.device))
        self._reject(trial, self._measure(trial, network, candidate.recipe))
        return self._train(trial, network, candidate, seed)

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
        inherited = trial.constraints if margins else {}
        for name, margin in margins.items():
            if name not in inherited:
                trial.set_constraint(name, margin)
                trial.set_user_attr(f"margin.{name}", margin)
        over = [name for name, margin in margins.items() if margin > 0]
        if over:
            limits = dict(self.limits)
            found = ", ".join(f"{n} {costs[n]:,.6g} > {limits[n]:,.6g}" for n in over)
            _note(trial, Outcome.REJECTED, f"over its limits: {found}")
            raise TrialPruned(f"rejected, {found}")

    def _measure(self, trial: Trial, network: nn.Module, recipe: Recipe) -> dict[str, float]:
        wanted = {name for name, _ in self.limits} | set(self.metrics)
        shape = self.data.input_shape
        costs: dict[str, float] = {}
        if "latency_ms" in wanted:
            costs["latency_ms"] = latency_ms(network, shape)
        if "memory_mb" in wanted:
            costs["memory_mb"] = training_memory_mb(network, shape, recipe.batch_size)
        for name in MEASURED:
            if name in costs:
                trial.set_user_attr(name, costs[name])
        return costs

    def _twin(self, trial: Trial, candidate: Candidate) -> FrozenTrial | None:
        """An earlier trial that evaluated this network by this recipe on these data."""
        same = {
            "key": candidate.key,
            "recipe": candidate.recipe.to_json(),
            "data": self.data.fingerprint,
            "device": device_name(self.device),
        }
        done = (TrialState.COMPLETE, TrialState.PRUNED)
        for other in trial.study.get_trials(deepcopy=False, states=done):
            known = other.user_attrs
            if known.get("outcome") in _FIRST_HAND and all(
                known.get(name) == value for name, value in same.items()
            ):
                return other
        return None

    def _reuse(self, trial: Trial, twin: FrozenTrial) -> Values:
        for name in ("accuracy", "f1", "train_seconds", "curve", *MEASURED):
            if name in twin.user_attrs:
                trial.set_user_attr(name, twin.user_attrs[name])
        if twin.number != trial.number:
            trial.set_user_attr("reused_from", twin.number)
            _note(trial, Outcome.REUSED, f"the same network as trial {twin.number}")
        known = trial.user_attrs
        for epoch, row in enumerate(known.get("curve", []), start=1):
            if self._is_reported:
                trial.report(row[CURVE.index(self.metrics[0])], epoch)
        if twin.user_attrs.get("outcome") == Outcome.PRUNED:
            raise TrialPruned(f"pruned like trial {twin.number}, the same network")
        return self._values({name: known[name] for name in self.metrics})

    def _train(self, trial: Trial, network: nn.Module, candidate: Candidate, seed: int) -> Values:
        checkpoint = self._checkpoint(candidate, seed)
        curve: list[list[float]] = []
        for epoch in train(
            network,
            self.data,
            candidate.recipe,
            device=self.device,
            seed=seed,
            checkpoint=checkpoint,
        ):
            curve.append([getattr(epoch, name) for name in CURVE])
            if self.on_epoch is not None:
                self.on_epoch(trial.number, epoch)
            if self._hopeless(trial, epoch):
                self._judge(trial, epoch, curve)
                _note(trial, Outcome.PRUNED, f"pruned after epoch {epoch.number} of {epoch.of}")
                _forget(checkpoint)
                raise TrialPruned(f"pruned after epoch {epoch.number} of {epoch.of}")
        values = self._judge(trial, epoch, curve)
        # From here on the result is in the storage: a worker that is killed before Optuna has
        # noted the value leaves a trial that is not trained again.
        _note(trial, Outcome.TRAINED, "")
        _forget(checkpoint)
        return values

    @property
    def _is_reported(self) -> bool:
        """Whether a pruner is told of every epoch; Optuna has none for several objectives."""
        return len(self.metrics) == 1 and self.metrics[0] in LEARNED

    def _hopeless(self, trial: Trial, epoch: Epoch) -> bool:
        """Report the epoch and ask the pruner."""
        if not self._is_reported:
            return False
        trial.report(getattr(epoch, self.metrics[0]), epoch.number)
        return epoch.number < epoch.of and trial.should_prune()

    def _judge(self, trial: Trial, epoch: Epoch, curve: list[list[float]]) -> Values:
        facts = {
            "accuracy": epoch.accuracy,
            "f1": epoch.f1,
            "train_seconds": sum(row[CURVE.index("seconds")] for row in curve),
        }
        for name, value in {**facts, "curve": _rounded(curve)}.items():
            trial.set_user_attr(name, value)
        known = {**trial.user_attrs, **facts}
        return self._values({name: known[name] for name in self.metrics})

    def _values(self, known: dict[str, float]) -> Values:
        values = tuple(float(known[name]) for name in self.metrics)
        return values if len(values) > 1 else values[0]

    def _checkpoint(self, candidate: Candidate, seed: int) -> Path | None:
        """One file a training: a trial that is run again has the same network and seed."""
        if self.checkpoints is None:
            return None
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        return self.checkpoints / f"{candidate.key[:16]}-{seed}.pt"


def _finished_before(trial: Trial, candidate: Candidate) -> FrozenTrial | None:
    """This very trial, where a killed worker had judged it and not yet told Optuna."""
    known = trial.user_attrs
    if known.get("key") != candidate.key or known.get("outcome") not in _FIRST_HAND:
        return None
    (this,) = (t for t in trial.study.get_trials(deepcopy=False) if t.number == trial.number)
    return this


_FIRST_HAND = (Outcome.TRAINED, Outcome.PRUNED)


def _note(trial: Trial, outcome: Outcome, reason: str) -> None:
    """Write down how the trial ends; the reason first, so that an outcome never lacks one."""
    trial.set_user_attr("reason", reason)
    trial.set_user_attr("outcome", outcome.value)


def _one_line(error: Exception, device: str) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return (
            f"out of memory on {device}: take a smaller batch_size, or set Limits(memory_mb=...) "
            "so that such networks are rejected"
        )
    text = " ".join(str(error).split())
    plain = isinstance(error, OptunasError | Diverged)
    return (text if plain else f"{type(error).__name__}: {text}")[:500]


def _free_memory(device: str) -> None:
    gc.collect()  # the failed network may sit in a cycle with its traceback
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def _forget(checkpoint: Path | None) -> None:
    if checkpoint is not None:
        remove(checkpoint)


def _rounded(curve: list[list[float]]) -> list[list[float]]:
    return [[round(value, 5) for value in row] for row in curve]
