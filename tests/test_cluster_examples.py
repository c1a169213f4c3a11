"""examples/cluster: valid for those who read it, and its very commands run here.

No Docker daemon, Kubernetes or Slurm is needed: the files are held against the schemas of Compose
and Kubernetes, and the commands in them are run on this machine with its own paths and ports.
"""

import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from optunas.attributes import evaluated

from .small import STUDY_FILE, environment, finish, optunas
from .test_serving import free_port, wait_for

CLUSTER = Path(__file__).parents[1] / "examples" / "cluster"
COMPOSE = yaml.safe_load((CLUSTER / "compose.yaml").read_text())
SECRET, JOB = yaml.safe_load_all((CLUSTER / "kubernetes.yaml").read_text())
SBATCH = (CLUSTER / "slurm.sbatch").read_text()
SCRIPTS = ["slurm.sbatch", "ssh.sh"]
TRIALS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A host: a study file, the file with the database's URL, and `optunas` on the PATH."""
    (tmp_path / "few.py").write_text(f"{STUDY_FILE}\ntrials = {TRIALS}\n")
    (tmp_path / "bin").mkdir()
    shim(tmp_path / "bin/optunas", f'exec {sys.executable} -m optunas "$@"')
    return tmp_path


def shim(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/bash\n{line}\n")
    path.chmod(0o755)


def keep(folder: Path, url: str) -> Path:
    file = folder / ".optunas-storage"
    file.write_text(url + "\n")
    return file


def on(folder: Path, *command: str, **more: str) -> "subprocess.Popen[str]":
    """A command as it stands in a file, with this folder as its home."""
    there = {k: v for k, v in environment().items() if not k.startswith("OPTUNAS_")}
    path = f"{folder}/bin:{there['PATH']}"
    return subprocess.Popen(
        command, cwd=folder, env={**there, "HOME": str(folder), "PATH": path, **more}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def here(words: Sequence[str], **places: str) -> list[str]:
    """The words of a command, with names of that cluster replaced by those of this machine."""
    return [
        re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], word)
        for word in words
    ]


def check_full(url: str) -> None:
    (name,) = optuna.get_all_study_names(url)
    trials = optuna.load_study(study_name=name, storage=url).trials
    assert len(evaluated(trials)) == TRIALS
    assert not [trial for trial in trials if trial.state is optuna.trial.TrialState.RUNNING]


# what those who read the files expect


def test_compose_follows_its_specification() -> None:
    pytest.importorskip("check_jsonschema")
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         CLUSTER / "compose.yaml"],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip


def test_what_compose_refers_to_is_there() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in services[needed], needed
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert volumes <= set(COMPOSE["volumes"])
    build = services["proxy"]["build"]
    assert (CLUSTER / build["context"] / build["dockerfile"]).is_file()
    assert services["worker"]["deploy"]["replicas"] > 1


def test_compose_publishes_nothing_beyond_this_machine_and_no_password() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert not [key for key in service.get("environment", {}) if key.endswith("PASSWORD")]
        assert not re.search(r"://[^/@ ]*@", str(service))


def test_docker_compose_reads_it(tmp_path: Path) -> None:
    """The plugin of today, or Debian's docker-compose 1.29, which knows no `name`."""
    folder = tmp_path / "cluster"
    shutil.copytree(CLUSTER, folder)
    file = folder / "compose.yaml"
    docker = shutil.which("docker")
    if (
        docker
        and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    ):
        compose = [docker, "compose"]
    elif (old := shutil.which("docker-compose")) is not None:
        compose = [old]
        file.write_text(re.sub("(?m)^name:.*$", "", file.read_text()))
    else:
        pytest.skip("there is no docker compose here")
    subprocess.run([*compose, "-f", str(file), "config", "--quiet"], check=True, timeout=60)


