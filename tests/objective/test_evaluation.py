"""One trial from the proposal to the verdict, on real studies and real trainings."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import FrozenTrial, TrialState
from torch import nn

import optunas
from optunas import Limits, Objective, Recipe, RecipeSpace
from optunas.architecture import GlobalPool, Linear, Sequential, from_json, key
from optunas.attributes import CURVE
from optunas.data import Data
from optunas.errors import OptunasError, StudyError
from optunas.objective.candidate import Described, Written
from optunas.proxies import correlations
from optunas.pruners import ParetoPruner, reported
from optunas.training import Engine, Epoch

from ..small import RECIPE, few, plain, small_objective

SMALL = {"width": 4}


pytestmark = pytest.mark.usefixtures("quiet")


def run(objective: Objective, number: int = 1, **settings: Any) -> list[FrozenTrial]:
    study = optunas.create_study(
        "s",
        storage=optuna.storages.InMemoryStorage(),
        directions=objective.directions,
        **settings,
    )
    study.optimize(objective, n_trials=number)
    return study.trials


def own(trial: optuna.trial.BaseTrial) -> nn.Module:
    return plain(trial.suggest_int("width", 2, 6))


@contextmanager
def builds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The keys of the networks that are built while the context is open."""
    seen: list[str] = []
    for kind in (Described, Written):
        build = kind.build

        def spy(self: Any, seed: int, device: Any, build: Callable[..., Any] = build) -> Any:
            seen.append(self.key)
            return build(self, seed, device)

        monkeypatch.setattr(kind, "build", spy)
    yield seen


class Given:
    """A space of one network; `networks` says which one comes next."""

    def __init__(self, *widths: int) -> None:
        self.widths = widths

    def suggest(self, trial: optuna.trial.BaseTrial) -> Any:
        width = trial.suggest_categorical("width", self.widths)
        return Sequential(optunas.architecture.ConvNorm(width, 3), GlobalPool(), Linear())


