"""The scripts of tests/performance: each still runs, and what they compare with is what they say.

The scripts measure on real images; here they run on made-up ones, at sizes that show only that
they work. Their tables are read back from the JSON that they write.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from optunas import Recipe
from optunas.architecture import Conv, GlobalPool, Linear, Sequential
from optunas.data import Data, Split
from optunas.nn import build
from optunas.training.optimizer import factor

SCRIPTS = Path(__file__).parent / "performance"
CPU = torch.device("cpu")

CALLS = {
    "throughput": "--seconds 0.05 --repeats 1 --candidates 1 --no-resnet --batch 16 --images 32",
    "same_accuracy": "--seeds 2 --epochs 1 --images 40 --workers 0",
    "speedrun": "--seeds 1 --epochs 1 --images 20 --batch 8",
    "startup": "--repeats 1",
    "overhead": "--levels 0 2 --trials 1 --epochs 2 --samplers tpe",
    "averaging": "--epochs 1 --seeds 2 --images 40 --batch 8 --stem-stride 2",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training and three test images of noise in each of ten classes."""
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 3)):
        for label in range(10):
            place = root / part / f"class{label}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.jpg")
    return root


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a script as the scripts import each other."""
    monkeypatch.syspath_prepend(SCRIPTS)
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:  # `images`, `machine`: such names are others' as well
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).parent == SCRIPTS:
            del sys.modules[name]


def ran(script: str, words: list[str], folder: Path, **environment: str) -> tuple[Any, str]:
    """What the script wrote as JSON, and what it printed."""
    found = folder / "found.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{script}.py"), *words, "--json", str(found)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(found.read_text()), done.stdout


@pytest.mark.parametrize("name", CALLS)
def test_the_script_runs_and_writes_its_tables(name: str, folder: Path, tmp_path: Path) -> None:
    words = [str(folder), *CALLS[name].split(), "--device", "cpu"]
    report, said = ran(name, words, tmp_path, OPTUNAS_CACHE=str(tmp_path / "cache"))
    assert report["machine"]["device"] == "cpu"
    assert f"torch {torch.__version__.partition('+')[0]}" in report["machine"]["versions"]
    for table in report["tables"]:
        assert table["rows"]
        assert {len(row) for row in table["rows"]} == {len(table["heads"])}
    assert _all_numbers(report["figures"])
    assert report["title"] in said


def test_the_report_of_a_made_up_study_is_written_and_opened(tmp_path: Path) -> None:
    words = ["--trials", "20", "--repeats", "1", "--device", "cpu"]
    report, said = ran("report", words, tmp_path)
    assert report["figures"]["20"]["bytes"] < 5e6
    assert _all_numbers(report["figures"])
    assert "20 trials take" in said


def test_proposals_beside_few_and_more_finished_trials_are_timed(tmp_path: Path) -> None:
    words = "--levels 3 40 --trials 2 --warm-up 1 --samplers architecture local --device cpu"
    report, said = ran("proposing", words.split(), tmp_path)
    assert set(report["figures"]) == {
        f"{sampler} {level}" for sampler in ("architecture", "local") for level in (3, 40)
    }
    assert _all_numbers(report["figures"])
    assert "A proposal" in said


def test_a_search_is_held_against_its_baselines(tmp_path: Path) -> None:
    out = tmp_path / "worth.jsonl"
    words = "digits --limits 20k --macs 2M --seeds 1 --trials 2 --epochs 1 --longer 1 --images 80"
    command = [sys.executable, str(SCRIPTS / "worth.py"), *words.split(), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, out.read_text().splitlines())
    assert set(row["networks"]) == {"search", "ResNet-18-like", "MobileNetV3-like"}
    assert all(one["params"] <= 20_000 for one in row["networks"].values())
    assert "| 20,000 |" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]  # nothing anew
    assert len(out.read_text().splitlines()) == 1


def test_both_dashboards_show_a_made_up_study(tmp_path: Path) -> None:
    words = ["--trials", "12", "--polls", "1", "--pause", "0.1"]
    plain, ours = ran("dashboard", words, tmp_path)[0]["rows"]
    assert (plain.pop("server"), ours.pop("server")) == ("optuna-dashboard", "optunas dashboard")
    assert plain["bytes"] == ours["bytes"] > 50_000
    assert _all_numbers(ours)


def _all_numbers(figures: Any) -> bool:
    """Whether the figures are there, and none is missing or negative."""
    if isinstance(figures, dict):
        return bool(figures) and all(map(_all_numbers, figures.values()))
    if isinstance(figures, list):
        return bool(figures) and all(map(_all_numbers, figures))
    return isinstance(figures, int | float) and not figures < 0


def _noise(count: int, side: int = 16) -> Data:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)
    split = Split(images, torch.arange(count) % 2)
    return Data.from_splits("noise", (split, split, split), ("a", "b"), flip=True)


def test_the_loop_by_hand_cuts_windows_of_the_mirrored_border(script: Any) -> None:
    data = _noise(6)
    resident = script("byhand").Resident(data, CPU)
    torch.manual_seed(1)
    index = torch.arange(6).repeat(20)
    batch = resident.batch(index)
    mean = 255 * torch.tensor(data.mean)[:, None, None]
    std = 255 * torch.tensor(data.std)[:, None, None]
    seen = set()
    for made, which in zip(batch, index.tolist(), strict=True):
        erased = (made == 0).all(0)
        assert 0 < erased.sum() <= 6 * 6
        pixels = made * std + mean
        windows = dict(_windows(data.train.images[which]))
        matches = [
            place
            for place, window in windows.items()
            if torch.allclose(pixels[:, ~erased], window[:, ~erased].float(), atol=1e-2)
        ]
        assert len(matches) == 1
        seen.update(matches)
    assert {flipped for *_, flipped in seen} == {False, True}
    assert {down for down, *_ in seen} == {right for _, right, _ in seen} == set(range(5))


def _windows(image: torch.Tensor) -> Any:
    """Every window of 16x16 in an image that is mirrored at its border 2 pixels wide; by NumPy."""
    padded = np.pad(image.numpy(), ((0, 0), (2, 2), (2, 2)), mode="reflect")
    for down in range(5):
        for right in range(5):
            window = padded[:, down : down + 16, right : right + 16]
            yield (down, right, False), torch.from_numpy(window.copy())
            yield (down, right, True), torch.from_numpy(window[..., ::-1].copy())


def test_the_ordinary_augmentation_is_of_the_same_kind(script: Any) -> None:
    data = _noise(1)
    transform = script("ordinary").transforms(16, data.mean, data.std)
    torch.manual_seed(0)
    image = data.train.images[0]
    mean = 255 * torch.tensor(data.mean)[:, None, None]
    std = 255 * torch.tensor(data.std)[:, None, None]
    windows = dict(_windows(image))
    for _ in range(40):
        made = transform(image)
        erased = (made == 0).all(0)
        assert erased.sum() == 6 * 6
        pixels = made * std + mean
        kept = [pixels[:, ~erased] - window[:, ~erased] for window in windows.values()]
        assert min(difference.abs().max() for difference in kept) < 1e-2


def test_the_schedule_is_that_of_the_recipe(script: Any) -> None:
    theirs = script("ordinary").factor
    for steps in (1, 7, 100):
        for step in range(steps):
            assert theirs(step, steps) == pytest.approx(factor("onecycle", step, steps))


@pytest.mark.parametrize("name", ["ordinary", "byhand"])
def test_the_baselines_learn(name: str, script: Any) -> None:
    count, side = 64, 8
    labels = torch.arange(count) % 2
    images = (labels * 120 + 60).to(torch.uint8)[:, None, None, None].expand(-1, 3, side, side)
    split = Split(images.contiguous(), labels)
    data = Data.from_splits("bright and dark", (split, split, split), ("dark", "bright"))
    network = build(Sequential(Conv(8), GlobalPool(), Linear()), (3, side, side), 2, seed=0)
    recipe = Recipe(epochs=12, batch_size=16, lr=0.05)
    ordinary = script("ordinary")
    if name == "ordinary":
        transform = ordinary.transforms(side, data.mean, data.std)
        dataset = ordinary.InMemory(images, labels, transform)
        run = ordinary.train(network, dataset, recipe, CPU, load=ordinary.Load())
    else:
        run = script("byhand").train(network, data, recipe, CPU)
    rates = list(run)
    assert len(rates) == recipe.epochs
    assert min(rates) > 0
    moments = (data.mean, data.std)
    assert ordinary.accuracy(network, images, labels, moments, CPU) == 1


def test_the_described_speedrun_network_is_the_written_one(script: Any) -> None:
    speedrun = script("speedrun")
    described = build(speedrun.described(), (3, 32, 32), 10).eval()
    written = speedrun.written(10).eval()
    values = list(described.state_dict().values())
    assert len(values) == len(written.state_dict())
    written.load_state_dict(dict(zip(written.state_dict(), values, strict=True)))
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(described(x) / speedrun.DIVISOR, written(x))


def test_the_limit_counts_three_passes(script: Any) -> None:
    limit = script("limit")
    assert limit.images_per_second(macs=1_000, rate=6e6) == 2_000
    assert limit.macs_per_second(CPU, torch.float32, seconds=0.01) > 1e7


def test_start_up_adds_up_imports_by_package(script: Any) -> None:
    log = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      1500 |       1500 |   torch.nn\n"
        "import time:      2500 |       4000 | torch\n"
        "import time:       100 |        100 | torchvision.io\n"
    )
    assert script("startup").imports(log) == {"torch": 4.0, "torchvision": 0.1}


def test_the_report_is_told_on_the_terminal_and_as_markdown(
    script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    reporting = script("reporting")
    table = reporting.Table("speeds", ["side", "rate"])
    table.add("ours", 12.5)
    assert reporting.verdict("the ratio", 1.5, 1.5).startswith("target met")
    assert reporting.verdict("the ratio", 1.49, 1.5).startswith("target MISSED")
    assert reporting.spread([1.0, 2.0, 3.0]) == "2 (1.5–2.5)"
    reporting.Report("Title", "python x.py", {"device": "cpu"}, "0", [table], ["a line"]).show()
    said = capsys.readouterr().out
    assert all(word in said for word in ("Title", "python x.py", "speeds", "12.5", "a line"))
