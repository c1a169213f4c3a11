"""Architectures as JSON: what is written can be read, and what others wrote is checked."""

import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import distribution_to_json

from optunas import architecture
from optunas.architecture import (
    Block,
    Conv,
    ConvNorm,
    Layer,
    Linear,
    Norm,
    Parallel,
    Pool,
    Residual,
    Scale,
    Sequential,
    cost,
    from_json,
    key,
    to_json,
)
from optunas.architecture.layer import Primitive
from optunas.errors import OptunasError
from optunas.spaces import ConvNet, draw

PROMISES = Path(__file__).with_name("promises.json")


@dataclass(frozen=True)
class Column(Block):
    """A block of a person's own, that holds layers."""

    parts: tuple[Layer, ...]
    times: int = 2

    def expand(self, shape):
        return Sequential(*self.parts * self.times)


def through_text(layer):
    return from_json(json.loads(json.dumps(to_json(layer))))


@pytest.mark.parametrize("space", [ConvNet(), ConvNet(norms=("layer",), stem_stride=2)])
def test_drawn_networks_come_back(space):
    rng = np.random.default_rng(0)
    for _ in range(50):
        network = draw(space.suggest, rng).architecture
        again = through_text(network)
        assert again == network
        assert key(again, (3, 32, 32), 10) == key(network, (3, 32, 32), 10)


@pytest.mark.parametrize(
    "layer",
    [
        Sequential(),
        Parallel(Conv(4, (1, 3), (2, 1)), Sequential(), join="concat"),
        Residual(ConvNorm(4, (3, 1), activation=None), shortcut=Conv(4, 1), norm=None),
        Pool("avg", (2, 3), (1, 2), (1, 0), ceil=True, count_padding=True),
        Scale(1), Norm("group", 4, 1e-3), Linear(None, bias=False),
        Column((Conv(3), Parallel(Conv(3), Conv(3))), times=3),
    ],
)  # fmt: skip
def test_every_value_comes_back(layer):
    assert through_text(layer) == layer


def test_the_form_is_short_and_readable():
    assert to_json(Sequential(Conv(32, 5), Linear())) == {
        "layer": "Sequential",
        "layers": [{"layer": "Conv", "channels": 32, "kernel": 5}, {"layer": "Linear"}],
    }


