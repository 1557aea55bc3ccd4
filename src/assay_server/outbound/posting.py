"""One request of spans or log records to another collector, and what came of it."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from assay_server.core.errors import InvalidInput, UpstreamError
from assay_server.outbound.forward_definition import Forward
from assay_server.providers import Outgoing, Upstream, retry_after

_ANSWER_S = 30.0
_LARGEST_ANSWER = 64 << 10
_NEVER = frozenset({400, 413, 415, 422})
"""Statuses after which the same spans would be refused again. Others (a wrong key, a wrong path) somebody can mend."""
_TOO_LARGE = 413
_LONGEST_ERROR = 250


@dataclass(frozen=True, slots=True)
class Answer:
    """`rejected`: spans or records the other side would not take."""

    status: int
    rejected: int = 0
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def arrived(self) -> bool:
        """It was taken, or will never be."""
        return self.status == 200 or self.status in _NEVER

    @property
    def is_too_large(self) -> bool:
        return self.status == _TOO_LARGE

    def lost(self, sent: int) -> int:
        """How many of so many spans are not there now."""
        return sent if self.status in _NEVER else min(sent, self.rejected)


class Post:
    """Sends requests. Raises nothing: whatever goes wrong over there is an answer."""

    def __init__(self, upstream: Upstream, environment: Mapping[str, str]) -> None:
        self._upstream = upstream
        self._environment = environment

    async def send(self, forward: Forward, body: bytes, *, logs: bool = False) -> Answer:
        headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        secrets: dict[str, str] = {}
        try:
            secrets = {header: self._secret(name, header) for header, name in forward.headers.items()}
            packed = await asyncio.to_thread(gzip.compress, body, 1)
            async with asyncio.timeout(_ANSWER_S):
                answer = await self._answer(
                    Outgoing(forward.logs_url if logs else forward.url, headers | secrets, packed)
                )
        except TimeoutError:
            return Answer(0, error=f"no answer in {_ANSWER_S:g} s")
        except (UpstreamError, InvalidInput, ValueError) as error:  # the last of what no address, or header, can be
            return Answer(0, error=_without(str(error), secrets))
        return answer if answer.error is None else _told(answer, secrets)

    async def close(self) -> None:
        await self._upstream.close()

    async def _answer(self, request: Outgoing) -> Answer:
        incoming = await self._upstream.send(request)
        try:
            body = b""
            async for chunk in incoming.chunks():
                body += chunk[: _LARGEST_ANSWER - len(body)]
                if len(body) == _LARGEST_ANSWER:
                    break
        finally:
            incoming.close()
        if 200 <= incoming.status < 300:
            return _partial(body)
        return Answer(
            incoming.status,
            error=f"HTTP {incoming.status}: {_said(body)}",
            retry_after_s=retry_after(incoming.headers),
        )

    def _secret(self, name: str, header: str) -> str:
        value = self._environment.get(name, "").strip()  # of a file it ends with a line
        if not value:
            raise InvalidInput(
                f"The server's environment has no {name}.", field=f"headers.{header}", value=name,
                fix="set it and start the server",
            )  # fmt: skip
        return value


def _said(body: bytes) -> str:
    """Why it refuses: OTLP's refusals are a `google.rpc.Status` in the request's encoding, others a text."""
    told = Status()
    try:
        told.ParseFromString(body)
    except DecodeError:
        return body[:2000].decode("utf-8", "replace")
    return told.message or body[:2000].decode("utf-8", "replace")


def _told(answer: Answer, secrets: Mapping[str, str]) -> Answer:
    """What the other side says may repeat what it was sent; it is shown, and kept."""
    return replace(answer, error=_without(answer.error or "", secrets)[:_LONGEST_ERROR])


def _without(text: str, secrets: Mapping[str, str]) -> str:
    for value in secrets.values():
        for part in (value, value.rpartition(" ")[2]):  # `Bearer …`, and the key alone
            if part:
                text = text.replace(part, "…")
    return text


def _partial(body: bytes) -> Answer:
    """A success, perhaps a partial one (OTLP's `partial_success`, which for log records is the same on the wire)."""
    told = ExportTraceServiceResponse()
    try:
        told.ParseFromString(body)
    except DecodeError:  # some answer 200 with JSON or a word
        return Answer(200)
    partial = told.partial_success
    error = f"{partial.rejected_spans} rejected: {partial.error_message[:200]}" if partial.rejected_spans else None
    return Answer(200, max(0, partial.rejected_spans), error)
