"""Ask several processes to decode images, and hear their answers.

Processes, because small images cost more Python than decoding and threads would wait for each
other. They are plain children that run `decode.py` and answer through a pipe: nothing is
forked, a script needs no `__main__` guard, and a decoder that crashes takes no search along.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any

import numpy as np

from optunas.data import decode
from optunas.data.decode import Header, Pixels
from optunas.errors import DataError
from optunas.machine import cores

Shape = tuple[int, int, int]
_FEW_FILES, _FEW_BYTES = 1500, 20_000_000  # below both, a child's start costs more than it saves


def workers_for(count: int, nbytes: int, workers: int | None) -> int:
    """How many processes should read so many files of so many bytes; 1 is this process.

    As many as asked for, else one for every core that this process may use, 16 at most.
    """
    if workers is not None and workers < 1:
        raise DataError(f"images are read by 1 or more workers; got workers={workers}")
    if count <= _FEW_FILES and nbytes <= _FEW_BYTES:
        return 1
    return workers or min(16, cores())


def headers_of(paths: list[str], workers: int) -> list[Header | str]:
    """The header of every file, or the reason why it has none; 1 worker is this process."""
    headers: list[Header | str] = [""] * len(paths)

    def receive(places: range, pipe: IO[bytes]) -> None:
        for i, found in zip(places, json.load(pipe), strict=True):
            headers[i] = found if isinstance(found, str) else Header(*found)

    if workers == 1:
        with decode.quietly():
            return [decode.probe(path) for path in paths]
    _ask_children(paths, {"shape": None}, workers, receive)
    return headers


def pixels_of(
    paths: list[str], shape: Shape, workers: int, exact: bool = False
) -> tuple[Pixels, dict[int, str]]:
    """All images (N, C, H, W), and the reasons of the rows that hold none."""
    out = np.zeros((len(paths), *shape), np.uint8)
    failed: dict[int, str] = {}
    if workers > 1:
        ask = {"shape": shape, "exact": exact}
        _ask_children(paths, ask, workers, partial(_receive, out, failed, paths))
        return out, failed
    with decode.quietly():
        for row, path in enumerate(paths):
            found = decode.read(path, *shape, exact=exact)
            if isinstance(found, str):
                failed[row] = found
            else:
                out[row] = found
    return out, failed


def _receive(
    out: Pixels, failed: dict[int, str], paths: list[str], rows: range, pipe: IO[bytes]
) -> None:
    """The parent's end of `decode.serve`."""
    for row in rows:
        try:
            if _exactly(pipe, 1) == b"\1":
                out[row] = np.frombuffer(_exactly(pipe, out[0].nbytes), np.uint8).reshape(
                    out.shape[1:]
                )
            else:
                (length,) = struct.unpack("<H", _exactly(pipe, 2))
                failed[row] = _exactly(pipe, length).decode()
        except EOFError:
            raise DataError(
                f"reading {paths[row]} ended the process that decodes (not enough memory, or a "
                "file that crashes the decoder); use fewer workers, or move that file away"
            ) from None


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    found = pipe.read(count)  # a buffered pipe returns less only at its end
    if len(found) < count:
        raise EOFError
    return found


def _ask_children(
    paths: list[str],
    ask: dict[str, Any],
    workers: int,
    receive: Callable[[range, IO[bytes]], None],
) -> None:
    """Give every child an equal share of the paths; `receive` hears each one's answer."""
    children: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(workers) as pool:
        try:
            shares = [range(first, len(paths), workers) for first in range(workers)]
            children += [_child() for _ in shares]
            jobs = [json.dumps(ask | {"paths": [paths[row] for row in rows]}) for rows in shares]
            triples = zip(children, jobs, shares, strict=True)
            for done in [pool.submit(_converse, *triple, receive) for triple in triples]:
                done.result()
        finally:  # after Ctrl-C or an error too: a thread whose child is gone ends at once
            for child in children:
                child.kill()
                child.wait()


def _child() -> subprocess.Popen[bytes]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-P", decode.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
    )


def _converse(
    child: subprocess.Popen[bytes],
    job: str,
    rows: range,
    receive: Callable[[range, IO[bytes]], None],
) -> None:
    assert child.stdin
    assert child.stdout
    try:
        with child.stdout:
            child.stdin.write(job.encode())
            child.stdin.close()
            receive(rows, child.stdout)
    except (BrokenPipeError, json.JSONDecodeError) as error:
        raise DataError(
            "a process that reads images ended early; try again with workers=1, which reads in "
            "this process"
        ) from error
