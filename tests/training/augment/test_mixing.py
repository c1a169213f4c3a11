"""mixup and CutMix against loops over images and pixels, and scipy's Beta distribution."""

from collections.abc import Callable
from math import log, sqrt
from typing import Any

import pytest
import torch
from scipy.stats import beta
from torch import Tensor

from optunas.training import Recipe
from optunas.training.augment import Mixing, mixed_loss
from optunas.training.augment.mixing import STEPS, drawn, outside, partners, quantiles

Make = Callable[..., Tensor]


def box(share: float, y: float, x: float, height: int, width: int) -> list[list[bool]]:
    """Which pixels are cut: `rand_bbox` of the paper's own code."""
    cut = sqrt(1 - share)
    half_height, half_width = int(height * cut) // 2, int(width * cut) // 2
    middle_y, middle_x = int(y * height), int(x * width)
    rows = range(max(middle_y - half_height, 0), min(middle_y + half_height, height))
    columns = range(max(middle_x - half_width, 0), min(middle_x + half_width, width))
    return [[row in rows and column in columns for column in range(width)] for row in range(height)]


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_coefficients_are_beta_distributed(alpha: float, uniform: Make) -> None:
    """How many are below some points; near 0 and 1 float32 itself holds no more."""
    values = drawn(quantiles(alpha), uniform(1, 20_000)[0])
    assert ((values >= 0) & (values <= 1)).all()
    for point in (0.001, 0.01, 0.1, 0.3, 0.5, 0.6, 0.9, 0.99, 0.999):
        chance = beta(alpha, alpha).cdf(point)
        deviation = sqrt(chance * (1 - chance) / len(values))
        assert abs((values < point).float().mean().item() - chance) < 4 * deviation + 1 / STEPS


@pytest.mark.parametrize("alpha", [1e-300, 1e-6, 0.1, 1.0, 100.0, 1e6, 1e300])
def test_the_table_holds_scipys_quantiles(alpha: float) -> None:
    table = quantiles(alpha)
    assert table.shape == (STEPS + 1,)
    assert (table[0].item(), table[-1].item()) == (0.0, 1.0)
    assert torch.isfinite(table).all()
    assert (table.diff() >= 0).all()
    if 0.1 <= alpha <= 100:
        at = torch.tensor([1, 100, 512, 900, 1023])
        expected = beta(alpha, alpha).ppf(at.numpy() / STEPS)
        torch.testing.assert_close(
            table[at].double(), torch.from_numpy(expected), rtol=1e-5, atol=0
        )


def test_numbers_between_the_points_are_interpolated() -> None:
    table = torch.linspace(0, 1, STEPS + 1) ** 2
    just_below_one = 1 - 2**-24
    u = torch.tensor([0.0, 0.5, 0.5 + 0.5 / STEPS, just_below_one])
    expected = [0.0, 0.25, (512**2 + 513**2) / 2 / STEPS**2, 1.0]
    assert drawn(table, u).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (9, 5), (1, 1), (2, 3)])
def test_mixup_blends_neighbours(size: tuple[int, int], uniform: Make) -> None:
    images = torch.randn(20, 3, *size, generator=torch.Generator().manual_seed(0))
    mixing, u = Mixing.of(Recipe(mixup=0.4)), uniform(1, 20)
    mixed, weight = mixing(images, u)
    expected = beta(0.4, 0.4).ppf(u[0].double().numpy())
    assert weight.tolist() == pytest.approx(expected.tolist(), abs=2e-3)
    for i in range(20):
        own = weight[i].item()
        torch.testing.assert_close(mixed[i], own * images[i] + (1 - own) * images[i - 1])


@pytest.mark.parametrize("size", [(8, 8), (9, 5), (1, 1), (2, 3), (32, 32)])
def test_cutmix_pastes_a_box_of_the_neighbour(size: tuple[int, int], uniform: Make) -> None:
    images = torch.randn(30, 3, *size, generator=torch.Generator().manual_seed(0))
    mixing, u = Mixing.of(Recipe(cutmix=1.0)), uniform(3, 30)
    mixed, weight = mixing(images, u)
    for i in range(30):
        # Beta(1, 1) is uniform: the quantile of u is u.
        cut = torch.tensor(box(*u[:, i].tolist(), *size))
        assert torch.equal(mixed[i], torch.where(cut, images[i - 1], images[i]))
        assert weight[i].item() == pytest.approx(1 - cut.float().mean().item(), abs=1e-6)


