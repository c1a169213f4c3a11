"""A search as a person sees it: what is going to happen, how it goes, what was found, what next."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import optuna
import typer
from rich.text import Text

from optunas.cli.delivering import retrain_and_keep
from optunas.cli.speaking import console, program, say, storage_option, this_command, typed, without
from optunas.deadline import agree_on_deadline, plan_until
from optunas.fingerprint import note_command
from optunas.planning import check_decided, kept, promise_for, promised, write_down
from optunas.promise import Promise
from optunas.remembered import remember
from optunas.search import Search, in_words
from optunas.storage import address, describe, explained, open_storage
from optunas.tally import Tally, best_trials
from optunas.terminal import best_table, comparison_table, intro, proxy_table, watching
from optunas.terminal.live import Watcher

if TYPE_CHECKING:
    from optunas.together import Member

SUGGESTED_TRIALS = 40
BEATS = 4  # in a grace period

_Begun = tuple[Search, optuna.Study, Promise | None, float | None]


def serve(search: Search, member: Member) -> None:
    """Be one of several workers: the one that leads them says what there is to say."""
    from optunas.together import serve as work_for

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = _opened(search)
    try:
        with explained(address(search.storage)):
            study = search.existing()
            made = promised(study) if study is not None else None
            work_for(kept(search, made), member, _reserve(made))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@dataclass(frozen=True)
class Conduct:
    """One call of `optunas run`.

    searched: the data as they were typed. deadline: when all of it shall be over, in seconds since
    1970. recipe_is_given: whether the epochs or the share of the images were typed, and so decided.
    output: the winner's folder. devices: of each worker. storage: as it was typed. wait_s: for a
    storage that does not answer yet.
    """

    search: Search
    searched: list[str]
    deadline: float | None = None
    recipe_is_given: bool = False
    output: str | None = None
    devices: Sequence[str | None] = (None,)
    storage: str | None = None
    wait_s: float = 0.0

    def go(self) -> None:
        """Search, say what was found, and retrain the winner where it is wanted."""
        with self._begun() as (search, study, made, deadline):
            self._run(search, study, made)
            _results(study, search)
            self._deliver(search, study, deadline)
            _next(study, search, self.searched)

    def work(self) -> None:
        """Be one worker and no more: a line for whatever happens, and no winner at the end."""
        with self._begun() as (search, study, _, _):
            say(f"joined {describe(search.storage)}, study {search.name!r}")
            try:
                search.run(study, Watcher(console, study, search.plan))
            except KeyboardInterrupt:
                say("stopped; the running trial waits for another worker")
                raise typer.Exit(130) from None

    @contextmanager
    def _begun(self) -> Iterator[_Begun]:
        """The search with its storage open, its study, promise, and end."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        search = _opened(self.search, self.wait_s)
        if search.recalled:
            _note(f"as this study was begun, {in_words(search.recalled)}")
        with explained(address(search.storage)):
            search, study, made = self._join(search, self._promise(search))
            deadline = self._deadline(study)
            search = replace(search, plan=plan_until(search.plan, deadline, _reserve(made)))
            yield search, study, made, deadline

    def _join(
        self, search: Search, made: Promise | None
    ) -> tuple[Search, optuna.Study, Promise | None]:
        """The search as its study wants it: of several that begin at once, one promise holds."""
        study = kept(search, made).study(_note)
        if made is not None and (first := write_down(study, made)) != made:
            made = first
            study = kept(search, made).study(_note)  # for its pruner, which divides the epochs
        if made is not None and search.own is not None and self.recipe_is_given:
            check_decided(search.own, made)
        note_command(study, typed())
        if not search.anyway:
            remember(study, search.given)
        return kept(search, made), study, made

    def _deadline(self, study: optuna.Study) -> float | None:
        """When the study's search ends; a worker that joins ends with the others."""
        if self.deadline is None:
            return None
        found = agree_on_deadline(study, self.deadline)
        if found != self.deadline:
            minutes = (found - time.time()) / 60
            _note(
                f"the hours of this study are counted already: it ends in {minutes:.3g} minutes, "
                f"at {_clock(found)}"
            )
        return found

    def _deliver(self, search: Search, study: optuna.Study, deadline: float | None) -> None:
        found = best_trials(study, study.get_trials(deepcopy=False))
        if self.output is None or search.own is None or not found:
            return
        left = None if deadline is None else deadline - time.time()
        gpus = tuple(dict.fromkeys(d for d in self.devices if d is not None and d != "cpu"))
        devices = gpus if len(gpus) > 1 else ()  # processes on a CPU would share its cores
        retrain_and_keep(study, search.own, self.output, seconds=left, devices=devices)

    def _promise(self, search: Search) -> Promise | None:
        left = 0.0 if self.deadline is None else self.deadline - time.time()
        with console.status("Measuring the pace of this device ...") as status:
            return promise_for(
                search,
                left,
                devices=self.devices,
                winner=self.output is not None,
                decided=self.recipe_is_given,
                tell=status.update,
            )

    def _run(self, search: Search, study: optuna.Study, made: Promise | None) -> None:
        before = Tally.of(study.get_trials(deepcopy=False)).finished
        console.print(intro(search, before))
        if made is not None and self.deadline is not None:
            say(f"In that time: {made.describe()}.")
        say(f"Ctrl-C stops it; the same command goes on:  {this_command()}\n")
        if search.plan.trials is not None and before >= search.plan.trials:
            say(f"The study holds {before} finished trials already: nothing is left to do.\n")
        try:
            with watching(console, study, search.plan) as watcher:
                self._work(search, study, watcher)
        except KeyboardInterrupt:
            say(f"\nStopped; nothing is lost. To go on:\n  {this_command()}")
            raise typer.Exit(130) from None

    def _work(self, search: Search, study: optuna.Study, watcher: Watcher) -> None:
        if len(self.devices) == 1:
            search.watched(watcher.epoch).run(study, watcher)
            return
        from optunas.together import search_together

        words = without("--storage", sys.argv[1:])  # told in another way, for its password
        search_together(search, study, self.devices, words, self.storage, watcher)


