"""Optuna's pruners by name. A trial reports once an epoch, so steps are epochs, from 1 on.

Rankings after a few epochs are good enough to drop the worst, not to choose the best
(NAS-Bench-201, 12 epochs against 200: Spearman 0.77 over all networks, 0.50 within the best tenth).
Every pruner here therefore waits for some epochs before its first decision.
"""

import warnings
from collections.abc import Callable

from optuna import pruners
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner

from optunas._named import call_named
from optunas.errors import StudyError


def make_pruner(pruner: str | BasePruner | None, *, epochs: int) -> BasePruner:
    """The pruner of this name, set up for trials of ``epochs`` epochs.

    Names: none, median, percentile, successive-halving (halving), hyperband, threshold, patient.
    Arguments in brackets change the settings: ``"median(startup=10)"``, ``"threshold(lower=0.3)"``.
    A pruner of Optuna's, or your own, is returned as it is; None means no pruning.

    Raises StudyError for an unknown name or argument.
    """
    if isinstance(pruner, BasePruner):
        return pruner
    if epochs < 1:
        raise StudyError(f"a trial trains for at least 1 epoch; got epochs={epochs}")
    with warnings.catch_warnings():  # the choice of an experimental class was ours, not the user's
        warnings.simplefilter("ignore", ExperimentalWarning)
        return call_named("pruner", pruner or "none", _TABLE, _ALIASES, {"epochs": epochs})


def _none() -> BasePruner:
    return pruners.NopPruner()


def _median(
    epochs: int, *, startup: int = 5, warmup: int | None = None, interval: int = 1
) -> BasePruner:
    """Stop below the median of the earlier trials at the same epoch."""
    return pruners.MedianPruner(
        n_startup_trials=startup, n_warmup_steps=_warmup(epochs, warmup), interval_steps=interval
    )


def _percentile(
    epochs: int,
    *,
    percentile: float = 25.0,
    startup: int = 5,
    warmup: int | None = None,
    interval: int = 1,
) -> BasePruner:
    """Go on only within the best ``percentile`` percent of the earlier trials at that epoch."""
    return pruners.PercentilePruner(
        percentile,
        n_startup_trials=startup,
        n_warmup_steps=_warmup(epochs, warmup),
        interval_steps=interval,
    )


def _halving(epochs: int, *, first: int | None = None, factor: int = 3) -> BasePruner:
    """Asynchronous successive halving (Li et al. 2020): at epochs first, first x factor, ... the
    best 1/factor goes on. By default the first decision falls after a ninth of the epochs."""
    return pruners.SuccessiveHalvingPruner(
        min_resource=_first(epochs, first), reduction_factor=factor
    )


def _hyperband(epochs: int, *, first: int | None = None, factor: int = 3) -> BasePruner:
    """Hyperband (Li et al. 2018): several halvings that start between a ninth of the epochs and
    the last; most careful where early epochs mislead, and slowest to save time."""
    return pruners.HyperbandPruner(
        min_resource=_first(epochs, first), max_resource=epochs, reduction_factor=factor
    )


def _threshold(
    epochs: int,
    *,
    lower: float | None = None,
    upper: float | None = None,
    warmup: int | None = None,
) -> BasePruner:
    """Stop outside of fixed bounds: below ``lower`` or above ``upper``."""
    if lower is None and upper is None:
        raise StudyError("pruner 'threshold' needs a bound; write threshold(lower=0.3) or upper=")
    return pruners.ThresholdPruner(lower=lower, upper=upper, n_warmup_steps=_warmup(epochs, warmup))


def _patient(epochs: int, *, patience: int | None = None, min_delta: float = 0.0) -> BasePruner:
    """Stop below the median, but only where the last ``patience`` + 1 epochs all stayed under the
    best before them, by more than ``min_delta``."""
    patience = max(2, epochs // 5) if patience is None else patience
    return pruners.PatientPruner(_median(epochs), patience=patience, min_delta=min_delta)


def _warmup(epochs: int, warmup: int | None) -> int:
    # the learning rate peaks after a fifth of the epochs; until some epochs later, what is high is
    # what learns fast, not what ends well
    return max(1, round(0.4 * epochs)) if warmup is None else warmup


def _first(epochs: int, first: int | None) -> int:
    return max(1, epochs // 9) if first is None else first


_TABLE: dict[str, Callable[..., BasePruner]] = {
    "hyperband": _hyperband,
    "median": _median,
    "none": _none,
    "patient": _patient,
    "percentile": _percentile,
    "successive-halving": _halving,
    "threshold": _threshold,
}
_ALIASES = {"halving": "successive-halving", "sha": "successive-halving", "nop": "none"}

PRUNERS = tuple(_TABLE)
