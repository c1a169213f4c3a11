"""The objective: what a search is about, as a callable that Optuna optimises.

Whatever goes wrong with a candidate ends its trial in the right state, with the reason in a user
attribute, and the study goes on. What is wrong with the search itself (a space that suggests
tuples, limits that nothing meets) is an error when the objective is made, before any trial exists.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

from optuna import Study, TrialPruned
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.trial import Trial

from optunas.artifacts import Where, open_artifacts
from optunas.attributes import Outcome, conclude
from optunas.data import Data
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.metrics import check_metrics, directions
from optunas.objective.agreed import agreed
from optunas.objective.candidate import Suggest
from optunas.objective.checkpoints import Shelf, beside_checkpoints
from optunas.objective.device import chosen_device
from optunas.objective.evaluation import Evaluation, Values
from optunas.objective.failure import free_memory, reason
from optunas.objective.prospect import Prospect
from optunas.process import sign
from optunas.proxies import check_proxies
from optunas.proxies.probe import Probe
from optunas.report.trial_pages import TrialPages
from optunas.training import Engine, Epoch, Recipe, RecipeSpace
from optunas.training.results import Answers

_log = logging.getLogger("optunas")


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
    * `checkpoints`: a folder, for files from which a killed trial goes on when it is run again.
    * `artifacts`: a folder or URL (`optunas.artifacts`) or an Optuna artifact store, where all
      workers find each other's checkpoints; a trial then goes on on any machine.
    * `engine`: where the images lie and how steps are run: speed, not results.
    * `proxies`: zero-cost proxies that each trial notes, `proxy.swap` and so on; whether one is any
      good is told by `optunas.proxies.correlations(study)`.
    * `reuse`: don't train a network again whose equal was evaluated by the same recipe.
    * `pages`: each trial gets a note in optuna-dashboard, and pictures where `artifacts` or
      `checkpoints` say a place for them.
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
    artifacts: Where | None = None
    engine: Engine = Engine()
    proxies: tuple[str, ...] = ()
    reuse: bool = True
    pages: bool = True
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
        if self.artifacts is not None:
            open_artifacts(self.artifacts)  # what can't be reached is an error now
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
        shape, probe = self.data.input_shape, self.probe
        return Prospect(self.space, self.recipe, shape, classes, self.limits, probe)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """What all workers of a study must agree on: `create_study(fingerprint=...)`.

        Space, choices, data, recipe, limits, metrics and torch's version, as plain JSON.
        """
        return agreed(self)

    @cached_property
    def probe(self) -> Probe:
        """The images by which zero-cost proxies look at a network."""
        return Probe.of(self.data, self.device, self.seed)

    @cached_property
    def shelf(self) -> Shelf:
        """Where the checkpoints of its trials lie."""
        return Shelf(self.checkpoints, self.artifacts)

    @cached_property
    def trial_pages(self) -> TrialPages:
        """What a person sees of its trials."""
        beside = None if self.checkpoints is None else beside_checkpoints(self.checkpoints)
        return TrialPages(self.artifacts, beside, self.data.classes)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs of it: no thread, no connection, no images of a probe."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __call__(self, trial: Trial) -> Values:
        """Evaluate one candidate; NaN, which Optuna counts as a failed trial, where that fails."""
        self.check_study(trial.study)
        sign(trial)
        evaluation = Evaluation(self, trial)
        values: Values | None
        try:
            values = evaluation.run()
        except StorageInternalError:
            raise
        except TrialPruned:
            self._show(trial)
            raise
        except KeyboardInterrupt:
            conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
            raise
        except Exception as error:
            conclude(trial, Outcome.FAILED, reason(error, self.device))
            _log.debug("trial %d failed", trial.number, exc_info=True)
            values = None
        if values is None:
            free_memory(self.device)
            values = nan if len(self.metrics) == 1 else (nan,) * len(self.metrics)
        self._show(trial, evaluation.answers)
        return values

    def _show(self, trial: Trial, answers: Answers | None = None) -> None:
        """While the trial still runs: to one that has ended nothing can be added."""
        if self.pages:
            self.trial_pages.show(trial, answers)

    def check_study(self, study: Study) -> None:
        """Raise `StudyError` where the study is to optimise something else."""
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