def _opened(search: Search, wait_s: float = 0.0) -> Search:
    """The search with its storage open; its heart beats several times in a grace period."""
    beat_s = search.plan.grace_s / BEATS
    return replace(search, storage=open_storage(search.storage, beat_s=beat_s, wait_s=wait_s))


def _note(line: str) -> None:
    console.print(Text(f"note: {line}"), soft_wrap=True)


def _reserve(made: Promise | None) -> float:
    """Seconds at the end that are not for the search."""
    return 0.0 if made is None else made.winner


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S %Z")


def _results(study: optuna.Study, search: Search) -> None:
    trials = study.get_trials(deepcopy=False)
    console.print(best_table(study, trials))
    if search.own is not None:
        console.print(comparison_table(study, trials))
        if (proxies := proxy_table(study)) is not None:
            console.print(proxies)
        say("All figures are of the validation split; no search sees the test split.")


def _next(study: optuna.Study, search: Search, searched: list[str]) -> None:
    """The commands that a person may want now."""
    trials = study.get_trials(deepcopy=False)
    storage = storage_option(search.storage)
    more = 2 * max(Tally.of(trials).finished, SUGGESTED_TRIALS // 2)
    name = shlex.quote(study.study_name)
    say("\nNext:")
    say(f"  search on             {this_command(trials=more)}")
    for best in best_trials(study, trials)[:1]:
        say(f"  look at the best      {program()} show {best.number} --study {name}{storage}")
        if search.own is not None:
            again = shlex.join([program(), "deliver", *searched])
            say(f"  retrain and keep it   {again} --study {name}{storage}")
    say(f"  watch in the browser  {program()} dashboard{storage}")
