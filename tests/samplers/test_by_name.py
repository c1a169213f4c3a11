import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from optunas.architecture import cost
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers import SAMPLERS, grid_of, make_sampler
from optunas.spaces import NASBench201
from optunas.spaces.sight import SpaceSight

Params = list[dict[str, Any]]


def flat(trial: optuna.Trial) -> float:
    """A small mixed space with its best, 10.0, at op0 = op1 = "conv", width 4 and drop 0."""
    ops = [trial.suggest_categorical(f"op{i}", ("conv", "skip", "pool")) for i in range(2)]
    width = trial.suggest_int("width", 1, 4)
    return ops.count("conv") * 3 + width - trial.suggest_float("drop", 0, 1, step=0.25)


def proposals(sampler: optuna.samplers.BaseSampler, trials: int = 15) -> Params:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(flat, n_trials=trials)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_name_searches_and_its_seed_repeats(name: str) -> None:
    text = "gp(startup=13)" if name == "gp" else name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)
        first = proposals(make_sampler(text, seed=1))
    assert len(first) == 15
    assert first == proposals(make_sampler(text, seed=1))
    assert first != proposals(make_sampler(text, seed=2), 3 if name == "gp" else 15)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("random", "RandomSampler"),
        ("TPE", "TPESampler"),
        ("nsga2", "NSGAIISampler"),
        ("nsga_iii( population = 8 )", "NSGAIIISampler"),
        ("cma-es", "CatCmaSampler"),
        ("brute-force", "BruteForceSampler"),
        ("rea(population=10, sample=3)", "RegularizedEvolutionSampler"),
        ("regularized_evolution", "RegularizedEvolutionSampler"),
        ("local-search(startup=1)", "LocalSearchSampler"),
        ("genetic(population=8)", "GeneticSampler"),
    ],
)
def test_names_are_lenient(text: str, kind: str) -> None:
    assert kind in str(make_sampler(text, seed=0))


@pytest.mark.parametrize("name", ["evolution", "genetic", "local"])
def test_the_space_reaches_samplers_that_look_at_networks(name: str) -> None:
    space = NASBench201(channels=4, repeats=1)
    sight = SpaceSight(space, limits=Limits(params=3000))
    sampler = make_sampler(name, seed=0, space=sight, startup=3)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(lambda trial: cost(space.suggest(trial), (3, 32, 32), 10).params, n_trials=6)
    assert study.best_value <= 3000


