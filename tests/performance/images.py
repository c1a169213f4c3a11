"""Parts of a data set, for measurements that shall not take all day."""

from __future__ import annotations

from optunas.data import Data, Split, subset


def trimmed(data: Data, *, train: int | None = None, rest: int | None = None) -> Data:
    """About so many images of each split (all where None is said), of every class its share.

    The statistics stay those of the whole.
    """
    splits = (_some(data.train, train), _some(data.validation, rest), _some(data.test, rest))
    return Data(data.name, *splits, data.classes, data.mean, data.std, data.flip)


def _some(split: Split, count: int | None) -> Split:
    return split if count is None else subset(split, min(1.0, count / len(split)))
