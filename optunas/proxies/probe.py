"""`Probe`: the images by which all networks of a search are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import isnan

import torch
from torch import Tensor, nn

from optunas.data import Data, subset
from optunas.proxies.scoring import score

IMAGES = 64


@dataclass(frozen=True, eq=False)
class Probe:
    """A batch of training images, normalised, (B, C, H, W) and (B,), and what was found with it.

    `device` is where networks are built to be scored; `seed` that of their weights.
    """

    images: Tensor
    labels: Tensor
    device: torch.device
    seed: int = 0
    _known: dict[tuple[str, str], float | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, data: Data, device: str | torch.device = "cpu", seed: int = 0) -> Probe:
        """Up to 64 training images, of all classes where there are no more, in random order."""
        few = subset(data.train, min(1.0, IMAGES / len(data.train)), seed)
        order = torch.randperm(len(few), generator=torch.Generator().manual_seed(seed))[:IMAGES]
        images, labels = few.images, few.labels.cpu()[order]
        pixels = images.cpu()[order] if isinstance(images, Tensor) else images.read(order)
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (data.mean, data.std))
        # a channel without contrast has a deviation of zero; it stays zero instead of NaN
        normalised = (pixels.float() / 255 - mean) / std.clamp_min(1 / 255)
        return cls(normalised, labels, torch.device(device), seed)

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
