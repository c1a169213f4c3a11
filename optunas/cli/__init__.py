"""The command line: `optunas run`, `status`, `show`, `compare`, `report`, `deliver` and so on.

Only this package prints. torch is imported by the commands that train or look at images; Optuna by
those that open a study. Each command is a file, and imports what it needs when it is called.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from optunas._version import __version__
from optunas.cli import (
    comparing,
    delivering,
    looking,
    predicting,
    promoting,
    reading,
    reporting,
    searching,
    serving,
    showing,
    working,
)
from optunas.cli.speaking import complain, say
from optunas.errors import OptunasError

__all__ = ["app", "main"]

app = typer.Typer(
    name="optunas",
    help="""Neural architecture search the Optuna way.

    \b
    optunas look ./photos                what is in the data, and what is wrong with it
    optunas run studies/digits.py        search, or go on with a search
    optunas run ./photos --max-params 2M a folder of images is enough to begin
    optunas worker studies/digits.py     one worker: what a cluster starts
    optunas status                       where the studies stand
    optunas show 12                      one trial: its network, costs, learning curve
    optunas compare 0 12                 two trials: what differs, and what it is worth
    optunas report                       all of it as one file to read, print or send
    optunas promote 12                   let a trial that was stopped early go on
    optunas dashboard                    watch it in the browser
    optunas serve                        stand before a database, for more workers than connections
    optunas deliver studies/digits.py    retrain the best, test it once, write it to disk
    optunas predict winner/ image.jpg    what the delivered network says of images

    \b
    Exit codes: 0 done; 2 something that you can mend, said in one line (trial after trial that
    fails, too); 130 stopped by Ctrl-C or SIGTERM, to be gone on with.
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """The console command. Bad input ends in one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without a sign for something shows `?`
            stream.reconfigure(errors="replace")
    try:
        app()
    except OptunasError as error:
        complain(str(error))
        sys.exit(2)


def _version(asked: bool) -> None:
    if asked:
        say(f"optunas {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log what happens, with tracebacks.")
    ] = False,
) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR)


for command in (
    looking.look,
    searching.run,
    working.worker,
    reading.status,
    reading.show,
    comparing.compare,
    reporting.report,
    promoting.promote,
    showing.dashboard,
    serving.serve,
    delivering.deliver,
    predicting.predict,
):
    app.command()(command)