def test_a_plain_optuna_study_optimises_it_and_optunas_own_tools_read_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(direction="maximize", storage=url, study_name="plain")
    objective = small_objective()
    study.optimize(objective, n_trials=3)

    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 3
    assert study.metric_names == ["accuracy"]
    loaded = optuna.load_study(study_name="plain", storage=url)
    assert loaded.best_value == max(t.user_attrs["accuracy"] for t in loaded.trials)
    optuna_cli = [sys.executable, "-c", "from optuna.cli import main; main()"]
    options = ["--storage", url, "--study-name", "plain", "--format", "json"]
    shown = subprocess.run([*optuna_cli, "best-trial", *options], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert f'"number": {loaded.best_trial.number}' in shown.stdout


def test_it_reports_every_epoch_and_the_value_is_the_last_ones() -> None:
    told: list[tuple[int, Epoch]] = []
    objective = small_objective(on_epoch=lambda number, epoch: told.append((number, epoch)))
    (trial,) = run(objective)
    accuracies = {epoch.number: epoch.accuracy for _, epoch in told}
    assert trial.intermediate_values == accuracies
    assert list(accuracies) == [1, 2, 3]
    assert trial.value == accuracies[3] == trial.user_attrs["accuracy"]
    assert {number for number, _ in told} == {trial.number}


def test_f1_can_be_the_aim() -> None:
    (trial,) = run(small_objective(metrics=("f1",)))
    assert trial.value == trial.user_attrs["f1"] == trial.intermediate_values[3]
    assert trial.value != trial.user_attrs["accuracy"]


def test_every_attribute_of_the_table_is_there_with_its_type() -> None:
    limits = Limits(params=10_000, latency_ms=1000, memory_mb=1000, inference_memory_mb=1000)
    (trial,) = run(small_objective(limits=limits, seed=3))
    attributes = trial.user_attrs
    types = {
        "outcome": str, "reason": str, "architecture": dict, "key": str, "recipe": dict,
        "seed": int, "data": str, "device": str, "input_shape": list, "classes": int,
        "params": int, "macs": int, "latency_ms": float, "memory_mb": float,
        "latency_iqr_ms": float, "latency_batch": int, "inference_memory_mb": float,
        "margin.params": float, "margin.latency_ms": float, "margin.memory_mb": float,
        "margin.inference_memory_mb": float,
        "accuracy": float, "f1": float, "train_seconds": float, "curve": list, "worker": dict,
        "engine": str,
    }  # fmt: skip
    assert {name: type(value) for name, value in attributes.items()} == types
    assert attributes["outcome"] == "trained"
    assert attributes["input_shape"] == [1, 8, 8]
    assert attributes["classes"] == 10
    assert attributes["data"] == few().fingerprint
    assert Recipe.from_json(attributes["recipe"]) == RECIPE
    assert key(from_json(attributes["architecture"]), (1, 8, 8), 10) == attributes["key"]
    assert len(attributes["curve"]) == 3
    assert all(len(row) == len(CURVE) for row in attributes["curve"])
    assert attributes["curve"][-1][CURVE.index("accuracy")] == round(attributes["accuracy"], 5)
    assert attributes["margin.params"] == attributes["params"] / 10_000 - 1
    assert trial.constraints["params"] == attributes["margin.params"] < 0


def test_the_same_seed_gives_the_same_search() -> None:
    first, again, other = (run(small_objective(seed=seed), 4) for seed in (1, 1, 2))
    assert [t.values for t in first] == [t.values for t in again]
    assert [t.params for t in first] == [t.params for t in again]
    assert [t.values for t in first] != [t.values for t in other]


def test_a_hopeless_trial_is_pruned_with_its_reason(tmp_path: Path) -> None:
    objective = small_objective(
        recipe=Recipe(epochs=3, batch_size=64, lr=1e-6), checkpoints=tmp_path
    )
    (trial,) = run(objective, pruner="threshold(lower=0.99, warmup=1)")
    assert trial.state is TrialState.PRUNED
    assert trial.user_attrs["outcome"] == "pruned"
    assert trial.user_attrs["reason"] == "pruned after epoch 1 of 3"
    assert len(trial.user_attrs["curve"]) == 1
    assert trial.value == trial.user_attrs["accuracy"]
    (parked,) = tmp_path.iterdir()  # for the case that the trial is promoted
    assert parked.name.startswith("stopped-")


def test_the_last_epoch_is_no_reason_to_prune() -> None:
    recipe = Recipe(epochs=1, batch_size=64)
    (trial,) = run(small_objective(recipe=recipe), pruner="threshold(lower=1.0, warmup=0)")
    assert trial.state is TrialState.COMPLETE


@pytest.mark.parametrize(
    "space", [Given(4, 64), lambda t: plain(t.suggest_int("w", 4, 64, step=60))]
)
def test_over_its_limits_a_network_is_never_built(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = small_objective(space=space, limits=Limits(params=700, macs=10**9))
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"width": 64, "w": 64})
    with builds(monkeypatch) as built:
        study.optimize(objective, n_trials=1)
    (trial,) = study.trials
    assert built == []
    assert trial.state is TrialState.PRUNED
    assert trial.user_attrs["outcome"] == "rejected"
    params = trial.user_attrs["params"]
    assert trial.user_attrs["reason"] == f"over its limits: params {params:,} > 700"
    assert trial.user_attrs["margin.params"] == trial.constraints["params"] == params / 700 - 1
    assert trial.user_attrs["margin.macs"] == trial.constraints["macs"] < 0
    assert "accuracy" not in trial.user_attrs


@pytest.mark.parametrize(
    "limit", [{"latency_ms": 1e-6}, {"memory_mb": 1e-6}, {"inference_memory_mb": 1e-6}]
)
def test_a_measured_limit_rejects_before_training(limit: dict[str, float]) -> None:
    told: list[Any] = []
    objective = small_objective(limits=Limits(**limit), on_epoch=lambda *args: told.append(args))
    (trial,) = run(objective)
    (name,) = limit
    assert trial.user_attrs["outcome"] == "rejected"
    assert trial.user_attrs[name] > limit[name]
    assert trial.constraints[name] == trial.user_attrs[f"margin.{name}"] > 0
    assert told == []


