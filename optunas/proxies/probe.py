"""`Probe`: the images by which all networks of a search are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan

import torch
from torch import Tensor, nn

from optunas.data import Data, subset
from optunas.proxies.scoring import score
from optunas.training.inputs import Inputs

IMAGES = 64


@dataclass(frozen=True, eq=False)
class Probe:
    """A batch of training images, and what was found with it.

    `device` is where networks are built to be scored; `seed` that of their weights, and of which
    images are taken. That is done when a proxy is first asked for: most searches never do.
    """

    data: Data
    device: torch.device
    seed: int = 0
    _known: dict[tuple[str, str], float | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, data: Data, device: str | torch.device = "cpu", seed: int = 0) -> Probe:
        """Up to 64 training images, of all classes where there are no more, in random order."""
        return cls(data, torch.device(device), seed)

    @property
    def images(self) -> Tensor:
        """float32 (B, C, H, W), normalised as in training."""
        return self._batch[0]

    @property
    def labels(self) -> Tensor:
        """int64 (B,)."""
        return self._batch[1]

    @cached_property
    def _batch(self) -> tuple[Tensor, Tensor]:
        train, cpu = self.data.train, torch.device("cpu")
        with cpu:  # a sampler may be asked where new tensors have no memory
            few = subset(train, min(1.0, IMAGES / len(train)), self.seed)
            random = torch.Generator().manual_seed(self.seed)
            order = torch.randperm(len(few), generator=random)[:IMAGES]
            images = few.images
            pixels = images.cpu()[order] if isinstance(images, Tensor) else images.read(order)
            return Inputs(self.data, cpu).scaled(pixels), few.labels.cpu()[order]

    def scores(self, names: Iterable[str], network: nn.Module) -> dict[str, float]:
        """`score` of a network that is built already."""
        return score(names, network, self.images, self.labels, seed=self.seed)

    def score(self, name: str, key: str, build: Callable[[], nn.Module]) -> float | None:
        """One proxy's score of the network with this key, which is built where it is not known
        yet; None where the proxy can't say, or the network can't be built."""
        if (name, key) not in self._known:
            self._known[name, key] = self._found(name, build)
        return self._known[name, key]

    def _found(self, name: str, build: Callable[[], nn.Module]) -> float | None:
        try:
            with torch.device("cpu"):  # a sampler may be asked where new tensors have no memory
                network = build()
        except Exception:  # somebody's own function; if it is proposed, its trial says what failed
            return None
        (answer,) = self.scores([name], network).values()
        return None if isnan(answer) else answer
