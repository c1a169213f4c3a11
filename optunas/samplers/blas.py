"""Linear algebra on one thread, for as long as a sampler thinks.

Its matrices have some hundred rows: to share one out takes longer than to compute it, and threads
that wait for each other take the processors from whoever else computes. On one thread a proposal
is also the same on machines with different numbers of cores.

| processes that propose | threads | a proposal | of the processors |
|---:|---|---:|---:|
| 1 | all (2) | 157 ms | 312 ms |
| 1 | one | 93 ms | 93 ms |
| 2 | all (2) | 264 ms | 277 ms |
| 2 | one | 96 ms | 95 ms |

(`python tests/performance/threads.py`: medians of 180 proposals a process, ConvNet, 60 to 120
trials; 2 cores of an AMD EPYC, OpenBLAS 0.3.30, SciPy's wheels.)

Only OpenBLAS is told, which NumPy and SciPy bring along. What torch computes with is left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def on_one_thread() -> Iterator[None]:
    """NumPy and SciPy compute on one thread in here, where this is the main thread: OpenBLAS takes
    no more threads again when another one asks it to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _openblas().limit(limits=1):
        yield


@cache
def _openblas() -> Any:
    """Finding the libraries takes some milliseconds, so it is done once; SciPy's is loaded late."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(internal_api="openblas")