def test_an_equal_network_is_trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with builds(monkeypatch) as built:
        first, second, third = run(small_objective(space=Given(4)), 3)
    assert len(built) == 1
    assert first.value == second.value == third.value
    assert first.intermediate_values.keys() == second.intermediate_values.keys()
    assert "reused_from" not in first.user_attrs
    for reused in (second, third):
        assert reused.user_attrs["outcome"] == "reused"
        assert reused.user_attrs["reused_from"] == 0
        assert reused.user_attrs["curve"] == first.user_attrs["curve"]


def test_an_equal_network_that_was_pruned_is_pruned_again_untrained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with builds(monkeypatch) as built:
        first, second = run(
            small_objective(space=Given(4)), 2, pruner="threshold(lower=0.999, warmup=1)"
        )
    assert len(built) == 1
    assert first.state is second.state is TrialState.PRUNED
    assert first.value == pytest.approx(second.value, abs=1e-5)
    assert second.user_attrs["outcome"] == "reused"
    assert second.user_attrs["reason"] == "the same network as trial 0"


@pytest.mark.parametrize(
    ("width", "changes"),
    [(4, {"recipe": Recipe(epochs=3, batch_size=32)}), (4, {"reuse": False}), (5, {})],
)
def test_nothing_is_reused_for_another_recipe_or_network_or_on_demand(
    width: int, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"width": 4})
    study.enqueue_trial({"width": width})
    study.optimize(small_objective(space=Given(4, 5)), n_trials=1)
    with builds(monkeypatch) as built:
        study.optimize(small_objective(space=Given(4, 5), **changes), n_trials=1)
    assert len(built) == 1
    assert study.trials[-1].user_attrs["outcome"] == "trained"


def test_nothing_is_reused_for_other_data() -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(small_objective(space=Given(4)), n_trials=1)
    data = few()
    other = Data.from_splits("o", (data.validation, data.train, data.test), data.classes)
    study.optimize(small_objective(space=Given(4), data=other), n_trials=1)
    assert study.trials[-1].user_attrs["outcome"] == "trained"


def test_a_failed_twin_is_no_twin() -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(small_objective(space=Given(4), recipe=Recipe(2, 64, "sgd", 1e30)), n_trials=1)
    study.optimize(small_objective(space=Given(4), recipe=Recipe(2, 64, "sgd", 1e30)), n_trials=1)
    assert [t.user_attrs["outcome"] for t in study.trials] == ["failed", "failed"]


def test_a_limit_that_came_later_holds_for_reused_networks_too() -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(small_objective(space=Given(4), limits=Limits(memory_mb=1000)), n_trials=1)
    study.optimize(small_objective(space=Given(4), limits=Limits(memory_mb=0.001)), n_trials=1)
    assert study.trials[-1].user_attrs["outcome"] == "rejected"
    study.optimize(small_objective(space=Given(4), limits=Limits(latency_ms=1000)), n_trials=1)
    assert study.trials[-1].user_attrs["outcome"] == "trained"  # nobody knew its latency


def test_several_objectives() -> None:
    metrics = ("accuracy", "params", "latency_ms", "memory_mb", "train_seconds")
    objective = small_objective(metrics=metrics, limits=Limits(params=500))
    assert objective.directions == ["maximize"] + ["minimize"] * 4
    trials = run(objective, 6)
    complete = [t for t in trials if t.state is TrialState.COMPLETE]
    assert complete
    for trial in complete:
        assert trial.values == [trial.user_attrs[name] for name in metrics]
        assert all(value > 0 for value in trial.values)
    ends = {t.user_attrs["outcome"] for t in trials}
    assert ends <= {"trained", "reused", "rejected"}
    assert all(t.state is TrialState.PRUNED for t in trials if t.user_attrs["params"] > 500)
    assert any(t.user_attrs["params"] > 500 for t in trials)


