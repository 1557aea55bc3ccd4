"""Spans, and log records, on their way to another collector: at least once, in the order in which they were stored.

The queue is the facts themselves: a forward remembers until which moment of storing everything was sent. So it costs
ingest nothing and no disk, survives any kill, and waits as long as the other side is away. What the other side refuses
for good is counted and passed over; everything else is tried again after 1, 2, 4 … seconds, five minutes at most, or
when it says so itself.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import AssayError, Forbidden
from assay_server.core.known import refuse_unknown_values
from assay_server.core.own_ways import OwnWays
from assay_server.core.ports import MayLeave, always
from assay_server.core.records import Facts
from assay_server.core.seen import refuse_unseen, with_revision
from assay_server.governance import Audit, fraction, matcher
from assay_server.ledger import Ledger, without_values
from assay_server.outbound import forward_rows as rows
from assay_server.outbound.exports import MayName
from assay_server.outbound.forward_definition import Forward, parse, to_json
from assay_server.outbound.forward_rows import State
from assay_server.outbound.otlp import encoded
from assay_server.outbound.otlp_logs import encoded_logs
from assay_server.outbound.posting import Answer, Post
from assay_server.providers import Upstream
from assay_server.query import Stored

_log = logging.getLogger(__name__)

_S = 1_000_000_000
_ABOUT = 512  # spans between two notes of how far it came
_LONGEST_S = 300.0
_BEAT_S = 2.0
_AT_ONCE = 32  # forwards of all projects that read and send


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
        self._post = Post(upstream, environment)
        self._audit = audit
        self._clock = clock
        self._server = server
        self._may_name = may_name
        self._may_leave = may_leave
        self._beat = Beat("forwards", self.begin, every_s=_BEAT_S)
        self._ways: OwnWays[int] = OwnWays()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._some_due = False  # at the last look; one that another server has begun is seen at the next turn

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        await self._beat.close()
        await self._ways.close()
        await self._post.close()

    async def heard(self, facts: Facts) -> None:
        """A listener of ingest: there may be something to send."""
        if (facts.spans or facts.events) and self._some_due:
            self._beat.wake()

    async def list(self, project: str) -> Sequence[dict[str, Any]]:
        """By name, each with how far it is behind."""
        states = await self._ledger.read(lambda connection: rows.listed(connection, project))
        return [await self._shown(state) for state in states]

    async def put(
        self, project: str, actor: str, name: str, given: Mapping[str, Any], *, seen: str | None = None
    ) -> dict[str, Any]:
        """A new one sends what is stored from now on. `seen`: only in the place of this one.

        Raises InvalidInput, Forbidden, Conflict.
        """
        forward = parse(name, given)
        refuse_unknown_values(forward.filter, patterns=True)
        for header, variable in forward.headers.items():
            if not self._may_name(project, variable):
                raise Forbidden(
                    f"This project may not use the variable {variable}.", field=f"headers.{header}", value=variable,
                    fix="have the operator name it in ASSAY_PROVIDER_KEYS",
                )  # fmt: skip
        newest = await self._stored.newest(project)

        def write(connection: Connection) -> State:
            before = rows.find(connection, project, name)
            shown = None if before is None else to_json(before.forward)
            refuse_unseen(shown, seen, "forward")
            rows.put(connection, project, forward, actor, self._clock.now_ns(), newest)
            self._record(connection, project, actor, name, "forward.put", shown, to_json(forward))
            return rows.fetch(connection, project, name)

        state = await self._ledger.write(write)
        self._beat.wake()
        return await self._shown(state)

    async def delete(self, project: str, actor: str, name: str, *, seen: str | None = None) -> None:
        """What was not sent stays here. Raises NotFound, Conflict."""

        def write(connection: Connection) -> None:
            before = rows.fetch(connection, project, name)
            refuse_unseen(to_json(before.forward), seen, "forward")
            rows.remove(connection, project, name)
            self._record(connection, project, actor, name, "forward.delete", to_json(before.forward), None)

        await self._ledger.write(write)

    async def test(self, project: str, name: str) -> dict[str, Any]:
        """Sends an empty request now, of each kind that is forwarded. Raises NotFound."""
        state = await self._ledger.read(lambda connection: rows.fetch(connection, project, name))
        answer = await self._post.send(state.forward, b"")
        if answer.status == 200 and state.forward.logs:
            answer = await self._post.send(state.forward, b"", logs=True)
        return {"ok": answer.status == 200, "status": answer.status or None, "error": answer.error}

    async def tick(self) -> int:
        """Sends what may be sent; how many spans and records arrived."""
        return sum(await asyncio.gather(*(await self.begin())))

    async def begin(self) -> Sequence["asyncio.Task[int]"]:
        """Each goes its own way: one whose other side hangs, or has much to take, holds up no other."""
        if not self._may_leave():
            return []
        now, longest = self._clock.now_ns(), int(_LONGEST_S * _S)
        states = await self._ledger.read(lambda connection: rows.due(connection, now, longest))
        self._some_due = bool(states)
        return self._ways.begin({(one.project, one.forward.name): partial(self._advance, one) for one in states})

    # --- sending ------------------------------------------------------------------------------------

    async def _advance(self, state: State) -> int:
        """Until nothing is left or something fails; what failed is sent again whole from where it last got to."""
        sent = 0
        try:
            while (until := await self._reach(state)) is not None:
                async with self._turns:
                    moved = await self._send(state, until)
                if moved is None:
                    break
                sent += moved.sent - state.sent
                state = moved
        except AssayError as error:  # the store is busy: it is nobody's fault over there
            _log.warning("forward %s of %s: %s", state.forward.name, state.project, error)
        except Exception:  # noqa: BLE001 (one that cannot be sent keeps no other from its turn, and says so)
            _log.exception("forward %s of %s failed; it is tried again", state.forward.name, state.project)
            await self._failed(state, Answer(0, error="The spans could not be read; the server's log has why."))
        return sent

    async def _reach(self, state: State) -> int | None:
        return await self._stored.reach(state.project, state.stored_ns, _ABOUT, logs=state.forward.logs)

    async def _send(self, state: State, until_ns: int) -> State | None:
        """Everything until that moment; None where it did not arrive, or is no longer wanted."""
        sent = rejected = 0
        error = None
        async with aclosing(self._batches(state, until_ns)) as batches:
            async for batch, logs in batches:
                answer, n, lost = await self._deliver(state.forward, batch, logs=logs)
                if not answer.arrived:
                    await self._failed(state, answer)
                    return None
                error = answer.error or error
                sent, rejected = sent + n - lost, rejected + lost
        return await self._moved(state, until_ns, sent, rejected, error)

    async def _batches(
        self, state: State, until_ns: int
    ) -> AsyncGenerator[tuple[Sequence[Mapping[str, Any]], bool], None]:
        """What was stored until that moment and is wanted; True where these are log records.

        A record that names a span goes when both are stored: with its span, or behind one that was sent before. So it
        is wanted as its span is, and waits with it for sampling. Who names none goes where everything does.
        """
        project, forward, since_ns = state.project, state.forward, state.stored_ns
        wanted = _wanted(forward)
        after: int | None = -1
        while after is not None:
            spans, after = await self._stored.page(project, since_ns, until_ns, after)
            chosen = [span for span in spans if wanted(span)]
            yield chosen, False
            if forward.logs and chosen:
                yield await self._stored.records_of(project, chosen, until_ns), True
        after = -1 if forward.logs else None
        while after is not None:
            records, after = await self._stored.records(project, since_ns, until_ns, after)
            yield await self._behind(state, records), True

    async def _behind(self, state: State, records: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Of records that have just come those whose spans were sent before, and those that name none."""
        spans = await self._stored.spans_of(state.project, records, state.stored_ns)
        wanted, everything = _wanted(state.forward), not state.forward.filter and state.forward.share >= 1

        def goes(record: Mapping[str, Any]) -> bool:
            if not record["trace_id"] or not record["span_id"]:
                return everything
            span = spans.get((record["trace_id"], record["span_id"]))
            return span is not None and wanted(span)

        return [record for record in records if goes(record)]

    async def _deliver(
        self, forward: Forward, batch: Sequence[Mapping[str, Any]], *, logs: bool
    ) -> tuple[Answer, int, int]:
        """The answer, how many were sent, and how many of them are lost. Where it is too much, the halves."""
        body, n = await asyncio.to_thread(encoded_logs if logs else encoded, batch, self._server)
        answer = await self._post.send(forward, body, logs=logs) if n else Answer(200)
        if not answer.is_too_large or len(batch) < 2:
            return answer, n, answer.lost(n)
        middle = len(batch) // 2
        first, n_first, lost_first = await self._deliver(forward, batch[:middle], logs=logs)
        if not first.arrived:
            return first, 0, 0
        second, n_second, lost_second = await self._deliver(forward, batch[middle:], logs=logs)
        told = second if second.error or not second.arrived else replace(second, error=first.error)
        return told, n_first + n_second, lost_first + lost_second

    async def _moved(self, state: State, until_ns: int, sent: int, rejected: int, error: str | None) -> State | None:
        """None where it was changed or ended meanwhile: what is left goes by its new definition, or stays."""
        now = self._clock.now_ns()
        values: dict[str, Any] = {
            "stored_ns": until_ns,
            "sent": state.sent + sent,
            "rejected": state.rejected + rejected,
            "attempts": 0,
            "last_sent_ns": now if sent else state.last_sent_ns,
            "last_error": error,
        }
        is_as_it_was = await self._ledger.write(lambda connection: rows.note(connection, state, **values))
        return replace(state, **values) if is_as_it_was else None

    async def _failed(self, state: State, answer: Answer) -> None:
        pause = answer.retry_after_s if answer.retry_after_s is not None else 2.0 ** min(state.attempts, 12)
        values = {
            "attempts": state.attempts + 1,
            "next_ns": self._clock.now_ns() + int(min(_LONGEST_S, pause) * _S),
            "last_error": answer.error,
        }
        await self._ledger.write(lambda connection: rows.note(connection, state, **values))

    # --- showing ------------------------------------------------------------------------------------

    async def _shown(self, state: State) -> dict[str, Any]:
        waiting, oldest = await self._stored.waiting(state.project, state.stored_ns)
        status = "retrying" if state.attempts else "ok"
        return {
            **with_revision(to_json(state.forward)),
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


def _wanted(forward: Forward) -> Callable[[Mapping[str, Any]], bool]:
    matches, share = matcher(forward.filter, itemgetter), forward.share
    return lambda span: matches(span) and (share >= 1 or fraction(span["trace_id"]) < share)
