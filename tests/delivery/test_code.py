"""A network written down as Python is the same network, and needs torch only."""

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import optunas
from optunas import spaces
from optunas.delivery.code import expression, own_classes
from optunas.delivery.extract import Extract, imported
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.spaces.draw import draw

SHAPE = (3, 32, 32)
SPACES = (
    *("ConvNet", "ResNet", "RegNet", "MobileNet", "NASBench101", "NASBench201", "DARTS"),
    *("NATSSize", "VisionTransformer", "ConvAttention", "RecurrentNet"),
)


def drawn(space: Any, seed: int) -> nn.Module:
    """The first random network of the space that fits the images."""
    rng = np.random.default_rng(seed)
    while True:
        try:
            return build(draw(space.suggest, rng).architecture, SHAPE, 10, seed=seed)
        except OptunasError:
            continue


def again(network: nn.Module) -> tuple[nn.Module, str]:
    """The network that its text makes, and the text."""
    extract = Extract()
    extract.take(own_classes(network))
    extract.imports |= {("", "torch", ""), ("torch", "nn", ""), ("__future__", "annotations", "")}
    parts = [*imported(extract.imports), *extract.definitions]
    text = "\n".join([*parts, f"def network():\n    return {expression(network, 4)}\n"])
    names: dict[str, Any] = {"__name__": "standalone"}
    exec(compile(text, "standalone", "exec"), names)
    make: Callable[[], nn.Module] = names["network"]
    return make(), text


def assert_the_same(network: nn.Module, shape: tuple[int, ...]) -> str:
    other, text = again(network)
    other.load_state_dict(network.state_dict(), strict=True)
    images = torch.randn(2, *shape)
    with torch.no_grad():
        assert torch.equal(network.eval()(images), other.eval()(images))
    return text


@pytest.mark.parametrize("name", SPACES)
def test_random_networks_of_each_space(name: str) -> None:
    for seed in range(3):
        text = assert_the_same(drawn(getattr(spaces, name)(), seed), SHAPE)
        imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
        roots = {str(node.module).partition(".")[0] for node in imports}
        assert roots <= {"__future__", "torch", "collections", "functools", "typing"}


@pytest.mark.parametrize("name", ["convnext_tiny", "shufflenet_v2_x1_0", "swin_t", "vgg11_bn"])
def test_what_torchvision_has(name: str) -> None:
    shape = (3, 64, 64)
    assert_the_same(build(optunas.reference(name), shape, 10), shape)


def test_it_reads_as_one_would_write_it() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, bias=False), nn.ReLU(), nn.Flatten())
    assert expression(network) == (
        "nn.Sequential(\n"
        "    nn.Conv2d(3, 8, (3, 5), stride=2, bias=False),\n"
        "    nn.ReLU(),\n"
        "    nn.Flatten(),\n"
        ")"
    )


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 4, bias=False), nn.LSTM(3, 4, batch_first=True, bidirectional=True),
        nn.MaxPool2d(2), nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.GroupNorm(2, 4, eps=1e-3), nn.LayerNorm(4), nn.Dropout(0.3), nn.GELU("tanh"),
        nn.AdaptiveAvgPool2d((1, 2)), nn.BatchNorm1d(3, momentum=None), nn.Sequential(),
    ],
)  # fmt: skip
def test_torchs_layers_are_made_again_as_they_were(layer: nn.Module) -> None:
    assert repr(eval(expression(layer), {"nn": nn})) == repr(layer)


class Forgetful(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)


def test_a_module_that_does_not_keep_what_it_was_made_with_is_an_error() -> None:
    with pytest.raises(OptunasError, match="Forgetful has no 'width'"):
        expression(Forgetful(3))


def test_names_of_parameters_are_not_taken_for_those_of_the_module() -> None:
    extract = Extract()
    extract.take([optunas.nn.attention.SelfAttention])  # whose `head_width` is also a function
    assert [text.split("(")[0] for text in extract.definitions] == ["class SelfAttention"]
