"""`ConvNet` in real studies: flat, lasting, narrowable."""

import json
import math
import subprocess
import sys

import numpy as np
import optuna
import pytest
import torch
from optuna.samplers import GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FixedTrial

from optunas.architecture import Sequential, cost, key, to_json
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.spaces import ConvNet, Space, draw

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
SHAPE, CLASSES = (3, 32, 32), 10
NARROW = ConvNet(stages=(1, 2), depths=(1, 2), ops=("conv", "convnext"), kernels=(3,))


def test_every_trial_has_the_same_parameters():
    rng = np.random.default_rng(0)
    for space in (ConvNet(), NARROW):
        first, *others = (draw(space.suggest, rng) for _ in range(60))
        for other in others:
            assert list(other.distributions.items()) == list(first.distributions.items())
    names = set(draw(ConvNet().suggest, rng).params)
    assert {"stages", "head.dropout", "stage1.widen", "stage4.depth", "stage4.block3.op"} <= names
    assert len(names) == 8 + 4 * (2 + 3 * 2)


def test_every_choice_matters_somewhere_and_no_inactive_one_does():
    rng = np.random.default_rng(0)
    params = {**draw(ConvNet().suggest, rng).params, "stages": 2, "stage1.depth": 1, "head": "pool"}

    def named(**changed):
        given = {**params, **{name.replace("__", "."): v for name, v in changed.items()}}
        return key(ConvNet().suggest(FixedTrial(given)), SHAPE, CLASSES)

    inactive = {
        "stage3.depth": 3, "stage4.block1.op": "inception", "stage3.widen": 2,
        "stage1.block2.op": "mbconv", "stage1.block3.kernel": 7, "head.features": 256,
        "head.dropout": 0.5,
    }  # fmt: skip
    assert named(**{name.replace(".", "__"): v for name, v in inactive.items()}) == named()
    fixed = {"stages": 2, "width": 16, "stage1__depth": 1, "stage2__depth": 1, "head": "fc"}
    changes = {
        "stages": 3, "width": 24, "activation": "silu", "norm": "group", "downsampling": "avg",
        "head": "flatten", "head__features": 128, "head__dropout": 0.2, "stage1__widen": 2,
        "stage1__depth": 2, "stage2__block1__kernel": 7, "stage2__block1__op": "basic",
    }  # fmt: skip
    plain = {
        **fixed, "activation": "relu", "norm": "batch", "downsampling": "max",
        "head__features": 64, "head__dropout": 0.0, "stage1__widen": 1,
        "stage2__block1__kernel": 3, "stage2__block1__op": "conv",
    }  # fmt: skip
    keys = {named(**plain)}
    keys |= {named(**{**plain, name: value}) for name, value in changes.items()}
    assert len(keys) == 1 + len(changes)


