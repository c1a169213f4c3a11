"""Which device a search runs on."""

from __future__ import annotations

import torch

from optunas.errors import StudyError


def chosen_device(device: str) -> torch.device:
    """`auto` is the first GPU where there is one, else the CPU; otherwise what was asked for.

    Raises `StudyError` for a device that torch does not know or this machine does not have.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        raise StudyError(f"a device is auto, cpu, cuda or cuda:N; got {device!r}") from None
    if chosen.type == "cuda":
        _check_gpu(chosen)
    elif not _works(chosen):
        raise StudyError(
            f"this torch can't compute on device {device!r}: take --device auto, cpu, cuda or "
            "cuda:N"
        )
    return chosen


def _check_gpu(device: torch.device) -> None:
    gpus = torch.cuda.device_count()
    if (device.index or 0) >= gpus:
        raise StudyError(
            f"device '{device}' was asked for, and torch sees {gpus} GPUs here: take "
            "--device auto, or check the driver with nvidia-smi"
        )


def _works(device: torch.device) -> bool:
    try:
        return torch.ones(1, device=device).item() == 1
    except (RuntimeError, AssertionError, ImportError):  # NotImplementedError is a RuntimeError
        return False


def device_name(device: str) -> str:
    """What figures depend on: the model of the GPU, or `cpu`."""
    chosen = torch.device(device)
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