@pytest.mark.parametrize("thing", [SECRET, JOB], ids=["secret", "job"])
def test_kubernetes_follows_its_schema(thing: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    validate(thing, "1.31", strict=True)
    with pytest.raises(Exception, match="surprise"):
        validate({**thing, "surprise": 1}, "1.31", strict=True)


def test_the_job_takes_its_secret_and_is_given_time() -> None:
    pod = JOB["spec"]["template"]["spec"]
    secrets = [v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v]
    assert secrets == [SECRET["metadata"]["name"]]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert f"@{mounts['storage']}/{next(iter(SECRET['stringData']))}" in container["args"]
    assert pod["terminationGracePeriodSeconds"] >= 30
    assert pod["restartPolicy"] == "OnFailure"
    assert "completions" not in JOB["spec"]
    assert "command" not in container, "a shell around the worker would swallow SIGTERM"


OPTIONS = {
    "job-name": r"\w+", "array": r"\d+-\d+(%\d+)?", "ntasks": r"1", "cpus-per-task": r"\d+",
    "mem": r"\d+[KMGT]", "gres": r"gpu(:\w+)?:\d+", "time": r"(\d+-)?\d\d:[0-5]\d:[0-5]\d",
    "requeue": r"", "open-mode": r"append|truncate", "output": r"[\w./%-]+",
    "signal": r"B:TERM@\d+",
}  # fmt: skip


def test_sbatch_would_know_the_options() -> None:
    head, _, rest = SBATCH.partition("\nset -")
    found = re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", head, re.MULTILINE)
    assert len(found) == len(re.findall("^#SBATCH", SBATCH, re.MULTILINE))
    for option, value in found:
        assert re.fullmatch(OPTIONS[option], value), (option, value)
    assert {"array", "signal", "requeue", "time"} <= dict(found).keys()
    assert "#SBATCH" not in rest, "sbatch reads no options after the first command"
    assert SBATCH.strip().splitlines()[-1].startswith("exec optunas worker ")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_clean(name: str) -> None:
    subprocess.run(["bash", "-n", CLUSTER / name], check=True)
    beside = Path(sys.executable).with_name("shellcheck")
    check = str(beside) if beside.exists() else shutil.which("shellcheck")
    if check is None:
        pytest.skip("there is no shellcheck here")
    done = subprocess.run([check, CLUSTER / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert (CLUSTER / name).stat().st_mode & stat.S_IXUSR or name.endswith(".sbatch")


# the commands themselves


def test_the_commands_of_compose_fill_a_study(
    folder: Path, postgresql_url: str, quiet: None
) -> None:
    pytest.importorskip("grpc")
    secret = keep(folder, postgresql_url)
    port, shown = str(free_port()), str(free_port())
    places = {
        "/run/secrets/storage": str(secret), "proxy:13000": f"127.0.0.1:{port}",
        "13000": port, "8080": shown, "/artifacts": str(folder / "artifacts"),
        "/studies/digits.py": "few.py",
    }  # fmt: skip
    (folder / "artifacts").mkdir()
    command = {
        name: ["optunas", *here(service["command"], **places)]
        for name, service in COMPOSE["services"].items()
        if "command" in service
    }
    proxy = on(folder, *command["proxy"])
    started = [proxy]
    try:
        wait_for(int(port), proxy)
        started.append(dashboard := on(folder, *command["dashboard"]))
        started += (workers := [on(folder, *command["worker"]) for _ in range(2)])
        for worker in workers:
            code, out, err = finish(worker)
            assert code == 0, out + err
        wait_for(int(shown), dashboard)
        proxy.terminate()
        assert finish(proxy)[0] == 0
    finally:
        for process in started:
            process.kill()
            process.wait()
    check_full(postgresql_url)


def test_the_command_of_kubernetes_fills_a_study(folder: Path, quiet: None) -> None:
    url = f"sqlite:///{folder}/studies.db"
    (container,) = JOB["spec"]["template"]["spec"]["containers"]
    (folder / "bucket").mkdir()
    places = {
        "/run/secrets/optunas/storage": str(keep(folder, url)), "/studies/cifar10.py": "few.py",
        "s3://my-bucket/optunas": str(folder / "bucket"),
    }  # fmt: skip
    variables = {v["name"]: here([v["value"]], **places)[0] for v in container["env"]}
    process = on(folder, "optunas", *here(container["args"], **places), **variables)
    code, out, err = finish(process)
    assert code == 0, out + err
    check_full(url)


def test_the_batch_script_ends_at_sigterm_and_the_next_one_goes_on(
    folder: Path, quiet: None
) -> None:
    url = f"sqlite:///{folder}/studies.db"
    keep(folder, url)
    script, place = ["bash", str(CLUSTER / "slurm.sbatch")], {"STUDY": "few.py"}
    process = on(folder, *script, **place, SLURM_CPUS_PER_TASK="1", BLOCK_AT="1 2")
    for _ in range(1200):
        if (folder / "blocked").exists():
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert code == 130, out + err
    code, out, err = finish(on(folder, *script, **place))
    assert code == 0, out + err
    check_full(url)


def test_ssh_starts_and_stops_workers_and_shows_no_url(folder: Path, quiet: None) -> None:
    """`ssh` is a stand-in here: it notes what it was asked, and runs it in the host's folder."""
    url = f"sqlite:///{folder}/studies.db"
    keep(folder, url)
    hosts = ["one", "two"]
    for host in hosts:
        (folder / host).mkdir()
        (folder / host / "few.py").write_text((folder / "few.py").read_text())
    shim(folder / "bin/ssh", f'echo "$@" >> {folder}/asked; HOME={folder}/$1; cd ~; bash -c "$2"')
    command = ["bash", str(CLUSTER / "ssh.sh")]
    code, out, err = finish(on(folder, *command, "start", "few.py", *hosts, OMP_NUM_THREADS="1"))
    assert (code, err, out.count("started")) == (0, "", 2)
    try:
        assert url not in (folder / "asked").read_text()
        for host in hosts:
            assert (folder / host / ".optunas/storage").stat().st_mode & 0o077 == 0
        until = time.monotonic() + 120
        while time.monotonic() < until and any(_runs(folder / host) for host in hosts):
            time.sleep(0.2)
        logs = [(folder / host / ".optunas/worker.log").read_text() for host in hosts]
        assert not any(_runs(folder / host) for host in hosts), logs
        check_full(url)
    finally:
        finish(on(folder, *command, "stop", *hosts))
    code, _, _ = optunas("status", "--storage", url, folder=folder)
    assert code == 0


def _runs(host: Path) -> bool:
    number = int((host / ".optunas/worker.pid").read_text())
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_without_arguments_ssh_says_how_it_is_used() -> None:
    done = subprocess.run(["bash", CLUSTER / "ssh.sh"], capture_output=True, text=True)
    assert (done.returncode, "ssh.sh start" in done.stdout) == (2, True)
