"""What a person may get wrong: one line on stderr that names the way out, exit code 2, no trial."""

import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from PIL import Image

from optunas.cli import main

from .small import PLAIN_FILE, STUDY_FILE, optunas

OURS = "from optunas import Objective, Recipe, Limits, spaces\nfrom optunas.data import digits\n"

FILES = {
    "few.py": STUDY_FILE,
    "plain.py": PLAIN_FILE,
    "syntax.py": "objective = (\n",
    "raises.py": "import math\n\nmath.sqrt(-1)\n",
    "exits.py": "import sys\nsys.exit('bye')\n",
    "imports.py": "import no_such_package\n",
    "empty.py": "x = 1\n",
    "rubbish.py": "objective = 5\n",
    "kind.py": "class Mine:\n    def __call__(self, trial): return 1.0\nobjective = Mine\n",
    "name.py": PLAIN_FILE + "name = 3\n",
    "trials.py": PLAIN_FILE + "trials = 'many'\n",
    "store.py": PLAIN_FILE + "storage = 5\n",
    "sampler.py": PLAIN_FILE + "sampler = 5\n",
    "aims.py": PLAIN_FILE + "directions = ['up']\n",
    "long.py": PLAIN_FILE + "name = 'n' * 600\n",
    "limits.py": OURS
    + "objective = Objective(spaces.ConvNet((1,), (1,)), digits(), limits=Limits(params=9))",
    "tuples.py": OURS
    + "from torch.nn import Flatten, Linear, Sequential\n"
    + "def space(trial):\n"
    + "    trial.suggest_categorical('size', ((1, 2), (3, 4)))\n"
    + "    return Sequential(Flatten(), Linear(64, 10))\n"
    + "objective = Objective(space, digits())",
    "rubbish_space.py": OURS + "objective = Objective(lambda trial: [1, 2], digits())",
    "class_space.py": OURS + "objective = Objective(spaces.ConvNet, digits())",
    "no_data.py": OURS + "objective = Objective(spaces.ConvNet(), 'photos')",
    "recipe.py": OURS + "objective = Objective(spaces.ConvNet(), digits(), Recipe(epochs=0))",
}

