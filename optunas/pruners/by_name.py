"""Pruners by name. A trial reports once an epoch, so steps are epochs, from 1 on.

Rankings after a few epochs are good enough to drop the worst, not to choose the best
(NAS-Bench-201, 12 epochs against 200: Spearman 0.77 over all networks, 0.50 within the best tenth).
Every pruner here therefore waits for some epochs before its first decision. The figures below are
means over three sets of real curves, replayed 100 times each (`tests/performance/pruning.py`; 80
random ConvNets on digits, 79 with random recipes, 46 on 4,000 images of CIFAR-10; 15 or 20 epochs):
the share of the epochs that were trained, and how many points of accuracy the best network that
was kept is behind the best. Learning-curve extrapolation (a power law, an exponential and a
logistic fitted together; a ridge regression on finished curves; what finished curves gained from
here on) needed 62 to 67 % of the epochs where halving, at the same loss of 0.09, needed 54 %: hence
there is none.
"""

import warnings
from collections.abc import Callable

from optuna import pruners
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner

from optunas._named import call_named, parse_named
from optunas.errors import StudyError
from optunas.pruners.pareto import ParetoPruner
from optunas.pruners.percentile import RememberingPruner
from optunas.pruners.promoting import PromotingPruner


def make_pruner(
    pruner: str | BasePruner | None, *, epochs: int, n_objectives: int = 1
) -> BasePruner:
    """The pruner of this name, set up for trials of ``epochs`` epochs.

    Names: none, median, percentile, successive-halving (halving), hyperband, threshold, patient,
    asha (halving that also promotes what it stopped), pareto. Arguments in brackets change the
    settings: ``"median(startup=10)"``, ``"threshold(lower=0.3)"``. With several objectives median
    means pareto, and the other ones that compare a single value are refused. A pruner of Optuna's,
    or your own, is returned as it is; None means no pruning.

    Raises StudyError for an unknown name or argument, or a pruner that can't serve the objectives.
    """
    if isinstance(pruner, BasePruner):
        return pruner
    if epochs < 1:
        raise StudyError(f"a trial trains for at least 1 epoch; got epochs={epochs}")
    _check_serves(pruner or "none", n_objectives)
    with warnings.catch_warnings():  # the choice of an experimental class was ours, not the user's
        warnings.simplefilter("ignore", ExperimentalWarning)
        given = {"epochs": epochs, "n_objectives": n_objectives}
        return call_named("pruner", pruner or "none", _TABLE, _ALIASES, given)


def _check_serves(pruner: str, n_objectives: int) -> None:
    name = parse_named("pruner", pruner)[0]
    if n_objectives > 1 and _ALIASES.get(name, name) in _SINGLE:
        raise StudyError(
            f"pruner {name!r} serves one objective; the study has {n_objectives}: take 'pareto', "
            "or 'none'"
        )


def _none() -> BasePruner:
    return pruners.NopPruner()


def _median(
    epochs: int,
    n_objectives: int = 1,
    *,
    startup: int = 5,
    warmup: int | None = None,
    interval: int = 1,
) -> BasePruner:
    """Stop below the median of the earlier trials at the same epoch: 61 % of the epochs, 0.07
    points lost. Several objectives have no median: there it is pareto."""
    if n_objectives > 1:
        return _pareto(epochs, startup=startup, warmup=warmup, interval=interval)
    return _percentile(epochs, percentile=50.0, startup=startup, warmup=warmup, interval=interval)


def _percentile(
    epochs: int,
    *,
    percentile: float = 25.0,
    startup: int = 5,
    warmup: int | None = None,
    interval: int = 1,
) -> BasePruner:
    """Go on only within the best ``percentile`` percent of the earlier trials at that epoch: 53 %
    of the epochs, 0.26 points lost."""
    return RememberingPruner(
        percentile,
        n_startup_trials=startup,
        n_warmup_steps=_warmup(epochs, warmup),
        interval_steps=interval,
    )


def _halving(epochs: int, *, first: int | None = None, factor: int = 2) -> BasePruner:
    """Asynchronous successive halving (Li et al. 2020): at epochs first, first x factor, ... the
    best 1/factor goes on. First is by default 30 % of the epochs: 54 % of the epochs, 0.09 points
    lost. At a fifth of them it is 44 % and 0.22; at a ninth with a factor of 3, 23 % and 1.1."""
    return pruners.SuccessiveHalvingPruner(
        min_resource=_share(epochs, 0.3) if first is None else first, reduction_factor=factor
    )


def _asha(epochs: int, *, first: int | None = None, factor: int = 3) -> BasePruner:
    """Halving that goes back to what it stopped (see ``PromotingPruner``). First is by default a
    fifth of the epochs: a network that was stopped early is not lost."""
    return PromotingPruner(first=_share(epochs, 0.2) if first is None else first, factor=factor)


def _hyperband(epochs: int, *, first: int | None = None, factor: int = 2) -> BasePruner:
    """Hyperband (Li et al. 2018): several halvings, the first from a fifth of the epochs on: 66 %
    of the epochs, 0.10 points lost. A halving from a third on saves more and loses less."""
    return pruners.HyperbandPruner(
        min_resource=_share(epochs, 0.2) if first is None else first,
        max_resource=epochs,
        reduction_factor=factor,
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


def _pareto(
    epochs: int,
    *,
    dominators: int = 2,
    share: float = 0.1,
    patience: int | None = None,
    startup: int = 5,
    warmup: int | None = None,
    interval: int = 1,
) -> BasePruner:
    """Stop what enough earlier trials dominated at the same epochs (see ``ParetoPruner``)."""
    return ParetoPruner(
        n_dominators=dominators,
        share=share,
        patience=min(3, max(1, epochs // 5)) if patience is None else patience,
        n_startup_trials=startup,
        n_warmup_steps=_warmup(epochs, warmup),
        interval_steps=interval,
    )


def _warmup(epochs: int, warmup: int | None) -> int:
    # the learning rate peaks after a fifth of the epochs; until some epochs later, what is high is
    # what learns fast, not what ends well. The median from 20, 30, 40 % on: 56, 61, 69 % of the
    # epochs and 0.12, 0.07, 0.02 points lost
    return _share(epochs, 0.3) if warmup is None else warmup


def _share(epochs: int, share: float) -> int:
    return max(1, round(share * epochs))


_TABLE: dict[str, Callable[..., BasePruner]] = {
    "asha": _asha,
    "hyperband": _hyperband,
    "median": _median,
    "none": _none,
    "pareto": _pareto,
    "patient": _patient,
    "percentile": _percentile,
    "successive-halving": _halving,
    "threshold": _threshold,
}
_ALIASES = {"halving": "successive-halving", "sha": "successive-halving", "nop": "none"}
_SINGLE = {"asha", "hyperband", "patient", "percentile", "successive-halving", "threshold"}

PRUNERS = tuple(_TABLE)
