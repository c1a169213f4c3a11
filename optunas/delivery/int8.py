"""The ONNX file with weights and activations of 8 bits: smaller, and on many CPUs faster.

Static quantisation by onnxruntime (Jacob et al. 2018, arXiv:1712.05877): weights by channel,
activations by ranges that are seen on images of the training split. What it costs in accuracy is
measured on the validation split; the test split has been looked at once, and that was it.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from optunas.data import Data, Split
from optunas.errors import OptunasError
from optunas.training.inputs import Inputs

Array = NDArray[np.float32]

SOURCE, FILE = "model.onnx", "model.int8.onnx"
CALIBRATED = 256  # images of the training split, evenly taken
BATCH = 64
HEAVY = ("Conv", "Gemm", "MatMul")
"""What is quantised. Normalisation, gates and sums stay as they are: with them quantised, too, a
network with group norm answered half of the digits wrong."""


@dataclass(frozen=True)
class Loss:
    """What quantisation costs. Shares from 0 to 1, on the validation split."""

    accuracy: float
    """of the quantised network"""
    before: float
    """of the network as it was"""
    agreement: float
    """of images for which both give the same answer"""

    def __str__(self) -> str:
        """`validation accuracy 0.9805 instead of 0.9833; the same answer for 99.4 % of images`."""
        return (
            f"validation accuracy {self.accuracy:.4f} instead of {self.before:.4f}; the same "
            f"answer for {self.agreement:.1%} of the images"
        )


def write_int8(folder: Path, data: Data) -> Loss:
    """Write `model.int8.onnx` beside `model.onnx`, and say what is lost.

    Raises `OptunasError` where onnxruntime is missing, or knows no way.
    """
    if find_spec("onnxruntime") is None or not (folder / SOURCE).exists():
        raise OptunasError(f"it is made of {SOURCE}, which needs pip install 'optunas[onnx]'")
    try:
        _quantise(folder, data)
    except Exception as error:  # an operator that it can't quantise can raise anything
        (folder / FILE).unlink(missing_ok=True)
        line = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise OptunasError(f"onnxruntime can't quantise it: {line}") from error
    every = torch.arange(len(data.validation))
    whole, small = (
        answers(folder / name, _inputs(data, data.validation, every)) for name in (SOURCE, FILE)
    )
    labels = data.validation.labels.numpy()
    was, now = whole.argmax(1), small.argmax(1)
    return Loss(*(float(np.mean(hit)) for hit in (now == labels, was == labels, now == was)))


def _quantise(folder: Path, data: Data) -> None:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Batches of the training split, one by one, then None."""

        def __init__(self) -> None:
            step = max(1, len(data.train) // CALIBRATED)
            chosen = torch.arange(len(data.train))[::step][:CALIBRATED]
            self.batches = _inputs(data, data.train, chosen)

        def get_next(self) -> dict[str, Array] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"images": batch}

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it speaks to the root logger
    try:
        with tempfile.TemporaryDirectory() as name:
            prepared = Path(name) / SOURCE
            quant_pre_process(str(folder / SOURCE), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(folder / FILE),
                Calibration(),
                op_types_to_quantize=list(HEAVY),
                per_channel=True,
            )
    finally:
        logging.getLogger().setLevel(level)


def answers(path: Path, batches: Iterable[Array]) -> Array:
    """(N, classes) logits of an ONNX file, for float32 (B, C, H, W) at a time."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"images": batch})[0] for batch in batches])


def _inputs(data: Data, split: Split, chosen: torch.Tensor) -> Iterator[Any]:
    """What the network takes, float32 (B, C, H, W), a batch at a time."""
    scale = Inputs(data, torch.device("cpu")).scaled
    for start in range(0, len(chosen), BATCH):
        yield scale(split.pixels(chosen[start : start + BATCH])).numpy()
