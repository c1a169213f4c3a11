"""The files of a trained network: each is loaded again in a fresh process and held against it.

| file | what | needs |
|---|---|---|
| ``weights.safetensors`` | the weights | |
| ``model.py`` | the network as plain, readable PyTorch, which loads them | torch |
| ``model.pt2`` | the network as ``torch.export`` keeps it, any batch size | torch |
| ``model.onnx`` | the same for other runtimes (extra ``onnx`` to write it) | onnxruntime |
| ``model.int8.onnx`` | quantised, where it is wanted (`optunas.delivery.int8`) | onnxruntime |
| ``preprocess.py`` | pixels to inputs, as in training | numpy |
| ``pixels.py`` | image files to pixels, as in training | Pillow |
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from optunas.data import Data
from optunas.delivery import check, int8
from optunas.delivery.scripts import model_script, pixels_script, preprocess_script
from optunas.errors import OptunasError
from optunas.training.inputs import Inputs

NETWORKS = ("model.py", "model.pt2", "model.onnx")
FILES = ("weights.safetensors", "preprocess.py", "pixels.py", *NETWORKS, int8.FILE)
IMAGES = 32  # of the validation split, by which a file is checked
TOLERANCE = 1e-3  # of a logit, as a share of the largest
LARGEST_BATCH = 4096
CHECK_SECONDS = 300.0


@dataclass(frozen=True)
class Exported:
    """A file that was written, or why there is no such file.

    `gap`: how far its logits are from the trained network's (the largest difference). `ms`: the
    median milliseconds of its answer by the number of images, on `device`. `loss`: what it costs in
    accuracy, where that is not nothing.
    """

    file: str
    gap: float | None = None
    why: str = ""
    ms: Mapping[int, float] = field(default_factory=dict)
    device: str = "cpu"
    loss: str = ""

    def latency_ms(self, batch: int, device: str) -> float | None:
        """What so many images take on this device; None where that was not measured."""
        return self.ms.get(batch) if device == self.device else None

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts, for a file that was written."""
        found = {"gap": self.gap, "latency_ms": dict(self.ms), "device": self.device}
        return found | ({"loss": self.loss} if self.loss else {})

    def __str__(self) -> str:
        if self.gap is None:
            return f"{self.file}: not written: {self.why}"
        said = f"{self.file}: logits within {self.gap:.1e} of the trained network's"
        if self.loss:
            said = f"{self.file}: {self.loss}"
        taken = ", ".join(f"{ms:.3g} ms for {_images(batch)}" for batch, ms in self.ms.items())
        where = "one CPU thread" if self.device == "cpu" else self.device
        return f"{said}; {taken} on {where}" if taken else said


def _images(batch: int) -> str:
    return "one image" if batch == 1 else f"{batch} images"


