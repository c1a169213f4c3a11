"""The contract itself: good spaces pass it, and each broken one fails the test that is about it."""

import itertools
from dataclasses import dataclass

import pytest
import torch

from optunas.architecture import (
    Conv,
    ConvNorm,
    Dropout,
    GlobalPool,
    Linear,
    Residual,
    Sequential,
)
from optunas.testing import SpaceContract, write_promises
from optunas.testing.behaviour import same_function

torch.set_num_threads(1)


class Tower:
    """A good space, of 2 * 2 * 3 networks at most."""

    def suggest(self, trial):
        width = trial.suggest_categorical("width", (4, 8))
        kernel = trial.suggest_categorical("kernel", (1, 3))
        depth = trial.suggest_int("depth", 0, 2)
        blocks = [Residual(ConvNorm(width, kernel))] * depth
        return Sequential(Conv(width), *blocks, GlobalPool(), Linear())

    def size(self):
        return 2 * (1 + 2 * 2)

    def baseline(self):
        return {"width": 4, "kernel": 3, "depth": 1}


class TestTower(SpaceContract):
    space = Tower()
    input_shape = (3, 8, 8)
    draws, runs = 40, 10


class TestFunction(SpaceContract):
    @staticmethod
    def space(trial):
        if trial.suggest_categorical("deep", ("no", "yes")) == "no":
            return Sequential(GlobalPool(), Linear())
        width = trial.suggest_int("width", 2, 64, log=True)
        return Sequential(Conv(width), GlobalPool(), Dropout(0.3), Linear())

    flat = False
    classes = 3
    draws, runs = 20, 5


def contract(broken, **settings):
    own = {"space": broken, "draws": 12, "input_shape": (3, 8, 8), **settings}
    return type("Broken", (SpaceContract,), own)()


class Broken:
    def __init__(self, network=None):
        self.count = itertools.count()
        self.network = network

    def suggest(self, trial):
        return self.network(trial, next(self.count))


def ended(*layers):
    return Sequential(*layers, GlobalPool(), Linear())


FAULTS = {
    "test_choices_are_strings_and_numbers_under_lasting_names": lambda trial, n: ended(
        Conv(4, trial.suggest_categorical("kernel", ((3, 3), (5, 5))))
    ),
    "test_a_parameter_is_always_chosen_from_the_same": lambda trial, n: ended(
        Conv(trial.suggest_int("width", 1, 4 + n % 2))
    ),
    "test_the_same_choices_make_the_same_network": lambda trial, n: ended(
        Conv(trial.suggest_int("width", 1, 4) + n)
    ),
    "test_networks_are_built_and_have_the_parameters_that_were_priced": lambda trial, n: Sequential(
        Conv(trial.suggest_int("width", 1, 4)), GlobalPool()
    ),
}


@pytest.mark.filterwarnings("ignore:Choices for a categorical")
@pytest.mark.parametrize("test", FAULTS)
def test_a_fault_is_found_by_its_test(test):
    with pytest.raises(AssertionError):
        getattr(contract(Broken(FAULTS[test])), test)()


def test_a_space_that_is_not_flat_must_say_so():
    fails = "test_a_parameter_is_always_chosen_from_the_same"
    space = TestFunction.space
    with pytest.raises(AssertionError, match="not asked for in every trial"):
        getattr(contract(staticmethod(space), classes=3), fails)()
    getattr(contract(staticmethod(space), classes=3, flat=False), fails)()


def test_a_wrong_size_or_baseline_is_found():
    class Few(Tower):
        def size(self):
            return 3

    class Elsewhere(Tower):
        def baseline(self):
            return {"width": 16, "kernel": 3, "depth": 1}

    for space in (Few(), Elsewhere()):
        with pytest.raises(AssertionError):
            contract(space).test_its_size_and_baseline_are_true()


@dataclass(frozen=True)
class Miscounted(Conv):
    """A convolution that says nothing of its work."""

    def macs(self, shape):
        return 0


def test_a_price_that_torch_does_not_count_is_found():
    fails = "test_networks_run_and_cost_what_was_priced"
    space = Broken(lambda trial, n: ended(Miscounted(trial.suggest_int("width", 1, 4))))
    with pytest.raises(AssertionError):
        getattr(contract(space), fails)()
    getattr(contract(space, uncounted=("Miscounted",)), fails)()


def test_one_function_under_two_keys_is_found(monkeypatch):
    """A key that looks at the spelling: a residual, and its terms the other way round."""
    import optunas.testing.contract as module

    class Spelled(Tower):
        def suggest(self, trial):
            body = Conv(3)
            turned = trial.suggest_categorical("turned", ("no", "yes")) == "yes"
            block = Residual(Sequential(), shortcut=body) if turned else Residual(body)
            return ended(block)

        size = baseline = None

    contract(Spelled()).test_unequal_keys_are_unequal_networks()
    monkeypatch.setattr(module, "key", lambda network, *around: str(network))
    with pytest.raises(AssertionError, match="two keys, yet the same function"):
        contract(Spelled()).test_unequal_keys_are_unequal_networks()
    monkeypatch.setattr(module, "key", lambda network, *around: "one for all")
    with pytest.raises(AssertionError, match="one key"):
        contract(Tower()).test_equal_keys_are_equal_networks()


def test_promises_are_kept(tmp_path):
    path = tmp_path / "deep" / "tower.json"
    kept = "test_names_and_choices_are_those_that_were_promised"
    with pytest.raises(AssertionError, match="write them once"):
        getattr(contract(Tower(), promises=path), kept)()
    assert not path.exists(), "a test never writes promises by itself"
    write_promises(Tower(), path)
    getattr(contract(Tower(), promises=path), kept)()

    class Grown(Tower):
        def suggest(self, trial):
            trial.suggest_int("new", 0, 1)
            trial.suggest_categorical("width", (4, 8, 16))
            return ended(Conv(4))

    with pytest.raises(AssertionError) as error:
        getattr(contract(Grown(), promises=path), kept)()
    for line in ("depth is gone", "new is new", "width was"):
        assert line in str(error.value)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ended(Conv(4), Conv(4)), True),
        (ended(Sequential(Conv(4), Sequential(Conv(4)))), True),
        (ended(Conv(4), Conv(4, dilation=2)), False),
        (ended(Conv(4, dilation=2), Conv(4)), False),
        (ended(Conv(4), Conv(4), Dropout(0.1)), False),
    ],
)
def test_functions_are_compared_by_what_they_answer(other, same):
    assert same_function(ended(Conv(4), Conv(4)), other, (3, 8, 8), 5) is same


def test_pytest_is_needed_only_when_a_contract_runs():
    import subprocess
    import sys

    code = "import sys, optunas.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
