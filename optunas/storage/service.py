"""What `optunas serve` serves: Optuna's gRPC service, made for a crowd of workers.

* Whoever asks for a study's trials while they are read shares the next reading with all who wait.
* A trial that has not changed since it was last asked for is not put into a message again.
* What a trial chooses and what is known of it comes in one message (`WRITE`), and goes to the
  database in one transaction. Only our own client sends that one (`proxy`).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.storages._grpc.auto_generated import api_pb2, api_pb2_grpc
from optuna.storages._grpc.servicer import OptunaStorageProxyService, _to_proto_trial
from optuna.trial import FrozenTrial

from optunas.storage.proxy import SERVICE, WRITE
from optunas.storage.sheaf import Sheaf

OPTIONS = [
    ("grpc.so_reuseport", 0),  # else two servers share a port, and each gets a part of the workers
    ("grpc.max_receive_message_length", 2**26),  # bytes; 4 MiB may be too few for all of a trial
]


def make_server(storage: BaseStorage, address: str, threads: int) -> grpc.Server:
    """A server before `storage` at `address` (host:port), to be started; each of its threads
    answers one request at a time. Raises RuntimeError where the address is not to be had."""
    server = grpc.server(ThreadPoolExecutor(threads), options=OPTIONS)
    service = Service(storage)
    api_pb2_grpc.add_StorageServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    write = grpc.unary_unary_rpc_method_handler(service.write)  # of bytes
    ours = grpc.method_handlers_generic_handler(SERVICE, {WRITE: write})
    server.add_generic_rpc_handlers((ours,))
    server.add_insecure_port(address)
    return server


class Service(OptunaStorageProxyService):
    """`OptunaStorageProxyService` with trials read for many at once, and written in one go."""

    def __init__(self, storage: BaseStorage) -> None:
        super().__init__(storage)
        self._read: dict[int, Shared] = {}
        self._messages: dict[int, Messages] = defaultdict(Messages)

    def GetTrials(  # noqa: N802 - Optuna's name
        self, request: api_pb2.GetTrialsRequest, context: grpc.ServicerContext
    ) -> api_pb2.GetTrialsReply:
        """Those of a study that are named, and all with a higher id than the one that is."""
        study, after = request.study_id, request.trial_id_greater_than
        read = self._read.setdefault(
            study, Shared(lambda: self._backend.get_all_trials(study, deepcopy=False))
        )
        try:
            trials = read()
        except KeyError as error:
            self._forget(study)
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        named = set(request.included_trial_ids)
        wanted = [t for t in trials if t._trial_id > after or t._trial_id in named]
        reply = api_pb2.GetTrialsReply()
        reply.MergeFromString(self._messages[study].of(wanted))
        return reply

    def DeleteStudy(  # noqa: N802
        self, request: api_pb2.DeleteStudyRequest, context: grpc.ServicerContext
    ) -> api_pb2.DeleteStudyReply:
        """As Optuna's."""
        self._forget(request.study_id)
        return super().DeleteStudy(request, context)

    def _forget(self, study: int) -> None:
        self._read.pop(study, None)
        self._messages.pop(study, None)

    def write(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        """Write what is `packed` in the message; the answer is empty."""
        try:
            trial_id, sheaf = Sheaf.unpacked(message)
            sheaf.write(self._backend, trial_id)
        except KeyError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except UpdateFinishedTrialError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return b""


class Shared:
    """A reading for many: who calls gets what was read after that, maybe by another's call.

    One reads at a time. Those who called before a reading began, and had to wait for the one
    before it, all take what it finds, or how it fails: else a database that does not answer keeps
    each of them waiting in turn.
    """

    def __init__(self, read: Callable[[], list[FrozenTrial]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._begun = 0  # readings, so far
        self._latest: tuple[int, list[FrozenTrial] | Exception] = (0, [])  # its number, its end

    def __call__(self) -> list[FrozenTrial]:
        called = self._begun
        with self._lock:
            if self._latest[0] <= called:
                self._begun += 1
                self._latest = self._begun, self._end()
            _, end = self._latest
        if isinstance(end, Exception):
            raise end
        return end

    def _end(self) -> list[FrozenTrial] | Exception:
        try:
            return self._read()
        except Exception as error:
            return error


class Messages:
    """Trials as they are sent, each made once for as long as the trial stays the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[int, tuple[FrozenTrial, bytes]] = {}

    def of(self, trials: Sequence[FrozenTrial]) -> bytes:
        """A `GetTrialsReply` with these. Messages one after another are one with the fields of all:
        https://protobuf.dev/programming-guides/encoding/#last-one-wins
        """
        with self._lock:
            return b"".join([self._message(trial) for trial in trials])

    def _message(self, trial: FrozenTrial) -> bytes:
        known, message = self._made.get(trial._trial_id, (None, b""))
        if known is not trial:
            if known != trial:
                reply = api_pb2.GetTrialsReply(trials=[_to_proto_trial(trial)])
                message = reply.SerializeToString()
            self._made[trial._trial_id] = trial, message
        return message
