"""Study files: plain Python, read with care."""

import sys
from pathlib import Path

import optuna
import pytest

from optunas import studyfile
from optunas.errors import StudyError

PLAIN = "def objective(trial):\n    return 1.0\n"


def test_a_file_gives_its_objective_and_the_settings_that_it_defines(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        PLAIN + "import optuna\ntrials = 5\nsampler = optuna.samplers.RandomSampler()\n"
        "pruner = None\ndirections = ('minimize',)\nother = 3\nhours = 0.5\n"
    )
    objective, settings = studyfile.load(file)
    assert objective(None) == 1.0
    assert isinstance(settings.pop("sampler"), optuna.samplers.RandomSampler)
    assert settings == {
        "name": "mine", "trials": 5, "pruner": None, "directions": ("minimize",), "hours": 0.5,
    }  # fmt: skip


def test_it_may_import_what_lies_beside_it_and_leaves_the_path_alone(tmp_path: Path) -> None:
    (tmp_path / "beside_the_study.py").write_text("value = 2.0\n")
    file = tmp_path / "mine.py"
    file.write_text("from beside_the_study import value\ndef objective(trial): return value\n")
    before = list(sys.path)
    objective, _ = studyfile.load(file)
    assert objective(None) == 2.0
    assert sys.path == before


def test_its_classes_can_be_pickled(tmp_path: Path) -> None:
    import pickle

    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    def __call__(self, trial): return 3.0\nobjective = Mine()\n")
    objective, _ = studyfile.load(file)
    assert pickle.loads(pickle.dumps(objective))(None) == 3.0


def test_an_error_names_the_line_of_the_file_not_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import json\n\njson.loads('{')\n")
    with pytest.raises(StudyError, match=r"mine.py failed in line 3: JSONDecodeError: "):
        studyfile.load(file)


def test_a_syntax_error_names_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "wrong_beside.py").write_text("x = 1\ny = (\n")
    file = tmp_path / "mine.py"
    file.write_text("import wrong_beside\n" + PLAIN)
    with pytest.raises(StudyError, match=r"wrong_beside.py, line 2: "):
        studyfile.load(file)


def test_ctrl_c_passes_through(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        studyfile.load(file)


def test_the_contract_is_in_the_docstring() -> None:
    assert studyfile.__doc__ is not None
    for name in ("objective", *studyfile.SETTINGS):
        assert name in studyfile.__doc__
