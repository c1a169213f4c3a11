"""Costs are measured once for equal networks under equal circumstances."""

from dataclasses import replace
from typing import Any

import optuna
import pytest
from torch import nn

from optunas import Limits, Recipe, RecipeSpace
from optunas.objective import measured
from optunas.objective.measured import FACTS, WRITTEN

from ..small import RECIPE, plain, small_objective

LIMITS = Limits(latency_ms=1000, memory_mb=1000, inference_memory_mb=1000)


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is really measured."""
    calls: list[str] = []
    for name in ("latency", "training_memory_mb", "inference_memory_mb"):
        measure = getattr(measured, name)

        def spy(*args: Any, _name: str = name, _measure: Any = measure, **kwargs: Any) -> Any:
            calls.append(_name)
            return _measure(*args, **kwargs)

        monkeypatch.setattr(measured, name, spy)
    return calls


def own(trial: optuna.trial.BaseTrial) -> nn.Module:
    return plain(trial.suggest_int("width", 2, 6))


ALL = ["latency", "training_memory_mb", "inference_memory_mb"]


def run(study: optuna.Study, width: int, **changes: Any) -> dict[str, Any]:
    study.enqueue_trial({"width": width})
    settings = {"space": own, "limits": LIMITS, "reuse": False, **changes}
    study.optimize(small_objective(**settings), n_trials=1)
    return study.trials[-1].user_attrs


def test_the_same_network_is_measured_once(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize")
    first, second = run(study, 3), run(study, 3)
    assert asked == ALL
    assert first["outcome"] == second["outcome"] == "trained"
    assert {name: first[name] for name in WRITTEN} == {name: second[name] for name in WRITTEN}
    assert first["latency_batch"] == 1
    assert 0 <= first["latency_iqr_ms"] < first["latency_ms"] < 1000
    assert first["inference_memory_mb"] < first["memory_mb"]
    run(study, 4)
    assert asked == 2 * ALL


def test_another_recipe_changes_what_depends_on_it(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize")
    run(study, 3)
    run(study, 3, recipe=replace(RECIPE, epochs=2, lr=0.01, weight_decay=0.1))
    assert asked == ALL
    smaller = run(study, 3, recipe=replace(RECIPE, batch_size=16))
    assert asked == [*ALL, "training_memory_mb"]
    assert smaller["memory_mb"] < study.trials[0].user_attrs["memory_mb"]
    run(study, 3, recipe=replace(RECIPE, precision="bf16"))
    assert asked == [*ALL, "training_memory_mb", *ALL]


def test_what_was_not_asked_for_is_measured_when_it_is(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize")
    assert not set(WRITTEN) & set(run(study, 3, limits=Limits()))
    assert asked == []
    known = run(study, 3, limits=Limits(latency_ms=1000))
    assert set(WRITTEN) & set(known) == set(FACTS["latency_ms"])
    run(study, 3)
    assert sorted(asked) == sorted(ALL)


def test_another_device_is_another_fact(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize")
    run(study, 3)
    (trial,) = study.trials
    elsewhere = optuna.create_study(direction="maximize")
    attributes = {**trial.user_attrs, "device": "NVIDIA H100"}
    elsewhere.add_trial(optuna.trial.create_trial(value=0.5, user_attrs=attributes))
    run(elsewhere, 3)
    assert asked == 2 * ALL


def test_a_rejected_network_is_rejected_again_unmeasured(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize")
    for _ in range(2):
        known = run(study, 3, limits=Limits(memory_mb=0.01))
        assert known["outcome"] == "rejected"
    assert asked == ["training_memory_mb"]


def test_a_search_of_recipes_measures_a_network_once_for_each_batch_size(asked: list[str]) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    recipe = RecipeSpace(Recipe(epochs=1, batch_size=64), batch_size=None)
    objective = small_objective(
        space=lambda trial: plain(3), limits=Limits(latency_ms=1000), recipe=recipe, reuse=False
    )
    study.optimize(objective, n_trials=3)
    assert asked == ["latency"]


def test_a_reused_result_brings_all_facts() -> None:
    study = optuna.create_study(direction="maximize")
    first, second = run(study, 3, reuse=True), run(study, 3, reuse=True)
    assert second["outcome"] == "reused"
    assert {name: first[name] for name in WRITTEN} == {name: second[name] for name in WRITTEN}
