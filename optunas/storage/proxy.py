"""The client of a running `optunas serve`: what Optuna's own lacks.

It writes all of a trial in one message instead of sixty, where the proxy is ours (`service`).

It notices that the network has fallen silent. Optuna's waits as long as the system's TCP does: a
quarter of an hour and more. Here a connection is given up where what was sent to the proxy is not
acknowledged for a while, and its calls are tried again on a new one (`patience`). A worker's
heartbeat sends often enough for that; for others gRPC asks the proxy from time to time, as seldom
as servers allow. https://grpc.github.io/grpc/core/md_doc_keepalive.html
"""

from __future__ import annotations

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy

SERVICE, WRITE = "optunas.Storage", "Write"  # what our proxy knows beside Optuna's
SILENCE_S = 45
ASKED_S = 310  # servers take more than one question in 5 minutes for an attack


class Proxy(GrpcStorageProxy):
    """`GrpcStorageProxy`, with a channel that does not wait for ever."""

    def _setup(self) -> None:
        import grpc

        super()._setup()
        self._channel.close()
        self._channel = grpc.insecure_channel(
            f"{self._host}:{self._port}",
            options=[
                ("grpc.max_receive_message_length", -1),  # as Optuna has it
                ("grpc.keepalive_time_ms", 1000 * ASKED_S),
                ("grpc.keepalive_timeout_ms", 1000 * SILENCE_S),  # TCP_USER_TIMEOUT as well
            ],
        )
        self._stub = type(self._stub)(self._channel)
        self._cache = type(self._cache)(self._stub)
        self._writes = True  # until a proxy of Optuna's own says that it does not

    def write(self, message: bytes) -> None:
        """Send a packed `Sheaf`. Raises what `QuickStorage.write` does, and NotImplementedError
        where the proxy is Optuna's own."""
        import grpc

        if not self._writes:
            raise NotImplementedError
        try:
            self._channel.unary_unary(f"/{SERVICE}/{WRITE}")(message)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._writes = False
                raise NotImplementedError from None
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise KeyError(error.details()) from error
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                raise UpdateFinishedTrialError(error.details()) from error
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise ValueError(error.details()) from error
            raise
