"""A search as a person sees it: what is going to happen, how it goes, what was found, what next."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import optuna
import typer
from rich.text import Text

from optunas.cli.delivering import retrain_and_keep
from optunas.cli.speaking import console, program, say, storage_option, this_command, without
from optunas.promise import Promise, keeping, promise_for, promised, write_down
from optunas.search import Search
from optunas.storage import address, explained, open_storage
from optunas.tally import Tally, best_trials
from optunas.terminal import best_table, comparison_table, intro, proxy_table, watching

if TYPE_CHECKING:
    from optunas.terminal.live import Watcher
    from optunas.together import Member

SUGGESTED_TRIALS = 40


def serve(search: Search, member: Member) -> None:
    """Be one of several workers: the one that leads them says what there is to say."""
    from optunas.together import serve as work_for

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = replace(search, storage=open_storage(search.storage))
    try:
        with explained(address(search.storage)):
            study = search.existing()
            work_for(_kept(search, promised(study) if study is not None else None), member)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@dataclass(frozen=True)
class Conduct:
    """One call of `optunas run`.

    searched: the data as they were typed. deadline: of `time.monotonic`, for all of it.
    recipe_is_given: whether the epochs or the share of the images were typed, and so decided.
    output: the winner's folder. workers: how many share the device. storage: as it was typed.
    """

    search: Search
    searched: list[str]
    deadline: float | None = None
    recipe_is_given: bool = False
    output: str | None = None
    workers: int = 1
    storage: str | None = None

    def go(self) -> None:
        """Search, say what was found, and retrain the winner where it is wanted."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        search = replace(self.search, storage=open_storage(self.search.storage))
        with explained(address(search.storage)):
            made = self._promise(search)
            search = self._within(_kept(search, made), made)
            study = search.study(on_change=lambda line: console.print(Text(f"note: {line}")))
            if made is not None:
                write_down(study, made)
            self._run(search, study, made)
            _results(study, search)
            self._deliver(search, study)
            _next(study, search, self.searched)

    def _deliver(self, search: Search, study: optuna.Study) -> None:
        found = best_trials(study, study.get_trials(deepcopy=False))
        if self.output is None or search.own is None or not found:
            return
        left = None if self.deadline is None else self.deadline - time.monotonic()
        retrain_and_keep(study, search.own, self.output, seconds=left)

    def _promise(self, search: Search) -> Promise | None:
        if self.deadline is None:
            return None
        with console.status("Measuring the pace of this device ...") as status:
            return promise_for(
                search,
                self.deadline - time.monotonic(),
                workers=self.workers,
                winner=self.output is not None,
                decided=self.recipe_is_given,
                tell=status.update,
            )

    def _within(self, search: Search, made: Promise | None) -> Search:
        """The hours that are left for the search itself."""
        if self.deadline is None:
            return search
        left = self.deadline - time.monotonic() - (made.winner if made is not None else 0.0)
        return replace(search, plan=replace(search.plan, hours=max(1.0, left) / 3600))

    def _run(self, search: Search, study: optuna.Study, made: Promise | None) -> None:
        before = Tally.of(study.get_trials(deepcopy=False)).finished
        console.print(intro(search, before))
        if made is not None:
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
        if self.workers == 1:
            search.watched(watcher.epoch).run(study, watcher)
            return
        from optunas.together import search_together

        words = without("--storage", sys.argv[1:])  # told in another way, for its password
        search_together(search, study, self.workers, words, self.storage, watcher)


def _kept(search: Search, made: Promise | None) -> Search:
    """The search with the recipe that its study was promised."""
    if made is None or search.own is None:
        return search
    return replace(search, objective=keeping(search.own, made))


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
