"""What a search can aim at: the metrics, and which way each is better."""

from __future__ import annotations

from collections.abc import Sequence

from optunas._named import unknown
from optunas.errors import StudyError

DIRECTIONS = {
    "accuracy": "maximize",
    "f1": "maximize",
    "params": "minimize",
    "macs": "minimize",
    "latency_ms": "minimize",
    "memory_mb": "minimize",
    "inference_memory_mb": "minimize",
    "train_seconds": "minimize",
}
"""accuracy and f1 (macro, unweighted mean over the classes) are of the validation split, 0 to 1."""

MEASURED = ("latency_ms", "memory_mb", "inference_memory_mb")
"""Known only from the network on its device; measured where a limit or a metric asks for them."""

LEARNED = ("accuracy", "f1")
"""Known after every epoch: what is reported to the pruner."""


def check_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    """The metrics as a tuple; raises `StudyError` for none, an unknown one or one named twice."""
    if isinstance(metrics, str):
        metrics = (metrics,)
    for metric in metrics:
        if metric not in DIRECTIONS:
            raise StudyError(unknown("metric", str(metric), sorted(DIRECTIONS)))
    if not metrics or len(set(metrics)) < len(metrics):
        raise StudyError(f"a study aims at one metric or several different ones; got {metrics!r}")
    return tuple(metrics)


def directions(metrics: Sequence[str]) -> list[str]:
    """`maximize` or `minimize` for each metric, as Optuna wants them."""
    return [DIRECTIONS[metric] for metric in metrics]
