"""Search a small convolutional network for scanned digits, within 20,000 parameters.

About ten seconds on a CPU. What it finds is no record: real searches run longer, and keep the
study in a database (`storage="sqlite:///optunas.db"`).
"""

import tempfile

import optunas

data = optunas.data.digits()
objective = optunas.Objective(
    optunas.spaces.ConvNet(stages=(1, 2), depths=(1,), widths=(16, 24), kernels=(3,)),
    data,
    optunas.Recipe(epochs=3),
    limits=optunas.Limits(params=20_000),
)
study = optunas.create_study("digits", storage="sqlite://", sampler="tpe", pruner="median")
study.optimize(objective, n_trials=4)

with tempfile.TemporaryDirectory() as folder:
    winner = optunas.deliver(study, objective, folder)  # retrained, tested once, on disk
print(data.describe())
print(f"{winner.name} won: {winner.params:,} parameters, {winner.macs:,} MACs")
print(f"accuracy on the test split: {winner.test.accuracy:.1%}")
