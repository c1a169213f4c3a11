"""Samplers compute on one thread, and leave all others as they were."""

import threading
from collections.abc import Iterator

import numpy as np
import optuna
import pytest
import scipy.linalg
from threadpoolctl import ThreadpoolController, threadpool_info

import optunas
from optunas.samplers import ArchitectureSampler
from optunas.samplers.blas import on_one_thread
from optunas.samplers.scene import Scene
from optunas.spaces import ConvNet

np.linalg.inv(np.eye(2))  # its library is loaded
scipy.linalg.inv(np.eye(2))


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}


@pytest.fixture(autouse=True)
def _two() -> Iterator[None]:
    """Two threads to begin with, also where the environment says one."""
    if not threads():
        pytest.skip("NumPy has no OpenBLAS here")
    with ThreadpoolController().select(internal_api="openblas").limit(limits=2):
        yield


def test_inside_there_is_one_thread_and_afterwards_as_many_as_before() -> None:
    with on_one_thread():
        assert threads() == {1}
        with on_one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}
    with pytest.raises(KeyError), on_one_thread():
        raise KeyError
    assert threads() == {2}


def test_another_thread_changes_nothing() -> None:
    seen: list[set[int]] = []

    def other() -> None:
        with on_one_thread():
            seen.append(threads())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert [*seen, threads()] == [{2}, {2}]


def test_a_proposal_is_made_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    propose = ArchitectureSampler.propose

    def watched(self: ArchitectureSampler, scene: Scene) -> object:
        seen.append(threads())
        return propose(self, scene)

    monkeypatch.setattr(ArchitectureSampler, "propose", watched)
    space = ConvNet(stages=(1,), depths=(1,), widths=(8, 16))
    study = optunas.create_study(
        "s", storage=optuna.storages.InMemoryStorage(), sampler="architecture", space=space
    )
    for value in (0.1, 0.2):
        trial = study.ask()
        space.suggest(trial)
        study.tell(trial, value)
    assert seen
    assert set.union(*seen) == {1}
    assert threads() == {2}
