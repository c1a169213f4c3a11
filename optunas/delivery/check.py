"""Loads one delivered file in a process of its own, and says how far its answers are off.

    python -I check.py winner/model.onnx check.npz

Imports nothing of optunas, as nobody who was given the file has it. check.npz holds images as
uint8 (N, C, H, W) and what the trained network said of them, logits (N, classes). Prints JSON: the
largest difference of a logit, for one image, for two, and for all at once; or the reason.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Answers = Callable[[Any], Any]
"""Pixels, uint8 (B, C, H, W) -> logits (B, classes), both arrays."""


def main(path: Path, evidence: Path) -> None:
    """Print what is found."""
    known = np.load(evidence)
    images, logits = known["images"], known["logits"]
    try:
        answer = _LOADERS[path.suffix](path)
        gaps = [float(np.abs(answer(images[:n]) - logits[:n]).max()) for n in (1, 2, len(images))]
    except Exception as error:  # whatever a loader raises
        print(json.dumps({"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}))
    else:
        print(json.dumps({"gap": max(gaps)}))


def _script(path: Path) -> Answers:
    import torch

    model = _module(path)
    network = model.load()

    def answer(images: Any) -> Any:
        with torch.no_grad():
            return network(model.preprocess(torch.from_numpy(images))).numpy()

    return answer


def _program(path: Path) -> Answers:
    import torch

    network, preprocess = torch.export.load(path).module(), _preprocess(path)

    def answer(images: Any) -> Any:
        with torch.no_grad():
            return network(torch.from_numpy(preprocess(images))).numpy()

    return answer


def _onnx(path: Path) -> Answers:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name, preprocess = session.get_inputs()[0].name, _preprocess(path)
    return lambda images: session.run(None, {name: preprocess(images)})[0]


def _preprocess(path: Path) -> Answers:
    found: Answers = _module(path.with_name("preprocess.py")).preprocess
    return found


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


_LOADERS = {".py": _script, ".pt2": _program, ".onnx": _onnx}

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
