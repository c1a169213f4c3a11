"""CIFAR-10, from wherever it lies.

    optunas run studies/cifar10.py --train-fraction 0.1 --epochs 4 --trials 30

The images are looked for in the folder that CIFAR10 names, else in data/. Both forms are read:
torchvision's own files (`torchvision.datasets.CIFAR10(root, download=True)` brings them), and an
image folder `train/<class>/*.jpg`, `test/<class>/*.jpg`.
"""

import os

import optunas

objective = optunas.Objective(
    optunas.spaces.ConvNet(),
    optunas.data.cifar10(os.environ.get("CIFAR10", "data")),
    optunas.RecipeSpace(optunas.Recipe(epochs=20, augment=0.5)),
    limits=optunas.Limits(params=1_000_000),
)
trials = 100
