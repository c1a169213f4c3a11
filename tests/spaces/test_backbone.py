"""Transfer learning: exact transforms, frozen stages, rates, and weights that can't be had."""

import urllib.error
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from optuna.trial import FixedTrial
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import optunas
from optunas.data import Data, Split
from optunas.errors import OptunasError
from optunas.nn import pretrained
from optunas.nn.count import count
from optunas.nn.pretrained import body, weights_file
from optunas.nn.transfer import Adapt, stage_names
from optunas.objective.candidate import propose
from optunas.spaces import Backbone, draw
from optunas.training import Recipe
from optunas.training.inputs import Inputs
from optunas.training.optimizer import make_optimizer

torch.set_num_threads(1)
GRAY, CLASSES = (1, 8, 8), 10
CHOICES = {
    "model": "resnet18", "frozen": 2, "head.features": 0, "head.dropout": 0.0, "lr_factor": 0.5,
    "size": 32,
}  # fmt: skip


def images_of(shape, mean=None, std=None, classes=CLASSES):
    channels = shape[0]
    return SimpleNamespace(
        mean=mean or (0.3,) * channels, std=std or (0.2,) * channels,
        classes=tuple(map(str, range(classes))), input_shape=shape,
    )  # fmt: skip


def chosen(space, **changed):
    params = {**CHOICES, **{name.replace("__", "."): value for name, value in changed.items()}}
    return space.suggest(FixedTrial(params))


def scratch(shape=GRAY, **arguments):
    """A space of networks with first weights at random."""
    own = {"models": ("resnet18",), "sizes": (32, 48, "own"), "frozen": (0, 1, 2, 3, 4, 99)}
    arguments = {**own, **arguments}
    weights = dict.fromkeys(arguments["models"])
    return Backbone(images_of(shape), **{"weights": weights, **arguments})


@cache
def preprocessing(model):
    with torch.device("meta"):
        return body(model, None).preprocessing


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("resnet18", (3, 32, 32)), ("resnet18", (3, 40, 61)), ("resnet18", (1, 90, 33)),
        ("resnet18", (3, 256, 256)), ("swin_t", (3, 61, 40)), ("efficientnet_b0", (1, 300, 233)),
        ("inception_v3", (3, 32, 32)), ("vit_b_16", (3, 500, 333)),
    ],
)  # fmt: skip
def test_images_are_made_ready_as_the_weights_own_transform_does(model, shape):
    channels = shape[0]
    mean, std = (0.48, 0.45, 0.41)[:channels], (0.25, 0.003, 0.27)[:channels]
    own = preprocessing(model)
    raw = torch.randint(0, 256, (2, *shape), generator=torch.Generator().manual_seed(0))
    data = Data("made up", *[Split(raw.to(torch.uint8), torch.tensor([0, 1]))] * 3, ("a", "b"),
                mean, std)  # fmt: skip
    normalised = Inputs(data, torch.device("cpu")).scaled(data.train.images)
    found = Adapt(shape, mean, std, own.size, own, crop=True)(normalised)
    transform = torchvision.models.get_model_weights(model).DEFAULT.transforms()
    rgb = data.train.images.expand(-1, 3, -1, -1)
    torch.testing.assert_close(found, transform(rgb.float() / 255), rtol=0, atol=1e-4)
    if own.mode == "bilinear":  # torchvision rounds uint8 images when it resizes them
        assert (found - transform(rgb)).abs().max() < 1.5 / 255 / min(transform.std)


def test_without_the_crop_the_whole_image_is_seen():
    space = scratch((3, 20, 30), crop=False)
    adapt = chosen(space).adapt
    assert adapt.resized == (32, 32)
    assert adapt(torch.randn(2, 3, 20, 30)).shape == (2, 3, 32, 32)


