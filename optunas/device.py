"""Which device a search runs on."""

from __future__ import annotations

import torch

from .errors import StudyError


def chosen_device(device: str) -> torch.device:
    """`auto` is the first GPU where there is one, else the CPU; otherwise what was asked for.

    Raises `StudyError` for a device that torch does not know or this machine does not have.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise StudyError(f"a device is auto, cpu, cuda or cuda:N; got {device!r}") from None
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise StudyError(
            f"device {device!r} was asked for, and torch sees {torch.cuda.device_count()} GPUs "
            "here: take --device auto, or check the driver with nvidia-smi"
        )
    return chosen


def device_name(device: str) -> str:
    """What figures depend on: the model of the GPU, or `cpu`."""
    chosen = torch.device(device)
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
