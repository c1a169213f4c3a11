"""Search your own PyTorch code: any function of a trial that gives a `torch.nn.Module`.

It is priced on the meta device before it gets memory; limits, pruning and resuming work as for the
spaces that come along.
"""

from torch import nn

import optunas


def network(trial):
    width = trial.suggest_int("width", 8, 32, step=8)
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU()]
    for _ in range(trial.suggest_int("depth", 0, 2)):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
    pool = trial.suggest_categorical("pool", ("avg", "max"))
    layers.append(nn.AdaptiveAvgPool2d(2) if pool == "avg" else nn.AdaptiveMaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * width, 10))


objective = optunas.Objective(
    network, optunas.data.digits(), optunas.Recipe(epochs=3, batch_size=32)
)
study = optunas.create_study("own-function", storage="sqlite://", sampler="random")
study.optimize(objective, n_trials=3)
for trial in study.trials:
    price = f"{trial.user_attrs['params']:>6,} parameters"
    print(f"{trial.params} {price} {trial.user_attrs['accuracy']:.1%}")
print(f"best: {study.best_params}")
