"""Baseline and random draws are queued once, whoever starts when and is killed where."""

import itertools
import multiprocessing
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optunas.process import this_process
from optunas.storage import open_storage
from optunas.worker.comparisons import QUEUE, enqueue_comparisons

BASE = {"x": -1}


def draws() -> Iterator[dict[str, Any]]:
    return ({"x": number} for number in itertools.count())


def queued(study: optuna.Study) -> list[tuple[str, int]]:
    return [(t.user_attrs["role"], t.system_attrs["fixed_params"]["x"]) for t in study.get_trials()]


WHOLE = [("baseline", -1), ("random draw", 0), ("random draw", 1), ("random draw", 2)]


def test_a_new_study_gets_them_once() -> None:
    study = optuna.create_study()
    for _ in range(2):
        enqueue_comparisons(study, BASE, draws(), 3)
        assert queued(study) == WHOLE


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_what_an_interruption_left_out_is_added(at: int) -> None:
    def interrupted() -> Iterator[dict[str, Any]]:
        yield from itertools.islice(draws(), at)
        raise KeyboardInterrupt

    study = optuna.create_study()
    if at < 3:
        with pytest.raises(KeyboardInterrupt):
            enqueue_comparisons(study, BASE, interrupted(), 3)
    enqueue_comparisons(study, BASE, draws(), 3)
    assert queued(study) == WHOLE


def test_a_worker_that_was_killed_while_queueing_does_not_block_the_next() -> None:
    study = optuna.create_study()
    study.set_user_attr(QUEUE, {**this_process(), "pid": 2**22 - 1, "started": 1.0})
    enqueue_comparisons(study, BASE, draws(), 3)
    assert queued(study) == WHOLE


def test_a_search_that_has_begun_gets_none() -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: 1.0, n_trials=1)
    enqueue_comparisons(study, BASE, draws(), 3)
    assert len(study.trials) == 1


def test_comparisons_that_are_done_do_not_come_again() -> None:
    study = optuna.create_study()
    enqueue_comparisons(study, BASE, draws(), 1)
    study.optimize(lambda trial: 1.0, n_trials=2)
    assert {t.state for t in study.trials} == {TrialState.COMPLETE}
    enqueue_comparisons(study, BASE, draws(), 1)
    assert len(study.trials) == 2


def test_without_a_baseline_and_without_draws_there_is_nothing_to_queue() -> None:
    study = optuna.create_study()
    enqueue_comparisons(study, None, draws(), 0)
    assert study.trials == []
    enqueue_comparisons(study, None, iter([{"x": 1}]), 5)  # a space may have few to give
    assert queued(study) == [("random draw", 1)]


def begin(path: Path, gate: Barrier) -> None:
    storage = open_storage(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage, study_name="s", load_if_exists=True)
    gate.wait()
    enqueue_comparisons(study, BASE, draws(), 3)
    assert len(study.get_trials()) == 4  # nobody leaves before the queue is full


def test_of_workers_that_start_at_once_one_fills_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    storage = open_storage(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage, study_name="s")
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(4)
    workers = [context.Process(target=begin, args=(path, gate)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert queued(study) == WHOLE