def export(
    network: nn.Module,
    data: Data,
    folder: Path,
    said: str,
    device: str = "cpu",
    quantised: bool = False,
) -> list[Exported]:
    """Write all files to `folder`; `said` is a line on what the network is.

    A file that can't be written, or that answers otherwise than the trained network, is left out,
    with the reason. The network stays as it is, where it is. How long a file takes is measured on
    `device`, where it can be used there.
    """
    for old in FILES:
        (folder / old).unlink(missing_ok=True)
    plain = copy.deepcopy(network).cpu().eval()
    state = {name: tensor.contiguous() for name, tensor in plain.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    (folder / "preprocess.py").write_text(preprocess_script(data), encoding="utf-8")
    (folder / "pixels.py").write_text(pixels_script(), encoding="utf-8")
    failed = _written(plain, data, folder, said)
    with tempfile.TemporaryDirectory() as name:
        evidence, scale = _evidence(plain, data, Path(name))
        names = [file for file in NETWORKS if file not in failed]
        alone = device != "cpu"  # a CPU's threads are timed one by one, a GPU's files are not
        with ThreadPoolExecutor(1 if alone else None) as pool:  # each waits for a process
            found = list(
                pool.map(lambda file: _checked(folder / file, evidence, scale, device), names)
            )
        if quantised:
            found.append(_quantised(folder, data, Path(name)))
        return [*found, *(Exported(file, why=why) for file, why in failed.items())]


def _quantised(folder: Path, data: Data, room: Path) -> Exported:
    """The int8 file, held against what it says in this process."""
    try:
        loss = int8.write_int8(folder, data)
    except OptunasError as error:
        return Exported(int8.FILE, why=str(error))
    images, evidence = _some(data), room / "int8.npz"
    inputs = Inputs(data, torch.device("cpu")).scaled(images).numpy()
    logits = int8.answers(folder / int8.FILE, [inputs])
    np.savez(evidence, images=images.numpy(), logits=logits)
    found = _checked(folder / int8.FILE, evidence, float(np.abs(logits).max()), "cpu")
    return replace(found, loss=str(loss)) if found.gap is not None else found


def _written(network: nn.Module, data: Data, folder: Path, said: str) -> dict[str, str]:
    """Write the network in each way; gives those that failed, with the reason."""
    failed: dict[str, str] = {}
    try:
        text = model_script(network, data, said)
        (folder / "model.py").write_text(text, encoding="utf-8")
    except OptunasError as error:
        failed["model.py"] = str(error)
    try:
        program = _program(network, data.input_shape, folder / "model.pt2")
    except Exception as error:  # a person's own network may do what can't be exported
        return failed | dict.fromkeys(("model.pt2", "model.onnx"), _line(error))
    if find_spec("onnxscript") is None or find_spec("onnxruntime") is None:
        return failed | {"model.onnx": "it needs pip install 'optunas[onnx]'"}
    try:
        _write_onnx(program, folder / "model.onnx")
    except Exception as error:  # an operator that ONNX does not know
        failed["model.onnx"] = _line(error)
    return failed


def _program(
    network: nn.Module, shape: tuple[int, ...], path: Path
) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own insides; the file is checked later
        images = torch.zeros(3, *shape)
        program = torch.export.export(network, (images,), dynamic_shapes=({0: batch},))
        _forget_where(program)
        torch.export.save(program, path)
    return program


def _forget_where(program: torch.export.ExportedProgram) -> None:
    """Each node remembers the lines of code it came from: paths of this machine, in every file."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


def _write_onnx(program: torch.export.ExportedProgram, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = torch.onnx.export(
            program, (), input_names=["images"], output_names=["logits"], verbose=False
        )
    assert found is not None
    found.save(str(path), external_data=False)


def _some(data: Data) -> Tensor:
    """Real images that neither training nor test has seen, uint8 (N, C, H, W)."""
    return data.validation.pixels(torch.arange(min(IMAGES, len(data.validation))))


def _evidence(network: nn.Module, data: Data, folder: Path) -> tuple[Path, float]:
    """Real images and what the network says of them, as a file; and the largest logit."""
    images = _some(data)
    with torch.no_grad():
        logits: Tensor = network(Inputs(data, torch.device("cpu")).scaled(images)).float()
    path = folder / "check.npz"
    np.savez(path, images=images.numpy(), logits=logits.numpy())
    return path, float(logits.abs().max())


def _checked(path: Path, evidence: Path, scale: float, device: str) -> Exported:
    """Load the file in a process of its own; it is deleted where it answers otherwise."""
    command = [sys.executable, "-I", "-B", check.__file__, str(path), str(evidence), device]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False
        )
        found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        found = {"error": f"it can't be loaded: {_line(error)}"}
    gap = found.get("gap")
    if gap is not None and gap <= TOLERANCE * max(scale, 1.0):
        taken = {int(batch): float(ms) for batch, ms in found["ms"].items()}
        return Exported(path.name, gap, ms=taken, device=found["device"])
    path.unlink(missing_ok=True)
    why = found.get("error") or f"its logits are {gap:.1e} from the trained network's"
    return Exported(path.name, why=why)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
