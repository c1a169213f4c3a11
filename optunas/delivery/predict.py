"""What a delivered network says of image files. The study is not needed any more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from optunas.architecture import from_json
from optunas.data.decode import quietly, read
from optunas.errors import OptunasError, StudyError
from optunas.nn import build
from optunas.objective.device import chosen_device

BATCH = 64
ENDINGS = (
    *(".avif", ".bmp", ".gif", ".ico", ".j2k", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm"),
    *(".ppm", ".tga", ".tif", ".tiff", ".webp"),
)


@dataclass(frozen=True)
class Prediction:
    """What is on an image: each class with its probability, the likeliest first; or why nothing
    can be said of the file."""

    path: Path
    shares: tuple[tuple[str, float], ...] = ()
    why: str = ""


class Delivered:
    """A winner's folder, opened for its answers."""

    def __init__(self, folder: str | Path, device: str = "auto") -> None:
        """`auto` is the first GPU, or the CPU.

        Raises `StudyError` for a folder that is no complete winner's.
        """
        self.folder, self._device = Path(folder), chosen_device(device)
        self._facts = self._read("winner.json")
        try:
            self.classes = tuple(str(name) for name in self._facts["classes"])
            channels, height, width = (int(size) for size in self._facts["input_shape"])
            self.shape = channels, height, width
            mean, std = (torch.tensor(self._facts[name]).float() for name in ("mean", "std"))
            self._mean = 255 * mean.reshape(channels, 1, 1)
            self._std = (255 * std.reshape(channels, 1, 1)).clamp_min(1.0)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._broken("winner.json", error) from None
        self.network = self._network().eval().to(self._device)

    def predict(self, paths: Sequence[str | Path]) -> Iterator[Prediction]:
        """An answer for each image file, and for each image below each folder."""
        files = list(_files(paths))
        for some in (files[start : start + BATCH] for start in range(0, len(files), BATCH)):
            with quietly():
                found = {path: read(str(path), *self.shape) for path in some}
            pixels = [one for one in found.values() if not isinstance(one, str)]
            told = iter(self._shares(torch.from_numpy(np.stack(pixels))) if pixels else ())
            for path, one in found.items():
                yield (
                    Prediction(path, why=one)
                    if isinstance(one, str)
                    else self._said(path, next(told))
                )

    def _shares(self, images: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> probabilities (B, classes)."""
        with torch.no_grad():
            inputs = ((images.float() - self._mean) * (1 / self._std)).to(self._device)
            logits: Tensor = self.network(inputs)
            return logits.float().softmax(1).cpu()

    def _said(self, path: Path, shares: Tensor) -> Prediction:
        order = shares.argsort(descending=True).tolist()
        return Prediction(path, tuple((self.classes[i], float(shares[i])) for i in order))

    def _network(self) -> nn.Module:
        """From the description where there is one: nothing in the folder is executed."""
        if not (self.folder / "architecture.json").exists():
            return self._program()
        try:
            architecture = from_json(self._read("architecture.json"))
            network = build(architecture, self.shape, len(self.classes))
            network.load_state_dict(load_file(self.folder / "weights.safetensors"))
        except (OSError, OptunasError, RuntimeError, SafetensorError) as error:
            raise self._broken("weights.safetensors", error) from None
        return network

    def _program(self) -> nn.Module:
        try:
            return torch.export.load(self.folder / "model.pt2").module()
        except Exception as error:  # whatever torch raises on what is no program
            raise self._broken("model.pt2", error) from None

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StudyError(
                f"a winner's folder holds {name}, which is written last; {self.folder} does not: "
                "name the folder that `optunas deliver` wrote, or deliver again"
            ) from None
        except (OSError, ValueError) as error:
            raise self._broken(name, error) from None

    def _broken(self, name: str, error: Exception) -> StudyError:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return StudyError(
            f"{self.folder / name} is not as it was delivered ({said}): deliver again"
        )


def _files(paths: Sequence[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(
                file for file in path.rglob("*")
                if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
            )  # fmt: skip
        else:
            yield path
