"""One of several workers of a machine: what it is told by the process that started it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from optunas.errors import StudyError

VARIABLE = "OPTUNAS_MEMBER"
GRACE_SECONDS = 20.0  # for an orphan to put its trial back


@dataclass(frozen=True)
class Member:
    """Worker `number` (from 1 on, over all devices), one `of` so many on its `device`.

    Its share is `threads` of the CPU and, where candidates are trained there, `ram` bytes. Without
    a device it takes what the command line says. `storage` is what was typed: an environment is
    less public than a list of processes.
    """

    number: int
    of: int
    threads: int
    ram: int
    device: str | None = None
    storage: str | None = None

    def environment(self) -> dict[str, str]:
        """What its process finds in the environment, beside what everybody finds there.

        `OMP_NUM_THREADS` counts before torch is imported, and for libraries other than torch.
        """
        return {VARIABLE: json.dumps(asdict(self)), "OMP_NUM_THREADS": str(self.threads)}


def this_member() -> Member | None:
    """What this process was told; None where it is a worker by itself.

    Read once: what this process may start itself is no member.
    """
    told = os.environ.pop(VARIABLE, None)
    if told is None:
        return None
    try:
        member: Mapping[str, object] = json.loads(told)
        return Member(**member)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise StudyError(
            f"{VARIABLE} is set by optunas for the workers that it starts; found {told!r:.80}: "
            f"unset {VARIABLE}"
        ) from None


def leave_with_parent() -> None:
    """Stop this process, as SIGTERM does, when the one that started it is gone.

    A parent that is killed can't say so. But its end of the pipe that is our standard input closes.
    """
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
