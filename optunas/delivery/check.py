"""Loads one delivered file in a process of its own; says how far its answers are off, and how long
they take.

    python -I check.py winner/model.onnx check.npz cpu

Imports nothing of optunas, as nobody who was given the file has it. check.npz holds images as
uint8 (N, C, H, W) and what was known to be answered, logits (N, classes). Prints JSON: the largest
difference of a logit, for one image, for two, and for all at once, computed on the CPU; and the
median milliseconds for one image and for 32, on the device that is named where the file can be used
there, else on one thread of the CPU; or the reason why there is none of that.

On a CPU the time is that of the thread, which is the latency on a machine with nothing else to do.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

Arrays = Callable[[Any], Any]
"""An array to an array."""

Loaded = tuple[Arrays, Callable[[Any, str], Callable[[], Any]], Callable[[str], str]]
"""Pixels, uint8 (B, C, H, W) -> inputs; inputs and a device -> a function that answers them, and
gives logits (B, classes); a device -> the one that is used in its place."""

BATCHES = (1, 32)
SECONDS = 0.3  # for the passes of a batch
FEWEST, MOST, WARM_UP = 5, 1000, 3


def main(path: Path, evidence: Path, device: str) -> None:
    """Print what is found."""
    known = np.load(evidence)
    images, logits = known["images"], known["logits"]
    try:
        preprocess, answering, usable = _LOADERS[path.suffix](path)
        gaps = [
            float(np.abs(np.asarray(answering(preprocess(images[:n]), "cpu")()) - logits[:n]).max())
            for n in (1, 2, len(images))
        ]
        device = usable(device)
        many = preprocess(np.resize(images, (max(BATCHES), *images.shape[1:])))
        taken = {batch: _median_ms(answering(many[:batch], device), device) for batch in BATCHES}
    except Exception as error:  # whatever a loader raises
        print(json.dumps({"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}))
    else:
        print(json.dumps({"gap": max(gaps), "ms": taken, "device": device}))


def _median_ms(answer: Callable[[], Any], device: str) -> float:
    clock = time.thread_time if device == "cpu" else time.perf_counter
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < WARM_UP + FEWEST or (time.perf_counter() < end and len(times) < MOST):
        start = clock()
        answer()
        times.append(1e3 * (clock() - start))
    return median(times[WARM_UP:])


def _script(path: Path) -> Loaded:
    import torch

    model = _module(path)
    network = model.load()

    def preprocess(images: Any) -> Any:
        return model.preprocess(torch.from_numpy(images))

    return preprocess, _torch(lambda device: network.to(device)), str


def _program(path: Path) -> Loaded:
    import torch

    network, preprocess = torch.export.load(path).module(), _preprocess(path)
    answering = _torch(lambda device: network)  # it stays where it was exported
    return lambda images: torch.from_numpy(preprocess(images)), answering, lambda device: "cpu"


def _torch(network_on: Callable[[str], Any]) -> Callable[[Any, str], Callable[[], Any]]:
    import torch

    torch.set_num_threads(1)

    def answering(inputs: Any, device: str) -> Callable[[], Any]:
        network, x = network_on(device), inputs.to(device)

        def answer() -> Any:
            with torch.no_grad():
                return network(x).cpu()  # which waits for a GPU

        return answer

    return answering


def _onnx(path: Path) -> Loaded:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    name = session.get_inputs()[0].name

    def answering(inputs: Any, device: str) -> Callable[[], Any]:
        return lambda: session.run(None, {name: inputs})[0]

    return _preprocess(path), answering, lambda device: "cpu"


def _preprocess(path: Path) -> Arrays:
    found: Arrays = _module(path.with_name("preprocess.py")).preprocess
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
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