def test_a_file_gives_the_weights_and_an_old_head_is_left_out(tmp_path):
    torch.manual_seed(3)
    for classes, file in ((1000, "a.pth"), (7, "b.pth"), (7, "c.safetensors")):
        source = torchvision.models.resnet18(num_classes=classes).eval()
        if file.endswith("pth"):
            torch.save(source.state_dict(), tmp_path / file)
        else:
            from safetensors.torch import save_file

            save_file(source.state_dict(), tmp_path / file)
        network = chosen(scratch(weights={"resnet18": tmp_path / file})).eval()
        assert torch.equal(network.body.conv1.weight, source.conv1.weight)
        x = torch.randn(2, *GRAY)
        source.fc = network.head
        torch.testing.assert_close(network(x), source(network.adapt(x)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.write_bytes(b"not a file of weights"), "is no file of weights for res"),
        (lambda path: torch.save([1, 2], path), "holds no state dict"),
        (lambda path: torch.save(nn.Linear(2, 2).state_dict(), path), "does not hold weights of"),
        (lambda path: torch.save(torchvision.models.resnet50().state_dict(), path), "not hold"),
        (lambda path: torch.save(nn.Linear(2, 2), path), "is no file of weights"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, make, message):
    path = tmp_path / "weights.pth"
    make(path)
    weights_file.cache_clear()
    with pytest.raises(OptunasError, match=message):
        chosen(scratch(weights={"resnet18": path}))


def test_without_a_network_the_way_out_is_told_before_any_trial(tmp_path, monkeypatch):
    def unreachable(*arguments, **named):
        raise urllib.error.URLError("Temporary failure in name resolution")

    monkeypatch.setattr(pretrained, "download_url_to_file", unreachable)
    monkeypatch.setattr(pretrained, "get_dir", lambda: str(tmp_path))
    weights_file.cache_clear()
    data = optunas.data.digits()
    space = Backbone(data, models=("resnet18", "alexnet"), sizes=(32,), weights={"resnet18": None})
    with pytest.raises(OptunasError) as error:
        optunas.Objective(space, data)
    assert "the weights DEFAULT of alexnet can't be had" in str(error.value)
    assert 'weights={"alexnet": "alexnet.pth"}' in str(error.value)


def test_frozen_stages_stay_as_they_are_and_the_rest_learns():
    network = chosen(scratch(), frozen=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = make_optimizer(network, Recipe(optimizer="sgd", lr=0.1))
    network.train()
    network(torch.randn(4, *GRAY)).logsumexp(1).sum().backward()
    optimizer.step()
    changed = {n for n, value in network.state_dict().items() if not torch.equal(value, before[n])}
    parts = {name.split(".")[1] if name.startswith("body") else "head" for name in changed}
    assert parts == {"layer3", "layer4", "head"}
    assert not network.body.layer2.training
    assert network.body.layer3.training
    whole = chosen(scratch(), frozen=99).train()
    assert not any(p.requires_grad for p in whole.body.parameters())
    assert not any(module.training for module in whole.body.modules())
    assert whole.head.training


def test_a_stage_learns_more_slowly_the_nearer_it_is_to_the_input():
    network = chosen(scratch(), frozen=0, lr_factor=0.5)
    optimizer = make_optimizer(network, Recipe(lr=1.0))
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found = {name: rate[id(p)] for name, p in network.named_parameters()}
    assert found["head.1.weight"] == 1.0
    assert found["body.layer4.0.conv1.weight"] == 0.5
    assert found["body.layer4.1.bn2.bias"] == 0.5
    assert found["body.layer3.0.conv1.weight"] == 0.25
    assert found["body.conv1.weight"] == 0.5**5


def test_its_price_counts_what_is_frozen():
    space, shape = scratch(), GRAY
    trial = FixedTrial({**CHOICES, "frozen": 4, "head.features": 256, "head.dropout": 0.2})
    candidate = propose(space, Recipe(), trial, shape, CLASSES)
    network = candidate.build(0, torch.device("cpu"))
    params = sum(p.numel() for p in network.parameters())
    bare = torchvision.models.resnet18()
    assert params == sum(p.numel() for p in bare.parameters()) - 513_000 + 513 * 256 + 257 * 10
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, *shape))
    assert (candidate.params, candidate.macs) == (params, counter.get_total_flops() // 2)
    assert count(network, shape) == (params, candidate.macs)


def test_a_seed_decides_the_head_and_the_key_what_was_chosen():
    def candidate(**changed):
        trial = FixedTrial({**CHOICES, **changed})
        return propose(scratch(), Recipe(), trial, GRAY, CLASSES)

    one, same = (candidate().build(1, torch.device("cpu")).head[1].weight for _ in range(2))
    assert torch.equal(one, same)
    keys = {candidate(**c).key for c in ({}, {"frozen": 0}, {"lr_factor": 0.2}, {"size": 48})}
    assert len(keys) == 4
    assert candidate().key == candidate().key


@pytest.mark.parametrize(
    ("model", "last"),
    [
        ("resnet50", 5), ("mobilenet_v3_small", 6), ("convnext_tiny", 5), ("vit_b_16", 4),
        ("swin_t", 4), ("vgg11_bn", 6), ("squeezenet1_1", 4), ("googlenet", 5), ("alexnet", 4),
        ("regnet_y_400mf", 5), ("densenet121", 5), ("shufflenet_v2_x1_0", 4), ("mnasnet1_0", 5),
    ],
)  # fmt: skip
def test_any_model_of_torchvision_is_a_backbone(model, last):
    """On the meta device, at the size of its weights: no weights are touched.

    RegNet's own code needs real numbers.
    """
    assert len(stage_names(model)) == last
    space = scratch((3, 32, 32), models=(model,))
    device = "cpu" if model.startswith("regnet") else "meta"
    with torch.device(device), torch.no_grad():
        network = chosen(space, model=model, size="own", frozen=1)
        assert network.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, CLASSES)
    held = {name for part in stage_names(model) for name in part}
    learned = [n for n, p in network.body.named_parameters() if p.requires_grad]
    later = {unit for part in stage_names(model)[1:] for unit in part}
    assert learned
    assert all(any(n.startswith(f"{unit}.") for unit in later) for n in learned)
    assert held >= later