def two_aims(**changes: Any) -> Objective:
    return small_objective(space=Given(4, 8), metrics=("accuracy", "params"), **changes)


def eager_study(*done: tuple[float, float]) -> optuna.Study:
    """Stops a trial as soon as one other beats it; holds trials that were so at every epoch."""
    pruner = ParetoPruner(n_dominators=1, share=0.0, patience=1, n_startup_trials=0)
    study = optuna.create_study(directions=["maximize", "minimize"], pruner=pruner)
    for values in done:
        rows = {"reported": [[epoch, *values] for epoch in (1, 2, 3)]}
        study.add_trial(optuna.trial.create_trial(values=list(values), user_attrs=rows))
    return study


def test_several_objectives_are_reported_each_epoch() -> None:
    study = eager_study()
    study.optimize(two_aims(), n_trials=1)
    (trial,) = study.trials
    accuracies = [row[CURVE.index("accuracy")] for row in trial.user_attrs["curve"]]
    reports = reported(trial)
    assert list(reports) == [1, 2, 3]
    assert [accuracy for accuracy, _ in reports.values()] == pytest.approx(accuracies, abs=1e-5)
    assert {params for _, params in reports.values()} == {trial.user_attrs["params"]}
    assert list(reports[3]) == trial.values


def test_what_is_dominated_at_its_cost_is_pruned(tmp_path: Path) -> None:
    study = eager_study((1.0, 50))
    study.optimize(two_aims(checkpoints=tmp_path), n_trials=1)
    done, stopped = study.trials
    assert stopped.state is TrialState.PRUNED
    assert stopped.user_attrs["outcome"] == "pruned"
    assert stopped.user_attrs["reason"] == "pruned after epoch 1 of 3"
    assert len(stopped.user_attrs["curve"]) == 1
    assert stopped.user_attrs["accuracy"] == reported(stopped)[1][0]
    assert study.best_trials == [done]


def test_what_is_cheaper_than_all_is_trained_to_its_end() -> None:
    study = eager_study((1.0, 10_000))
    study.optimize(two_aims(), n_trials=1)
    assert study.trials[1].state is TrialState.COMPLETE


def test_a_reused_network_of_several_objectives_counts_once() -> None:
    trials = run(small_objective(space=Given(4), metrics=("accuracy", "params")), 2)
    assert [bool(reported(trial)) for trial in trials] == [True, False]
    assert trials[0].values == trials[1].values


def test_where_nothing_is_learned_nothing_is_reported() -> None:
    (trial,) = run(small_objective(metrics=("params", "macs")))
    assert trial.state is TrialState.COMPLETE
    assert reported(trial) == {}


def test_an_interrupted_trial_of_several_objectives_keeps_its_reports(tmp_path: Path) -> None:
    from optunas.worker.recovery import put_back

    study, whole = eager_study(), eager_study()
    for one in (study, whole):
        one.enqueue_trial({"width": 4})
    whole.optimize(two_aims(), n_trials=1)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(two_aims(checkpoints=tmp_path, on_epoch=Stop(after=3)), n_trials=1)
    assert list(reported(study.trials[0])) == [1, 2]
    put_back(study, 0)
    again = study.trials[-1]
    assert list(reported(again)) == [1, 2]  # while it waits, and for whoever looks at it
    study.optimize(two_aims(checkpoints=tmp_path), n_trials=1)
    again = study.trials[again.number]
    assert again.params == {"width": 4}
    assert reported(again) == reported(whole.trials[0])
    assert again.values == whole.trials[0].values


def test_a_suggested_recipe_is_what_the_trial_is_trained_by() -> None:
    space = RecipeSpace(RECIPE, optimizer=("adamw", "sgd"), batch_size=(32, 64))
    trials = run(small_objective(recipe=space), 3)
    for trial in trials:
        recipe = Recipe.from_json(trial.user_attrs["recipe"])
        assert recipe.optimizer == trial.params["recipe.optimizer"]
        assert recipe.batch_size == trial.params["recipe.batch_size"]
        assert recipe.epochs == 3
    assert len({t.user_attrs["recipe"]["lr"] for t in trials}) == 3


