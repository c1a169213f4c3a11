"""Networks of the field in the race: as large as the limits allow, trained like the others."""

import json
from pathlib import Path

import optuna
import pytest
import torch
import torchvision

import optunas
from optunas.delivery import baselines as comparing
from optunas.delivery.baselines import baselines
from optunas.delivery.race import Entrant

from ..small import SPACE, small_objective


def found(objective: optunas.Objective, *macs: int) -> dict[str, Entrant]:
    trials = [
        optuna.trial.create_trial(value=0.5, user_attrs={"macs": one, "outcome": "trained"})
        for one in macs
    ]
    entrants = baselines(objective, trials, optunas.Recipe(epochs=9, lr=0.01))
    return {entrant.name: entrant for entrant in entrants}


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "get_dir", lambda: str(tmp_path))


@pytest.mark.parametrize("most", [20_000, 100_000])
def test_they_are_as_large_as_the_limits_allow(most: int) -> None:
    objective = small_objective(limits=optunas.Limits(params=most, macs=10**9))
    both = found(objective)
    assert list(both) == ["ResNet-18-like", "MobileNetV3-like"]
    for entrant in both.values():
        assert 0.6 * most < entrant.candidate.params <= most
        assert entrant.trial is None
        assert entrant.recipe.epochs == 9
        assert entrant.candidate.build(0, torch.device("cpu"))(torch.zeros(2, 1, 8, 8)).shape == (
            2, 10,
        )  # fmt: skip


def test_without_a_limit_on_time_no_costlier_than_the_costliest_that_was_trained() -> None:
    most = {one.candidate.macs for one in found(small_objective(), 300_000, 2_000_000).values()}
    assert all(1_000_000 < macs <= 2_000_000 for macs in most)
    free = found(small_objective(limits=optunas.Limits(macs=10**12)), 300_000)
    assert min(one.candidate.params for one in free.values()) > 4_000_000


def test_none_where_none_is_within_the_limits() -> None:
    tight = small_objective(limits=optunas.Limits(params=1000, macs=10**9))
    assert found(tight) == {}


def test_latency_is_measured_where_it_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def made_up(name: str, network: torch.nn.Module, *_: object) -> dict[str, float]:
        asked.append(name)
        return {name: sum(p.numel() for p in network.parameters()) / 10_000}

    monkeypatch.setattr(comparing, "measured", made_up)
    objective = small_objective(limits=optunas.Limits(latency_ms=30.0))
    for entrant in found(objective).values():
        assert entrant.candidate.params <= 300_000
        assert entrant.values["latency_ms"] == entrant.candidate.params / 10_000
    assert set(asked) == {"latency_ms"}


def test_a_pretrained_one_runs_where_its_weights_are_at_hand(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = torchvision.models.mobilenet_v3_small(weights=None)
    (tmp_path / "checkpoints").mkdir()
    torch.save(model.state_dict(), tmp_path / "checkpoints" / "mobilenet_v3_small-0123abcd.pth")
    objective = small_objective(limits=optunas.Limits(macs=10**10))
    pretrained = found(objective)["pretrained mobilenet_v3_small"]
    network = pretrained.candidate.build(0, torch.device("cpu"))
    theirs = model.features[0][0].weight
    assert any(torch.equal(theirs, mine) for mine in network.state_dict().values())
    assert pretrained.recipe.lr == pytest.approx(0.001)
    (tmp_path / "checkpoints" / "resnet18-0123abcd.pth").write_bytes(b"damaged")
    again = found(objective)  # the better one does not stop the other
    assert "resnet18-0123abcd.pth" in caplog.text
    assert "pretrained mobilenet_v3_small" in again
    too_large = small_objective(limits=optunas.Limits(params=10_000))
    assert "pretrained mobilenet_v3_small" not in found(too_large, 10**9)


@pytest.mark.usefixtures("weights_only")
def test_where_a_baseline_is_better_it_is_delivered_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that found one poor network only."""
    objective = small_objective(limits=optunas.Limits(macs=10**9))
    study = optunas.create_study("poor", storage="sqlite://", sampler="random")
    study.enqueue_trial(SPACE.baseline())
    study.optimize(objective, n_trials=1)
    monkeypatch.setattr(comparing, "LIKE", (("better", lambda side, width: better()),))
    winner = optunas.deliver(study, objective, tmp_path, longer=5, candidates=1, seeds=1)
    assert winner.race is not None
    assert [one.name for one in winner.race.results] == ["better", "trial 0"]
    assert (winner.name, winner.trial) == ("better", None)
    facts = json.loads((tmp_path / "winner.json").read_text())
    assert (facts["network"], facts["trial"]) == ("better", None)
    card = (tmp_path / "model_card.md").read_text()
    assert "| better |" in card
    for said in (card, " ".join(facts["race"]["said"])):
        assert "the search did not beat its baselines: better leads trial 0" in said
    assert facts["params"] == sum(one.numel() for one in winner.network.parameters())


def better() -> optunas.architecture.Layer:
    wide = (optunas.architecture.ConvNorm(32), optunas.architecture.ConvNorm(32))
    return optunas.architecture.Sequential(
        *wide, optunas.architecture.GlobalPool(), optunas.architecture.Linear()
    )