def test_timms_models_are_backbones_too(tmp_path):
    timm = pytest.importorskip("timm")
    model = "timm/resnet10t"
    source = timm.create_model("resnet10t", num_classes=5)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    space = scratch((3, 20, 20), models=(model,), weights={model: tmp_path / "weights.pth"})
    network = chosen(space, model=model).eval()
    assert torch.equal(network.body.conv1[0].weight, source.conv1[0].weight)
    assert network(torch.randn(2, 3, 20, 20)).shape == (2, CLASSES)
    assert len(stage_names(model)) >= 4
    with pytest.raises(OptunasError, match="has no model 'resnet0'"):
        chosen(scratch(models=("timm/resnet0",)), model="timm/resnet0")


def test_it_is_searched_like_any_space():
    data = optunas.data.digits()
    space = Backbone(
        data, ("squeezenet1_1",), sizes=(32,), weights={"squeezenet1_1": None}, frozen=(0, 2)
    )
    objective = optunas.Objective(space, data, Recipe(epochs=1, train_fraction=0.1), device="cpu")
    study = optunas.create_study("s", storage="sqlite://", sampler="random")
    study.enqueue_trial(space.baseline())
    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2
    assert study.trials[0].params == space.baseline()


def test_its_baseline_and_size():
    space = scratch()
    assert space.size() == 1 * 6 * 2 * 3 * 3 * 3
    with torch.device("meta"):
        drawn = draw(space.suggest, np.random.default_rng(0), space.baseline())
    assert drawn.params == space.baseline()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ("resnet19",)}, "torchvision has no classification model 'resnet19'"),
        ({"models": ("vit_b_16",), "sizes": (32,)}, "vit_b_16 takes images of 224 pixels alone"),
        ({"frozen": (-1,)}, "Backbone.frozen must be whole numbers of at least 0; got -1"),
        ({"sizes": ("big",)}, "Backbone.sizes must be whole numbers of pixels"),
        ({"lr_factors": (0,)}, "Backbone.lr_factors must be above 0"),
        ({"models": "resnet18"}, "Backbone.models is the tuple of values to choose from"),
        ({"weights": {"resnet50": None}}, "weights are given for 'resnet50'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(OptunasError) as error:
        draw(scratch(**arguments).suggest, np.random.default_rng(0))
    assert message in str(error.value)


def test_it_needs_data_in_gray_or_colour():
    with pytest.raises(OptunasError, match="1 or 3 channels; got 4"):
        scratch((4, 8, 8))
    with pytest.raises(OptunasError, match="makes ready the images of data"):
        Backbone(("resnet18",))
