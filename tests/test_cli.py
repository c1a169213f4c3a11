"""The command line on real files: what it does, says and leaves behind."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import optuna
import pytest
from optuna.trial import TrialState

from optunas.attributes import evaluated, outcomes
from optunas.cli.speaking import this_command
from optunas.fingerprint import fingerprint_of

from .small import COMMAND, PLAIN_FILE, STUDY_FILE, Run, environment, finish, optunas, start


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a study file of ours and one of a plain callable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "plain.py").write_text(PLAIN_FILE)
    return tmp_path


def study(folder: Path, name: str = "few") -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/optunas.db")


def epochs(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "epochs.txt").read_text().splitlines()]


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


# what a newcomer sees


def test_a_run_says_what_it_does_what_it_found_and_what_to_do_next(folder: Path, run: Run) -> None:
    code, out, err = run("run", "few.py", "--trials", "5")
    assert code == 0
    assert err == ""
    for line in (
        r"data +few: 10 classes, 1x8x8, 216 train / 108 validation / 360 test",
        r"space +ConvNet, [\d,]+ networks",
        r"limits +none",
        r"aim +accuracy \(maximize\)",
        r"until +5 finished trials \(0 so far\)",
        r"storage +sqlite:///optunas.db, study 'few'",
        r"Ctrl-C stops it; the same command goes on:  optunas run few.py --trials 5\n",
        r"\d:\d\d  trial 0, accuracy [\d.]+ %, .* MACs  trained",
        r"hand-made +1 +0 ",
        r"random draws +2 ",
        r"search +2 ",
        r"search on +optunas run few.py --trials 40\n",
        r"look at the best +optunas show \d+ --study few\n",
        r"watch in the browser +optunas dashboard\n",
    ):
        assert re.search(line, out), line
    assert "\x1b" not in out  # no terminal, no escape codes
    trials = study(folder).trials
    assert [t.user_attrs.get("role") for t in trials[:3]] == ["baseline", *["random draw"] * 2]
    assert all("role" not in t.user_attrs for t in trials[3:])
    shown = int(re.search(r"optunas show (\d+)", out)[1])  # type: ignore[index]
    assert shown == study(folder).best_trial.number

    code, out, _ = run("run", "few.py", "--trials", "5")
    assert code == 0
    assert "The study holds 5 finished trials already: nothing is left to do." in out
    assert "The best networks" in out
    assert len(study(folder).trials) == len(trials)

    code, out, _ = run("run", "few.py", "--trials=7")
    assert code == 0
    assert "optunas run few.py --trials 40\n" in out
    assert len(evaluated(study(folder).trials)) == 7

    code, out, _ = run("status")
    assert code == 0
    assert re.search(r" few .* 7 +\d+ +0?\.\d+", out)
    assert "The best networks" in out

    code, out, _ = run("show", "0")
    assert code == 0
    for part in ("Trial 0: trained, value", "ConvNorm", "Learning curve", "stage1.block1.op"):
        assert part in out


def test_another_search_is_refused_unless_it_is_meant(folder: Path, run: Run) -> None:
    assert run("run", "few.py", "--trials", "1", "--max-params", "500k")[0] == 0
    before = len(study(folder).trials)
    other = ("run", "few.py", "--trials", "2", "--max-params", "1M", "--epochs", "1")
    code, _, err = run(*other)
    assert code == 2
    assert "recipe: epochs 3 in the study, 1 here" in err
    assert "limits: params 500000 in the study, 1000000 here" in err
    assert len(study(folder).trials) == before
    code, out, _ = run(*other, "--anyway")
    assert code == 0
    assert "note: this worker joins though it differs in " in out
    assert len(evaluated(study(folder).trials)) == 2


def test_options_win_over_the_study_file(folder: Path, run: Run) -> None:
    (folder / "few.py").write_text(
        STUDY_FILE + "trials = 1\nname = 'mine'\nsampler = 'tpe(startup=3)'\nseed = 7\n"
    )
    code, out, _ = run("run", "few.py", "--sampler", "random")
    assert code == 0
    assert "random, pruner median, seed 7" in out
    assert len(evaluated(study(folder, "mine").trials)) == 1
    known = fingerprint_of(study(folder, "mine"))
    assert (known["strategy"]["seed"], known["strategy"]["sampler"]) == (7, "random")

    options = ["--trials", "1", "--study", "other", "--epochs", "1", "--seed", "8"]
    more = ["--metric", "f1", "--metric", "params", "--batch-size", "32", "--no-reuse"]
    limits = ["--max-params", "1,000", "--max-macs", "1M", "--max-memory", "1G"]
    code, out, _ = run("run", "few.py", *options, *more, *limits, "--suggest-recipe")
    assert code == 0
    assert "limits    params <= 1,000, macs <= 1,000,000, memory_mb <= 1,024.0" in out
    other = study(folder, "other")
    assert other.metric_names == ["f1", "params"]
    trial = evaluated(other.trials)[-1]
    assert len(trial.user_attrs["curve"]) == 1
    assert "recipe.lr_factor" in trial.params
    assert trial.user_attrs["recipe"]["batch_size"] == 32
    assert "The Pareto front" in out


def test_commands_to_copy_work_where_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make search` calls `.venv/bin/optunas`, which no shell finds by its name."""
    monkeypatch.chdir(tmp_path)
    script = Path(".venv/bin/optunas")
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(script), "run", "few.py"])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert this_command() == ".venv/bin/optunas run few.py"
    monkeypatch.setenv("PATH", str(tmp_path / ".venv/bin"))
    assert this_command() == "optunas run few.py"