@pytest.mark.parametrize(
    "said",
    [
        None, 3, "Conv", [], {}, {"channels": 3}, {"layer": None}, {"layer": ["Conv"]},
        {"layer": "Conv"}, {"layer": "Nothing"}, {"layer": "Layer"}, {"layer": "Primitive"},
        {"layer": "Block"}, {"layer": "Conv", "channels": 3, "color": "red"},
        {"layer": "Conv", "channels": "3"}, {"layer": "Conv", "channels": 3.0},
        {"layer": "Conv", "channels": True}, {"layer": "Conv", "channels": [3, 3]},
        {"layer": "Conv", "channels": -1}, {"layer": "Conv", "channels": 3, "kernel": [3]},
        {"layer": "Conv", "channels": 3, "kernel": []},
        {"layer": "Conv", "channels": 3, "kernel": 4},
        {"layer": "Conv", "channels": 3, "kernel": [3, 3, 3]},
        {"layer": "Conv", "channels": 3, "kernel": None},
        {"layer": "Conv", "channels": 3, "padding": -1},
        {"layer": "Conv", "channels": 3, "groups": -1},
        {"layer": "Conv", "channels": 3, "groups": 1.5},
        {"layer": "Conv", "channels": 3, "bias": "yes"},
        {"layer": "Conv", "channels": 3, "bias": 1},
        {"layer": "Conv", "channels": {"layer": "Conv", "channels": 3}},
        {"layer": "Conv", "channels": {"a": 3}},
        {"layer": "Norm", "kind": "other"}, {"layer": "Norm", "kind": ["batch"]},
        {"layer": "Norm", "eps": -1}, {"layer": "Norm", "eps": "small"},
        {"layer": "Norm", "eps": float("nan")}, {"layer": "Norm", "groups": 0},
        {"layer": "Scale", "init": "one"}, {"layer": "Scale", "init": float("inf")},
        {"layer": "Dropout", "p": 1}, {"layer": "Dropout", "p": -0.1},
        {"layer": "Dropout", "p": None},
        {"layer": "DropPath", "p": float("nan")}, {"layer": "Activation", "kind": "softmax"},
        {"layer": "Pool", "kernel": 2, "padding": 2}, {"layer": "Pool", "stride": 0},
        {"layer": "Pool", "ceil": 2}, {"layer": "GlobalPool", "keep": None},
        {"layer": "Linear", "features": 0}, {"layer": "Linear", "bias": "no"},
        {"layer": "Sequential", "layers": "Conv"}, {"layer": "Sequential", "layers": 3},
        {"layer": "Sequential", "layers": [3]}, {"layer": "Sequential", "layers": [[]]},
        {"layer": "Sequential", "layers": {"layer": "Conv", "channels": 3}},
        {"layer": "Parallel"}, {"layer": "Parallel", "branches": []},
        {"layer": "Parallel", "branches": [{"layer": "Identity"}], "join": "mean"},
        {"layer": "Residual"}, {"layer": "Residual", "body": 3},
        {"layer": "Residual", "body": {"layer": "Identity"}, "norm": "other"},
        {"layer": "Residual", "body": {"layer": "Identity"}, "shortcut": "x"},
        {"layer": "ConvNorm", "channels": "a"},
        {"layer": "Bottleneck", "channels": 8, "reduction": 0},
        {"layer": "MBConv", "channels": 8, "expansion": "a"},
        {"layer": "MBConv", "channels": 8, "squeeze": "no"}, {"layer": "ConvNeXt", "expansion": 0},
        {"layer": "Inception", "channels": 6}, {"layer": "SqueezeExcite"},
        {"layer": "BasicBlock", "channels": 8, "stride": [1, 1]},
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_an_error_of_ours(said):
    with pytest.raises(OptunasError) as error:
        from_json(said)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


def test_too_deep_a_nest_is_an_error_and_not_a_crash():
    said = {"layer": "Identity"}
    for _ in range(5000):
        said = {"layer": "Sequential", "layers": [said]}
    with pytest.raises(OptunasError, match="nested too deeply to be read"):
        from_json(said)


@pytest.mark.parametrize(
    "said",
    [
        {"layer": "ConvNorm", "channels": 8, "activation": "softmax"},
        {"layer": "ConvNorm", "channels": 8, "norm": 3},
        {"layer": "ConvNorm", "channels": 8, "groups": -3},
        {"layer": "SeparableConv", "channels": 8, "kernel": 4},
        {"layer": "SqueezeExcite", "squeezed": 2, "gate": ["a"]},
        {"layer": "ConvNeXt", "scale": "x"},
        {"layer": "BasicBlock", "channels": 8, "activation": None},
    ],
)
def test_what_only_the_inside_of_a_block_checks_is_found_when_priced(said):
    with pytest.raises(OptunasError):
        cost(from_json(said), (4, 8, 8))


def promises():
    """What stored studies rely on: kinds of layers, their fields and defaults; names, choices."""
    kinds = [
        value
        for value in vars(architecture).values()
        if isinstance(value, type) and issubclass(value, Layer)
    ]
    layers = {
        kind.__name__: {
            field.name: "(required)" if field.default is MISSING else field.default
            for field in fields(kind)
        }
        for kind in kinds
        if kind not in (Layer, Primitive, Block)
    }
    drawn = draw(ConvNet().suggest, np.random.default_rng(0))
    space = {
        name: json.loads(distribution_to_json(distribution))
        for name, distribution in drawn.distributions.items()
    }
    return json.loads(json.dumps({"layers": layers, "ConvNet": space}))


def test_promises_to_stored_studies_are_kept():
    """To add a layer or a field, add it to promises.json; what is there stays as it is."""
    assert promises() == json.loads(PROMISES.read_text())
