"""What is said before a search begins."""

import re
from dataclasses import replace
from typing import Any

import optuna
from rich.console import Console

from optunas import Limits, RecipeSpace
from optunas.search import Search
from optunas.terminal import intro
from optunas.worker import Plan

from ..small import RECIPE, few, plain, small_objective


def said(search: Search, finished: int = 0) -> str:
    console = Console(width=100, color_system=None)
    opened = replace(search, storage=optuna.storages.InMemoryStorage())
    with console.capture() as captured:
        console.print(intro(opened, finished))
    return re.sub(" +", " ", captured.get())


def test_everything_that_decides_the_search_is_said() -> None:
    noted = replace(few(), notes=("2 files left out: [a].png, b.png",))
    objective = small_objective(
        data=noted,
        recipe=RecipeSpace(RECIPE),
        limits=Limits(params=10_000, latency_ms=5),
        metrics=("accuracy", "macs"),
    )
    search = Search(objective, "mine", Plan(trials=7, hours=1.5), sampler="gp", seed=4)
    text = said(search, 3)
    for line in (
        "data few: 10 classes, 1x8x8, 216 train / 108 validation / 360 test",
        "2 files left out: [a].png, b.png",
        "classes are even: 21 (0) to 22 (1) train images",
        "no two images are the same",
        "warning 95 % interval of an accuracy of 90 %: 82.9 to 94.4 % on",
        f"space ConvNet, {objective.space.size():,} networks",
        "onecycle, searched from there",
        "limits params <= 10,000, latency_ms <= 5",
        "aim accuracy (maximize), macs (minimize)",
        "device cpu",
        "images on the device",
        "strategy gp, pruner median, seed 4",
        "until 7 finished trials (3 so far) or 1.5 hours from now",
        "storage InMemoryStorage, study 'mine'",
    ):
        assert line in text, line


def test_a_functions_name_and_objects_stand_for_themselves() -> None:
    def my_network(trial: Any) -> Any:
        return plain(2)

    search = Search(
        small_objective(space=my_network),
        "s",
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.NopPruner(),
    )
    text = said(search)
    assert "space my_network\n" in re.sub(" +\n", "\n", text)
    assert "strategy RandomSampler, pruner NopPruner, seed 0" in text


def test_a_plain_callable_has_no_data_to_speak_of() -> None:
    text = said(Search(lambda trial: 1.0, "s", Plan(hours=2)))
    assert "data" not in text
    assert "until 2 hours from now" in text