# what goes wrong


def test_a_diverging_loss_fails_the_trial_and_the_study_goes_on(tmp_path: Path) -> None:
    objective = small_objective(recipe=Recipe(3, 64, "sgd", lr=1e30), checkpoints=tmp_path)
    trials = run(objective, 2)
    assert [t.state for t in trials] == [TrialState.FAIL] * 2
    assert trials[0].user_attrs["outcome"] == "failed"
    assert trials[0].user_attrs["reason"].startswith("training diverged: the ")
    assert list(tmp_path.iterdir()) == []


class Greedy(nn.Module):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.inside, self.error = plain(2), error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1:
            raise self.error
        return self.inside(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried ..."), "out of memory on cpu: take a "),
        (MemoryError(), "out of memory on cpu: take a smaller batch_size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't"), "out of memory on cpu: "),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (KeyError("k" * 900), "KeyError: 'kkk"),
    ],
)
def test_an_error_in_a_network_is_one_line_in_the_trial(error: Exception, reason: str) -> None:
    trials = run(small_objective(space=lambda trial: Greedy(error)), 2)
    assert [t.state for t in trials] == [TrialState.FAIL] * 2
    assert trials[0].user_attrs["outcome"] == "failed"
    assert trials[0].user_attrs["reason"].startswith(reason)
    assert "\n" not in trials[0].user_attrs["reason"]
    assert len(trials[0].user_attrs["reason"]) <= 500


def test_a_network_that_cannot_be_built_fails_with_the_reason() -> None:
    def space(trial: optuna.trial.BaseTrial) -> nn.Module:
        kernel = trial.suggest_categorical("kernel", (3, 9))
        return nn.Sequential(nn.Conv2d(1, 2, kernel), nn.Flatten(), nn.LazyLinear(10))

    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"kernel": 9})
    study.enqueue_trial({"kernel": 3})
    study.optimize(small_objective(space=space), n_trials=2)
    failed, trained = study.trials
    assert failed.state is TrialState.FAIL
    assert "Kernel size can't be greater" in failed.user_attrs["reason"]
    assert trained.user_attrs["outcome"] == "trained"  # and a lazy module is no obstacle


def test_a_space_may_refuse_its_own_draws() -> None:
    def space(trial: optuna.trial.BaseTrial) -> nn.Module:
        if trial.suggest_categorical("width", (2, 3)) == 3:
            raise optuna.TrialPruned("three is odd")
        return plain(2)

    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"width": 3})
    study.optimize(small_objective(space=space), n_trials=1)
    assert study.trials[0].state is TrialState.PRUNED
    assert study.trials[0].user_attrs["outcome"] == "rejected"
    assert study.trials[0].user_attrs["reason"] == "the space refused it: three is odd"


def test_a_study_with_other_directions_is_told_how_to_be_made() -> None:
    study = optuna.create_study()  # minimises
    with pytest.raises(StudyError, match=r"create it with directions=\['maximize'\]"):
        study.optimize(small_objective(), n_trials=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "photos"}, "an objective needs data"),
        ({"space": Given}, r"make one: Given\(\)"),
        ({"space": 5}, "a search space has a method suggest"),
        ({"space": lambda trial: "rubbish"}, "returned 'rubbish'"),
        (
            {"space": lambda trial: nn.Flatten()},
            r"logits of shape \(1, 10\); this one gave \(1, 64\)",
        ),
        ({"space": lambda trial: 1 / 0}, "failed on a random draw: ZeroDivisionError"),
        ({"metrics": ()}, "one metric or several"),
        ({"metrics": ("accuracy", "accuracy")}, "one metric or several"),
        ({"metrics": ("acuracy",)}, "Did you mean 'accuracy'"),
        ({"device": "gpu"}, "a device is auto, cpu, cuda"),
        ({"limits": Limits(params=3)}, "no network meets the limits"),
    ],
)
def test_what_is_wrong_with_the_search_is_an_error_before_any_trial(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptunasError, match=message):
        small_objective(**changes)


