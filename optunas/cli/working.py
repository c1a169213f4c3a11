"""`optunas worker`: the single process that a cluster's scheduler starts."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from optunas.cli.searching import conducted, run

LEADERS = ("output", "devices", "workers", "workers_per_device")
"""The options of `run` that only one who leads others, or ends the search, can follow."""
WAIT_SECONDS = 60.0  # for a database that a cluster starts beside its workers


def _with_the_options_of_run(command: Callable[..., None]) -> Callable[..., None]:
    all_of_them = signature(run, eval_str=True)
    kept = [option for name, option in all_of_them.parameters.items() if name not in LEADERS]
    command.__signature__ = all_of_them.replace(parameters=kept)  # type: ignore[attr-defined]
    command.__annotations__ = {option.name: option.annotation for option in kept}
    return command


@_with_the_options_of_run
def worker(**typed: Any) -> None:
    """Join a study as one worker: what a cluster's scheduler starts.

    \b
    optunas worker studies/cifar10.py --storage postgresql+psycopg://host/studies

    It takes the options of `optunas run`, writes a line for whatever happens, and waits up to a
    minute for a database that is started beside it. It ends with 0 when the study is full; after
    SIGTERM or Ctrl-C with 130, its trial being put back for another worker, who goes on from the
    checkpoint in --artifacts.
    """
    conducted({**typed, **dict.fromkeys(LEADERS)}, WAIT_SECONDS).work()
