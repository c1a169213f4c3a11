"""How long a network takes to answer, measured on the device where it lies."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import quantiles
from typing import Any

import torch
from torch import Tensor, nn

from optunas.nn.passes import evaluating, inputs, with_threads

WARM_UP = 3
FEWEST, MOST = 5, 10_000


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a forward pass over `batch` inputs: median and quartiles of `passes` passes.

    `threads` of the CPU took part.
    """

    median_ms: float
    q1_ms: float
    q3_ms: float
    batch: int
    threads: int
    passes: int

    @property
    def iqr_ms(self) -> float:
        """The interquartile range: half of the passes lie within so many milliseconds."""
        return self.q3_ms - self.q1_ms


def latency(
    network: nn.Module,
    input_shape: tuple[int, ...],
    *,
    batch: int = 1,
    seconds: float = 0.2,
    within: AbstractContextManager[Any] | None = None,
) -> Latency:
    """Measure passes for about `seconds`, one at a time, warm, in eval mode.

    within: a context for all passes, such as autocast, which casts the weights once.

    On CUDA an event is recorded before and after each pass and all are read at the end: what the
    GPU takes, and where it waits for the host, that too. On a CPU the processor time of one thread
    is taken, which is the latency on a machine with nothing else to do. Wall-clock time would
    depend on who else computes (with 6 busy processes on 2 cores, 12 medians of a network of
    1.6 ms, 0.2 s each, lay 0.4 % apart; in wall-clock time 1.2 %, by
    `torch.utils.benchmark.Timer.blocked_autorange`, whose blocks are interrupted, 29 %).
    """
    x = inputs(network, batch, input_shape)
    with evaluating(network), within or nullcontext(), with_threads(1) as threads:
        times = _times(lambda: network(x), x, seconds)
    q1, median, q3 = quantiles(times, n=4, method="inclusive")
    return Latency(median, q1, q3, batch, threads, len(times))


def _times(run: Callable[[], object], x: Tensor, seconds: float) -> list[float]:
    """Milliseconds of each pass; the first ones, which allocate and choose kernels, not counted."""
    clock = {"cpu": _thread_ms, "cuda": _gpu_ms}.get(x.device.type, _waiting_ms)
    once = min(_waiting_ms(run, x.device, WARM_UP)) / 1e3
    return clock(run, x.device, max(FEWEST, min(MOST, round(seconds / once))))


def _thread_ms(run: Callable[[], object], device: torch.device, passes: int) -> list[float]:
    times = []
    for _ in range(passes):
        start = time.thread_time()
        run()
        times.append(1e3 * (time.thread_time() - start))
    return times


def _gpu_ms(run: Callable[[], object], device: torch.device, passes: int) -> list[float]:
    event = partial(torch.cuda.Event, enable_timing=True)
    pairs = [(event(), event()) for _ in range(passes)]
    with torch.cuda.device(device):  # an event is recorded on the current device's stream
        for start, end in pairs:
            start.record()
            run()
            end.record()
        torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in pairs]


def _waiting_ms(run: Callable[[], object], device: torch.device, passes: int) -> list[float]:
    """By the clock on the wall, waiting for the device after each pass."""
    times = []
    for _ in range(passes):
        start = time.perf_counter()
        run()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        times.append(1e3 * (time.perf_counter() - start))
    return times
