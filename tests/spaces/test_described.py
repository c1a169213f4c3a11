"""A space in words: the same in every process."""

import functools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from optuna.trial import BaseTrial

from optunas.data import digits
from optunas.spaces import Backbone, ConvNet
from optunas.spaces.described import choices_of, described


def own(trial: BaseTrial, most: int = 4) -> Any:
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        trial.suggest_int("a.width", 8, 64, step=8)
    else:
        trial.suggest_float("b.rate", 0.1, 5.0, log=True)
        raise ValueError("can't be built")


class Plain:
    pass


@dataclass
class Holder:
    rest: Any
    shown: Any = field(default=None, repr=False)


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (own, "own"),
        (functools.partial(own, most=5), "partial(own, most=5)"),
        (Plain(), "Plain"),
        (Holder({"b", "a", "c"}), "Holder(rest={'a', 'b', 'c'})"),
        (Holder([own, {"x": Plain()}], 3), "Holder(rest=(own, {x=Plain}))"),
    ],
)
def test_neither_addresses_nor_orders_of_sets(thing: Any, said: str) -> None:
    assert described(thing) == said


def test_images_are_named_by_their_fingerprint() -> None:
    data = digits()
    assert f"data=Data({data.fingerprint})" in described(Backbone(data))


def test_another_process_says_the_same() -> None:
    script = (
        "from optunas.spaces import ConvNet; from optunas.spaces.described import *;"
        "print(described(ConvNet()), choices_of(ConvNet().suggest))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].startswith(described(ConvNet()))


def test_choices_of_a_function_are_those_that_its_draws_see() -> None:
    assert choices_of(own) == {
        "a.width": "8..64 step 8",
        "b.rate": "0.1..5.0 log",
        "kind": '["a", "b"]',
    }
