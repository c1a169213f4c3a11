"""Real learning curves: run `python tests/performance/curves.py digits digits.jsonl`.

Trains random networks of `ConvNet` on the data that is named (digits, a torchvision set, a folder
of images) and writes a line of JSON for each: parameters, MACs and the validation accuracy after
every epoch. A run that is begun again goes on after the last line. `pruning.py` reads the files.
Those behind the figures in `optunas.pruners`, an hour of one core together:

    curves.py digits digits.jsonl --macs 2e6
    curves.py digits recipes.jsonl --epochs 15 --macs 1.2e6 --recipes --seed 1
    curves.py FOLDER cifar.jsonl --epochs 15 --macs 1.2e6 --stem-stride 2 --networks 46

where FOLDER holds 4,000 training and 2,000 validation images of CIFAR-10.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optuna.trial import BaseTrial

from optunas.architecture import Architecture, cost
from optunas.data import Data, load
from optunas.nn import build
from optunas.spaces import ConvNet, draw
from optunas.training import Recipe, RecipeSpace
from optunas.training.errors import Diverged
from optunas.training.loop import train


def trained(
    architecture: Architecture, data: Data, recipe: Recipe, seed: int
) -> dict[str, Any] | None:
    """What `pruning.py` needs to know of a network; None where its loss left the numbers."""
    network = build(architecture, data.input_shape, len(data.classes), seed=seed)
    price = cost(architecture, data.input_shape, len(data.classes))
    try:
        curve = [round(epoch.accuracy, 5) for epoch in train(network, data, recipe, seed=seed)]
    except Diverged:
        return None
    return {"params": price.params, "macs": price.macs, "curve": curve}


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    data = load(options.data)
    space = ConvNet(stem_stride=options.stem_stride)
    base = Recipe(epochs=options.epochs)
    recipes = RecipeSpace(base) if options.recipes else None

    def suggest(trial: BaseTrial) -> tuple[Architecture, Recipe]:
        return space.suggest(trial), recipes.suggest(trial) if recipes is not None else base

    rng = np.random.default_rng(options.seed)
    known = options.file.read_text().count("\n") if options.file.exists() else 0
    number = 0
    while number < options.networks:
        architecture, recipe = draw(suggest, rng).architecture
        if cost(architecture, data.input_shape, len(data.classes)).macs > options.macs:
            continue
        number += 1
        if number <= known:
            continue
        row = trained(architecture, data, recipe, seed=number)
        with options.file.open("a") as file:
            print(json.dumps(row), file=file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("file", type=Path)
    parser.add_argument("--networks", type=int, default=80)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--macs", type=float, default=3e6, help="larger networks are passed over")
    parser.add_argument("--stem-stride", type=int, default=1)
    parser.add_argument("--recipes", action="store_true", help="draw the recipe as well")
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