# a person's own function


def test_an_own_function_is_priced_trained_and_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"width": 3})
    study.enqueue_trial({"width": 3})
    with builds(monkeypatch) as built:
        study.optimize(small_objective(space=own), n_trials=2)
    first, second = study.trials
    assert len(built) == 1
    assert first.user_attrs["params"] == sum(p.numel() for p in plain(3).parameters())
    assert first.user_attrs["macs"] == 6 * 6 * 3 * 9 + 12 * 10
    assert "architecture" not in first.user_attrs
    assert second.user_attrs["reused_from"] == 0
    assert first.value == second.value


def test_an_own_function_may_have_conditional_parameters() -> None:
    def space(trial: optuna.trial.BaseTrial) -> nn.Module:
        depth = trial.suggest_int("depth", 1, 2)
        widths = [trial.suggest_int(f"width{i}", 2, 3) for i in range(depth)]
        convs = [nn.Conv2d(a, b, 3) for a, b in zip([1, *widths], widths, strict=False)]
        return nn.Sequential(*convs, nn.Flatten(), nn.LazyLinear(10))

    trials = run(small_objective(space=space), 5)
    assert {t.user_attrs["outcome"] for t in trials} <= {"trained", "reused", "pruned"}
    assert {len(t.params) for t in trials} == {2, 3}


class NeedsNumbers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside = plain(2)
        self.rates = torch.linspace(0, 1, 3).tolist()  # impossible on the meta device

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x)  # type: ignore[no-any-return]


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside = plain(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x if x.sum() > 0 else -x)  # type: ignore[no-any-return]


@pytest.mark.parametrize("network", [NeedsNumbers, Branches])
def test_code_that_needs_real_numbers_is_priced_on_the_cpu(network: type[nn.Module]) -> None:
    (trial,) = run(small_objective(space=lambda trial: network()))
    assert trial.user_attrs["outcome"] == "trained"
    assert trial.user_attrs["params"] == sum(p.numel() for p in plain(2).parameters())


def test_a_function_may_return_a_description() -> None:
    (trial,) = run(small_objective(space=Given(4).suggest))
    assert "architecture" in trial.user_attrs
    assert trial.user_attrs["outcome"] == "trained"


# interruptions


class Stop:
    """Raises KeyboardInterrupt after some epochs, once; counts the epochs that were told."""

    def __init__(self, after: int) -> None:
        self.after, self.told = after, list[Epoch]()

    def __call__(self, number: int, epoch: Epoch) -> None:
        self.told.append(epoch)
        if len(self.told) == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("space", [Given(4), own])
def test_an_interrupted_training_goes_on_and_ends_as_if_nothing_had_been(
    space: Any, tmp_path: Path
) -> None:
    from optunas.worker.recovery import put_back

    (whole,) = run(small_objective(space=space), sampler="random")
    study = optunas.create_study("s", storage=optuna.storages.InMemoryStorage(), sampler="random")
    stop = Stop(after=2)
    objective = small_objective(space=space, checkpoints=tmp_path, on_epoch=stop)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(objective, n_trials=1)
    assert study.trials[0].state is TrialState.FAIL
    assert study.trials[0].user_attrs["outcome"] == "interrupted"
    assert study.trials[0].user_attrs["reason"] == "stopped from outside"
    assert len(list(tmp_path.iterdir())) == 1

    put_back(study, 0)
    study.optimize(objective, n_trials=1)
    again = study.trials[1]
    assert again.params == whole.params
    assert again.value == whole.value
    assert again.user_attrs["seed"] == whole.user_attrs["seed"]
    assert again.user_attrs["outcome"] == "trained"
    assert stop.told[2:4] == stop.told[:2]  # told again with the old timings, not trained again
    assert len(stop.told) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_trial_that_was_judged_and_not_told_is_not_trained_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from optunas.worker.recovery import put_back

    study = optuna.create_study(direction="maximize")
    objective = small_objective(space=Given(4), reuse=False)
    trial = study.ask()
    value = objective(trial)  # and here the process dies, before study.tell
    study.tell(trial, state=TrialState.FAIL)
    put_back(study, 0)
    with builds(monkeypatch) as built:
        study.optimize(objective, n_trials=1)
    assert built == []
    assert study.trials[1].value == value
    assert study.trials[1].user_attrs["outcome"] == "trained"
    assert "reused_from" not in study.trials[1].user_attrs


