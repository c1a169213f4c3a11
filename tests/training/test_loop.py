"""The loop on real digits."""

import math
import pickle
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from optunas.data import Data, Split
from optunas.training import Diverged, Epoch, NetworkError, Recipe, evaluate, train
from optunas.training.optimizer import factor

from .conftest import MakeNetwork

SHORT = Recipe(epochs=2, batch_size=64)


def weights(network: nn.Module) -> Tensor:
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_defaults_learn_real_digits(
    digits: Data, make_network: MakeNetwork, optimizer: str
) -> None:
    epochs = list(train(make_network(), digits, Recipe(epochs=15, optimizer=optimizer)))
    assert [epoch.number for epoch in epochs] == list(range(1, 16))
    assert {epoch.of for epoch in epochs} == {15}
    assert epochs[-1].accuracy > 0.95
    assert epochs[-1].f1 > 0.95
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert all(e.seconds > 0 and e.images_per_second > 0 for e in epochs)


def test_augmentation_still_learns(digits: Data, make_network: MakeNetwork) -> None:
    *_, last = train(make_network(), digits, Recipe(epochs=30, augment=0.5, label_smoothing=0.1))
    assert last.accuracy > 0.95


def test_the_epochs_scores_are_those_of_the_network_as_it_is(
    few: Data, make_network: MakeNetwork
) -> None:
    network = make_network(dropout=0.5)
    for epoch in train(network, few, SHORT):
        assert not network.training
        with torch.no_grad():
            images = few.validation.images.float() / 255
            answers = network((images - few.mean[0]) / few.std[0]).argmax(1)
        assert epoch.accuracy == pytest.approx(accuracy_score(few.validation.labels, answers))
        f1 = f1_score(few.validation.labels, answers, average="macro")
        assert epoch.f1 == pytest.approx(f1)
        scores = evaluate(network, few.validation, few, batch_size=7)
        assert scores.loss == pytest.approx(epoch.loss, rel=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    few: Data, make_network: MakeNetwork
) -> None:
    def run(seed: int) -> Tensor:
        network = make_network(dropout=0.3)
        torch.manual_seed(torch.seed())  # the global state must not matter
        list(train(network, few, replace(SHORT, augment=1.0), seed=seed))
        return weights(network)

    first = run(0)
    assert torch.equal(first, run(0))
    assert not torch.equal(first, run(1))


def test_dropout_differs_from_epoch_to_epoch(few: Data) -> None:
    draws = []

    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                draws.append(torch.rand(4))
            return x

    network = nn.Sequential(Noise(), nn.Flatten(), nn.Linear(64, 10))
    list(train(network, few, Recipe(epochs=3, batch_size=128)))
    assert len({tuple(draw.tolist()) for draw in draws}) == len(draws) == 3


def test_nobody_elses_random_numbers_or_settings_are_disturbed(
    few: Data, make_network: MakeNetwork
) -> None:
    torch.manual_seed(5)
    state, precision = torch.get_rng_state(), torch.get_float32_matmul_precision()
    for _ in train(make_network(dropout=0.5), few, replace(SHORT, augment=1.0)):
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.is_grad_enabled()
    evaluate(make_network(), few.test, few)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_float32_matmul_precision() == precision


def test_it_may_be_closed_at_any_epoch(few: Data, make_network: MakeNetwork) -> None:
    network = make_network()
    epochs = train(network, few, replace(SHORT, epochs=50))
    assert next(epochs).number == 1
    epochs.close()  # type: ignore[attr-defined]
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")
    assert all(parameter.grad is None for parameter in network.parameters())
    with pytest.raises(StopIteration):
        next(epochs)


def test_the_first_epochs_do_not_depend_on_when_one_stops(
    few: Data, make_network: MakeNetwork
) -> None:
    whole = [e.loss for e in train(make_network(), few, replace(SHORT, epochs=4))]
    part = [e.loss for e in islice(train(make_network(), few, replace(SHORT, epochs=4)), 2)]
    assert whole[:2] == part


class Recorder(torch.optim.SGD):
    """An optimizer that keeps what it was given."""

    rates: list[float]
    norms: list[float]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        gradients = [p.grad.flatten() for g in self.param_groups for p in g["params"]]
        self.norms.append(torch.cat(gradients).norm().item())
        self.rates.append(self.param_groups[0]["lr"])
        super().step()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    Recorder.rates, Recorder.norms = [], []

    def make(network: nn.Module, recipe: Recipe) -> Recorder:
        return Recorder(network.parameters(), recipe.lr)

    monkeypatch.setattr("optunas.training.loop.make_optimizer", make)
    return Recorder


