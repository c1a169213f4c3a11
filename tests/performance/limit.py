"""The device's own limit: what it multiplies in a second, measured, as images of a network."""

from __future__ import annotations

import time
from statistics import median

import torch
from machine import wait

FORWARD_AND_BACKWARD = 3
"""The backward pass multiplies twice as much: gradients of the inputs, and of the weights."""


def macs_per_second(device: torch.device, dtype: torch.dtype, seconds: float = 2.0) -> float:
    """Multiply-accumulates of a large square matrix product; the median of many."""
    side = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    wait(device)
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        a @ b
        wait(device)
        rates.append(side**3 / (time.perf_counter() - start))
    return median(rates)


def images_per_second(macs: int, rate: float) -> float:
    """How many images of `macs` each could be trained on, were there nothing but arithmetic."""
    return rate / (FORWARD_AND_BACKWARD * macs)
