"""`optunas dashboard`: what it serves, what it opens, and what it says to a person."""

import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.storages import InMemoryStorage

from optunas.report.gallery import Gallery
from optunas.report.places import pictures_of
from optunas.report.server import STYLE, dashboard_server

from .small import finish, optunas, start
from .test_serving import free_port, wait_for

pytestmark = pytest.mark.usefixtures("quiet")
URL = "sqlite:///studies.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With two studies, of which the second has a picture in a place of its own."""
    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path}/studies.db")
    optuna.create_study(study_name="first", storage=storage)
    study = optuna.create_study(study_name="second", storage=storage)
    assert pictures_of(study, None, tmp_path / "pictures") is not None
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    upload_artifact(
        artifact_store=FileSystemArtifactStore(tmp_path / "pictures"),
        file_path=str(tmp_path / "a.svg"), study_or_trial=study, mimetype="image/svg+xml",
    )  # fmt: skip
    return tmp_path


@contextmanager
def shown(folder: Path, *words: str, **more: str) -> Iterator[tuple[str, Any]]:
    port = free_port()
    process = start(
        "dashboard", *words, "--storage", URL, "--port", str(port), folder=folder, **more
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def read(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)


def test_it_opens_the_page_of_the_study_that_is_named(folder: Path) -> None:
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n')
    browser.chmod(0o755)
    with shown(folder, "second", BROWSER=f"{browser} %s") as (site, process):
        until = time.monotonic() + 60
        while not (folder / "opened").exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert (folder / "opened").read_text().strip() == f"{site}/dashboard/studies/2"
        (found,) = read(f"{site}/api/studies/2")["artifacts"]
        with urllib.request.urlopen(f"{site}/artifacts/2/{found['artifact_id']}") as answer:
            assert answer.headers["Content-Type"] == "image/svg+xml"
            assert answer.headers["Content-Security-Policy"].startswith("sandbox")
            assert answer.read().startswith(b"<svg")
        process.send_signal(signal.SIGINT)
        code, out, err = finish(process)
    assert f"{URL} is shown at {site}/dashboard/studies/2  (Ctrl-C ends it)" in out
    assert "Traceback" not in out + err
    assert code in (0, 130)


def test_a_study_that_is_not_there_is_one_line(folder: Path) -> None:
    code, out, err = optunas("dashboard", "third", "--storage", URL, "--no-browser", folder=folder)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "third" in err
    assert "first" in err


def test_requests_are_answered_side_by_side_and_the_page_is_styled() -> None:
    storage = InMemoryStorage()
    optuna.create_study(storage=storage)
    with dashboard_server(storage, Gallery(storage), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{site}/dashboard") as answer:
            page = answer.read()
            assert int(answer.headers["Content-Length"]) == len(page)
        assert STYLE + b"</head>" in page
        assert read(f"{site}/api/meta")["artifact_is_available"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{site}/artifacts/0/abc")
        assert refused.value.code == 404
        server.shutdown()