def test_settings_that_changed_are_said(folder: Path, run: Run) -> None:
    run("run", "plain.py", "--trials", "1")
    _, out, _ = run("run", "plain.py", "--trials", "2", "--sampler", "random")
    said = "created with sampler 'architecture'; continues with sampler 'random'"
    assert f"note: this study was {said}" in " ".join(out.split())


def test_a_plain_callable_is_searched_shown_and_counted(folder: Path, run: Run) -> None:
    code, out, _ = run("run", "plain.py", "--trials", "3")
    assert code == 0
    assert "The best networks" in out
    found = study(folder, "plain")
    assert f"{found.best_value:.4g}" in out
    assert len(found.trials) == 3
    assert run("status", "plain")[0] == run("show", "1")[0] == 0


def test_show_draws_the_network(folder: Path, run: Run) -> None:
    run("run", "few.py", "--trials", "1")
    best = study(folder).best_trial.number
    code, out, _ = run("show", str(best), "--svg", "network.svg")
    assert (code, "the picture is in network.svg" in out) == (0, True)
    picture = ElementTree.parse(folder / "network.svg").getroot()
    assert picture.tag.endswith("svg")
    assert any("Linear" in (part.text or "") for part in picture.iter())
    code, _, err = run("show", str(best), "--svg", "no/such/network.svg")
    assert (code, "can't write the picture" in err) == (2, True)


def test_a_network_of_ones_own_function_has_no_picture(folder: Path, run: Run) -> None:
    run("run", "plain.py", "--trials", "1")
    code, _, err = run("show", "0", "--svg", "network.svg")
    assert (code, "can't be drawn: it has no described architecture" in err) == (2, True)
    assert not (folder / "network.svg").exists()


def test_a_stopped_trial_is_promoted_and_goes_on(folder: Path, run: Run) -> None:
    pruner = "threshold(lower=0.99, warmup=1)"
    code, _, _ = run("run", "few.py", "--trials", "1", "--pruner", pruner)
    assert code == 0
    assert outcomes(study(folder).trials)[0] == "pruned"
    assert run("promote", "0")[:2] == (0, "trial 0 of 'few' is queued to go on\n")
    code, _, err = run("promote", "0")
    assert code == 2
    assert "promoted already, as trial" in err
    before = len(epochs(folder))
    code, _, _ = run("run", "few.py", "--trials", "4", "--pruner", "none")  # two wait before it
    assert code == 0
    promoted = [t for t in study(folder).trials if t.user_attrs.get("promotes") == 0]
    assert [outcomes(study(folder).trials)[t.number] for t in promoted] == ["trained"]
    told = [row for row in epochs(folder)[before:] if row[0] == str(promoted[0].number)]
    assert [row[1] for row in told] == ["1", "2", "3"]
    assert told[0][2] in [row[2] for row in epochs(folder)[:before]]  # the old one, not a new one


