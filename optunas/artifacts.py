"""Open the artifact store that the workers of a study share: a folder, S3 or Google's.

| where | for |
|---|---|
| ``/mnt/shared/artifacts``, ``file:///mnt/shared/artifacts`` | a folder that all machines see |
| ``s3://bucket/prefix`` | S3, and what speaks like it (extra ``s3``) |
| ``gs://bucket/prefix`` | Google Cloud Storage (extra ``gcs``) |

Who may write, and with which key, is the affair of boto3 and google-cloud-storage, which look where
they always do (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS``).
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable
from urllib.parse import unquote

from optuna.artifacts import Boto3ArtifactStore, GCSArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.exceptions import ExperimentalWarning

from optunas.atomic import drafts, replacing
from optunas.errors import ArtifactError

FORMS = "a folder, s3://bucket/prefix or gs://bucket/prefix"
ANSWER_SECONDS = 20  # a store that is silent for so long is taken as gone
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@runtime_checkable
class ArtifactStore(Protocol):
    """What Optuna calls an artifact store: these three methods."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Raises `optuna.artifacts.exceptions.ArtifactNotFound` where there is none."""

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Write, or write over."""

    def remove(self, artifact_id: str) -> None:
        """May raise `ArtifactNotFound` where there is none."""


Where = str | os.PathLike[str] | ArtifactStore


def open_artifacts(where: Where) -> ArtifactStore:
    """The artifact store that is meant by a folder, a URL, or an artifact store itself.

    Raises `ArtifactError` where it can't be reached, and for what is none.
    """
    if isinstance(where, os.PathLike):
        return Folder.made(Path(where))
    if not isinstance(where, str):
        if isinstance(where, ArtifactStore):
            return where
        raise ArtifactError(f"artifacts are kept in {FORMS}, or an Optuna store; got {where!r:.80}")
    scheme, slashes, rest = where.partition("://")
    if not where.strip():
        raise ArtifactError(f"artifacts are kept in {FORMS}; got an empty text")
    if not slashes:
        return Folder.made(Path(where))
    if scheme == "file":
        return Folder.made(_path(where, rest))
    if scheme not in _OPENERS:
        raise ArtifactError(f"artifacts {masked(where)}: a store is {FORMS}; correct the URL")
    return _opened(where)


@functools.lru_cache(maxsize=16)
def _opened(url: str) -> ArtifactStore:
    """Once a process: one client, and one look whether it is there."""
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    parts = [part for part in prefix.split("/") if part]
    if not _BUCKET.fullmatch(bucket) or not all(_NAME.fullmatch(part) for part in parts):
        raise ArtifactError(
            f"artifacts {masked(url)}: write {scheme}://bucket/prefix, of letters, digits and ._-, "
            "and leave keys to the environment"
        )
    package, extra, open_bucket = _OPENERS[scheme]
    try:
        return Below(open_bucket(bucket), "".join(f"{part}/" for part in parts))
    except ImportError:
        missing = f"the package {package} is missing; pip install 'optunas[{extra}]'"
    except Exception as error:  # each client has its own family of errors
        missing = _unreachable(error)
    raise ArtifactError(f"artifacts {masked(url)}: {missing}")


@dataclass(frozen=True)
class Folder:
    """A folder that several machines may see. An artifact is there whole, or not at all."""

    path: Path

    @classmethod
    def made(cls, path: Path) -> Folder:
        """The folder, made where it is missing. Raises `ArtifactError` where it can't be used."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError("reading and writing is not permitted")
        except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            raise ArtifactError(
                f"artifacts {str(path)!r:.200}: the folder can't be used ({why}); choose another "
                "one, or change its permissions"
            ) from None
        return cls(path.absolute())

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Plain files only: a pipe would never end, a link might lead anywhere."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        path = self._file(artifact_id)
        try:
            file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
        except FileNotFoundError:
            raise ArtifactNotFound(f"there is no artifact {artifact_id!r}") from None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(f"{path} is no plain file")
        return file

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Atomic. The folder is not made again: where a mount is gone, that would hide it."""
        with replacing(self._file(artifact_id)) as file:
            shutil.copyfileobj(content_body, file)

    def remove(self, artifact_id: str) -> None:
        path = self._file(artifact_id)
        for draft in drafts(path):
            draft.unlink(missing_ok=True)
        try:
            path.unlink()
        except FileNotFoundError:
            raise ArtifactNotFound(f"there is no artifact {artifact_id!r}") from None

    def _file(self, artifact_id: str) -> Path:
        if not _NAME.fullmatch(artifact_id):
            raise ValueError(
                f"an artifact's name is of letters, digits and ._-; got {artifact_id!r:.80}"
            )
        return self.path / artifact_id


@dataclass(frozen=True)
class Below:
    """A store whose artifacts all lie below a prefix of another one, such as ``runs/digits/``."""

    store: ArtifactStore
    prefix: str

    def open_reader(self, artifact_id: str) -> BinaryIO:
        return self.store.open_reader(self.prefix + artifact_id)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        self.store.write(self.prefix + artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        self.store.remove(self.prefix + artifact_id)


def masked(text: str) -> str:
    """A URL, or what somebody said of one, without names and passwords in it."""
    return re.sub(r"(?<=://)[^\s'\"]*@", "***@", text)


def _path(url: str, rest: str) -> Path:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise ArtifactError(f"artifacts {masked(url)}: a folder's URL is file:///absolute/path")
    return Path(slash + unquote(path))


def _s3(bucket: str) -> ArtifactStore:
    import boto3
    from botocore.config import Config

    # Boto3's own patience is minutes, too long for somebody who waits for an answer.
    config = Config(
        connect_timeout=5,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    client = boto3.client("s3", config=config)
    client.head_bucket(Bucket=bucket)
    return cast(ArtifactStore, Boto3ArtifactStore(bucket, client))


def _gcs(bucket: str) -> ArtifactStore:
    from google.cloud import storage

    client = storage.Client()
    # who may read and write objects may list them, and not always look at the bucket itself
    next(iter(client.list_blobs(bucket, max_results=1, timeout=ANSWER_SECONDS, retry=None)), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return cast(ArtifactStore, GCSArtifactStore(bucket, client))


_OPENERS: dict[str, tuple[str, str, Callable[[str], ArtifactStore]]] = {
    "s3": ("boto3", "s3", _s3),
    "gs": ("google-cloud-storage", "gcs", _gcs),
}


def _unreachable(error: Any) -> str:
    """What a client's error means, in one line, and the way out."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    status = str(code or getattr(error, "code", ""))
    if status in ("404", "NoSuchBucket"):
        return "there is no such bucket; make it, or correct the name"
    if status in ("401", "403", "AccessDenied"):
        return "the store refuses this user; allow to list, read, write and delete objects there"
    if "redentials" in type(error).__name__:
        return "no credentials were found; set them as the store's own tools want them"
    said = " ".join(masked(str(error)).split())[:200]
    return f"the store can't be reached ({said or type(error).__name__}); check network and address"
