"""Architecture and recipe searched together: which network, and how it is best trained.

A `RecipeSpace` suggests optimizer, learning rate, decay, batch size and augmentation in the same
trial (`recipe.lr_factor`, ...). The best recipe of one network is seldom that of another.
"""

import optunas

data = optunas.data.digits()
objective = optunas.Objective(
    optunas.spaces.ConvNet(stages=(1, 2), depths=(1,), widths=(8, 16), kernels=(3,)),
    data,
    optunas.RecipeSpace(optunas.Recipe(epochs=3, batch_size=32), batch_size=(32, 64)),
)
study = optunas.create_study("joint", storage="sqlite://")
study.optimize(objective, n_trials=4)

recipe = {k: v for k, v in study.best_params.items() if k.startswith("recipe.")}
network = {k: v for k, v in study.best_params.items() if k not in recipe}
print(f"best: {study.best_value:.1%}")
print(f"recipe: {recipe}")
print(f"network: {network}")
