"""What the command line says, and how. Only `optunas.cli` prints."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def complain(line: str) -> None:
    """One line on stderr."""
    complaints.print(Text(f"optunas: {line}"), soft_wrap=True)


def say(line: str) -> None:
    """A line that is not wrapped: commands are there to be copied."""
    console.print(Text(line), soft_wrap=True)


def program() -> str:
    """How this program is called here: `optunas`, or its path where a shell would not find it."""
    called, found = Path(sys.argv[0]), shutil.which("optunas")
    if called.name != "optunas" or not called.exists():
        return "optunas"
    return "optunas" if found is not None and called.samefile(found) else str(called)


def typed() -> str:
    """What was typed, with passwords masked, for any machine where `optunas` is found."""
    return shlex.join(["optunas", *_masked(sys.argv[1:])])


def this_command(trials: int | None = None) -> str:
    """What was typed, with passwords masked; with another number of trials where one is given."""
    words = _masked(sys.argv[1:])
    if trials is not None:
        words = [*without("--trials", words), "--trials", str(trials)]
    return shlex.join([program(), *words])


def _masked(words: list[str]) -> list[str]:
    from optunas.storage import masked

    return [masked(word) if "://" in word else word for word in words]


def without(option: str, words: list[str]) -> list[str]:
    """The words of a command line without an option and its value."""
    before = ["", *words]
    return [
        word
        for word, last in zip(words, before, strict=False)
        if option not in (word, last) and not word.startswith(f"{option}=")
    ]


def storage_option(storage: BaseStorage) -> str:
    """` --storage URL`, or nothing where it is the default."""
    from optunas.storage import DEFAULT_URL, describe

    shown = describe(storage)
    return "" if shown == DEFAULT_URL else f" --storage {shlex.quote(shown)}"
