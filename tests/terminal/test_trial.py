"""One trial on a page, whatever its attributes hold."""

from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from rich.console import Console

from optunas.architecture import to_json
from optunas.spaces import ConvNet
from optunas.spaces.draw import draw
from optunas.terminal import trial_page


def page(trial: FrozenTrial, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        for part in trial_page(trial):
            console.print(part)
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    return text


def trained(**changes: Any) -> FrozenTrial:
    import numpy as np

    drawn = draw(ConvNet().suggest, np.random.default_rng(1))
    attributes = {
        "outcome": "trained", "reason": "", "architecture": to_json(drawn.architecture),
        "input_shape": [1, 8, 8], "classes": 10, "params": 1_234_567, "macs": 76_543_210,
        "accuracy": 0.9, "f1": 0.8, "train_seconds": 1234.5, "latency_ms": 1.5, "memory_mb": 99.0,
        "curve": [[2.3, 2.2, 0.1, 0.05, 0.5], [1.3, 1.2, 0.9, 0.8, 0.5]], "seed": 3,
        "recipe": {"epochs": 2, "clip_norm": None}, **changes,
    }  # fmt: skip
    study = optuna.create_study(direction="maximize")
    made = create_trial(
        values=[0.9],
        params=drawn.params,
        distributions=drawn.distributions,
        user_attrs={name: value for name, value in attributes.items() if value is not ...},
    )
    study.add_trial(made)
    return study.get_trials()[0]


def test_everything_is_on_the_page() -> None:
    text = page(trained())
    for part in (
        "Trial 0: trained, value 0.9", "90.00 %", "80.00 %", "1,234,567", "76,543,210", "1.5 ms",
        "99 MiB", "1,234 s", "epochs 2", "Network", "input", "in all", "Learning curve",
        "██████████", "stage1.block1.op",
    ):  # fmt: skip
        assert part in text, part
    assert "clip_norm" not in text


def test_a_measured_latency_tells_how_sure_it_is_and_memory_what_for() -> None:
    facts = {"latency_iqr_ms": 0.123, "latency_batch": 1, "inference_memory_mb": 7.2}
    text = page(trained(**facts))
    for part in ("1.5 ms (IQR 0.12, batch 1)", "7.2 MiB for one image", "99 MiB in training"):
        assert part in text, part


@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_number_of_the_network_is_cut(width: int) -> None:
    text = page(trained(), width)
    network = text[text.index("Network") : text.index("Learning curve")]
    assert "…" not in network
    (last,) = (line for line in network.splitlines() if "in all" in line)
    assert len(last.split()) >= 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architecture": {"kind": "Nonsense"}}, "its architecture can't be read"),
        ({"architecture": 5}, "its architecture can't be read"),
        ({"input_shape": ...}, "its architecture can't be read"),
        ({"input_shape": "x"}, "its architecture can't be read"),
        ({"curve": "steep"}, "its learning curve can't be read"),
        ({"curve": [[1, 2]]}, "its learning curve can't be read"),
        ({"curve": 5}, "its learning curve can't be read"),
        ({"accuracy": "good", "params": True}, "Trial 0: trained"),
        ({"recipe": 7}, "Trial 0: trained"),
        ({"outcome": "excellent"}, "Trial 0: trained"),
        ({"architecture": ..., "curve": ...}, "Trial 0: trained"),
    ],
)
def test_attributes_of_others_are_no_obstacle(changes: dict[str, Any], said: str) -> None:
    assert said in page(trained(**changes))


def test_a_trial_that_waits_runs_or_failed() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 1})
    assert "Trial 0: waiting" in page(study.get_trials()[0])
    trial = study.ask()
    assert "Trial 0: running" in page(study.get_trials()[0])
    trial.set_user_attr("reason", "two [words]")
    study.tell(trial, state=TrialState.FAIL)
    text = page(study.get_trials()[0])
    assert "Trial 0: failed" in text
    assert "two [words]" in text


def test_a_retried_trial_says_whose_it_is() -> None:
    from optunas.worker.recovery import put_back

    study = optuna.create_study()
    study.tell(study.ask(), state=TrialState.FAIL)
    put_back(study, 0)
    assert "continues  trial 0" in page(study.get_trials()[1])
