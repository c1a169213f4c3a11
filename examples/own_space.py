"""A search space of your own in 25 lines: stages of blocks, each a choice among operations.

Described layers are priced and compared without torch, so the space can also be looked at before
anything is trained.
"""

import numpy as np

import optunas
from optunas.architecture import ConvNorm, GlobalPool, Linear, MBConv, Sequential, SqueezeExcite
from optunas.spaces import Scope, choice, optional, repeat


class Tower:
    """Stages that double the channels; shapes of blocks vary, or are shared in a stage."""

    def suggest(self, trial):
        scope = Scope(trial)
        width = choice(scope, "width", (8, 16))

        def stage(scope, number):
            channels = width * 2 ** (number - 1)

            def block(scope, position):
                stride = 2 if position == 1 else 1
                ops = {
                    "conv": lambda s: ConvNorm(channels, choice(s, "kernel", (3, 5)), stride),
                    "mbconv": lambda s: MBConv(channels, 3, stride, choice(s, "expand", (2, 4))),
                }
                return choice(scope, "op", ops)

            blocks = repeat(scope, "block", (1, 2), block)
            return Sequential(blocks, optional(scope, "squeeze", SqueezeExcite(channels // 4)))

        return Sequential(repeat(scope, "stage", (1, 2), stage), GlobalPool(), Linear())


space, data = Tower(), optunas.data.digits()
drawn = optunas.spaces.draw(space.suggest, np.random.default_rng(0))
print(f"{len(drawn.params)} choices, for example {drawn.architecture}")
print(optunas.architecture.cost(drawn.architecture, data.input_shape, len(data.classes)))

objective = optunas.Objective(space, data, optunas.Recipe(epochs=3, batch_size=32))
study = optunas.create_study("own-space", storage="sqlite://")
study.optimize(objective, n_trials=3)
print(f"best: {study.best_value:.1%} with {study.best_params}")