def test_a_random_search_is_its_own_baseline(folder: Path, run: Run) -> None:
    code, _, _ = run("run", "few.py", "--trials", "3", "--sampler", "random")
    assert code == 0
    roles = [trial.user_attrs.get("role") for trial in study(folder).trials]
    assert roles == ["baseline", None, None]


def test_a_password_is_never_printed(folder: Path, run: Run) -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/studies"
    for arguments in (["--storage", url], [f"--storage={url}"]):
        code, out, err = run("run", "plain.py", *arguments)
        assert code == 2
        assert "secret" not in out + err
        assert "no database server answers there" in err


def test_a_streak_of_failures_ends_in_one_line_and_exit_code_2(folder: Path, run: Run) -> None:
    (folder / "bad.py").write_text("def objective(trial):\n    raise RuntimeError('no luck')\n")
    code, _, err = run("run", "bad.py")
    assert code == 2
    assert err == "optunas: 10 trials in a row were failed; the last one: RuntimeError: no luck\n"


def test_help_and_version(folder: Path, run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(word in out for word in ("run", "status", "show", "dashboard", "Exit codes"))
    assert run("--version")[1].startswith("optunas ")
    for command in ("run", "status", "show", "dashboard", "deliver"):
        assert run(command, "--help")[0] == 0


# interruptions, on real processes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_gone_on_with_from_its_last_epoch(
    folder: Path, run: Run, number: signal.Signals
) -> None:
    arguments = ("run", "few.py", "--trials", "4", "--no-reuse")
    process = start(*arguments, folder=folder, BLOCK_AT="1 2")
    wait_for(folder / "blocked", process)
    process.send_signal(number)
    code, out, err = finish(process)
    assert code == 130
    assert err == ""
    assert "Stopped; nothing is lost. To go on:\n  optunas run few.py --trials 4 --no-reuse" in out
    states = [trial.state for trial in study(folder).trials]
    assert states[:2] == [TrialState.COMPLETE, TrialState.FAIL]
    assert TrialState.RUNNING not in states
    _goes_on(folder, run, arguments)


def test_a_killed_run_is_gone_on_with_from_its_last_epoch(folder: Path, run: Run) -> None:
    arguments = ("run", "few.py", "--trials", "4", "--no-reuse")
    process = start(*arguments, folder=folder, BLOCK_AT="1 2")
    wait_for(folder / "blocked", process)
    process.kill()
    finish(process)
    assert study(folder).trials[1].state is TrialState.RUNNING
    out = _goes_on(folder, run, arguments)
    assert re.search(r"trial 1: its worker, process \d+ on .*, is gone; it is run again", out)


def _goes_on(folder: Path, run: Run, arguments: tuple[str, ...]) -> str:
    """Run to the end; the interrupted trial, 1, goes on after its second epoch."""
    finished = {t.number: t.value for t in study(folder).trials if t.state.is_finished()}
    before = epochs(folder)
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    trials = study(folder).trials
    assert len(evaluated(trials)) == 4
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert [t.value for t in trials if t.number in finished] == list(finished.values())
    assert outcomes(trials)[1] == "interrupted"
    (again,) = (t for t in trials if t.system_attrs.get("retry_history") == [1])
    assert again.params == trials[1].params
    assert again.user_attrs["seed"] == trials[1].user_attrs["seed"]
    # its first two epochs were read from the checkpoint: their timings are the old ones
    told = [row for row in epochs(folder)[len(before) :] if row[0] == str(again.number)]
    assert [row[1:] for row in told[:2]] == [row[1:] for row in before if row[0] == "1"]
    assert [row[1] for row in told] == ["1", "2", "3"]
    assert not list(folder.glob("optunas-runs/few/checkpoints/*"))
    return out


