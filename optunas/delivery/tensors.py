"""Reads a safetensors file with nothing but torch, for networks that are delivered."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file, by name.

    Eight bytes of length, a JSON header, then the tensors' bytes:
    https://huggingface.co/docs/safetensors/index#format
    """
    content = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:start]))
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        first, last = (start + offset for offset in about["data_offsets"])
        part = content[first:last]  # of its own, so that its bytes are aligned
        kind = DTYPES[about["dtype"]]
        flat = torch.frombuffer(part, dtype=kind) if part else torch.empty(0, dtype=kind)
        tensors[name] = flat.reshape(about["shape"])
    return tensors


DTYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F64": torch.float64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
