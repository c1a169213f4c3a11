"""The number formats that a network is computed in: bf16 where the hardware has it."""

import platform
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import perf_counter

import torch
from torch.nn.functional import conv2d

from optunas.data.disk import cache_folder, recall, remember

_GAIN = 1.2  # so much faster must bf16 be on a CPU to be worth its rounding


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context for the forward pass: bf16 where `precision` says so, or "auto" finds it faster."""
    bf16 = precision == "bf16" or (precision == "auto" and prefers_bf16(device.type))
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


@cache
def prefers_bf16(kind: str) -> bool:
    """Whether bf16 is computed by this kind of device in hardware, and faster than fp32.

    GPUs that have it are faster with it. Of CPUs only those with matrix tiles (AMX) may be:
    others emulate it, or convert back and forth. That is measured once and remembered on disk, so
    that it does not change from one trial to the next.
    """
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return kind == "cpu" and "amx_bf16" in _cpu_flags() and _remembered_gain() >= _GAIN


def _cpu_flags() -> set[str]:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.split())
    return set()


def _remembered_gain() -> float:
    file = cache_folder() / f"bf16-{platform.node()}-{torch.__version__}.json"
    known = recall(file)
    if known is None:
        remember(file, known := bf16_gain())
    return float(known)


def bf16_gain(repeats: int = 7) -> float:
    """fp32's time over bf16's, for a convolution forward and backward on this CPU."""
    weight = torch.ones(32, 32, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    x = torch.ones(32, 32, 16, 16).to(memory_format=torch.channels_last)

    def seconds(bf16: bool) -> float:
        times = []
        for _ in range(repeats):
            start = perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = conv2d(x, weight, padding=1).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            times.append(perf_counter() - start)
        return min(times)  # the least disturbed one

    return seconds(False) / seconds(True)
