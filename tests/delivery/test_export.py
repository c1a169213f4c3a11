"""The files of a network: each used as its receiver would, without optunas."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from optunas.data.decode import read
from optunas.delivery import export as exporting
from optunas.delivery.export import FILES, Exported, export
from optunas.delivery.tensors import read_tensors
from optunas.nn import build
from optunas.spaces import ConvNet
from optunas.spaces.draw import draw
from optunas.training.inputs import Inputs

from ..small import few


@pytest.fixture(scope="module")
def network() -> nn.Module:
    space = ConvNet(stages=(2,), depths=(2,), widths=(8,), ops=("mbconv", "inception"))
    drawn = draw(space.suggest, np.random.default_rng(0))
    return build(drawn.architecture, few().input_shape, 10).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("winner")


@pytest.fixture(scope="module", autouse=True)
def exported(network: nn.Module, folder: Path) -> list[Exported]:
    found = export(network, few(), folder, "A network.", quantised=True)
    assert [one.file for one in found if one.gap is not None and one.gap < 1e-4] == [
        "model.py", "model.pt2", "model.onnx", "model.int8.onnx",
    ]  # fmt: skip
    return found


def run(code: str, folder: Path, *blocked: str) -> str:
    """What a fresh Python says in the folder, where these packages can't be imported."""
    block = f"import sys; sys.modules |= dict.fromkeys({blocked!r}); sys.path.insert(0, '.')\n"
    command = [sys.executable, "-B", "-c", block + code]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    told = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env=environment
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A colour photo of another size, which has to be scaled, cut and made gray."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 31, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def expected(network: nn.Module, photo: Path) -> Tensor:
    pixels = torch.tensor(np.asarray(read(str(photo), *few().input_shape)))
    with torch.no_grad():
        logits: Tensor = network(Inputs(few(), torch.device("cpu")).scaled(pixels[None]))
    return logits[0]


def test_all_files_are_there_and_no_other(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == set(FILES)


def test_no_file_tells_where_it_was_made(folder: Path) -> None:
    here = str(Path(exporting.__file__).parents[1]).encode()
    for file in folder.iterdir():
        assert here not in file.read_bytes(), file.name


def test_the_quantised_file_says_what_it_costs(exported: list[Exported], folder: Path) -> None:
    found = next(one for one in exported if one.file == "model.int8.onnx")
    validation = few().validation
    images, labels = validation.images.numpy(), validation.labels.numpy()
    right = {}
    for name in ("model.onnx", "model.int8.onnx"):
        code = (
            "import numpy as np, onnxruntime; from preprocess import preprocess\n"
            f"images = np.load({str(folder.parent / 'images.npy')!r})\n"
            f"session = onnxruntime.InferenceSession({name!r})\n"
            "print(session.run(None, {'images': preprocess(images)})[0].argmax(1).tolist())"
        )
        np.save(folder.parent / "images.npy", images)
        answers = np.array(json.loads(run(code, folder, "optunas", "torch", "onnx")))
        right[name] = float((answers == labels).mean())
    small, whole = right["model.int8.onnx"], right["model.onnx"]
    assert f"validation accuracy {small:.4f} instead of {whole:.4f}" in found.loss
    assert found.loss in str(found)
    assert b"QuantizeLinear" in (folder / "model.int8.onnx").read_bytes()


def test_each_file_says_how_long_it_takes(exported: list[Exported]) -> None:
    for one in exported:
        assert set(one.ms) == {1, 32}
        assert 0 < one.ms[1] < one.ms[32]
        assert one.latency_ms(1, "cpu") == one.ms[1]
        assert one.latency_ms(1, "cuda") is None
        assert "ms for one image" in str(one)
        assert "on one CPU thread" in str(one)


def test_the_script_needs_torch_only(folder: Path, network: nn.Module) -> None:
    images = few().validation.images[:3]
    assert isinstance(images, Tensor)
    with torch.no_grad():
        wanted = network(Inputs(few(), torch.device("cpu")).scaled(images))
    code = (
        "import torch; from model import CLASSES, load, preprocess\n"
        f"images = torch.tensor({images.tolist()}, dtype=torch.uint8)\n"
        "with torch.no_grad(): print(load()(preprocess(images)).tolist()); print(CLASSES)"
    )
    others = ("optunas", "optuna", "numpy", "PIL", "safetensors", "torchvision")
    logits, classes = run(code, folder, *others).splitlines()
    torch.testing.assert_close(torch.tensor(json.loads(logits)), wanted)
    assert classes == repr(few().classes)


def test_onnx_needs_onnxruntime_and_numpy_only(
    folder: Path, network: nn.Module, photo: Path
) -> None:
    code = (
        "import numpy as np, onnxruntime\n"
        "from pixels import read; from preprocess import SHAPE, preprocess\n"
        f"images = np.stack([read({str(photo)!r}, *SHAPE)])\n"
        "session = onnxruntime.InferenceSession('model.onnx')\n"
        "print(session.run(['logits'], {'images': preprocess(images)})[0][0].tolist())"
    )
    found = torch.tensor(json.loads(run(code, folder, "optunas", "optuna", "torch", "onnx")))
    torch.testing.assert_close(found, expected(network, photo), rtol=1e-4, atol=1e-4)


def test_the_script_answers_from_the_shell(folder: Path, network: nn.Module, photo: Path) -> None:
    command = [sys.executable, "-B", "model.py", str(photo), "nothing.png"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    shares = expected(network, photo).softmax(0)
    best = int(shares.argmax())
    assert told.stdout.splitlines() == [
        f"{photo}: {few().classes[best]} ({shares[best]:.1%})",
        "nothing.png: no such file",
    ]


def test_an_answer_that_is_another_is_found_and_the_file_deleted(
    tmp_path: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    found = {one.file: one for one in export(network, few(), tmp_path, "A network.")}
    for name in ("model.py", "model.pt2", "model.onnx"):
        assert found[name].gap is None
        assert "from the trained network's" in found[name].why
        assert not (tmp_path / name).exists()


class Whimsical(nn.Module):
    """What can be trained, and neither written down nor exported."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        flat: Tensor = self.layer(x.flatten(1))
        return flat * 2 if float(flat.sum()) > 0 else flat


def test_what_can_not_be_exported_says_why_and_leaves_nothing_old(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text("of an earlier winner")
    found = {one.file: one.why for one in export(Whimsical(10), few(), tmp_path, "A network.")}
    assert "Whimsical has no 'classes'" in found["model.py"]
    assert found["model.pt2"]
    assert found["model.onnx"]
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"weights.safetensors", "preprocess.py", "pixels.py"}


def test_tensors_are_read_as_safetensors_reads_them(tmp_path: Path) -> None:
    kinds = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8]
    tensors = {str(kind): (torch.randn(3, 2) * 9).to(kind) for kind in kinds}
    tensors |= {
        "odd": torch.ones(3, dtype=torch.bool),
        "one": torch.tensor(7),
        "none": torch.empty(0),
    }
    save_file(tensors, tmp_path / "t", metadata={"who": "me"})
    wanted, found = load_file(tmp_path / "t"), read_tensors(tmp_path / "t")
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