def test_boxes_have_the_area_that_was_drawn() -> None:
    """In the middle nothing is cut off; sides are rounded down to even numbers."""
    share = torch.linspace(0, 1, 11)
    middle = torch.full((11,), 0.5)
    kept = outside(share, middle, middle, 200, 100).mean((1, 2))
    assert kept.tolist() == pytest.approx(share.tolist(), abs=0.03)
    assert (kept[0].item(), kept[-1].item()) == (0.0, 1.0)


def test_a_coin_decides_where_both_are_on(uniform: Make) -> None:
    images = torch.randn(2_000, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    both, u = Mixing.of(Recipe(mixup=0.3, cutmix=1.0)), uniform(4, 2_000)
    mixed, weight = both(images, u)
    blended = Mixing.of(Recipe(mixup=0.3))(images, u[:1])
    pasted = Mixing.of(Recipe(cutmix=1.0))(images, u[:3])
    heads = u[3] < 0.5
    assert heads.float().mean().item() == pytest.approx(0.5, abs=0.05)
    for coin, (expected, expected_weight) in ((heads, blended), (~heads, pasted)):
        assert torch.equal(mixed[coin], expected[coin])
        assert torch.equal(weight[coin], expected_weight[coin])


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [({}, 0), ({"mixup": 1}, 1), ({"cutmix": 1}, 3), ({"mixup": 0.1, "cutmix": 0.1}, 4)],
)
def test_how_many_numbers_an_image_needs(fields: dict[str, Any], numbers: int) -> None:
    assert Mixing.of(Recipe(**fields)).numbers == numbers


def test_nothing_is_mixed_where_both_are_off() -> None:
    images = torch.randn(4, 3, 5, 5)
    mixed, weight = Mixing()(images, torch.empty(0, 4))
    assert mixed is images
    assert weight.tolist() == [1.0] * 4


def test_one_image_is_its_own_partner(uniform: Make) -> None:
    images = torch.randn(1, 3, 5, 5)
    for recipe in (Recipe(mixup=1.0), Recipe(cutmix=1.0)):
        mixing = Mixing.of(recipe)
        torch.testing.assert_close(mixing(images, uniform(mixing.numbers, 1))[0], images)


def test_images_keep_type_and_memory_order(uniform: Make) -> None:
    images = torch.randn(6, 3, 5, 5).to(memory_format=torch.channels_last)
    for dtype in (torch.float32, torch.bfloat16):
        for recipe in (Recipe(mixup=1.0), Recipe(cutmix=1.0)):
            mixing = Mixing.of(recipe)
            mixed, weight = mixing(images.to(dtype), uniform(mixing.numbers, 6))
            assert mixed.dtype == dtype
            assert weight.dtype == torch.float32
            assert mixed.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_weighs_both_labels(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 5, (12,), generator=generator)
    weight = torch.rand(12, generator=generator, dtype=torch.float64)
    target = torch.full((12, 5), smoothing / 5, dtype=torch.float64)
    for i in range(12):
        target[i, labels[i]] += (1 - smoothing) * weight[i]
        target[i, labels[i - 1]] += (1 - smoothing) * (1 - weight[i])
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    loss = mixed_loss(logits, labels, weight, smoothing)
    torch.testing.assert_close(loss, expected)
    ours, theirs = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    torch.testing.assert_close(ours, theirs)


def test_unmixed_images_have_the_ordinary_loss() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    loss = mixed_loss(logits, torch.tensor([0, 1]), torch.ones(2))
    assert loss.item() == pytest.approx(log(2))


def test_partners_are_the_neighbours_before() -> None:
    assert partners(torch.arange(5)).tolist() == torch.arange(5).roll(1).tolist() == [4, 0, 1, 2, 3]