def test_a_folder_for_checkpoints_that_cannot_be_written_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (trial,) = run(small_objective(checkpoints=tmp_path / "file" / "below"))
    assert trial.user_attrs["outcome"] == "trained"


# promotion


class Stopping(optuna.pruners.BasePruner):
    """Stops every trial after its second epoch."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        return trial.last_step == 2


def test_a_promoted_trial_goes_on_from_its_checkpoint_and_ends_as_if_never_stopped(
    tmp_path: Path,
) -> None:
    (whole,) = run(small_objective(space=Given(4)), sampler="random")
    study = optunas.create_study(
        "s", storage=optuna.storages.InMemoryStorage(), sampler="random", pruner=Stopping()
    )
    told: list[Epoch] = []
    objective = small_objective(
        space=Given(4), checkpoints=tmp_path, on_epoch=lambda number, epoch: told.append(epoch)
    )
    study.optimize(objective, n_trials=1)
    assert study.trials[0].user_attrs["outcome"] == "pruned"
    assert [file.name.startswith("stopped-") for file in tmp_path.iterdir()] == [True]

    optunas.promote(study, 0)
    study.optimize(objective, n_trials=1)
    again = study.trials[1]
    assert again.user_attrs["outcome"] == "trained"
    assert again.value == whole.value
    assert list(again.intermediate_values) == [1, 2, 3]
    assert told[2:4] == told[:2]  # the old epochs, not trained again
    assert len(told) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_promoted_trial_without_a_checkpoint_starts_from_zero(tmp_path: Path) -> None:
    (whole,) = run(small_objective(space=Given(4)), sampler="random")
    study = optunas.create_study(
        "s", storage=optuna.storages.InMemoryStorage(), sampler="random", pruner=Stopping()
    )
    study.optimize(small_objective(space=Given(4)), n_trials=1)
    optunas.promote(study, 0)
    study.optimize(small_objective(space=Given(4)), n_trials=1)
    assert study.trials[1].value == whole.value


def test_the_trial_says_how_it_was_trained() -> None:
    (trial,) = run(small_objective(engine=Engine(images="stream")))
    assert trial.user_attrs["engine"] == "images streamed, steps eager"


def test_proxies_are_noted_before_training_and_change_nothing(tmp_path: Path) -> None:
    (plainly,) = run(small_objective(space=Given(4)), sampler="random")
    (noted,) = run(
        small_objective(space=Given(4), proxies=("swap", "synflow", "macs")), sampler="random"
    )
    found = {k: v for k, v in noted.user_attrs.items() if k.startswith("proxy.")}
    assert set(found) == {"proxy.swap", "proxy.synflow", "proxy.macs"}
    assert found["proxy.macs"] == noted.user_attrs["macs"]
    assert found["proxy.swap"] > 0
    assert noted.value == plainly.value
    with pytest.raises(StudyError, match="naswot"):
        small_objective(proxies=("naswott",))


def test_a_study_tells_how_well_its_proxies_ranked() -> None:
    study = optunas.create_study("s", storage=optuna.storages.InMemoryStorage(), sampler="random")
    study.optimize(small_objective(proxies=("naswot",), reuse=False), n_trials=5)
    names = {one.proxy: one for one in correlations(study)}
    assert set(names) == {"naswot", "params", "macs"}
    assert -1 <= names["naswot"].rho <= 1
