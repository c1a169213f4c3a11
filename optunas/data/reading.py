"""Many image files -> one uint8 tensor, or, where that does not fit, the files at one shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from optunas.data import cache
from optunas.data.cache import Decoded
from optunas.data.children import Shape, workers_for
from optunas.data.decoding import decode_alike, decode_all
from optunas.data.files import ImageFiles
from optunas.data.room import Keep, check_keep, fits, stay_note
from optunas.data.stamps import Stamps, stamped
from optunas.data.survey import Survey, recalled, remember_survey, survey
from optunas.data.turns import one_at_a_time


def read_files(
    files: Sequence[str],
    size: tuple[int, int] | None = None,
    *,
    workers: int | None = None,
    cached: bool = True,
    copied: bool = False,
    keep: str = "auto",
) -> Decoded:
    """Bring the files to one size (H, W), gray if every image is gray, else RGB.

    Without `size`: the size that all share, or a square of the median shorter side, rounded to
    a multiple of 8, 128 at most. `copied` says that the caller makes a second copy. Files that
    can't be read are `failures`.

    keep: "memory" decodes all at once, and is a `DataError` for more pixels than 60 % of the
    free memory; "files" reads the headers only and gives `ImageFiles`, which are gray only if
    all headers say so; "auto" is "memory" where there is room.
    """
    stamps = stamped(files)
    place = cache.cache_file(files, stamps, size) if cached else None
    count = workers_for(len(files), int(stamps[:, 0].sum()), workers)
    job = _Job(list(files), stamps, size, count, copied, check_keep(keep), place)
    if place is None:
        return _with_files(job, _made(job))
    if found := _known(job, place):
        return _with_files(job, found)
    with one_at_a_time(place):
        return _with_files(job, _known(job, place) or _saved(job, place))


@dataclass(frozen=True)
class _Job:
    paths: list[str]
    stamps: Stamps
    size: tuple[int, int] | None
    workers: int
    copied: bool
    keep: Keep
    place: Path | None

    def copies(self, count: int, shape: Shape) -> int:
        """How often the images will be in memory, decoded now: once where the disk keeps them."""
        if not self.copied:
            return 1
        nbytes = count * math.prod(shape)
        return 1 if self.place and not cache.no_room(self.place, nbytes) else 2


def _known(job: _Job, place: Path) -> Decoded | None:
    """What an earlier start made, if it is what this one wants."""
    if job.keep != "files" and isinstance(found := cache.load(place), Decoded):
        count, *shape = found.images.shape
        own = 1 if job.copied else 0  # mapped pages are the system's, shared and given back
        if not stay_note(job.keep, count, (shape[0], shape[1], shape[2]), copies=own):
            return found
    headers = recalled(place)
    return _staying(job, headers) if headers else None


def _saved(job: _Job, place: Path) -> Decoded:
    """Make it anew, and save it for the next start."""
    damage = cache.load(place) if job.keep != "files" else ""
    made = _made(job)
    notes = made.notes
    if isinstance(damage, str) and damage:
        notes += (f"the cached images were damaged ({damage}) and were decoded anew",)
    if isinstance(made.images, torch.Tensor) and len(made.kept):
        if why := cache.save(place, made):
            notes += (f"decoded images can't be kept in {place.parent} for the next start: {why}",)
        elif isinstance(mapped := cache.load(place), Decoded):
            made = mapped  # the memory of the first copy is free again
    return replace(made, notes=notes)


def _made(job: _Job) -> Decoded:
    if job.keep != "files":
        guess = decode_alike(
            job.paths,
            job.size,
            job.workers,
            lambda count, shape: fits(count, shape, job.copies(count, shape)),
        )
        if guess:
            return guess
    headers = recalled(job.place) if job.place else None
    if headers is None:
        headers = survey(job.paths, job.size, job.workers)
        if job.place:
            remember_survey(job.place, headers)
    return _staying(job, headers) or decode_all(job.paths, headers, job.workers)


def _staying(job: _Job, headers: Survey) -> Decoded | None:
    """The images in their files, if that is asked for or needed."""
    kept = [i for i in range(len(job.paths)) if i not in headers.failures]
    if not headers.shape:
        return None
    copies = job.copies(len(kept), headers.shape)
    note = stay_note(job.keep, len(kept), headers.shape, copies)
    if not note:
        return None
    images = _files(job, kept, headers.shape, headers.headers[kept])
    failures = tuple(sorted(headers.failures.items()))
    return Decoded(images, torch.tensor(kept, dtype=torch.int64), failures, (note,))


def _with_files(job: _Job, decoded: Decoded) -> Decoded:
    """Images in memory, with the files that they came from."""
    if not isinstance(decoded.images, torch.Tensor) or not len(decoded.kept):
        return decoded
    _, *shape = decoded.images.shape
    kept = decoded.kept.tolist()
    files = _files(job, kept, (shape[0], shape[1], shape[2]), decoded.headers)
    return replace(decoded, files=files)


def _files(job: _Job, kept: list[int], shape: Shape, headers: torch.Tensor | None) -> ImageFiles:
    sizes = job.stamps[kept, 0].tolist()
    version = job.place.stem if job.place else ""
    return ImageFiles.of([job.paths[i] for i in kept], sizes, shape, headers, version)
