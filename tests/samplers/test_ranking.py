"""Who did better, and in which order."""

from collections.abc import Sequence
from typing import Any

import optuna
import pytest
from optuna.trial import Trial, TrialState

from optunas.attributes import Outcome
from optunas.limits import Limits
from optunas.samplers.proposing import Proposing
from optunas.samplers.ranking import individuals, ranked
from optunas.samplers.scene import Scene
from optunas.spaces import NASBench201
from optunas.spaces.sight import View

SPACE = NASBench201(channels=4, repeats=1)


class Looking(Proposing):
    def propose(self, scene: Scene) -> View | None:
        self.scene = scene
        return scene.random()


def ranking(study: optuna.Study, **settings: Any) -> list[int]:
    study.sampler = sampler = Looking(SPACE, seed=0, **settings)
    SPACE.suggest(study.ask())
    return [one.number for one in ranked(individuals(sampler.scene))]


def tried(
    study: optuna.Study, value: float | Sequence[float] | None, *broken: float, **reports: float
) -> None:
    trial = study.ask()
    SPACE.suggest(trial)
    for i, violation in enumerate(broken):
        trial.set_constraint(f"c{i}", violation)
    for step, report in reports.items():
        trial.report(report, int(step.removeprefix("epoch")))
    state = TrialState.PRUNED if reports and value is None else None
    study.tell(trial, value, state)


@pytest.mark.parametrize(("direction", "order"), [("maximize", [1, 2, 0]), ("minimize", [0, 2, 1])])
def test_by_value(direction: str, order: list[int]) -> None:
    study = optuna.create_study(direction=direction)
    for value in (1.0, 3.0, 2.0):
        tried(study, value)
    assert ranking(study) == order


def test_feasible_ones_first_then_by_how_much_is_broken() -> None:
    study = optuna.create_study(direction="maximize")
    tried(study, 9.0, 0.5, 0.6)
    tried(study, 8.0, 1.0, -3.0)
    tried(study, 1.0, 0.0, -1.0)
    tried(study, 2.0)
    assert ranking(study) == [3, 2, 1, 0]


def test_pruned_ones_come_after_completed_ones_the_latest_first() -> None:
    study = optuna.create_study(direction="maximize")
    tried(study, None, epoch1=9.0)
    tried(study, None, epoch1=1.0, epoch2=2.0)
    tried(study, None, epoch1=9.0, epoch2=3.0)
    tried(study, 0.0, epoch1=0.0, epoch2=0.0)
    tried(study, None, epoch2=float("nan"))
    assert ranking(study) == [3, 2, 1, 4, 0]


@pytest.mark.filterwarnings("ignore:The value nan")
def test_rejected_failed_and_running_ones_have_no_rank() -> None:
    study = optuna.create_study(direction="maximize")
    tried(study, 1.0)
    tried(study, float("nan"))
    SPACE.suggest(study.ask())

    def rejected(trial: Trial) -> float:
        SPACE.suggest(trial)
        trial.set_user_attr("outcome", Outcome.REJECTED)
        raise optuna.TrialPruned

    study.optimize(rejected, n_trials=1)
    assert [trial.state for trial in study.trials] == [
        TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING, TrialState.PRUNED,
    ]  # fmt: skip
    assert ranking(study) == [0]


def test_a_network_over_the_limits_of_the_sampler_is_behind_those_within() -> None:
    study = optuna.create_study(direction="maximize")
    for value, op in ((9.0, "nor_conv_3x3"), (1.0, "skip_connect")):
        study.enqueue_trial(dict.fromkeys(SPACE.baseline(), op))
        tried(study, value)
    assert ranking(study, limits=Limits(params=3000)) == [1, 0]
    assert ranking(study) == [0, 1]


def test_several_objectives_by_fronts_and_the_lonely_first() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for good, price in ((5.0, 5.0), (0.0, 0.0), (4.8, 4.6), (2.0, 2.0), (1.0, 4.0), (0.0, 6.0)):
        tried(study, (good, price))
    # 0 and 1 are the ends of the front; 3 is lonelier than 2; 3 dominates 4, and that one 5
    assert ranking(study) == [0, 1, 3, 2, 4, 5]
    tried(study, (9.0, 0.0), 0.1)
    assert ranking(study)[-1] == 7  # best in both, and not allowed
