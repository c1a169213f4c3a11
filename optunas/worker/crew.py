"""A crew: several workers of one study on one machine, started once, watched, and ended together.

Each is a process of its own that joins the study as a worker from another terminal would, so that
nothing that happens to one (a crash, the kernel's out-of-memory killer) touches another. The
process that leads them trains nothing. It shows what the storage says of the search, starts a
worker that crashed again, and ends all of them when it is told to, or when one finds that the
search itself is wrong. A leader that is killed leaves no orphans: see `leave_with_parent`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import IO, Any, Protocol, Self

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import text
from optunas.errors import StudyError
from optunas.process import TAKEN
from optunas.storage import SharedStorage
from optunas.worker.member import Member
from optunas.worker.recovery import RETRIES, take_over

LOOK_SECONDS = 0.5
GRACE_SECONDS = 30.0  # to finish a step, mark the running trial and put it back
RESTARTS = 3  # of each worker
MENDABLE = 2  # the exit code of a command that says in one line what is wrong
STOPPED = (128 + signal.SIGINT, -signal.SIGINT, -signal.SIGTERM)


class CrewWatch(Protocol):
    """Who wants to know how the search goes."""

    def running(self, trials: Sequence[FrozenTrial]) -> None:
        """These trials run now."""

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """A trial has ended."""

    def note(self, line: str) -> None:
        """Something happened that a person wants to know."""


def lead(
    study: Study,
    members: Sequence[Member],
    command: Sequence[str],
    watch: CrewWatch,
    storage: SharedStorage | None = None,
    retries: int = RETRIES,
) -> None:
    """Start a process for each member, and return when all have done their part.

    command: what starts a member, which finds out from its environment who it is. storage: of the
    study. retries: how often a candidate is tried again that has ended its worker. Ctrl-C and
    SIGTERM are passed on, and raise `KeyboardInterrupt` when all have ended; a second one kills.
    Raises `StudyError` where a member says what is wrong, or where each crashes again and again.
    """
    posts = [_Post(member, command) for member in members]
    news = _News(study, watch)
    with _Interrupts() as interrupts:
        try:
            for post in posts:
                post.start()
            while any(post.is_on for post in posts) and not interrupts.count:
                time.sleep(LOOK_SECONDS)
                for post in posts:
                    if _look_after(post, watch):
                        list(take_over(study, storage, retries=retries))
                        post.start()
                news.tell()
        finally:
            _end(posts)
            list(take_over(study, storage, retries=retries))
            news.tell()
    if interrupts.count:
        raise KeyboardInterrupt
    if all(post.gone for post in posts):
        raise StudyError(f"no worker is left: {posts[-1].gone}")


class _Post:
    """A member's place: its process, which may be a second or third one, and what that said."""

    def __init__(self, member: Member, command: Sequence[str]) -> None:
        self.member, self.command = member, list(command)
        self.starts = 0
        self.gone = ""  # why nobody is here any more, where the search was not over
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def is_on(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        self.starts += 1
        packages = os.pathsep.join(entry for entry in sys.path if entry)  # those that we found
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process
        self._process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONPATH": packages, **self.member.environment()},
            stdin=subprocess.PIPE,  # never written to: it closes when this process is gone
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the leader alone, who passes it on
        )

    def exit_code(self) -> int | None:
        """None while its process runs; afterwards the code, once."""
        if self._process is None or self._process.poll() is None:
            return None
        process, self._process = self._process, None
        assert process.stdin is not None
        process.stdin.close()
        self.pid = process.pid
        return process.returncode

    def last_line(self) -> str:
        """The last thing that the process said."""
        assert self._log is not None
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 10_000))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def wait(self, seconds: float) -> None:
        if self._process is not None:
            self._process.wait(seconds)


def _look_after(post: _Post, watch: CrewWatch) -> bool:
    """See whether a member's process has ended, and why; True where it is to be started again."""
    code = post.exit_code()
    if code is None or code == 0:
        return False
    if code == MENDABLE:
        raise StudyError(post.last_line().removeprefix("optunas: "))
    worker = f"worker {post.member.number} (process {post.pid})"
    if code in STOPPED:
        post.gone = f"{worker} was stopped from outside"
        watch.note(post.gone)
        return False
    died = f"{worker} {_cause(code, post.last_line())}"
    if post.starts > RESTARTS:
        post.gone = f"{died}; so it went {post.starts} times"
        watch.note(f"{post.gone}, and it is not started again")
        return False
    watch.note(f"{died}; it is started again")
    return True


def _cause(code: int, said: str) -> str:
    if code > 0:
        return f"failed ({said[:200] or f'exit code {code}'})"
    if -code == signal.SIGKILL:
        return "was killed, perhaps by the system for want of memory"
    return f"crashed ({signal.Signals(-code).name})"


class _News:
    """What has changed in the storage since it was looked at."""

    def __init__(self, study: Study, watch: CrewWatch) -> None:
        self._study, self._watch = study, watch
        self._told = {trial.number for trial in self._trials() if trial.state.is_finished()}

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def tell(self) -> None:
        trials = self._trials()
        ended = [t for t in trials if t.state.is_finished() and t.number not in self._told]
        for trial in sorted(ended, key=_end_of):
            self._told.add(trial.number)
            self._watch.ended(self._study, trial)
            if TAKEN in trial.system_attrs:
                self._watch.note(f"trial {trial.number}: {text(trial, 'reason')}")
        self._watch.running([trial for trial in trials if trial.state is TrialState.RUNNING])


def _end_of(trial: FrozenTrial) -> float:
    return 0.0 if trial.datetime_complete is None else trial.datetime_complete.timestamp()


def _end(posts: Sequence[_Post]) -> None:
    """Ask all that still run to stop, and kill those that don't; at once where one is impatient."""
    deadline = time.monotonic() + GRACE_SECONDS
    try:
        for post in posts:
            post.stop()
        for post in posts:
            post.wait(max(0.0, deadline - time.monotonic()))
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        for post in posts:
            post.kill()
        for post in posts:
            post.wait(GRACE_SECONDS)


class _Interrupts:
    """Counts Ctrl-C and SIGTERM; from the second on each raises `KeyboardInterrupt` at once.

    The first one waits until it is looked for: raised in the middle of something, as Python does,
    it becomes a storage error, or is ignored in a callback.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            numbers = signal.SIGINT, signal.SIGTERM
            self._before = {number: signal.signal(number, self._on) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, *_: object) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
