"""Data from what a person types: a name or a folder."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from optunas.data.dataset import Data
from optunas.data.digits import digits
from optunas.data.folder import image_folder
from optunas.data.sources import SOURCES
from optunas.data.torchvision_sets import torchvision_set
from optunas.errors import DataError


def load(
    spec: str | os.PathLike[str], *, root: str | os.PathLike[str] = "data", **options: Any
) -> Data:
    """Data by "digits", by the name of a torchvision set below `root`, or by a folder's path.

    A bare name that is both means the set; "./mnist" means the folder. Options are those of
    `digits`, `torchvision_set` or `image_folder`; an option of None counts as not given.
    Raises `DataError` for a spec that is none of the three, and for an option it doesn't take.
    """
    maker = _maker(spec, root)
    given = {key: value for key, value in options.items() if value is not None}
    known = [p for p in inspect.signature(maker).parameters if p not in ("name", "root", "path")]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DataError(
            f"{spec} takes the options {', '.join(known)}; got {', '.join(unknown)}: leave it out"
        )
    return maker(**given)


def is_folder(spec: str | os.PathLike[str]) -> bool:
    """Whether `load` takes this for a folder's path, not for the name of a set."""
    text = os.fspath(spec)
    if text == "digits" or text in SOURCES:
        return False
    return Path(text).expanduser().exists() or Path(text).name != text


def _maker(spec: str | os.PathLike[str], root: str | os.PathLike[str]) -> Callable[..., Data]:
    text = os.fspath(spec)
    if text == "digits":
        return digits
    if text in SOURCES:
        return partial(torchvision_set, text, root)
    if is_folder(text):
        return partial(image_folder, text)
    names = ["digits", *sorted(SOURCES)]
    close = get_close_matches(text.lower().replace("-", "_"), names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise DataError(
        f"data is a folder or one of {', '.join(names)}; {text!r} is neither: {hint}"
        "Check the spelling or give the path of a folder"
    )
