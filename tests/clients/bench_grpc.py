"""gRPC at the bench: a proxy that keeps what a client sent, and replays of it. Messages stay the bytes they were."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # clients are started while the proxy runs: forking would wait
import grpc

from tests.clients.bench import Exchange, load
from tests.fixtures.server import KEY

METHOD = "GRPC"
"""In a recording, in place of an HTTP method; its statuses are gRPC's."""

_RESERVED = ("grpc-", "user-agent")


class GrpcRecorder:
    """`with GrpcRecorder("127.0.0.1:4317") as proxy: … proxy.url … proxy.exchanges`."""

    def __init__(self, upstream: str) -> None:
        self.exchanges: list[Exchange] = []
        self._channel = grpc.insecure_channel(upstream)
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[_Every(self._pass_on)])
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(1).wait()
        self._channel.close()

    def _pass_on(self, path: str, body: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() if not key.startswith(_RESERVED)}
        try:
            answer: bytes = self._channel.unary_unary(path)(body, metadata=tuple(metadata.items()), timeout=30)
            status = grpc.StatusCode.OK
        except grpc.RpcError as error:
            status, answer = error.code(), b""
            context.set_code(status)
        self.exchanges.append(Exchange(METHOD, path, metadata, body, status.value[0]))
        return answer


def replay_grpc(
    folder: Path, address: str, key: str, *, change: Callable[[Exchange], Exchange] | None = None
) -> list[int]:
    """Sends a recording again, in its order and with `key`, each request as `change` makes it; gives the statuses."""
    statuses = []
    with grpc.insecure_channel(address) as channel:
        for exchange in map(change, load(folder)) if change else load(folder):
            metadata = tuple((name, value.replace(KEY, key)) for name, value in exchange.headers.items())
            try:
                channel.unary_unary(exchange.path)(exchange.body, metadata=metadata, timeout=30)
                statuses.append(grpc.StatusCode.OK.value[0])
            except grpc.RpcError as error:
                statuses.append(error.code().value[0])
    return statuses


class _Every(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
    """Takes every unary method, whatever its messages are."""

    def __init__(self, pass_on: Any) -> None:
        self._pass_on = pass_on

    def service(self, details: Any) -> Any:
        path = details.method
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._pass_on(path, body, context))