CASES = {
    # targets
    "no such folder": ("run ./nowhere", "nowhere"),
    "neither folder nor name": ("run didgits", "did you mean digits?"),
    "empty folder": ("run ./void", "void"),
    "one class": ("run ./single", "give every class a folder"),
    "corrupt images only": ("run ./corrupt", "0 of 12 files readable"),
    "size for digits": ("run digits --size 8", "size: leave it out"),
    # study files
    "no such file": ("run nothing.py", "there is none at nothing.py"),
    "syntax error": ("run syntax.py", "syntax.py, line 1: "),
    "error in it": ("run raises.py", "raises.py failed in line 3: ValueError: math domain error"),
    "it ends Python": ("run exits.py", "exits.py failed in line 2: SystemExit: bye"),
    "missing package": ("run imports.py", "No module named 'no_such_package'"),
    "no objective": ("run empty.py", "defines `objective`"),
    "a number as objective": ("run rubbish.py", "it defines 5"),
    "a class as objective": ("run kind.py", "defines `objective`"),
    "name of wrong type": ("run name.py", "name can't be 3"),
    "trials of wrong type": ("run trials.py", "trials can't be 'many'"),
    "storage of wrong type": ("run store.py", "storage can't be 5"),
    "sampler of wrong type": ("run sampler.py", "sampler can't be 5"),
    "unknown direction": ("run aims.py", "'minimize' or 'maximize'"),
    "endless name": ("run long.py", "1 to 512 characters"),
    "limits nothing meets": ("run limits.py", "raise the limits"),
    "tuples as choices": ("run tuples.py", "suggest a name for it"),
    "rubbish from a space": ("run rubbish_space.py", "returned [1, 2]"),
    "space not made": ("run class_space.py", "make one: ConvNet()"),
    "no data": ("run no_data.py", "an objective needs data"),
    "recipe of no epochs": ("run recipe.py", "epochs is a whole number of at least 1"),
    "size for a study file": ("run few.py --size 8", "--size has no meaning here"),
    "limit for a callable": ("run plain.py --max-params 2M", "--max-params has no meaning here"),
    "devices for a callable": ("run plain.py --devices cpu,cpu", "--devices has no meaning here"),
    "device and devices": ("run few.py --device cpu --devices cpu", "give one of the two"),
    "a device that is not here": ("run few.py --devices cpu,cuda:99", "'cuda:99' was asked for"),
    "a device without a name": ("run few.py --devices cpu,", "names with a comma between"),
    "numbers of workers": ("run few.py --workers 3 --workers-per-device 2", "leave out --workers"),
    "an idle device": ("run few.py --devices cpu,cpu --workers 1", "each device needs a worker"),
    "recipe for a callable": ("run plain.py --suggest-recipe", "--suggest-recipe has no meaning"),
    "reuse for a callable": ("run plain.py --no-reuse", "--no-reuse has no meaning here"),
    "metric for a callable": ("run plain.py --metric f1", "--metric has no meaning here"),
    # options
    "limits by option": ("run few.py --max-params 3", "no network meets the limits"),
    "negative trials": ("run plain.py --trials -3", "at least 1 trial; got trials=-3"),
    "no trials": ("run plain.py --trials 0", "at least 1 trial"),
    "no hours": ("run plain.py --hours 0", "more than 0 hours"),
    "bad count": ("run few.py --max-params 2X", "--max-params: expected a number such as"),
    "no count": ("run few.py --max-macs=", "--max-macs: expected a number such as"),
    "huge count": ("run few.py --max-params 1e999", "--max-params: expected"),
    "bad time": ("run few.py --max-latency soon", "--max-latency: expected a time such as"),
    "bad size": ("run few.py --max-memory 3km", "--max-memory: expected a size such as"),
    "no epochs": ("run few.py --epochs 0", "epochs is a whole number of at least 1"),
    "no images": ("run few.py --train-fraction 0", "train_fraction"),
    "unknown precision": ("run few.py --precision fp8", "auto, fp32, bf16"),
    "negative draws": ("run few.py --random-draws -1", "from 0 on"),
    "negative seed": ("run plain.py --seed -1", "from 0 on"),
    "unknown metric": ("run few.py --metric acuracy", "Did you mean 'accuracy'"),
    "metric twice": ("run few.py --metric f1 --metric f1", "several different ones"),
    "unknown sampler": ("run plain.py --sampler tpee", "Did you mean 'tpe'"),
    "sampler's argument": ("run plain.py --sampler tpe(start=3)", "takes startup, candidates"),
    "malformed sampler": ("run plain.py --sampler tpe(", "is written as name"),
    "unknown pruner": ("run plain.py --pruner medium", "Did you mean 'median'"),
    "unknown device": ("run few.py --device gpu", "a device is auto, cpu, cuda"),
    "device without memory": ("run few.py --device meta", "can't compute on device 'meta'"),
    "absent device": ("run few.py --device cuda:99", "take --device auto"),
    # storages
    "a path as storage": ("run plain.py --storage my.db", "write sqlite:///my.db"),
    "no such folder for it": ("run plain.py --storage sqlite:///no/my.db", "mkdir -p no"),
    "a folder as database": ("run plain.py --storage sqlite:///void", "add a file name"),
    "unwritable folder": ("run plain.py --storage sqlite:////proc/my.db", "its permissions"),
    "no database": ("run plain.py --storage sqlite:///plain.py", "no SQLite database"),
    "unknown driver": ("run plain.py --storage postgresql+nope://h/x", "there is no driver"),
    "unknown scheme": ("run plain.py --storage banana://h/x", "there is no driver"),
    "nobody there": (
        "run plain.py --storage postgresql+psycopg://u:p@127.0.0.1:1/x",
        "correct host and port",
    ),
    # reading
    "no studies yet": ("status --storage sqlite:///none.db", "a first run makes it"),
    "unknown study": ("status kept2", "Did you mean 'kept'?"),
    "unknown study to show": ("show 0 --study other", "no study is called 'other'"),
    "no such trial": ("show 7", "has 1, got 7"),
    "no such trial below": ("show -- -1", "has 1, got -1"),
    "no studies to deliver": ("deliver few.py", "no study is called 'few'"),
    "a callable to deliver": ("deliver plain.py", "a plain callable"),
    "dashboard of nothing": ("dashboard --storage sqlite:///none.db", "a first run makes it"),
    "no such address": ("dashboard --host 203.0.113.1 --no-browser", "take another with --port"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the above in one folder, with a database that holds one study of one trial."""
    folder = tmp_path_factory.mktemp("bad")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "void").mkdir()
    for kind, names in (("single", ["cats"]), ("corrupt", ["cats", "dogs"])):
        for name in names:
            (folder / kind / name).mkdir(parents=True)
            for number in range(12):
                file = folder / kind / name / f"{number}.png"
                if kind == "corrupt":
                    file.write_bytes(b"\x89PNG\r\n\x1a\n, and then nothing of the kind")
                else:
                    Image.new("RGB", (8, 8), (number, 0, 0)).save(file)
    kept = optuna.create_study(storage=f"sqlite:///{folder}/optunas.db", study_name="kept")
    kept.optimize(lambda trial: 1.0, n_trials=1)
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    return made


@pytest.fixture(autouse=True)
def _verbosity() -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(level)


def held(folder: Path) -> dict[str, int]:
    """How many trials each study holds."""
    with sqlite3.connect(folder / "optunas.db") as database:
        counts = "select study_name, count(trial_id) from studies left join trials using (study_id)"
        return dict(database.execute(f"{counts} group by study_id"))


def assert_one_line(code: object, err: str, way_out: str) -> None:
    assert code == 2
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("optunas: ")
    assert way_out in lines[0]
    assert "Traceback" not in err


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_one_line_names_the_way_out(
    case: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed, way_out = CASES[case]
    monkeypatch.setattr(sys, "argv", ["optunas", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert_one_line(ended.value.code, capsys.readouterr().err, way_out)
    assert sum(held(folder).values()) == 1  # nothing was added


def test_it_is_the_same_in_a_process_of_its_own(folder: Path) -> None:
    code, out, err = optunas("run", "tuples.py", folder=folder)
    assert out == ""
    assert_one_line(code, err, "choices must be strings and numbers")


def test_a_port_that_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["optunas", "dashboard", "--port", port, "--no-browser"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert_one_line(ended.value.code, capsys.readouterr().err, "take another with --port")


@pytest.mark.parametrize(
    "typed", ["run", "run few.py --trials many", "show", "show x", "fly", "dashboard --port 99999"]
)
def test_a_command_that_cannot_be_parsed(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["optunas", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "Error: " in err
    assert "--help" in err
    assert "Traceback" not in err