@pytest.mark.parametrize(
    "sampler",
    [
        RandomSampler(seed=0),
        TPESampler(seed=0, multivariate=True, n_startup_trials=8),
        NSGAIISampler(seed=0, population_size=8),
        GPSampler(seed=0, n_startup_trials=8),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_it_works_in_a_study(sampler):
    """Costs stand in for training: the sampler shall find small networks."""
    study = optuna.create_study(sampler=sampler)

    def objective(trial):
        return math.log(cost(NARROW.suggest(trial), (3, 16, 16), CLASSES).macs)

    study.optimize(objective, n_trials=12 if isinstance(sampler, GPSampler) else 24)
    assert len({frozenset(t.distributions) for t in study.trials}) == 1
    shared = optuna.search_space.intersection_search_space(study.trials)
    assert len(shared) == len(study.trials[0].params)


def test_a_second_process_reads_the_same_network(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(storage=url, study_name="s", sampler=RandomSampler(seed=1))
    expected = []
    for _ in range(4):
        trial = study.ask()
        network = ConvNet().suggest(trial)
        expected.append([key(network, SHAPE, CLASSES), to_json(network)])
        study.tell(trial, 0.0)
    code = f"""
import json, optuna
from optunas.architecture import key, to_json
from optunas.spaces import ConvNet
study = optuna.load_study(storage={url!r}, study_name="s")
def told(trial):
    network = ConvNet().suggest(optuna.trial.FixedTrial(trial.params))
    return [key(network, (3, 32, 32), 10), to_json(network)]
again = [told(trial) for trial in study.trials]
trial = study.ask(fixed_distributions=study.trials[0].distributions)
ConvNet().suggest(trial)  # the choices are still those that the study holds
print(json.dumps(again))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def test_the_baseline_is_in_the_space_and_is_plain():
    for space in (ConvNet(), NARROW, ConvNet(widths=(64,), kernels=(5, 7), heads=("fc",))):
        params = space.baseline()
        drawn = draw(space.suggest, np.random.default_rng(0), params)
        assert drawn.params == params
        network = build(drawn.architecture, SHAPE, CLASSES)
        assert network(torch.zeros(2, *SHAPE)).shape == (2, CLASSES)
    text = str(ConvNet().suggest(FixedTrial(ConvNet().baseline())))
    assert text.count("ConvNorm(") == 7
    assert text.count("Pool(ceil=True)") == 2
    assert text.endswith("GlobalPool() > Linear()")


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (3, 33, 18), (4, 224, 224)])
def test_every_network_fits_every_image(shape):
    rng = np.random.default_rng(0)
    for space in (ConvNet(), ConvNet(stem_stride=4)):
        for _ in range(60):
            network = draw(space.suggest, rng).architecture
            assert isinstance(network, Sequential)
            assert cost(network, shape, 7).output_shape == (7,)


def test_narrowing_leaves_only_what_was_given():
    space = ConvNet(stages=[2], depths=(1,), ops=("conv",), kernels=(3, 3), heads=("pool",))
    assert space.kernels == (3,)
    rng = np.random.default_rng(0)
    texts = {str(draw(space.suggest, rng).architecture) for _ in range(50)}
    assert all(text.count("ConvNorm(") == 3 for text in texts)


def test_its_size():
    one = {name: (getattr(ConvNet(), name)[0],) for name in ("stages", "depths", "widths")}
    one |= {name: (getattr(ConvNet(), name)[0],) for name in ("widenings", "ops", "kernels")}
    one |= {"activations": ("relu",), "norms": ("batch",), "downsamplings": ("max",)}
    assert ConvNet(**one, heads=("pool",)).size() == 1
    assert ConvNet(**one, heads=("pool", "fc"), features=(8, 16)).size() == 1 + 2 * 3
    two = one | {"ops": ("conv", "basic"), "kernels": (3, 5), "depths": (1, 2)}
    assert ConvNet(**two, heads=("pool",)).size() == (4 + 16) ** 2
    three = one | {"stages": (1, 2), "downsamplings": ("max", "avg"), "widths": (16, 32)}
    assert ConvNet(**three, heads=("pool",)).size() == 2 * (1 + 2)
    assert ConvNet().size() > 10**20


def test_it_is_a_space():
    assert isinstance(ConvNet(), Space)
    assert not isinstance(object(), Space)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stages": 3}, "ConvNet.stages is the tuple of values to choose from, for example (2, 3"),
        ({"ops": "conv"}, "ConvNet.ops is the tuple of values to choose from"),
        ({"ops": ()}, "ConvNet.ops is the tuple of values"),
        ({"ops": ("conv", "conv9")}, "ConvNet.ops must be among conv, separable"),
        ({"stages": (0,)}, "ConvNet.stages must be whole numbers of at least 1; got 0"),
        ({"depths": (1.5,)}, "ConvNet.depths must be whole numbers of at least 1; got 1.5"),
        ({"depths": (True,)}, "got True"),
        ({"widths": (18,)}, "ConvNet.widths must be multiples of 4; got 18"),
        ({"widths": ([16],)}, "ConvNet.widths must be multiples of 4; got [16]"),
        ({"widths": ("16",)}, "got '16'"),
        ({"kernels": (3, 4)}, "ConvNet.kernels must be odd whole numbers; got 4"),
        ({"widenings": (0.5,)}, "ConvNet.widenings must be numbers of at least 1; got 0.5"),
        ({"widenings": ("double",)}, "got 'double'"),
        ({"widenings": (math.inf,)}, "got inf"),
        ({"dropouts": (0.1, 1.0)}, "ConvNet.dropouts must be at least 0 and below 1; got 1.0"),
        ({"dropouts": (None,)}, "got None"),
        ({"features": (0,)}, "ConvNet.features must be whole numbers"),
        ({"activations": ("softmax",)}, "ConvNet.activations must be among relu, relu6"),
        ({"norms": ("none",)}, "ConvNet.norms must be among batch, group, layer"),
        ({"downsamplings": ("stride", "none")}, "must be among stride, max, avg; got 'none'"),
        ({"heads": (["pool"],)}, "ConvNet.heads must be among pool, flatten, fc"),
        ({"stem_stride": 0}, "ConvNet.stem_stride must be a whole number of at least 1; got 0"),
        ({"stem_stride": (2,)}, "ConvNet.stem_stride must be"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(OptunasError) as error:
        ConvNet(**arguments)
    assert message in str(error.value)
