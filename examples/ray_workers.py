"""Workers on a Ray cluster that is there already: each Ray task is a worker of one study.

The study lies in an SQL database, which all tasks reach (here a file, on a cluster PostgreSQL:
`postgresql+psycopg://...`), so Ray carries no results. The trials of all tasks count together, and
what a task that dies has begun is taken over by the others, or by the same one when Ray runs it
again. On a cluster write `ray.init("auto")`, and `num_gpus=1` in the decorator.

pip install 'optunas[ray]'
"""

import tempfile

import ray
from optuna.trial import TrialState

import optunas

TRIALS, TASKS = 4, 2


def objective():
    """The same in every process: the study refuses another one."""
    return optunas.Objective(
        optunas.spaces.ConvNet(stages=(1,), depths=(1,), widths=(8, 16), kernels=(3,)),
        optunas.data.digits(),
        optunas.Recipe(epochs=1),
        device="cpu",
    )


@ray.remote(num_cpus=1, max_retries=3)
def work(url):
    study = optunas.create_study("ray", storage=url, sampler="random")
    optunas.work(study, objective(), trials=TRIALS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/studies.db"
        study = optunas.create_study("ray", storage=url, sampler="random")
        ray.init(num_cpus=TASKS, include_dashboard=False, log_to_driver=False)
        ray.get([work.remote(url) for _ in range(TASKS)])
        ray.shutdown()
        trained = study.get_trials(states=[TrialState.COMPLETE])
        for trial in trained:
            parameters = trial.user_attrs["params"]
            print(f"trial {trial.number}: {trial.value:.1%}, {parameters:,} parameters")
        workers = {trial.user_attrs["worker"]["pid"] for trial in trained}
        print(f"{len(trained)} trials by {len(workers)} Ray workers; best {study.best_value:.1%}")
