"""The same request twice is done once: answers are remembered for a day under the caller's key.

A claim is written before the work and the answer after it, so a process that dies between the two leaves a
claim without an answer. Who comes next waits until the claim has expired and then does the work: what it does
must therefore bear being done again, which content-addressed and compare-and-set writes do.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from assay_server.core.clock import Clock
from assay_server.core.errors import Conflict, InvalidInput, Unavailable
from assay_server.ledger import Ledger, tables

_table = tables.accounts.idempotency

_KEPT_NS = 24 * 3600 * 1_000_000_000
_CLAIM_NS = 60 * 1_000_000_000
_LONGEST = 255

Response = Mapping[str, Any]
"""An answer as JSON."""

Work = Callable[[], Awaitable[Response]]


class Idempotency:
    """Remembers answers by (project, key)."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._owner = secrets.token_hex(8)
        self._running: dict[tuple[str, str], asyncio.Event] = {}

    async def run(self, project: str, key: str, request_hash: str, fn: Work) -> Response:
        """The answer remembered under `key`, or that of `fn`, which is then remembered.

        Callers at the same time wait for the one that runs. If `fn` raises, nothing is remembered.
        Raises Conflict where the key was used for another request, Unavailable while another process runs it.
        """
        _check(key)
        while (running := self._running.get((project, key))) is not None:
            await running.wait()
        finished = self._running[project, key] = asyncio.Event()
        try:
            return await self._claimed(project, key, request_hash, fn)
        finally:
            del self._running[project, key]
            finished.set()

    async def _claimed(self, project: str, key: str, request_hash: str, fn: Work) -> Response:
        known = await self._ledger.write(lambda connection: self._claim(connection, project, key, request_hash))
        if known is not None:
            return known
        try:
            response = await fn()
        except BaseException:
            await asyncio.shield(self._ledger.write(lambda connection: self._release(connection, project, key)))
            raise
        await self._ledger.write(lambda connection: self._keep(connection, project, key, response))
        return response

    def _claim(self, connection: Connection, project: str, key: str, request_hash: str) -> Response | None:
        now = self._clock.now_ns()
        connection.execute(delete(_table).where(_table.c.at_ns < now - _KEPT_NS))
        row = connection.execute(select(_table).where(*_of(project, key))).one_or_none()
        if row is not None:
            _refuse_other(row, key, request_hash)
            if row.done:
                answer: Response = row.response
                return answer
            _refuse_running(row, now)
            connection.execute(delete(_table).where(*_of(project, key)))
        claim = {"request_hash": request_hash, "owner": self._owner, "at_ns": now, "done": False}
        connection.execute(_table.insert().values(project=project, key=key, **claim))
        return None

    def _keep(self, connection: Connection, project: str, key: str, response: Response) -> None:
        mine = (*_of(project, key), _table.c.owner == self._owner)
        connection.execute(update(_table).where(*mine).values(done=True, response=dict(response)))

    def _release(self, connection: Connection, project: str, key: str) -> None:
        connection.execute(delete(_table).where(*_of(project, key), _table.c.owner == self._owner))


def _of(project: str, key: str) -> tuple[Any, ...]:
    return (_table.c.project == project, _table.c.key == key)


def _check(key: str) -> None:
    if not 1 <= len(key) <= _LONGEST or not key.isprintable():
        raise InvalidInput(
            f"An idempotency key has 1 to {_LONGEST} printable characters.",
            field="Idempotency-Key",
            value=key[:_LONGEST],
            fix="send a new UUID for every new write",
        )


def _refuse_other(row: Row[Any], key: str, request_hash: str) -> None:
    if row.request_hash != request_hash:
        raise Conflict(
            "This idempotency key was used for another request.",
            field="Idempotency-Key",
            value=key,
            fix="send a new key with a new request",
        )


def _refuse_running(row: Row[Any], now: int) -> None:
    """A claim without an answer: another process is at it, or was killed over it. One of a later time was made before
    the clock was set back, and nobody waits for that."""
    left = row.at_ns + _CLAIM_NS - now
    if 0 < left <= 2 * _CLAIM_NS:  # a clock is put right by a little again and again
        raise Unavailable("The same request is being worked on.", retry_after_s=min(left / 1e9, 5.0))
