"""The images by which all networks of a search are scored."""

import pickle

import pytest
import torch
from torch import nn

from optunas.data import Data, Split, digits
from optunas.proxies import Probe, score

from ..small import few, plain


def test_a_batch_has_all_classes_in_any_order_and_repeats_with_the_seed() -> None:
    data = digits()
    probe = Probe.of(data)
    assert probe.images.shape == (len(probe.labels), 1, 8, 8)
    assert 54 <= len(probe.labels) <= 64
    assert sorted(set(probe.labels.tolist())) == list(range(10))
    assert probe.labels.tolist() != sorted(probe.labels.tolist())
    assert torch.equal(probe.images, Probe.of(data).images)
    assert not torch.equal(probe.images, Probe.of(data, seed=1).images)


def test_images_are_those_of_training_normalised() -> None:
    data = few()
    probe = Probe.of(data)
    pixels = data.train.images.double() / 255
    every = (pixels - torch.tensor(data.mean)[:, None, None]) / torch.tensor(data.std)[
        :, None, None
    ]
    for image, label in zip(probe.images, probe.labels, strict=True):
        same = (every - image).abs().amax((1, 2, 3)) < 1e-5
        assert int(label) in data.train.labels[same].tolist()
    assert abs(float(probe.images.mean())) < 0.1


def test_small_data_are_taken_whole_and_a_channel_without_contrast_is_zero() -> None:
    gray = torch.randint(0, 256, (20, 1, 4, 4), dtype=torch.uint8)
    images = torch.cat([gray, torch.full_like(gray, 7)], 1)
    split = Split(images, torch.arange(20) % 2)
    probe = Probe.of(Data.from_splits("two", (split, split, split), ("a", "b")))
    assert len(probe.images) == 20
    assert torch.isfinite(probe.images).all()
    assert probe.images[:, 1].abs().max() < 1e-3


def test_more_classes_than_images_are_cut_at_random() -> None:
    split = Split(torch.zeros(200, 1, 4, 4, dtype=torch.uint8), torch.arange(200))
    names = tuple(str(n) for n in range(200))
    probe = Probe.of(Data.from_splits("many", (split, split, split), names))
    assert len(set(probe.labels.tolist())) == 64
    assert max(probe.labels) > 100


def test_scores_are_those_of_score() -> None:
    probe, network = Probe.of(few()), plain(4)
    expected = score(("swap", "synflow"), network, probe.images, probe.labels)
    assert probe.scores(("swap", "synflow"), network) == expected
    assert probe.score("swap", "a key", lambda: network) == expected["swap"]


def test_a_network_is_built_once_for_a_proxy() -> None:
    probe = Probe.of(few())
    built = []

    def build() -> nn.Module:
        built.append(1)
        torch.manual_seed(len(built))
        return plain(4)

    first = probe.score("naswot", "key", build)
    assert probe.score("naswot", "key", build) == first
    assert len(built) == 1
    assert probe.score("naswot", "another", build) != first
    probe.score("params", "key", build)
    assert len(built) == 3
    again = pickle.loads(pickle.dumps(probe))
    assert again.score("naswot", "key", build) == first
    assert len(built) == 3


def test_what_can_not_be_scored_or_built_is_none() -> None:
    probe = Probe.of(few())

    def broken() -> nn.Module:
        raise RuntimeError("not today")

    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    assert probe.score("swap", "linear", lambda: linear) is None
    assert probe.score("swap", "broken", broken) is None
    assert probe.score("params", "linear", lambda: linear) == pytest.approx(650)


def test_a_default_device_without_memory_makes_no_difference() -> None:
    probe = Probe.of(few())

    def build() -> nn.Module:
        torch.manual_seed(0)
        return plain(4)

    expected = probe.score("swap", "key", build)
    with torch.device("meta"):
        assert probe.score("swap", "another key", build) == expected


def test_the_images_are_real_though_they_are_first_asked_for_on_the_meta_device() -> None:
    """So a sampler asks, while the space's network is priced there."""
    with torch.device("meta"):
        probe = Probe.of(few())
        images, labels = probe.images, probe.labels
    assert torch.equal(images, Probe.of(few()).images)
    assert torch.equal(labels, Probe.of(few()).labels)
