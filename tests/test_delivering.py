"""`optunas deliver`, as it is typed."""

import json
from pathlib import Path

import pytest

from .small import STUDY_FILE, Run, optunas


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivering")
    (folder / "few.py").write_text(STUDY_FILE)
    code, _, err = optunas("run", "few.py", "--trials", "3", "--max-params", "5k", folder=folder)
    assert (code, err) == (0, "")
    return folder


def test_the_best_race_with_their_baselines_and_all_of_it_is_told(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code, out, err = run(
        "deliver", "few.py", "--longer", "1", "--candidates", "1", "--seeds", "1", "--ema", "0.9",
        "--all-data", "--int8", "-o", "winner",
    )  # fmt: skip
    assert (code, err) == (0, "")
    for name in ("ResNet-18-like", "MobileNetV3-like"):
        assert f"note: no {name} network is within the limits and no costlier" in out
    for name in ("model.py", "model.pt2", "model.onnx"):
        assert f"{name}: logits within" in out
    assert "model.int8.onnx: validation accuracy" in out
    assert "ms for one image" in out
    facts = json.loads((folder / "winner" / "winner.json").read_text())
    assert facts["recipe"]["ema"] == 0.9
    assert facts["all_data"] is True
    assert {path.name for path in (folder / "winner").iterdir()} == {
        *facts["files"], "winner.json", "architecture.json", "model_card.md", "preprocess.py",
        "pixels.py", "weights.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--choose", "params"], "no rule of choice is called 'params'"),
        (["--devices", "cpu,"], "--devices are names with a comma between"),
        (["--device", "cpu", "--devices", "cpu,cpu"], "give one of the two"),
        (["--ema", "1"], "ema"),
    ],
)
def test_what_can_not_be_is_one_line(
    folder: Path, words: list[str], said: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code, out, err = run("deliver", "few.py", *words, "-o", "other")
    assert code == 2
    assert said in err
    assert "Traceback" not in out + err
    assert not (folder / "other").exists()
