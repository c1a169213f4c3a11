"""Artifact stores: what is opened by which words, and what is said where that can't be."""

import io
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound

from optunas.artifacts import ArtifactStore, Folder, masked, open_artifacts
from optunas.errors import ArtifactError

from .small import STUDY_FILE


def check_store(store: ArtifactStore) -> None:
    """Written, read, written over, deleted, gone."""
    for content in (b"one", b"another", b""):
        store.write("name-1.pt", io.BytesIO(content))
        with store.open_reader("name-1.pt") as reader:
            assert reader.read() == content
    store.remove("name-1.pt")
    with pytest.raises(ArtifactNotFound):
        store.open_reader("name-1.pt")


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}", "path"])
def test_a_folder_is_made_and_used(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "deep" / "with space"
    check_store(open_artifacts(folder if form == "path" else form.format(folder)))
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_folders_url_is_unquoted(tmp_path: Path) -> None:
    assert open_artifacts(f"file://{tmp_path}/a%20b") == Folder(tmp_path / "a b")


def test_a_relative_folder_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_artifacts("here")
    monkeypatch.chdir("/")
    store.write("a", io.BytesIO(b"x"))
    assert (tmp_path / "here" / "a").read_bytes() == b"x"


def test_a_store_of_optunas_is_taken_as_it_is(tmp_path: Path) -> None:
    store = FileSystemArtifactStore(tmp_path)
    assert open_artifacts(store) is store


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "empty"),
        (7, "got 7"),
        ("ftp://host/folder", "a store is a folder, s3://"),
        ("file://host/folder", "file:///absolute/path"),
        ("s3://", "s3://bucket/prefix"),
        ("s3://B/../etc", "s3://bucket/prefix"),
        ("s3://bucket/..", "s3://bucket/prefix"),
        ("gs://bucket/a?b=c", "gs://bucket/prefix"),
        ("a\0b", "can't be used"),
    ],
)
def test_what_is_no_store_is_one_clear_line(where: Any, said: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        open_artifacts(where)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_key_is_ever_shown() -> None:
    with pytest.raises(ArtifactError) as caught:
        open_artifacts("s3://KEY:hidden/and@more@bucket/p")
    assert "hidden" not in str(caught.value)
    assert "more" not in str(caught.value)
    assert masked('at "http://a:b@host/x" and s3://k') == 'at "http://***@host/x" and s3://k'


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_missing_package_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("boto3", "google.cloud"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ArtifactError, match=r"pip install 'optunas\[(s3|gcs)\]'"):
        open_artifacts(f"{scheme}://bucket-of-nobody")


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ArtifactError, match="choose another one"):
            open_artifacts(path)


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/b", "", ".", "..", ".a", "a\0", "a\n"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = open_artifacts(tmp_path / "store")
    (tmp_path / "a").write_bytes(b"outside")
    for act in (store.open_reader, store.remove, lambda n: store.write(n, io.BytesIO(b"x"))):
        with pytest.raises(ValueError, match="name"):
            act(name)
    assert (tmp_path / "a").read_bytes() == b"outside"


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    store = open_artifacts(tmp_path)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(tmp_path / "pipe")  # opened plainly, it would wait for ever
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match="link" if name == "link" else "no plain file"):
            store.open_reader(name)


def test_a_folder_that_has_gone_is_not_made_again(tmp_path: Path) -> None:
    store = open_artifacts(tmp_path / "mount")
    (tmp_path / "mount").rmdir()
    with pytest.raises(OSError, match="No such file"):
        store.write("a", io.BytesIO(b"x"))
    assert not (tmp_path / "mount").exists()


FULL = """
import io, resource, signal, sys
from optunas.artifacts import open_artifacts
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_artifacts(sys.argv[1])
store.write("a", io.BytesIO(b"old"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.write("a", io.BytesIO(bytes(100_000)))
except OSError as error:
    print(type(error).__name__)
"""


