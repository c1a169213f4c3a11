"""Images that stay in their files and are decoded when a batch asks for them."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from optunas.data import decode
from optunas.errors import DataError

_log = logging.getLogger("optunas")
_GRAY = 128


@dataclass(frozen=True, eq=False)
class _Table:
    """The files of a folder, shared by every view of them.

    names: uint8 (N, longest), the paths below `root` with zeros at their ends, so that a million
    of them are one block of memory: nothing to pickle, and shared by torch with the processes
    that it starts. sizes: int64 (N,), bytes. unreadable: uint8 (N,), 1 for a file that turned
    out to be damaged, in memory that those processes share. headers: as of `ImageFiles`.
    version: changes with the contents of the files; "" if nobody looked.
    """

    root: str
    names: Tensor
    sizes: Tensor
    unreadable: Tensor
    headers: Tensor | None = None
    version: str = ""

    def below_root(self, rows: Tensor) -> list[bytes]:
        width = self.names.shape[1]
        found: list[bytes] = self.names[rows].numpy().view(f"S{width}")[:, 0].tolist()
        return found

    def paths(self, rows: Tensor) -> list[str]:
        return [self.root + os.fsdecode(name) for name in self.below_root(rows)]


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """N images in as many files: the shape of a tensor (N, C, H, W), and none of its memory.

    An index (a slice or an int64 tensor) gives other `ImageFiles`, a view that costs 8 bytes an
    image. `read` decodes. Every image is brought to `image_shape` (C, H, W) by the rule that
    reads a folder into memory: scaled until it covers the height and width, cut around its
    centre, turned as its EXIF block says, transparency on white.
    """

    image_shape: tuple[int, int, int]
    _table: _Table
    _rows: Tensor

    @classmethod
    def of(
        cls,
        paths: Sequence[str],
        sizes: Sequence[int],
        image_shape: tuple[int, int, int],
        headers: Tensor | None = None,
        version: str = "",
    ) -> ImageFiles:
        """The images of these paths; sizes: bytes of each file, part of what is fingerprinted.

        `version` is any text that is another one for other files, or when one of these changes.
        """
        root = os.path.commonprefix(list(paths))  # noqa: RUF071 (cut to whole folders below)
        root = root[: root.rfind(os.sep) + 1]
        names = np.array([os.fsencode(path[len(root) :]) for path in paths], np.bytes_)
        block = names.view(np.uint8).reshape(len(paths), -1)
        unreadable = torch.zeros(len(paths), dtype=torch.uint8)
        with suppress(RuntimeError, OSError):  # no shared memory: each process warns for itself
            unreadable.share_memory_()  # type: ignore[no-untyped-call]
        table = _Table(
            root,
            torch.from_numpy(block),
            torch.tensor(sizes, dtype=torch.int64),
            unreadable,
            headers,
            version,
        )
        return cls(image_shape, table, torch.arange(len(paths)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Tensor | slice) -> ImageFiles:
        return replace(self, _rows=self._rows[index])

    def joined(self, other: ImageFiles) -> ImageFiles:
        """The images of both, views of one folder."""
        if self._table is not other._table:
            raise DataError("image files can be joined that come from one folder")
        return replace(self, _rows=torch.cat([self._rows, other._rows]))

    @property
    def shape(self) -> torch.Size:
        """(N, C, H, W), as of the tensor that all images would make."""
        return torch.Size((len(self), *self.image_shape))

    @property
    def nbytes(self) -> int:
        """What the images would take in memory, decoded."""
        return self.shape.numel()

    @property
    def file_bytes(self) -> int:
        """What the files take on the disk."""
        return int(self.sizes.sum())

    @property
    def sizes(self) -> Tensor:
        """int64 (N,): the bytes of each file."""
        return self._table.sizes[self._rows]

    @property
    def headers(self) -> Tensor | None:
        """int32 (N, 3): height and width as a viewer shows them, 1 for gray; None if unknown."""
        return None if self._table.headers is None else self._table.headers[self._rows]

    @property
    def paths(self) -> list[str]:
        """The file of every image."""
        return self._table.paths(self._rows)

    @property
    def short_paths(self) -> list[str]:
        """The same, below the folder that all files have in common (also those out of view)."""
        return [os.fsdecode(name) for name in self._table.below_root(self._rows)]

    @property
    def unreadable(self) -> list[str]:
        """The files that `read`, here or in a process that shares this, found to be damaged."""
        found = self._rows[self._table.unreadable[self._rows].bool()]
        return self._table.paths(found)

    def read(self, indices: Sequence[int] | Tensor) -> Tensor:
        """indices (B,) -> uint8 (B, C, H, W), decoded by this process.

        A file that can't be decoded, though its header could be read, gives an image that is
        gray all over, and one warning: a training of days does not end for it.
        """
        rows = self._rows[torch.as_tensor(indices, dtype=torch.int64)]
        images = torch.full((len(rows), *self.image_shape), _GRAY, dtype=torch.uint8)
        pixels = images.numpy()
        with decode.quietly():
            for place, path in enumerate(self._table.paths(rows)):
                found = decode.read(path, *self.image_shape)
                if isinstance(found, str):
                    self._warn(int(rows[place]), path, found)
                else:
                    pixels[place] = found
        return images

    @property
    def version(self) -> str:
        """A text that is another one for other images; "" where the files have none."""
        if not self._table.version:
            return ""
        rows = hashlib.blake2b(self._rows.numpy().tobytes(), digest_size=16).hexdigest()
        return f"{self._table.version}/{rows}"

    def contents(self) -> Iterator[bytes]:
        """What tells these images from others without reading them, for a fingerprint.

        The paths below their common folder and the sizes of the files, in order.
        """
        yield b"\0".join(self._table.below_root(self._rows)).replace(os.fsencode(os.sep), b"/")
        yield self.sizes.numpy().tobytes()

    def _warn(self, row: int, path: str, why: str) -> None:
        if not self._table.unreadable[row]:
            self._table.unreadable[row] = 1
            _log.warning("%s can't be decoded (%s); a gray image stands for it", path, why)
