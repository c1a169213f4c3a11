"""The best few in a race: chosen by the mean of new trainings, not by their luck."""

from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch

import optunas
from optunas.delivery import race as racing
from optunas.delivery.race import ACCURACY, Entrant, Race, Result, race
from optunas.errors import StudyError
from optunas.training import Diverged, Epoch

from ..small import SPACE, small_objective


def result(trial: int | None, *scores: float, params: int = 100, name: str = "") -> Result:
    merit = np.mean(scores) if np.isfinite(scores).all() else -np.inf
    return Result(name or f"trial {trial}", trial, params, 9, 0.9, scores, float(merit))


def lead(race: Race) -> float:
    first, second = race.results[:2]
    return first.mean - second.mean


def test_the_mean_decides_and_not_the_best_run() -> None:
    found = Race.of([result(0, 0.99, 0.80), result(1, 0.92, 0.91), result(2, 0.85, 0.86)])
    assert [one.trial for one in found.results] == [1, 0, 2]
    assert lead(found) == pytest.approx(0.915 - 0.895)


def test_of_equal_means_the_smaller_network() -> None:
    found = Race.of([result(0, 0.9, params=200), result(1, 0.9, params=100)])
    assert found.results[0].trial == 1


def test_how_sure_a_lead_is() -> None:
    clear = Race.of([result(0, 0.91, 0.92), result(1, 0.80, 0.81)])
    wanted = np.sqrt(2 * np.mean([np.var([0.91, 0.92], ddof=1), np.var([0.80, 0.81], ddof=1)]) / 2)
    assert clear.error == pytest.approx(wanted)
    assert clear.is_sure(lead(clear))
    assert clear.said() == ("trial 0 leads trial 1 by 0.1100, more than what seeds alone make",)
    close = Race.of([result(0, 0.91, 0.95), result(1, 0.90, 0.94)])
    assert not close.is_sure(lead(close))
    assert "within what seeds alone make" in close.said()[0]


def test_one_seed_or_one_entrant_claims_nothing() -> None:
    single = Race.of([result(0, 0.9), result(1, 0.8)])
    assert isnan(single.error)
    assert not single.is_sure(lead(single))
    assert single.said() == ("trial 0 leads trial 1 by 0.1000, of one seed each",)
    assert Race.of([result(0, 0.9, 0.8)]).said() == ()


def test_who_diverged_once_is_last_and_all_of_them_are_an_error() -> None:
    assert Race.of([result(0, 0.99, nan), result(1, 0.5, 0.5)]).results[0].trial == 1
    with pytest.raises(StudyError, match="each of the best diverged"):
        Race.of([result(0, nan), result(1, 0.9, nan)])
    with pytest.raises(StudyError, match="each of the best diverged"):
        Race.of([result(0, nan), result(None, 0.9, name="ResNet-18-like")])


def test_it_is_said_whether_the_search_beat_its_baselines() -> None:
    other = result(None, 0.80, 0.82, name="ResNet-18-like")
    won = Race.of([result(0, 0.90, 0.92), other, result(1, 0.5, 0.5)])
    assert won.search_won
    assert won.said()[1] == (
        "the search beat its baselines: trial 0 leads ResNet-18-like by 0.1000, more than what "
        "seeds alone make"
    )
    lost = Race.of([result(0, 0.80, 0.81), replace(other, scores=(0.9, 0.9), merit=0.9)])
    assert not lost.search_won
    assert lost.said() == (
        "the search did not beat its baselines: ResNet-18-like leads trial 0 by 0.0950, more than "
        "what seeds alone make; it is the winner",
    )
    failed = Race.of([result(0, 0.8), replace(other, scores=(nan,), merit=-np.inf)])
    assert failed.said() == (
        "the search beat its baselines: trial 0 leads ResNet-18-like, which diverged",
    )


@pytest.fixture(scope="module")
def study() -> optuna.Study:
    study = optunas.create_study("race", storage="sqlite://", sampler="random")
    study.optimize(small_objective(), n_trials=4)
    return study


def entrants(objective: optunas.Objective, count: int) -> list[Entrant]:
    candidate = objective.prospect.propose(optuna.trial.FixedTrial(SPACE.baseline()))
    return [
        Entrant(f"trial {number}", candidate, candidate.recipe, number, 0.5)
        for number in range(count)
    ]


def test_what_was_trained_is_not_trained_again(tmp_path: Path) -> None:
    """After a kill, and for the winner's network: weights come from the checkpoints."""
    objective, told = small_objective(), []
    both = entrants(objective, 2)

    def on_epoch(epoch: Epoch) -> None:
        told.append(epoch.seconds)

    first, network = race(both, objective, [1, 2], ACCURACY, tmp_path, told.append, on_epoch)
    seconds = [one for one in told if isinstance(one, float)]
    assert [one for one in told if isinstance(one, str)] == [
        f"trial {trial}, seed {seed} of 2" for trial in (0, 1) for seed in (1, 2)
    ]
    told.clear()
    again, other = race(both, objective, [1, 2], ACCURACY, tmp_path, told.append, on_epoch)
    assert [one for one in told if isinstance(one, float)] == seconds  # told from the file
    assert again == first
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_the_network_is_that_of_the_first_seed_of_the_winner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {(0, 1): 0.5, (0, 2): 0.7, (1, 1): 0.4, (1, 2): 0.9, (2, 1): nan, (2, 2): 1.0}
    nets = {key: torch.nn.Linear(1, 1) for key in scores}

    def made_up(entrant: Entrant, objective: object, seed: int, *_: object):  # type: ignore[no-untyped-def]
        key = entrant.trial, seed
        if isnan(scores[key]):
            raise Diverged(1, nan, "training")
        epoch = Epoch(1, 1, 0.0, 0.0, scores[key], 0.1, 1.0, 1.0)
        return nets[key], epoch

    monkeypatch.setattr(racing, "retrained", made_up)
    found, network = race(
        entrants(small_objective(), 3), small_objective(), [1, 2], ACCURACY, tmp_path, str
    )
    assert [one.trial for one in found.results] == [1, 0, 2]
    assert network is nets[1, 1]


@pytest.mark.usefixtures("weights_only")
def test_a_delivery_races_the_best_and_says_so(study: optuna.Study, tmp_path: Path) -> None:
    objective = small_objective()
    runs: list[str] = []
    winner = optunas.deliver(
        study,
        objective,
        tmp_path,
        longer=1,
        candidates=2,
        seeds=2,
        baselines=False,
        on_run=runs.append,
    )
    assert winner.race is not None
    assert len(winner.race.results) == 2
    assert winner.trial == winner.race.results[0].trial
    assert len(runs) == 4
    assert winner.validation.accuracy == pytest.approx(winner.race.results[0].scores[0])
    assert not (tmp_path / "training").exists()
    best = sorted(
        (t for t in study.trials if t.user_attrs.get("outcome") == "trained"),
        key=lambda t: (-t.value, t.number),
    )
    assert {one.trial for one in winner.race.results} <= {t.number for t in best[:3]}
