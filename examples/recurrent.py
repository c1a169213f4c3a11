"""Images as sequences: the 8 rows of a digit are 8 time steps, read by LSTMs, GRUs and attention.

The digits are scikit-learn's: a real sequence classification problem that ships with a dependency.
A series of your own goes the same way, as images of height 1 that are read by column.
"""

import optuna

import optunas

data = optunas.data.digits()
space = optunas.spaces.RecurrentNet(readings=("row", "column"), widths=(32, 64))
print(f"{data.describe()}; {space.size():,} networks to choose from")

recipe = optunas.Recipe(epochs=4, batch_size=64, optimizer="adamw", lr=1e-2)
objective = optunas.Objective(space, data, recipe)
study = optunas.create_study("recurrent", storage="sqlite://")
study.enqueue_trial(space.baseline())
study.optimize(objective, n_trials=3)

best = space.suggest(optuna.trial.FixedTrial(study.best_params))
print(f"{best}\nvalidation accuracy {study.best_value:.1%}")
