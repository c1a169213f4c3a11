"""Images that do not fit where they are computed with: a `DataLoader` brings them.

Only uint8 pixels travel; augmentation and scaling are done on the device, by the same step as for
resident images, from the same order and the same random numbers. The same recipe and seed
therefore train the same network, wherever its images lie.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from optunas.data import Split
from optunas.training.batches import Batches, Part, resized, share_of


class Streamed(Batches):
    """A split that stays in host memory or in its files.

    workers: processes that decode; 0 is this one. They start with the first batch and are kept.
    """

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        device: torch.device,
        fraction: float = 1.0,
        resolution: int | None = None,
        workers: int = 0,
    ) -> None:
        chosen = share_of(split, fraction)
        super().__init__(len(chosen), batch_size, device)
        self._resolution = resolution
        self._rows = _Rows()
        # Images that are decoded already are taken faster than a worker could send them.
        workers = 0 if isinstance(chosen.images, Tensor) else workers
        self.said = f"streamed by {workers} workers" if workers else "streamed"
        self._loader: DataLoader[Part] = DataLoader(
            _Images(chosen),
            batch_sampler=self._rows,
            collate_fn=_as_it_is,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
            prefetch_factor=4 if workers else None,
            generator=torch.Generator(),  # else each epoch takes a number from the network's own
        )

    def _cut(self, rows: Iterable[Tensor]) -> Iterator[Part]:
        self._rows.rows = [row.tolist() for row in rows]
        for images, labels in self._loader:
            there = images.to(self.device, non_blocking=True)
            yield resized(there, self._resolution), labels.to(self.device, non_blocking=True)


class _Rows(Sampler[list[int]]):
    """The indices of each batch; every epoch puts its own in."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class _Images(Dataset[Part]):
    """A split for a `DataLoader`, which asks for a whole batch at once."""

    def __init__(self, split: Split) -> None:
        self._images, self._labels = split.images, split.labels.cpu()

    def __getitems__(self, row: list[int]) -> Part:
        images = self._images
        index = torch.tensor(row)
        read = images[index] if isinstance(images, Tensor) else images.read(row)
        return read, self._labels[index]


def _as_it_is(part: Any) -> Any:
    return part
