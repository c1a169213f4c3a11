"""A pretrained body for other images and other classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from optunas.errors import OptunasError
from optunas.nn.pretrained import Preprocessing, body
from optunas.nn.resize import Resize
from optunas.nn.stages import stages

ONE_SIZE = ("vit_", "maxvit_")
"""Models of torchvision whose weights hold for one image size."""

PIXEL = 1 / 255
"""Batches never divide by less than one grey value; see `optunas.training.batches`."""


class Adapt(nn.Module):
    """Images as our training loop normalises them -> as the pretrained network knows them.

    Undoes the data's normalisation, makes three channels of one, resizes the shorter side and cuts
    the centre as the weights' own transform does, normalises with the weights' mean and deviation.
    """

    data_mean: Tensor
    data_std: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        mean: Iterable[float],
        std: Iterable[float],
        size: int,
        own: Preprocessing,
        crop: bool,
    ) -> None:
        super().__init__()
        self.mode, self.side = own.mode, size
        shorter = round(size * own.resized / own.size)
        self.resized = _resized(shape, shorter) if crop else (size, size)
        self.resize = Resize(self.resized, own.mode)
        first = [max(deviation, PIXEL) for deviation in std]
        for name, values in {
            "data_mean": list(mean), "data_std": first, "mean": own.mean, "std": own.std
        }.items():  # fmt: skip
            value = torch.tensor(values, dtype=torch.float32)[:, None, None]
            self.register_buffer(name, value, persistent=False)
        self.shown = f"{tuple(shape)} -> (3, {size}, {size}), mean={own.mean}, std={own.std}"

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), normalised by the data -> (B, 3, size, size)."""
        x = self.resize(x * self.data_std + self.data_mean)
        top, left = (round((side - self.side) / 2) for side in self.resized)
        x = x[:, :, top : top + self.side, left : left + self.side]
        return (x - self.mean) / self.std  # one channel becomes three here

    def extra_repr(self) -> str:
        """Shapes and statistics, where torch prints the module."""
        return self.shown


def _resized(shape: tuple[int, ...], shorter: int) -> tuple[int, int]:
    """(height, width) with the shorter side of this length, as torchvision rounds."""
    _, height, width = shape
    if height <= width:
        return shorter, int(shorter * width / height)
    return int(shorter * height / width), shorter


class Transfer(nn.Module):
    """A pretrained body between an adapter and a new head. (B, C, H, W) -> logits (B, classes).

    The first `frozen` stages don't learn, and stay in eval mode: their running statistics are
    those of the pretraining. Of the others the last learns at `lr_factor` times the recipe's rate,
    the one before at `lr_factor` squared, and so on (Howard & Ruder 2018, arXiv:1801.06146).
    """

    def __init__(
        self,
        adapt: Adapt,
        inner: nn.Module,
        head: nn.Module,
        parts: Sequence[Sequence[str]],
        frozen: int,
        lr_factor: float,
        origin: str = "",
    ) -> None:
        super().__init__()
        self.adapt, self.body, self.head = adapt, inner, head
        self.frozen, self.lr_decay = min(frozen, len(parts)), lr_factor
        self.origin = origin
        # what no stage holds (a class token, an embedding of positions) comes with the first one
        _treat(inner, frozen > 0, lr_factor ** len(parts))
        for place, part in enumerate(parts):
            for unit in map(inner.get_submodule, part):
                _treat(unit, place < frozen, lr_factor ** (len(parts) - place))
        still = [""] if frozen >= len(parts) else [u for part in parts[:frozen] for u in part]
        self._still = tuple(still)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> logits (B, classes)."""
        logits: Tensor = self.head(self.body(self.adapt(x)).flatten(1))
        return logits

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but for what is frozen."""
        super().train(mode)
        for unit in self._still:
            self.body.get_submodule(unit).eval()
        return self

    def extra_repr(self) -> str:
        """What is frozen, where torch prints the module."""
        return f"{self.origin}, frozen={self.frozen}, lr_factor={self.lr_decay}"


def _treat(module: nn.Module, frozen: bool, lr_factor: float) -> None:
    module.requires_grad_(not frozen)
    module.lr_factor = lr_factor  # type: ignore[assignment]  # read by training's make_optimizer


@dataclass(frozen=True)
class Plan:
    """What is chosen about a transfer."""

    model: str
    weights: str | None
    frozen: int
    features: int
    dropout: float
    lr_factor: float
    size: int | str
    crop: bool


def transfer(
    plan: Plan,
    shape: tuple[int, ...],
    classes: int,
    mean: Iterable[float],
    std: Iterable[float],
) -> Transfer:
    """The network of a plan for images of `shape`; on the meta device without weights.

    Raises `OptunasError` for a model that is not known, or takes no images of that size, and for
    weights that can't be had.
    """
    inner = body(plan.model, plan.weights)
    own = inner.preprocessing
    size = own.size if isinstance(plan.size, str) else plan.size
    if size != own.size and plan.model.startswith(ONE_SIZE):
        raise OptunasError(
            f"{plan.model} takes images of {own.size} pixels alone; got the size {size}: narrow "
            'the sizes to ("own",), or leave the model out'
        )
    adapt = Adapt(shape, mean, std, size, own, plan.crop)
    head = _head(inner.features, plan.features, plan.dropout, classes)
    parts = stage_names(plan.model)
    origin = f"{plan.model}, weights={plan.weights and Path(plan.weights).name}"
    return Transfer(adapt, inner.network, head, parts, plan.frozen, plan.lr_factor, origin)


def _head(width: int, features: int, dropout: float, classes: int) -> nn.Module:
    hidden = [nn.Linear(width, features), nn.ReLU()] if features else []
    return nn.Sequential(*hidden, nn.Dropout(dropout), nn.Linear(features or width, classes))


@lru_cache
def stage_names(model: str) -> tuple[tuple[str, ...], ...]:
    """The submodules of each stage of a model, found without its weights."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        try:
            with torch.device("meta"):
                bare = body(model, None)
                found = stages(bare.network, bare.preprocessing.size)
        except (NotImplementedError, RuntimeError):  # its code needs real numbers
            bare = body(model, None)
            found = stages(bare.network, bare.preprocessing.size)
    return tuple(map(tuple, found))
