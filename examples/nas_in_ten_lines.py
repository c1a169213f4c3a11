"""The interface that articles on architecture search show: a space and an evaluation function in,
`search(max_generations=10)`, `best_model()` out. It is ten lines over a plain Optuna study.

The evaluation may be anything: an epoch of training as here, a table (`optunas.benchmarks`), a
measurement on a device.
"""

from optuna.trial import FixedTrial

import optunas
from optunas.nn import build
from optunas.training import Recipe, train


class ArchitectureSearch:
    """Evolution (NSGA-II), a generation being `population` networks."""

    def __init__(self, space, evaluate, population=3):
        self.space, self.evaluate, self.population = space, evaluate, population
        sampler = f"nsgaii(population={population})"
        self.study = optunas.create_study("articles", storage="sqlite://", sampler=sampler)

    def search(self, max_generations):
        trials = max_generations * self.population
        self.study.optimize(lambda trial: self.evaluate(self.space.suggest(trial)), trials)

    def best_model(self):
        return self.space.suggest(FixedTrial(self.study.best_params))


data = optunas.data.digits()


def evaluate(architecture):
    network = build(architecture, data.input_shape, len(data.classes), seed=0)
    *_, last = train(network, data, Recipe(epochs=1, batch_size=64), seed=0)
    return last.accuracy


space = optunas.spaces.ConvNet(
    stages=(1, 2), depths=(1,), widths=(8, 16), kernels=(3,), ops=("conv", "separable")
)
nas = ArchitectureSearch(space, evaluate)
nas.search(max_generations=10)
print(f"{len(nas.study.trials)} networks, the best {nas.study.best_value:.1%}: {nas.best_model()}")
