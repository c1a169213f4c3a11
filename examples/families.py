"""Which family of networks, and then which network in it: a conditional search.

The choice `family` opens the parameters of that family alone (`resnet.stage1.depth`, ...); TPE
models them in groups. Our own families, described, stand beside a function of your own.
"""

from torch import nn

import optunas
from optunas.spaces import ConvNet, Either, ResNet


def perceptron(trial):
    width = trial.suggest_int("width", 16, 64, step=16)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


space = Either(
    {
        "convnet": ConvNet(stages=(1, 2), depths=(1,), widths=(8, 16)),
        "resnet": ResNet(stages=(1, 2), depths=(1,), widths=(16, 32)),
        "perceptron": perceptron,
    }
)
objective = optunas.Objective(space, optunas.data.digits(), optunas.Recipe(epochs=3, batch_size=32))
study = optunas.create_study("families", storage="sqlite://", seed=1)
for family in space.spaces:  # one of each, then the sampler chooses
    study.enqueue_trial({"family": family})
study.optimize(objective, n_trials=4)
for trial in study.trials:
    accuracy, params = trial.user_attrs["accuracy"], trial.user_attrs["params"]
    print(f"{trial.params['family']:<10} {accuracy:.1%}  {params:>6,} parameters")
print(f"best family: {study.best_params['family']}")
