"""Spans on their way to another collector: at least once, in the order in which they were stored.

The queue is the facts themselves: a forward remembers until which moment of storing everything was sent. So it costs
ingest nothing and no disk, survives any kill, and waits as long as the other side is away. What the other side refuses
for good is counted and passed over; everything else is tried again after 1, 2, 4 … seconds, five minutes at most, or
when it says so itself.
"""

import asyncio
import gzip
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import Connection

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import AssayError, Forbidden, InvalidInput, UpstreamError
from assay_server.core.ports import MayLeave, always
from assay_server.core.records import Facts
from assay_server.governance import Audit, fraction, matcher
from assay_server.ledger import Ledger, without_values
from assay_server.outbound import forward_rows as rows
from assay_server.outbound.exports import MayName
from assay_server.outbound.forward_definition import Forward, parse, to_json
from assay_server.outbound.forward_rows import State
from assay_server.outbound.otlp import encoded
from assay_server.providers import Outgoing, Upstream
from assay_server.query import Stored

_log = logging.getLogger(__name__)

_S = 1_000_000_000
_ABOUT = 512  # spans between two notes of how far it came
_LONGEST_S = 300.0
_ANSWER_S = 30.0
_LARGEST_ANSWER = 64 << 10
_BEAT_S = 2.0
_NEVER = frozenset({400, 413, 415, 422})
"""Statuses after which the same spans would be refused again. Others (a wrong key, a wrong path) somebody can mend."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """`rejected`: spans the other side would not take."""

    status: int
    rejected: int = 0
    error: str | None = None
    retry_after_s: float | None = None


class Forwards:
    """The face: what people define and read, and `tick`, which sends what is there."""

    def __init__(
        self,
        ledger: Ledger,
        stored: Stored,
        upstream: Upstream,
        audit: Audit,
        clock: Clock,
        *,
        server: str,
        may_name: MayName,
        environment: Mapping[str, str],
        may_leave: MayLeave = always,
    ) -> None:
        """`server`: this installation's id, which marks what it sends."""
        self._ledger = ledger
        self._stored = stored
        self._upstream = upstream
        self._audit = audit
        self._clock = clock
        self._server = server
        self._may_name = may_name
        self._environment = environment
        self._may_leave = may_leave
        self._beat = Beat("forwards", self.tick, every_s=_BEAT_S)
        self._some_due = False  # at the last look; one that another server has begun is seen at the next turn

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        await self._beat.close()
        await self._upstream.close()

    async def heard(self, facts: Facts) -> None:
        """A listener of ingest: there may be something to send."""
        if facts.spans and self._some_due:
            self._beat.wake()

    async def list(self, project: str) -> Sequence[dict[str, Any]]:
        """By name, each with how far it is behind."""
        states = await self._ledger.read(lambda connection: rows.listed(connection, project))
        return [await self._shown(state) for state in states]

    async def put(self, project: str, actor: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """A new one sends what is stored from now on. Raises InvalidInput and Forbidden."""
        forward = parse(name, given)
        for header, variable in forward.headers.items():
            if not self._may_name(project, variable):
                raise Forbidden(
                    f"This project may not use the variable {variable}.", field=f"headers.{header}", value=variable,
                    fix="have the operator name it in ASSAY_PROVIDER_KEYS",
                )  # fmt: skip
        newest = await self._stored.newest(project)

        def write(connection: Connection) -> State:
            before = rows.find(connection, project, name)
            rows.put(connection, project, forward, actor, self._clock.now_ns(), newest)
            shown = None if before is None else to_json(before.forward)
            self._record(connection, project, actor, name, "forward.put", shown, to_json(forward))
            return rows.fetch(connection, project, name)

        state = await self._ledger.write(write)
        self._beat.wake()
        return await self._shown(state)

    async def delete(self, project: str, actor: str, name: str) -> None:
        """What was not sent stays here. Raises NotFound."""

        def write(connection: Connection) -> None:
            before = rows.fetch(connection, project, name)
            rows.remove(connection, project, name)
            self._record(connection, project, actor, name, "forward.delete", to_json(before.forward), None)

        await self._ledger.write(write)

    async def test(self, project: str, name: str) -> dict[str, Any]:
        """Sends an empty request now. Raises NotFound."""
        state = await self._ledger.read(lambda connection: rows.fetch(connection, project, name))
        answer = await self._post(state.forward, b"")
        return {"ok": answer.status == 200, "status": answer.status or None, "error": answer.error}

    async def tick(self) -> int:
        """Sends what may be sent; how many spans arrived."""
        if not self._may_leave():
            return 0
        now, longest = self._clock.now_ns(), int(_LONGEST_S * _S)
        states = await self._ledger.read(lambda connection: rows.due(connection, now, longest))
        self._some_due = bool(states)
        return sum(await asyncio.gather(*(self._advance(state) for state in states)))

    # --- sending ------------------------------------------------------------------------------------

    async def _advance(self, state: State) -> int:
        """Until nothing is left or something fails; what failed is sent again whole from where it last got to."""
        sent = 0
        try:
            while (until := await self._stored.reach(state.project, state.stored_ns, _ABOUT)) is not None:
                moved = await self._send(state, until)
                if moved is None:
                    break
                sent += moved.sent - state.sent
                state = moved
        except AssayError as error:  # the store is busy: it is nobody's fault over there
            _log.warning("forward %s of %s: %s", state.forward.name, state.project, error)
        return sent

    async def _send(self, state: State, until_ns: int) -> State | None:
        """Everything until that moment; None where it did not arrive."""
        wanted = matcher(state.forward.filter, itemgetter)
        share = state.forward.share
        sent = rejected = 0
        after: int | None = -1
        error = None
        while after is not None:
            spans, after = await self._stored.page(state.project, state.stored_ns, until_ns, after)
            chosen = [span for span in spans if wanted(span) and (share >= 1 or fraction(span["trace_id"]) < share)]
            body, n = await asyncio.to_thread(encoded, chosen, self._server)
            answer = await self._post(state.forward, body) if n else _Answer(200)
            if answer.status != 200 and answer.status not in _NEVER:
                await self._failed(state, answer)
                return None
            error = answer.error or error
            lost = n if answer.status in _NEVER else min(n, answer.rejected)
            sent, rejected = sent + n - lost, rejected + lost
        return await self._moved(state, until_ns, sent, rejected, error)

    async def _moved(self, state: State, until_ns: int, sent: int, rejected: int, error: str | None) -> State:
        now = self._clock.now_ns()
        values: dict[str, Any] = {
            "stored_ns": until_ns,
            "sent": state.sent + sent,
            "rejected": state.rejected + rejected,
            "attempts": 0,
            "last_sent_ns": now if sent else state.last_sent_ns,
            "last_error": error,
        }
        await self._ledger.write(lambda connection: rows.note(connection, state, **values))
        return replace(state, **values)

    async def _failed(self, state: State, answer: _Answer) -> None:
        pause = answer.retry_after_s if answer.retry_after_s is not None else 2.0 ** min(state.attempts, 12)
        values = {
            "attempts": state.attempts + 1,
            "next_ns": self._clock.now_ns() + int(min(_LONGEST_S, pause) * _S),
            "last_error": answer.error,
        }
        await self._ledger.write(lambda connection: rows.note(connection, state, **values))

    async def _post(self, forward: Forward, body: bytes) -> _Answer:
        headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        try:
            headers |= {header: self._secret(name, header) for header, name in forward.headers.items()}
            packed = await asyncio.to_thread(gzip.compress, body, 1)
            async with asyncio.timeout(_ANSWER_S):
                return await self._answer(Outgoing(forward.url, headers, packed))
        except TimeoutError:
            return _Answer(0, error=f"no answer in {_ANSWER_S:g} s")
        except (UpstreamError, InvalidInput) as error:
            return _Answer(0, error=str(error))

    async def _answer(self, request: Outgoing) -> _Answer:
        incoming = await self._upstream.send(request)
        try:
            body = b""
            async for chunk in incoming.chunks():
                body += chunk[: _LARGEST_ANSWER - len(body)]
        finally:
            incoming.close()
        if 200 <= incoming.status < 300:
            return _partial(body)
        after = incoming.headers.get("retry-after", "")
        return _Answer(
            incoming.status,
            error=f"HTTP {incoming.status}: {body[:200].decode('utf-8', 'replace')}",
            retry_after_s=float(after) if after.isdecimal() else None,
        )

    def _secret(self, name: str, header: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise InvalidInput(
                f"The server's environment has no {name}.", field=f"headers.{header}", value=name,
                fix="set it and start the server",
            )  # fmt: skip
        return value

    # --- showing ------------------------------------------------------------------------------------

    async def _shown(self, state: State) -> dict[str, Any]:
        waiting, oldest = await self._stored.waiting(state.project, state.stored_ns)
        status = "retrying" if state.attempts else "ok"
        return {
            **to_json(state.forward),
            "state": status if state.forward.enabled else "off",
            "waiting": waiting,
            "oldest_at": None if oldest is None else rfc3339(oldest),
            "sent": state.sent,
            "rejected": state.rejected,
            "last_sent_at": None if state.last_sent_ns is None else rfc3339(state.last_sent_ns),
            "last_error": state.last_error,
            "next_try_at": rfc3339(state.next_ns) if state.attempts else None,
        }

    def _record(
        self, connection: Connection, project: str, actor: str, name: str, action: str, before: Any, after: Any
    ) -> None:
        self._audit.append(
            connection,
            project=project,
            actor=actor,
            action=action,
            subject=name,
            before=without_values(connection, project, before),
            after=without_values(connection, project, after),
        )


def _partial(body: bytes) -> _Answer:
    """A success, perhaps a partial one (OTLP's `partial_success`)."""
    told = ExportTraceServiceResponse()
    try:
        told.ParseFromString(body)
    except DecodeError:  # some answer 200 with JSON or a word
        return _Answer(200)
    partial = told.partial_success
    error = f"{partial.rejected_spans} rejected: {partial.error_message[:200]}" if partial.rejected_spans else None
    return _Answer(200, max(0, partial.rejected_spans), error)
