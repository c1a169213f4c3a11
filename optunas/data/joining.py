"""Two splits as one: the last training of a network may learn from all images but the test's."""

from __future__ import annotations

import torch
from torch import Tensor

from optunas.data.dataset import Split
from optunas.data.files import ImageFiles
from optunas.errors import DataError


def joined(one: Split, other: Split) -> Split:
    """The images of both, the first split's first.

    Raises `DataError` where one is in memory and the other in its files.
    """
    labels = torch.cat([one.labels, other.labels])
    if isinstance(one.images, ImageFiles) and isinstance(other.images, ImageFiles):
        return Split(one.images.joined(other.images), labels)
    if isinstance(one.images, Tensor) and isinstance(other.images, Tensor):
        return Split(torch.cat([one.images, other.images]), labels)
    raise DataError("splits can be joined that are both in memory, or both in their files")
