"""`optunas serve` as a process, for the tests that talk to it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .small import start

URL = "sqlite:///studies.db"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[str]", host: str = "127.0.0.1") -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "nobody answers"
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def serving(
    folder: Path, *more: str, port: int | None = None, host: str = "127.0.0.1"
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The process before `URL` in this folder, ready for requests at `host`, and its port, a free
    one where none is given; killed at the end."""
    port = free_port() if port is None else port
    process = start("serve", "--storage", URL, "--port", str(port), *more, folder=folder)
    try:
        wait_for(port, process, host)
        yield process, port
    finally:
        process.kill()
        process.wait()