def test_own_samplers_pass_through() -> None:
    own = optuna.samplers.QMCSampler(seed=3)
    assert make_sampler(own, seed=0) is own


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tpee", "no sampler is called 'tpee'. Did you mean 'tpe'\\? There are: .*gp, grid"),
        ("tpe(start=3)", "sampler 'tpe' takes startup, candidates; got 'start'"),
        ("random(startup=3)", "sampler 'random' takes no arguments; got 'startup'"),
        ("tpe(startup='many')", "startup is of type int; got 'many'"),
        ("tpe(startup=many)", "startup is of type int; got 'many'"),
        ("tpe(startup=True)", "startup is of type int; got True"),
        ("tpe(20)", "name\\(key=value, ...\\)"),
        ("tpe(**{'startup': 3})", "name\\(key=value, ...\\)"),
        ("tpe(startup=3, startup=4)", "name\\(key=value, ...\\)"),
        ("tpe(startup=__import__('os').getpid())", "with plain values"),
        ("tpe(startup=3", "name\\(key=value, ...\\)"),
        ("", "name\\(key=value, ...\\)"),
        ("nsgaii(population=1)", "greater than or equal to 2"),
        ("evolution(population=5)", "1 <= sample <= population; got sample=10, population=5"),
        ("local(population=5)", "sampler 'local' takes startup; got 'population'"),
    ],
)
def test_bad_texts_are_one_line_that_names_the_way_out(text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        make_sampler(text, seed=0)
    assert len(str(caught.value).splitlines()) == 1


def test_a_negative_seed() -> None:
    with pytest.raises(StudyError, match="from 0 on; got -1"):
        make_sampler("random", seed=-1)


def test_arguments_reach_the_sampler() -> None:
    """Up to its startup TPE draws as it does with any larger one, and differently after it."""
    short, long = (proposals(make_sampler(f"tpe(startup={n})", seed=0)) for n in (5, 100))
    assert short[:5] == long[:5]
    assert short[5:] != long[5:]


def test_startup_is_the_default_of_the_argument() -> None:
    assert proposals(make_sampler("tpe", seed=0, startup=5)) == proposals(
        make_sampler("tpe(startup=5)", seed=0)
    )


def test_the_grid_visits_everything_once_and_stops() -> None:
    for sampler in (
        make_sampler("grid", seed=0),
        make_sampler("grid", seed=0, search_space={"op": ["a", "b", "c"], "n": [1, 2]}),
    ):
        study = optuna.create_study(sampler=sampler)
        study.optimize(
            lambda trial: (
                trial.suggest_int("n", 1, 2) + len(trial.suggest_categorical("op", ("a", "b", "c")))
            ),
            n_trials=50,
        )
        seen = {(trial.params["n"], trial.params["op"]) for trial in study.trials}
        assert len(study.trials) == len(seen) == 6


def test_grid_of_a_flat_space() -> None:
    grid = grid_of(
        {
            "op": CategoricalDistribution(("a", "b")),
            "n": IntDistribution(2, 8, step=3),
            "log": IntDistribution(1, 3, log=True),
            "x": FloatDistribution(0.1, 0.4, step=0.1),
        }
    )
    assert grid == {"op": ["a", "b"], "n": [2, 5, 8], "log": [1, 2, 3], "x": [0.1, 0.2, 0.3, 0.4]}


def test_grids_that_are_none() -> None:
    with pytest.raises(StudyError, match="'lr' is any number in a range: give it a step"):
        grid_of({"lr": FloatDistribution(0.001, 1.0, log=True)})
    with pytest.raises(StudyError, match="at most 1,000,000 combinations; these are 1e"):
        grid_of({f"n{i}": IntDistribution(1, 10) for i in range(7)})


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_name_means_a_sampler_that_keeps_a_pickle_in_the_storage(name: str) -> None:
    assert not isinstance(make_sampler(name, seed=0), optuna.samplers.CmaEsSampler)


def test_cmaes_serves_one_objective() -> None:
    with pytest.raises(StudyError, match="serves one objective; the study has 2: take 'nsgaii'"):
        make_sampler("cmaes", seed=0, n_objectives=2)


@pytest.mark.parametrize(
    "name", ["random", "grid", "tpe", "nsgaii", "nsgaiii", "evolution", "genetic", "local"]
)
def test_several_objectives(name: str) -> None:
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=make_sampler(name, seed=0, n_objectives=2)
    )
    study.optimize(lambda trial: (flat(trial), trial.params["width"]), n_trials=15)
    assert len(study.best_trials) > 0


def test_tpe_learns_although_a_trial_without_parameters_was_added() -> None:
    """Optuna's own multivariate TPE would model nothing any more: the common space is empty."""
    study = optuna.create_study(direction="maximize", sampler=make_sampler("tpe", seed=0))
    study.add_trial(optuna.create_trial(value=1.0, params={}))
    study.optimize(flat, n_trials=50)
    late = [trial.value for trial in study.trials[-20:] if trial.value is not None]
    assert sum(late) / len(late) > 7.0  # random draws: 4.0 on average


def test_two_workers_with_one_seed_propose_different_networks() -> None:
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage, study_name="s")
    workers = [
        optuna.load_study(study_name="s", storage=storage, sampler=make_sampler("random", seed=0))
        for _ in range(4)
    ]
    trials = [worker.ask() for worker in workers]
    draws = {trial.suggest_float("x", 0, 1) for trial in trials}
    assert len(draws) == 4


def test_a_seeded_sampler_is_pickled() -> None:
    sampler = make_sampler("random", seed=5)
    assert proposals(pickle.loads(pickle.dumps(sampler))) == proposals(sampler)


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from optunas.samplers import SAMPLERS, make_sampler\n"
        "from optunas.pruners import PRUNERS, make_pruner\nimport optunas.study\n"
        "[make_sampler(name, seed=0) for name in SAMPLERS if name != 'gp']\n"
        "assert 'torch' not in sys.modules"
    )
    top = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=top, timeout=60)
