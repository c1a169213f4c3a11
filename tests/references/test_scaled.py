"""The field's networks at any size: the published ones at their own, and sound at others."""

import pytest

from optunas.architecture import Layer, cost, key
from optunas.references import mobilenet_v3_large, resnet18
from optunas.references.scaled import WIDTHS, mobilenet_v3_like, resnet18_like

BOTH = (resnet18_like, mobilenet_v3_like)


@pytest.mark.parametrize(
    ("like", "published"), [(resnet18_like, resnet18), (mobilenet_v3_like, mobilenet_v3_large)]
)
def test_at_224_pixels_they_are_the_published_ones(like: object, published: object) -> None:
    assert callable(like)
    assert callable(published)
    shape = (3, 224, 224)
    assert key(like(224), shape, 1000) == key(published(), shape, 1000)


@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize("side", [4, 8, 28, 32, 64, 96, 224])
def test_they_fit_any_image_and_each_width_is_smaller(make: object, side: int) -> None:
    assert callable(make)
    prices = [cost(make(side, width), (3, side, side), 10).params for width in WIDTHS]
    assert prices == sorted(prices, reverse=True)
    assert prices[-1] < 13_000
    assert len(set(prices)) == len(prices)


@pytest.mark.parametrize("make", BOTH)
def test_cifar_loses_two_halvings_at_the_input(make: object) -> None:
    assert callable(make)
    small, large = (sum(_strides(make(side))) for side in (32, 224))
    assert large - small == 2


def _strides(network: Layer) -> list[int]:
    return [getattr(layer, "stride", 1) - 1 for layer in network.layers]  # type: ignore[attr-defined]