def test_the_schedule_runs_over_all_steps_of_all_epochs(
    few: Data, make_network: MakeNetwork, recorder: type[Recorder]
) -> None:
    list(train(make_network(), few, Recipe(epochs=3, batch_size=32, lr=0.01)))
    steps = 3 * (220 // 32)
    assert recorder.rates == [0.01 * factor("onecycle", step, steps) for step in range(steps)]


def test_gradients_are_clipped_as_a_whole(
    few: Data, make_network: MakeNetwork, recorder: type[Recorder]
) -> None:
    list(train(make_network(), few, Recipe(epochs=1, batch_size=32, lr=0.01)))
    free = list(recorder.norms)
    recorder.norms = []
    list(train(make_network(), few, Recipe(epochs=1, batch_size=32, lr=0.01, clip_norm=0.05)))
    assert min(free) > 0.05
    assert recorder.norms == pytest.approx([0.05] * len(free), rel=1e-3)


def test_label_smoothing_is_in_the_training_loss_only(few: Data) -> None:
    """A network that always answers the same, untrained: the losses are known."""

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(10))

        def forward(self, x: Tensor) -> Tensor:
            return 4 * torch.eye(10)[0] + self.bias.expand(len(x), 10)

    recipe = Recipe(epochs=1, batch_size=220, lr=1e-12, label_smoothing=0.5)
    (epoch,) = train(Constant(), few, recipe)
    surely = math.log(math.exp(4) + 9)

    def plain(labels: Tensor) -> float:
        return surely - 4 * (labels == 0).float().mean().item()

    assert epoch.loss == pytest.approx(plain(few.validation.labels), rel=1e-5)
    smoothed = 0.5 * plain(few.train.labels) + 0.5 * (surely - 0.4)
    assert epoch.train_loss == pytest.approx(smoothed, rel=1e-5)


def test_a_fraction_trains_on_fewer_images(few: Data, make_network: MakeNetwork) -> None:
    seen = []
    network = make_network()
    network.register_forward_pre_hook(
        lambda module, inputs: seen.append(len(inputs[0])) if module.training else None
    )
    list(train(network, few, Recipe(epochs=1, batch_size=32, train_fraction=0.5)))
    assert seen == [32, 32, 32]


@pytest.mark.parametrize("lr", [1e12, 1e30])
def test_divergence_is_told_with_its_epoch(few: Data, make_network: MakeNetwork, lr: float) -> None:
    class Explosive(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.flatten(1)) ** 3

    recipe = Recipe(epochs=3, batch_size=32, optimizer="sgd", lr=lr, schedule="constant")
    with pytest.raises(Diverged, match=r"epoch 1 is (nan|inf)") as caught:
        list(train(Explosive(64, 10), few, recipe))
    assert caught.value.epoch == 1
    assert not math.isfinite(caught.value.loss)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.epoch) == (str(caught.value), 1)
    assert isinstance(caught.value, RuntimeError)


def test_divergence_that_only_validation_sees(few: Data) -> None:
    class Brittle(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            logits = super().forward(x.flatten(1))
            return logits if self.training else logits / 0

    with pytest.raises(Diverged, match="validation loss of epoch 1"):
        list(train(Brittle(64, 10), few, SHORT))


class Answers(nn.Module):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.answer = answer

    def forward(self, x: Tensor) -> Any:
        return self.answer(x, self.scale)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda x, s: s * torch.ones(len(x), 9), "(64, 9)"),
        (lambda x, s: s * torch.ones(len(x)), "(64,)"),
        (lambda x, s: s * x, "(64, 1, 8, 8)"),
        (lambda x, s: s * torch.ones(1, 10), "(1, 10)"),
        (lambda x, s: (s * torch.ones(len(x), 10),), "tuple"),
        (lambda x, s: None, "NoneType"),
    ],
)
def test_a_wrong_answer_is_a_clear_error(few: Data, answer: Any, found: str) -> None:
    with pytest.raises(NetworkError) as caught:
        list(train(Answers(answer), few, SHORT))
    assert "(64, 10)" in str(caught.value)
    assert f"answered {found}" in str(caught.value)
    with pytest.raises(NetworkError):
        evaluate(Answers(answer), few.validation, few)


def test_a_network_without_parameters_is_a_clear_error(few: Data) -> None:
    with pytest.raises(NetworkError, match="parameters to train"):
        list(train(nn.Flatten(), few, SHORT))


@pytest.mark.parametrize("training", [True, False])
def test_evaluate_leaves_the_mode(few: Data, make_network: MakeNetwork, training: bool) -> None:
    network = make_network().train(training)
    before = weights(network)
    scores = evaluate(network, few.validation, few, confusion=True)
    assert network.training is training
    assert torch.equal(weights(network), before)  # BatchNorm's statistics too
    assert scores.confusion is not None
    assert sum(map(sum, scores.confusion)) == len(few.validation)


def test_bf16_on_request(few: Data, make_network: MakeNetwork) -> None:
    kinds = set()
    network = make_network()
    network[0].register_forward_hook(lambda m, i, output: kinds.add(output.dtype))  # type: ignore[index]
    list(train(network, few, replace(SHORT, precision="bf16")))
    assert kinds == {torch.bfloat16}
    kinds.clear()
    list(train(network, few, replace(SHORT, precision="auto")))
    assert kinds == {torch.float32}
    assert next(network.parameters()).dtype == torch.float32


def test_few_images_and_a_large_batch(few: Data, make_network: MakeNetwork) -> None:
    tiny = Split(few.train.images[:20], few.train.labels[:20])
    data = replace(few, train=tiny)
    (epoch,) = train(make_network(), data, Recipe(epochs=1, batch_size=512))
    assert isinstance(epoch, Epoch)
    assert math.isfinite(epoch.train_loss)
