"""Which device each of several workers gets: dealt round, like cards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import TypeVar

from optunas.errors import StudyError

T = TypeVar("T")


def deal(
    devices: Sequence[T], workers: int | None = None, per_device: int | None = None
) -> tuple[T, ...]:
    """The device of worker 1, 2, ...: so many in all, or on each device, or one on each.

    Raises `StudyError` where the two numbers contradict each other, or a device would be idle.
    """
    count = len(devices)
    total = workers if workers is not None else count * (per_device or 1)
    named = f"{count} device{'s' if count > 1 else ''}"
    if per_device is not None and total != per_device * count:
        raise StudyError(
            f"--workers counts those of all devices; {per_device} on each of {named} are "
            f"{per_device * count}, not {total}: leave out --workers or --workers-per-device"
        )
    if total < count:
        raise StudyError(
            f"each device needs a worker; got {total} for {named}: raise --workers, or name fewer "
            "--devices"
        )
    return tuple(islice(cycle(devices), total))
