"""Decoded images kept in one file, so that a folder is decoded once and then mapped.

The file lies below `~/.cache/optunas` (`OPTUNAS_CACHE` names another place). Its name is a
hash of every file's path, size and times, and of how they were decoded: a changed folder has
another name. It appears whole or not at all, and one that is damaged counts as absent. Delete
the folder whenever you like.

Its checksum is read once, which takes as long as reading the file, and then trusted for as long
as the file's size, times and inode are the same: so a start costs a millisecond, not seconds,
and many processes map one file without reading it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import PIL
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from optunas.atomic import whole
from optunas.data.disk import cache_folder, recall, remember
from optunas.data.files import ImageFiles
from optunas.data.stamps import Stamps, digest
from optunas.data.survey import packed, unpacked

_FORMAT = "1"  # raise it when decoding changes
_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Decoded:
    """images: uint8 (M, C, H, W), or the files they lie in; kept: int64 (M,), the place of each.

    `kept` are places in the list of files, `failures` are (place, reason) of the files that
    gave no image, `notes` what a person should know about how the images are held. headers:
    int32 (M, 3), what the files' headers said, as of `ImageFiles`; None if nobody looked.
    """

    images: Tensor | ImageFiles
    kept: Tensor
    failures: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    headers: Tensor | None = None
    files: ImageFiles | None = None


def cache_file(files: Sequence[str], stamps: Stamps, size: tuple[int, int] | None) -> Path:
    """The file that keeps these files' images, decoded at this size (None: by the rule)."""
    name = digest(files, stamps, _FORMAT, PIL.__version__, size)
    return cache_folder() / f"images-{name}.safetensors"


def load(file: Path) -> Decoded | str:
    """What was saved, its images mapped from the disk; "" if absent, or how it is damaged."""
    try:
        identity = _identity(file)
    except OSError:
        return ""
    try:
        with safe_open(file, framework="pt") as opened:  # looks at the length, not the contents
            facts = opened.metadata()
            images, kept = opened.get_tensor("images"), opened.get_tensor("kept")
        failures = tuple((int(place), str(why)) for place, why in json.loads(facts["failures"]))
        headers = unpacked(facts["headers"]) if "headers" in facts else None
        if recall(_check(file)) != identity:
            if facts["checksum"] != _checksum(images, kept):
                return "its checksum is another"
            remember(_check(file), identity)
    except Exception as error:  # cut off, foreign: it is made anew
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:120]
    return Decoded(images, kept, failures, headers=headers)


def save(file: Path, decoded: Decoded) -> str:
    """Write the file whole or not at all; the reason why it could not be written, or ""."""
    assert isinstance(decoded.images, Tensor)
    tensors = {"images": decoded.images, "kept": decoded.kept}
    facts = {
        "failures": json.dumps(decoded.failures),
        "checksum": _checksum(decoded.images, decoded.kept),
    }
    if decoded.headers is not None:
        facts["headers"] = packed(decoded.headers)
    if why := no_room(file, decoded.images.nbytes):
        return why
    try:
        _sweep(file.parent)
        with whole(file) as draft:
            save_file(tensors, draft, metadata=facts)
    except Exception as error:  # a cache is a kindness: without it all goes on, only slower
        return getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
    return ""


def no_room(file: Path, nbytes: int) -> str:
    """Why a file of this size can't be written (as far as one can tell beforehand), or ""."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(file.parent).free
    except OSError as error:
        return error.strerror or str(error)
    if not os.access(file.parent, os.W_OK):
        return "no permission to write"
    return f"only {free / 1e9:,.3g} GB of the disk are free" if free < 2 * nbytes else ""


def _check(file: Path) -> Path:
    return file.with_suffix(".checked")


def _identity(file: Path) -> list[int]:
    """Changes with whatever is done to the file; `st_ctime` can't be set back."""
    facts = file.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _checksum(images: Tensor, kept: Tensor) -> str:
    return f"{zlib.crc32(kept.numpy().data, zlib.crc32(images.numpy().data)):08x}"


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left: drafts and locks."""
    for pattern in ("images-*.tmp", "images-*.lock"):
        for left in folder.glob(pattern):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _DAY:
                    left.unlink()
