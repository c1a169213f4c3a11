"""Whatever stands in a study, the page shows it as text: no element, attribute or script of it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from optunas import fingerprint
from optunas.report.html import page
from optunas.report.html.plotly import packed
from optunas.report.html.security import data_block, policy

from ...performance.made_up import made_up
from .reading import Read

pytestmark = pytest.mark.usefixtures("quiet")

SCRIPT = "</script></style></title><script>alert(1)</script><img src=x onerror=alert(2)>"
VALUES: dict[str, Any] = {
    "script": SCRIPT,
    "quotes": '"\' onmouseover=alert(3) x="{{ 7 * 7 }}{% raw %}',
    "link": "<a href='javascript:alert(4)'>x</a>",
    "huge": "x" * 300_000,
    "number": -1,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "list": [[[]], None, {"a": [1]}],
    "object": {"layer": SCRIPT, "host": SCRIPT, "pid": SCRIPT},
    "deep": json.loads("[" * 200 + "]" * 200),
    "nothing": None,
    "escape": "\x1b]0;title\x07\x00\u2028\ud800",
}
ATTRIBUTES = (
    *("outcome", "reason", "architecture", "key", "recipe", "seed", "data", "device"),
    *("input_shape", "classes", "params", "macs", "latency_ms", "memory_mb", "margin.params"),
    *("accuracy", "f1", "train_seconds", "curve", "engine", "role", "promotes", "promoted_after"),
    *("reused_from", "worker", "reported"),
)


def spoiled(value: Any) -> optuna.Study:
    """A study in which everything that anybody can write is this value."""
    name = value if isinstance(value, str) and "\0" not in value and len(value) < 500 else "s"
    study = optuna.create_study(study_name=name, direction="maximize")
    text = str(value)[:500]
    choice = optuna.distributions.CategoricalDistribution([text, "other"])
    for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL) * 4:
        done = state is TrialState.COMPLETE
        study.add_trial(
            create_trial(
                state=state, value=0.5 if done else None, params={text: text},
                distributions={text: choice}, user_attrs=dict.fromkeys(ATTRIBUTES, value),
                intermediate_values={1: 0.5},
            )
        )  # fmt: skip
    study.add_trials(made_up(14).get_trials())
    for attribute in (fingerprint.ATTRIBUTE, fingerprint.COMMAND):
        study.set_user_attr(attribute, value)
    return study


def executable(read: Read) -> list[str]:
    return [text for kind, text in read.scripts if kind is None]


@pytest.fixture(scope="module")
def good() -> Read:
    return Read(page(made_up(14)))


@pytest.mark.parametrize("kind", VALUES)
def test_nothing_of_a_study_becomes_markup(kind: str, good: Read) -> None:
    bad = Read(page(spoiled(VALUES[kind])))
    known = {(tag, name) for tag, attributes in good.elements for name in attributes}
    assert {(tag, name) for tag, attributes in bad.elements for name in attributes} <= known
    assert executable(bad) == executable(good)


@pytest.mark.parametrize("kind", ["script", "list", "object"])
def test_nor_of_its_fingerprint(kind: str) -> None:
    study, value = made_up(2), VALUES[kind]
    parts = ("space", "choices", "recipe", "limits", "metrics", "strategy", SCRIPT)
    for part in (value, {SCRIPT: value}, [value]):
        study.set_user_attr(fingerprint.ATTRIBUTE, dict.fromkeys(parts, part))
        read = Read(page(study))
        assert "img" not in {tag for tag, _ in read.elements}
        assert len(executable(read)) == 1


def test_only_our_scripts_may_run() -> None:
    html = page(made_up(3))
    read = Read(html)
    (script,) = executable(read)
    metas = {known.get("http-equiv"): known for tag, known in read.elements if tag == "meta"}
    said = metas["Content-Security-Policy"]["content"]
    assert said is not None
    rules = dict(rule.strip().split(" ", 1) for rule in said.split(";"))
    assert rules["default-src"] == "'none'"
    digests = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (script, packed().source)
    }
    assert set(rules["script-src"].split()) == digests
    assert rules["base-uri"] == rules["form-action"] == "'none'"


def test_without_scripts_none_may_run() -> None:
    assert "script-src 'none';" in policy([])


def test_json_never_ends_its_element() -> None:
    value = {"a": "</script><!-- & --> \u2028", "b": [1, None, "é"]}
    text = data_block(value)
    assert not set("<>&") & set(text)
    assert json.loads(text) == value
