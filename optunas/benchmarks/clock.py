"""`simulate`: a search by many workers, on one process, in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf, isnan
from time import perf_counter
from typing import Any

from optuna import Study, TrialPruned
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState

from optunas.attributes import Outcome
from optunas.benchmarks.result import Benchmark, Life, life
from optunas.benchmarks.simulation import Done, Simulation
from optunas.benchmarks.wrappers import Costly, Seconds, priced
from optunas.errors import OptunasError

Objective = Benchmark | Callable[[Trial], Any]


def simulate(
    study: Study,
    objective: Objective,
    *,
    n_trials: int,
    workers: int = 1,
    seconds: Seconds | None = None,
    until: float = inf,
    goal: float | None = None,
) -> Simulation:
    """Run `n_trials` trials of the study as so many workers would, in virtual time.

    A worker that is free asks for the next trial at once, and tells its end when that comes on the
    virtual clock; until then the others see it running, with what it has reported. Where several
    trials end in the same second, their workers tell and ask one after the other, as real workers
    do: every proposal but the first ones is made while `workers - 1` trials run. A proposal itself
    takes no virtual time. The same study, sampler and seeds give the same simulation.

    * `study`: an in-memory study is fastest; enqueued and earlier trials count as usual. Dates in
      it are real ones: take times from what comes back.
    * `objective`: a benchmark; or any function of a trial, evaluated when its trial begins, so that
      its reports come too early and only its end is told in time.
    * `seconds`: what a trial takes, a number or a function of its parameters, or a column of the
      benchmark. By default what the benchmark says; a function takes 1 second.
    * `until`: no trial begins at this virtual second or later.
    * `goal`: no trial begins once one was as good as this; of one objective.

    It ends early where the sampler stops the study (a grid that is done). Raises `OptunasError` for
    fewer than one worker, a negative number of trials, or another number of objectives.
    """
    if n_trials < 0 or workers < 1 or not until >= 0:
        raise OptunasError(
            "a simulation has one worker or more, and no negative number of trials or seconds; got "
            f"workers={workers!r}, n_trials={n_trials!r}, until={until!r}"
        )
    if goal is not None and len(study.directions) != 1:
        raise OptunasError(f"a goal is for one objective; the study has {len(study.directions)}")
    if isinstance(objective, Benchmark):
        _check_directions(study, objective)
        objective = objective if seconds is None else Costly(objective, seconds)
    elif isinstance(seconds, str):
        raise OptunasError(f"a function has no columns; got seconds={seconds!r}")
    elif isinstance(seconds, int | float):
        priced(seconds, {}, {})
    clock = _Clock(study, objective, 1.0 if seconds is None else seconds, n_trials, until, goal)
    clock.run(workers)
    return Simulation(tuple(clock.done), tuple(d.name.lower() for d in study.directions))


def _check_directions(study: Study, benchmark: Benchmark) -> None:
    found = [direction.name.lower() for direction in study.directions]
    if found != benchmark.directions:
        raise OptunasError(
            f"the benchmark is to {', '.join(benchmark.directions)}; the study is to "
            f"{', '.join(found)}: create it with directions={benchmark.directions}"
        )


@dataclass
class _Running:
    """A trial on a worker."""

    worker: int
    trial: Trial
    life: Life
    start: float
    proposal_s: float = 0.0


@dataclass(order=True)
class _Event:
    """Something that happens to a running trial; of the same second, what was foreseen first."""

    at: float
    order: int
    running: _Running = field(compare=False)


@dataclass
class _Clock:
    study: Study
    objective: Objective
    seconds: Seconds
    left: int
    until: float
    goal: float | None
    done: list[Done] = field(default_factory=list)
    events: list[_Event] = field(default_factory=list)
    order: count[int] = field(default_factory=count)

    def run(self, workers: int) -> None:
        for worker in range(workers):
            self.begin(worker, 0.0)
        while self.events:
            event = heapq.heappop(self.events)
            self.go_on(event.running, event.at)

    def begin(self, worker: int, now: float) -> None:
        if self.left < 1 or now >= self.until:
            return
        self.left -= 1
        begun = perf_counter()
        trial = self.study.ask()
        running = _Running(worker, trial, self.life_of(trial), now)
        self.go_on(running, now)
        running.proposal_s = perf_counter() - begun

    def life_of(self, trial: Trial) -> Life:
        if isinstance(self.objective, Benchmark):
            return (yield from life(self.objective.look_up(trial), trial))
        return (yield from _life_of(self.objective, trial, self.seconds))

    def go_on(self, running: _Running, now: float) -> None:
        """To the trial's next moment, or to its end, after which the worker is free."""
        try:
            moment = running.start + next(running.life)
            heapq.heappush(self.events, _Event(moment, next(self.order), running))
            return
        except StopIteration as end:
            failed = any(map(isnan, end.value))
            state = TrialState.FAIL if failed else TrialState.COMPLETE
            self.end(running, now, state, () if failed else end.value)
        except TrialPruned:
            self.end(running, now, TrialState.PRUNED, ())
        except BaseException:
            self.study.tell(running.trial, state=TrialState.FAIL)
            raise
        self.begin(running.worker, now)

    def end(
        self, running: _Running, now: float, state: TrialState, values: tuple[float, ...]
    ) -> None:
        try:
            self.study.tell(running.trial, values or None, state)
        except RuntimeError as error:  # the trial is told; the sampler wants to stop the study,
            if "Study.stop" not in str(error):  # which Optuna allows under study.optimize only
                raise
            self.left = 0
        if self.goal is not None and values and self.reached(values[0], self.goal):
            self.left = 0
        trial = running.trial
        rejected = trial.user_attrs.get("outcome") == Outcome.REJECTED
        self.done.append(
            Done(
                trial.number,
                running.worker,
                running.start,
                now,
                state,
                values,
                trial.params,
                running.proposal_s,
                rejected,
            )
        )

    def reached(self, value: float, goal: float) -> bool:
        maximize = self.study.direction is StudyDirection.MAXIMIZE
        return value >= goal if maximize else value <= goal


def _life_of(objective: Callable[[Trial], Any], trial: Trial, seconds: Seconds) -> Life:
    """Of a function, which knows nothing of virtual time."""
    pruned: TrialPruned | None = None
    values: Any = ()
    try:
        values = objective(trial)
    except TrialPruned as error:
        pruned = error
    yield priced(seconds, trial.params, {})
    if pruned is not None:
        raise pruned
    return tuple(map(float, values)) if isinstance(values, tuple | list) else (float(values),)
