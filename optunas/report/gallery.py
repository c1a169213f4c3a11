"""One artifact store for the dashboard, which looks wherever the studies keep their pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import BaseStorage

from optunas.artifacts import ArtifactStore
from optunas.report.places import ATTRIBUTE, opened

LOOK_SECONDS = 10.0
MOST = 100


class Gallery:
    """The artifacts of all studies of a storage.

    more: a store besides, which comes first, and takes what somebody uploads in the browser.
    """

    def __init__(self, storage: BaseStorage, more: ArtifactStore | None = None) -> None:
        self._storage, self._more = storage, more
        self._places: dict[str, ArtifactStore | None] = {}
        self._looked = float("-inf")
        self._looking = threading.Lock()  # a page asks for several pictures at once

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Raises `ArtifactNotFound` where no study's place has it."""
        for store in self._stores():
            try:
                return store.open_reader(artifact_id)
            except Exception:  # not there, or a store that is gone: the next one may have it
                continue
        raise ArtifactNotFound(f"no place of these studies has the artifact {artifact_id!r:.60}")

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        for store in self._stores():
            store.write(artifact_id, content_body)
            return
        raise ArtifactNotFound("no study of this storage has a place for artifacts yet")

    def remove(self, artifact_id: str) -> None:
        for store in self._stores():
            try:
                store.open_reader(artifact_id).close()
            except Exception:
                continue
            store.remove(artifact_id)
            return
        raise ArtifactNotFound(f"no place of these studies has the artifact {artifact_id!r:.60}")

    def _stores(self) -> Iterator[ArtifactStore]:
        if self._more is not None:
            yield self._more
        with self._looking:
            self._look()
            found = [store for store in self._places.values() if store is not None]
        yield from found

    def _look(self) -> None:
        """Now and then: which places the studies name, and which of them can be reached."""
        if time.monotonic() < self._looked + LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for study in self._storage.get_all_studies():
            place: Any = study.user_attrs.get(ATTRIBUTE)
            if place is not None and len(self._places) < MOST:
                key = repr(place)[:2000]
                if self._places.get(key) is None:
                    self._places[key] = opened(place)