def test_two_workers_at_once_share_a_study_and_its_total_is_exact(folder: Path) -> None:
    workers = [start("run", "few.py", "--trials", "9", folder=folder) for _ in range(2)]
    for code, _, err in map(finish, workers):
        assert (code, err) == (0, "")
    trials = study(folder).trials
    assert len(evaluated(trials)) == 9
    assert TrialState.RUNNING not in {t.state for t in trials}
    first = [t for t in trials if not t.system_attrs.get("retry_history")]
    roles = [t.user_attrs.get("role") for t in first]
    assert (roles.count("baseline"), roles.count("random draw")) == (1, 2)
    assert len({t.user_attrs["worker"]["pid"] for t in trials if t.state.is_finished()}) == 2


def test_in_a_terminal_there_is_a_live_panel(folder: Path) -> None:
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "run", "few.py", "--trials", "4"],
        cwd=folder,
        env=environment(TERM="xterm", COLUMNS="100", LINES="40", BLOCK_AT="1 1"),
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    shown, stopped = b"", False
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        try:
            piece = os.read(terminal, 65536) if ready else b""
        except OSError:  # the other end is closed
            break
        shown += piece
        if b"trial 1, epoch 1 of 3" in shown and not stopped:
            process.send_signal(signal.SIGINT)
            stopped = True
        if not piece:
            break
    assert process.wait(60) == 130
    text = shown.decode()
    assert "\x1b[" in text
    for part in ("1 of 4", "trial 1, epoch 1 of 3, accuracy", "best", "Stopped; nothing is lost"):
        assert part in text
    assert "Traceback" not in text


def test_ctrl_c_while_loading_is_no_traceback(folder: Path) -> None:
    (folder / "slow.py").write_text(
        "import time\nopen('blocked', 'w').close()\ntime.sleep(60)\ndef objective(trial): pass\n"
    )
    process = start("run", "slow.py", folder=folder)
    wait_for(folder / "blocked", process)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "Traceback" not in err


def test_the_dashboard_shows_the_studies(folder: Path, run: Run) -> None:
    run("run", "plain.py", "--trials", "2")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start("dashboard", "--port", str(port), "--no-browser", folder=folder)
    try:
        page = _fetch(f"http://127.0.0.1:{port}/", process)
        assert "Optuna Dashboard" in page
        studies = json.loads(_fetch(f"http://127.0.0.1:{port}/api/studies", process))
        assert [s["study_name"] for s in studies["study_summaries"]] == ["plain"]
        code, _, err = run("dashboard", "--port", str(port), "--no-browser")
        assert code == 2
        assert f"127.0.0.1:{port} is not to be had" in err
        assert "--port" in err
    finally:
        process.send_signal(signal.SIGINT)
        code, out, err = finish(process)
    assert f"sqlite:///optunas.db is shown at http://127.0.0.1:{port}/" in out
    assert "Traceback" not in err
    assert code in (0, 130)


def _fetch(url: str, process: "subprocess.Popen[str]") -> str:
    for _ in range(300):
        assert process.poll() is None, process.communicate()
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the dashboard does not answer")


# what is imported, and how fast


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["show", "0"], ["run", "--help"]])
def test_reading_does_not_import_torch(folder: Path, arguments: list[str]) -> None:
    made = optuna.create_study(storage=f"sqlite:///{folder}/optunas.db", study_name="s")
    made.optimize(lambda trial: 1.0, n_trials=1)
    code = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from optunas.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_neither_torch_nor_optuna() -> None:
    code = "import sys, optunas; assert not {'torch', 'optuna'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_answers_within_a_second_and_a_half(folder: Path) -> None:
    times = []
    for _ in range(3):
        started = time.monotonic()
        assert optunas("--help", folder=folder)[0] == 0
        times.append(time.monotonic() - started)
    assert min(times) < 1.5