def test_where_there_is_no_room_the_copy_before_stays(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "OSError\n"
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


# what a search is told


@pytest.mark.parametrize(
    ("typed", "variable", "found"), [("a", "b", "a"), (None, "b", "b"), (None, "", None)]
)
def test_the_option_wins_over_the_variable(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str | None,
    variable: str,
    found: str | None,
) -> None:
    from optunas.search import search_for

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTUNAS_ARTIFACTS", variable)
    Path("study.py").write_text(STUDY_FILE)
    own = search_for("study.py", {"artifacts": typed}).own
    assert own is not None
    assert own.artifacts == found


# S3, by a server that speaks as S3 does


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a fresh S3, and boto3 led there by its own variables."""
    server_of = pytest.importorskip("moto.server", reason="pip install 'moto[server]' boto3")
    boto3 = pytest.importorskip("boto3")
    server = server_of.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "hidden")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket-one")
    yield client
    server.stop()


@pytest.fixture(autouse=True)
def _opened_anew() -> None:
    from optunas import artifacts

    artifacts._opened.cache_clear()


def test_s3_below_a_prefix(s3: Any) -> None:
    store = open_artifacts("s3://bucket-one/runs/digits/")
    check_store(store)
    store.write("a", io.BytesIO(bytes(20 * 2**20)))  # in several parts
    (found,) = s3.list_objects_v2(Bucket="bucket-one")["Contents"]
    assert (found["Key"], found["Size"]) == ("runs/digits/a", 20 * 2**20)
    check_store(open_artifacts("s3://bucket-one"))


def test_a_bucket_that_is_not_there(s3: Any) -> None:
    with pytest.raises(ArtifactError, match="no such bucket"):
        open_artifacts("s3://bucket-two/p")


def test_a_store_that_is_down_is_one_line_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:hidden@127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    with pytest.raises(ArtifactError, match="can't be reached") as caught:
        open_artifacts("s3://bucket-one")
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


# Google's, by a server that speaks as much of its language as is used here


class FakeGoogle(BaseHTTPRequestHandler):
    objects: dict[str, bytes]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        name = unquote(path.rpartition("/")[2])
        if "/b/bucket-one/o" not in path:
            self.answer(404, b'{"error": {"code": 404, "message": "no bucket"}}')
        elif path.endswith("/o"):
            self.answer(200, b'{"kind": "storage#objects"}')
        elif name not in self.objects:
            self.answer(404, b"{}")
        elif "alt=media" in query:
            self.answer(200, self.objects[name])
        else:
            self.answer(200, json.dumps(self.about(name)).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip("\"'").encode()
        _, about, content, _ = body.split(b"--" + boundary)
        name = json.loads(about.partition(b"\r\n\r\n")[2])["name"]
        self.objects[name] = content.partition(b"\r\n\r\n")[2][:-2]
        self.answer(200, json.dumps(self.about(name)).encode())

    def do_DELETE(self) -> None:
        del self.objects[unquote(self.path.partition("?")[0].rpartition("/")[2])]
        self.answer(204, b"")

    def about(self, name: str) -> dict[str, str]:
        place = f"b/bucket-one/o/{quote(name, safe='')}?alt=media"
        link = f"http://{self.headers['Host']}/download/storage/v1/{place}"
        return {"name": name, "bucket": "bucket-one", "mediaLink": link}

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    pytest.importorskip("google.cloud.storage", reason="pip install google-cloud-storage")
    objects: dict[str, bytes] = {}
    handler = type("Handler", (FakeGoogle,), {"objects": objects})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_address[1]}")
    yield objects
    server.shutdown()
    server.server_close()


@pytest.mark.filterwarnings("ignore")
def test_googles_store_below_a_prefix(google: dict[str, bytes]) -> None:
    store = open_artifacts("gs://bucket-one/runs")
    check_store(store)
    store.write("a", io.BytesIO(b"x"))
    assert google == {"runs/a": b"x"}
    with pytest.raises(ArtifactError, match="no such bucket"):
        open_artifacts("gs://bucket-two")
