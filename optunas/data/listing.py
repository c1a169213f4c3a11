"""What lies in a folder of images: its splits, its classes and their files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from optunas.errors import DataError

_SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".7z", ".rar")
_LAYOUT = "a folder of images holds one folder per class (or train/ and test/ with those in them)"


@dataclass(frozen=True)
class Listing:
    """files and labels are split by split: train, validation, test, as far as there are any.

    `sizes` counts the files of each split that the folder itself makes.
    """

    files: tuple[str, ...]
    labels: tuple[int, ...]
    sizes: dict[str, int]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def list_folder(root: Path) -> Listing:
    """List a folder's images; `DataError` says what is wrong with its layout."""
    _check_root(root)
    splits = _splits(root)
    notes = list(_strays(root, splits))
    found = {part: _classes(folder) for part, folder in splits.items()}
    classes = tuple(sorted(name for name, files in found["train"].items() if files))
    _check_classes(root, splits["train"], classes)
    for part, members in found.items():
        _check_known(part, members, classes, splits[part])
        notes += _gaps(root, splits[part], members, classes)
    rows = [
        (part, label, file)
        for part, members in found.items()
        for label, name in enumerate(classes)
        for file in members.get(name, ())
    ]
    return Listing(
        files=tuple(file for _, _, file in rows),
        labels=tuple(label for _, label, _ in rows),
        sizes={part: sum(map(len, members.values())) for part, members in found.items()},
        classes=classes,
        notes=tuple(notes),
    )


def named(paths: Iterable[str], shown: int = 5) -> str:
    """The first few names of a list, and how many more there are, fit for any terminal."""
    names = [printable(path) for path in paths]
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def printable(name: str) -> str:
    """A name that somebody chose, harmless in any terminal: no line break, colour or turn of it."""
    tidy = name.encode(errors="replace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in tidy)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 file", "2 files", "1,000 files"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def has_splits(root: Path) -> bool:
    """Does the folder hold train/<class>/ (rather than <class>/)?"""
    folders = {child.name.lower() for child in _folders(root)}
    if "train" not in folders or not _folders(_child(root, "train")):
        return False
    return folders <= set(_SPLITS) or bool(folders & (set(_SPLITS) - {"train"}))


def _check_root(root: Path) -> None:
    if root.is_file():
        way = "unpack it first" if root.suffix.lower() in _ARCHIVES else "name its folder"
        raise DataError(f"{_LAYOUT}; {root} is a file: {way}")
    if not root.is_dir():
        raise DataError(f"{_LAYOUT}; there is no folder {root}: check the path")
    try:
        empty = not any(_visible(child.name) for child in root.iterdir())
    except OSError as error:
        raise DataError(
            f"{root} can't be read ({error.strerror}); check its permissions"
        ) from error
    if empty:
        raise DataError(f"{_LAYOUT}; {root} is empty: put images there or name another folder")


def _splits(root: Path) -> dict[str, Path]:
    """The folder of each split; {"train": root} where the folder makes none."""
    if not has_splits(root):
        return {"train": root}
    splits: dict[str, Path] = {}
    for child in _folders(root):
        part = _SPLITS.get(child.name.lower())
        if part in splits:
            raise DataError(
                f"a split is one folder; {root} has both {splits[part].name}/ and "
                f"{child.name}/ for {part}: keep one"
            )
        if part:
            splits[part] = child
    return {part: splits[part] for part in ("train", "validation", "test") if part in splits}


def _classes(folder: Path) -> dict[str, list[str]]:
    """Every class folder and the files below it, at any depth."""
    return {child.name: sorted(_walk(child)) for child in _folders(folder)}


def _walk(folder: Path) -> Iterable[str]:
    seen = set()  # real folders, since a link may lead back up
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if _visible(name))
        inside = os.path.join(place, "")
        yield from (inside + name for name in names if _visible(name))


def _check_classes(root: Path, train: Path, classes: Sequence[str]) -> None:
    if len(classes) >= 2:
        return
    inside = f"only one class, {classes[0]}" if classes else "no class folder with files in it"
    way = "give every class a folder of its own"
    if len(classes) == 1 and len(_folders(train / classes[0])) > 1:
        way = f"did you mean {train / classes[0]}?"
    elif any(child.is_file() for child in train.iterdir()):
        way = f"move the files that lie in {train} itself into one folder per class"
    lost = [c.name for c in _folders(root) if c.name.lower() in _SPLITS and train == root]
    if lost and not classes:
        way = f"{', '.join(lost)} alone is no training data: add train/ with one folder per class"
    raise DataError(f"{_LAYOUT}, at least two; {train} has {inside}: {way}")


def _check_known(
    part: str, members: dict[str, list[str]], classes: Sequence[str], folder: Path
) -> None:
    unknown = sorted(name for name, files in members.items() if files and name not in classes)
    if unknown:
        raise DataError(
            f"every class is learned from train/; {folder} has classes without training images: "
            f"{named(unknown)}. Add them to train/ or remove them from {part}"
        )


def _gaps(
    root: Path, folder: Path, members: dict[str, list[str]], classes: Sequence[str]
) -> Iterable[str]:
    place = "" if folder == root else f" in {folder.name}/"
    empty = sorted(name for name, files in members.items() if not files and name not in classes)
    if empty:
        yield f"left out {counted(len(empty), 'empty class folder')}{place}: {named(empty)}"
    absent = [name for name in classes if not members.get(name)]
    if absent:
        yield f"no images{place} of {counted(len(absent), 'class', 'classes')}: {named(absent)}"


def _strays(root: Path, splits: dict[str, Path]) -> Iterable[str]:
    """Files outside class folders, and folders beside the splits."""
    for folder in {root, *splits.values()}:
        files = sorted(c.name for c in folder.iterdir() if c.is_file() and _visible(c.name))
        if files:
            yield f"left out {counted(len(files), 'file')} outside class folders: {named(files)}"
    if splits["train"] != root:
        others = [c.name for c in _folders(root) if c not in splits.values()]
        if others:
            yield f"left out {counted(len(others), 'folder')} beside the splits: {named(others)}"


def _folders(root: Path) -> list[Path]:
    return sorted(c for c in root.iterdir() if c.is_dir() and _visible(c.name))


def _child(root: Path, name: str) -> Path:
    return next(c for c in _folders(root) if c.name.lower() == name)


def _visible(name: str) -> bool:
    return not name.startswith(".") and name not in _LITTER
