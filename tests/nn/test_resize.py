"""`Resize`: as torchvision resizes, and nothing where the size is there already."""

import pytest
import torch
from torchvision.transforms.v2.functional import resize

from optunas.architecture import Conv, GlobalPool, Linear, Resize, Sequential, cost, key
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build

torch.set_num_threads(1)


@pytest.mark.parametrize("size", [48, (20, 70), (7, 5), 1])
def test_it_resizes_as_torchvision_does(size):
    x = torch.randn(2, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    both = [size, size] if isinstance(size, int) else list(size)
    found = build(Resize(size), (3, 32, 40))(x)
    torch.testing.assert_close(found, resize(x, both, antialias=True))


def test_it_costs_nothing_and_the_rest_costs_as_much_as_at_that_size():
    body = Sequential(Conv(8), GlobalPool(), Linear())
    small, large = (cost(Sequential(Resize(16), body), (3, s, s), 10) for s in (8, 224))
    assert small == large == cost(body, (3, 16, 16), 10)
    on_meta = build(Resize(16), (3, 8, 8), device="meta")
    assert on_meta(torch.empty(1, 3, 8, 8, device="meta")).shape == (1, 3, 16, 16)


def test_at_its_own_size_it_is_no_layer():
    body = Sequential(Conv(8), GlobalPool(), Linear())
    assert key(Sequential(Resize(32), body), (3, 32, 32), 10) == key(body, (3, 32, 32), 10)
    assert key(Sequential(Resize(32), body), (3, 32, 31), 10) != key(body, (3, 32, 31), 10)
    assert Resize((8, 8)) == Resize(8)


def test_wrong_sizes_are_named():
    with pytest.raises(OptunasError, match=r"Resize.size must be a whole number"):
        Resize(0)
    with pytest.raises(ShapeError, match="Resize needs an image"):
        cost(Resize(4), (12,))
