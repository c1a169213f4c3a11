"""A winner's folder where nothing of the search is installed.

    optunas run digits --hours 0.05 -o winner && python tests/reliability/fresh.py winner

Makes two environments: one with torch and nothing else, which answers with `model.py` and with
`model.pt2`; one with onnxruntime and numpy and nothing else, which answers with `model.onnx` (and
`model.int8.onnx`, where there is one). Each sees the same random pixels; says how far the answers
are apart, and what each environment holds. The folder is copied: no path leads back.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PIXELS = """
import random
random.seed(0)
def pixels(shape, batch=8):
    channels, height, width = shape
    return [[[[random.randrange(256) for _ in range(width)] for _ in range(height)]
             for _ in range(channels)] for _ in range(batch)]
"""

TORCH = """
import json, torch
from model import SHAPE, load, preprocess
from pixels_of import pixels
images = torch.tensor(pixels(SHAPE), dtype=torch.uint8)
program = torch.export.load("model.pt2").module()
with torch.no_grad():
    x = preprocess(images)
    print(json.dumps({"model.py": load()(x).tolist(), "model.pt2": program(x).tolist()}))
"""

ONNX = """
import json, os, numpy, onnxruntime
from preprocess import SHAPE, preprocess
from pixels_of import pixels
images = numpy.array(pixels(SHAPE), numpy.uint8)
found = {}
for name in ("model.onnx", "model.int8.onnx"):
    if os.path.exists(name):
        session = onnxruntime.InferenceSession(name)
        found[name] = session.run(None, {"images": preprocess(images)})[0].tolist()
print(json.dumps(found))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("winner", type=Path)
    parser.add_argument("--room", type=Path, help="folder for the environments, kept afterwards")
    arguments = parser.parse_args()
    room = arguments.room or Path(tempfile.mkdtemp())
    room.mkdir(parents=True, exist_ok=True)
    folder = room / "winner"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(arguments.winner, folder)
    (folder / "pixels_of.py").write_text(PIXELS)
    answers = {}
    for packages, code in ((["torch"], TORCH), (["onnxruntime", "numpy"], ONNX)):
        python = _environment(room / packages[0], packages)
        told = _said([str(python), "-c", code], folder)
        answers |= json.loads(told.splitlines()[-1])
    if not arguments.room:
        shutil.rmtree(room)
    return _compare(answers)


def _environment(folder: Path, packages: list[str]) -> Path:
    if not folder.exists():
        venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    _said([str(python), "-m", "pip", "install", "-q", *packages], folder)
    names = _said([str(python), "-m", "pip", "list", "--format=freeze"], folder).split()
    print(f"{' and '.join(packages)}: {len(names)} packages: {', '.join(sorted(names))}")
    return python


def _said(command: list[str], folder: Path) -> str:
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        sys.exit(f"{command[0]}: {told.stderr[-2000:]}")
    return told.stdout


def _compare(answers: dict[str, list[list[float]]]) -> int:
    """Zero where all files agree; the quantised one is told of, and no failure."""
    wanted = answers["model.py"]
    scale = max(1.0, max(abs(one) for row in wanted for one in row))
    failed = 0
    for name, found in answers.items():
        pairs = [
            (a, b) for x, y in zip(found, wanted, strict=True) for a, b in zip(x, y, strict=True)
        ]
        gap = max(abs(a - b) for a, b in pairs)
        agrees = gap <= 1e-3 * scale
        failed += not agrees and "int8" not in name
        print(f"{name}: {'agrees' if agrees else 'differs'}, logits within {gap:.1e} of model.py's")
    return failed


if __name__ == "__main__":
    sys.exit(main())
