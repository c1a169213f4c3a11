"""Decoded images kept in one file, so that a folder is decoded once and then mapped.

The file lies below `~/.cache/optunas` (`OPTUNAS_CACHE` names another place). Its name is a
hash of every file's path, size and times, and of how they were decoded: a changed folder has
another name. It appears whole or not at all, and one that is damaged counts as absent. Delete
the folder whenever you like.
"""

from __future__ import annotations

import hashlib
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

_FORMAT = "1"  # raise it when decoding changes
_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Decoded:
    """images: uint8 (M, C, H, W); kept: int64 (M,), the place of each in the list of files.

    `failures` are (place, reason) of the files that gave no image.
    """

    images: Tensor
    kept: Tensor
    failures: tuple[tuple[int, str], ...] = ()


def cache_folder() -> Path:
    """Where decoded images are kept: `OPTUNAS_CACHE`, or `~/.cache/optunas`."""
    named = os.environ.get("OPTUNAS_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "optunas"


def cache_file(files: Sequence[str], size: tuple[int, int] | None) -> Path:
    """The file that keeps these files' images, decoded at this size (None: by the rule)."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{_FORMAT} {PIL.__version__} {size}".encode())
    for file in files:
        digest.update(f"\n{os.path.abspath(file)}\0{_times(file)}".encode(errors="surrogateescape"))
    return cache_folder() / f"images-{digest.hexdigest()}.safetensors"


def load(file: Path) -> Decoded | None:
    """What was saved, its images mapped from the disk; None if absent or damaged."""
    try:
        with safe_open(file, framework="pt") as opened:
            facts = opened.metadata()
            images, kept = opened.get_tensor("images"), opened.get_tensor("kept")
        failures = tuple((int(place), str(why)) for place, why in json.loads(facts["failures"]))
        whole = facts["checksum"] == _checksum(images, kept)
    except Exception:  # absent, cut off, foreign: all the same, it is made anew
        return None
    return Decoded(images, kept, failures) if whole else None


def save(file: Path, decoded: Decoded) -> bool:
    """Write the file whole or not at all; False where the disk is full or read-only."""
    draft = file.with_name(f"{file.name}.{os.getpid()}-{time.monotonic_ns()}.tmp")
    tensors = {"images": decoded.images, "kept": decoded.kept}
    facts = {
        "failures": json.dumps(decoded.failures),
        "checksum": _checksum(decoded.images, decoded.kept),
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _sweep(file.parent)
        if shutil.disk_usage(file.parent).free < 2 * decoded.images.nbytes:
            return False
        save_file(tensors, draft, metadata=facts)
        os.replace(draft, file)
    except Exception:  # a cache is a kindness: without it all goes on, only slower
        return False
    finally:
        with suppress(OSError):
            draft.unlink()
    return True


def _times(file: str) -> str:
    try:
        facts = os.stat(file)
    except OSError:
        return "absent"
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _checksum(images: Tensor, kept: Tensor) -> str:
    return f"{zlib.crc32(kept.numpy().data, zlib.crc32(images.numpy().data)):08x}"


def _sweep(folder: Path) -> None:
    """Remove the drafts of processes that were killed while they wrote."""
    for draft in folder.glob("images-*.tmp"):
        if time.time() - draft.stat().st_mtime > _DAY:
            draft.unlink(missing_ok=True)
