"""Workers on a Dask cluster that is there already, through Optuna's own `DaskStorage`.

Dask's scheduler keeps the study: workers need no database of their own. It may be in memory, as
here, or in a database that the scheduler reaches (`DaskStorage("postgresql+psycopg://...")`). On a
cluster write `Client("tcp://scheduler:8786")`. `optunas.storage.open` adds what it adds to any
storage: heartbeats, patience, and trials that are taken over from lost workers.

pip install 'optunas[dask]'
"""

import warnings

import optuna
from distributed import Client, LocalCluster, wait
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState
from optuna_integration import DaskStorage

import optunas

TRIALS, TASKS = 4, 2


def objective():
    """Made where it is used: data and networks don't travel."""
    return optunas.Objective(
        optunas.spaces.ConvNet(stages=(1,), depths=(1,), widths=(8, 16), kernels=(3,)),
        optunas.data.digits(),
        optunas.Recipe(epochs=1),
        device="cpu",
    )


def work(study, seed):
    study.sampler = optuna.samplers.RandomSampler(seed=seed)  # not the same draws in every task
    optunas.work(study, objective(), trials=TRIALS)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ExperimentalWarning)
    with (
        LocalCluster(n_workers=TASKS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        storage = optunas.storage.open(DaskStorage(client=client))
        study = optuna.create_study(storage=storage, direction="maximize")
        tasks = [client.submit(work, study, seed, pure=False) for seed in range(TASKS)]
        for task in wait(tasks).done:
            task.result()  # raises what the task raised
        trained = study.get_trials(states=[TrialState.COMPLETE])
        for trial in trained:
            parameters = trial.user_attrs["params"]
            print(f"trial {trial.number}: {trial.value:.1%}, {parameters:,} parameters")
        print(f"{len(trained)} trials by {TASKS} Dask workers; best {study.best_value:.1%}")
