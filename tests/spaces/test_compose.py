"""`Either`: which family, and then which network in it."""

import numpy as np
import pytest
from torch import nn

from optunas.errors import OptunasError
from optunas.spaces import ConvNet, Either, ResNet, draw

SMALL, LARGE = ConvNet(stages=(1,)), ResNet(stages=(1,))


def rng():
    return np.random.default_rng(0)


def test_a_trial_has_the_parameters_of_its_own_family():
    space = Either({"small": SMALL, "large": LARGE})
    for family, own in space.spaces.items():
        drawn = draw(space.suggest, rng(), {"family": family})
        names = {name for name in drawn.params if name != "family"}
        assert names == {f"{family}.{name}" for name in draw(own.suggest, rng()).params}
        inner = {n.removeprefix(f"{family}."): v for n, v in drawn.params.items()}
        assert draw(own.suggest, rng(), inner).architecture == drawn.architecture


def test_a_flat_one_asks_all_families():
    space = Either({"small": SMALL, "large": LARGE}, flat=True)
    one, other = (draw(space.suggest, rng(), {"family": f}) for f in space.spaces)
    assert one.distributions == other.distributions
    assert one.architecture != other.architecture


def test_families_nest_and_may_be_functions():
    def linear(trial):
        return nn.Linear(trial.suggest_int("width", 2, 3), 2)

    space = Either({"described": Either({"small": SMALL}), "own": linear})
    drawn = draw(space.suggest, rng(), {"family": "described"})
    assert "described.small.width" in drawn.params
    assert drawn.params["described.family"] == "small"
    assert isinstance(draw(space.suggest, rng(), {"family": "own"}).architecture, nn.Linear)
    with pytest.raises(OptunasError, match="how many networks own holds is not known"):
        space.size()


def test_its_size_and_baseline():
    for flat in (False, True):
        space = Either({"small": SMALL, "large": LARGE}, flat=flat)
        assert space.size() == SMALL.size() + LARGE.size()
        assert draw(space.suggest, rng(), space.baseline()).params == space.baseline()
        assert space.baseline()["small.stages"] == 1


@pytest.mark.parametrize("spaces", [{}, [SMALL], {"a": ConvNet}, {"a": 3}, {1: SMALL}])
def test_wrong_families_are_named(spaces):
    with pytest.raises(OptunasError, match="Either"):
        Either(spaces)
