"""Stored calls get the prices that hold now, in the background, when a project changes its own prices.

The queue stands in the ledger, written with the change itself, so a killed server goes on at its next start. A batch
is one transaction of the store, and doing it twice changes nothing: nothing can be half-priced for long.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from assay_server.core.errors import AssayError
from assay_server.core.records import Tokens
from assay_server.ingest.pricing import AUDIO_KEYS, HOUR_KEYS, ROLL_UPS, Prices, kept_an_hour, says_audio
from assay_server.providers import BATCH_KEYS, says_batch
from assay_server.store import Limits, Priced, Store

_log = logging.getLogger(__name__)

_BATCH = 10_000
_LIMITS = Limits(rows=_BATCH + 1, seconds=120)
_RETRY_S = 30.0

_SELECT = """
SELECT key, trace_id, span_id, provider, model, start_ns, cost, cost_source, fresh_input, cache_read, cache_write,
  output_tokens, reasoning"""

_FROM = """
FROM spans WHERE project = ? AND model = ? AND provider IS NOT DISTINCT FROM ?
  AND cost_source IS DISTINCT FROM 'client' AND NOT list_contains(?::VARCHAR[], kind)
  AND coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL
  AND (start_ns > ? OR (start_ns = ? AND key::HUGEINT > ?)) ORDER BY start_ns, key LIMIT ?"""


class Pattern(Protocol):
    """Which models are meant."""

    def covers(self, provider: str | None, model: str) -> bool: ...


class Queue(Prices, Protocol):
    """What `registry.OwnPrices` does."""

    async def unfinished(self) -> Sequence[tuple[str, str, int | None, Any]]: ...

    async def reached(self, project: str, repricing: str, calls: int | None) -> None: ...


class Repricer:
    """One task that works the queue, oldest first."""

    def __init__(self, store: Store, queue: Queue, *, settle_s: float = 2.0) -> None:
        """`settle_s`: how long a span that was priced before the change may still be on its way to the disk."""
        self._store = store
        self._queue = queue
        self._settle_s = settle_s
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Also takes up what the last end left behind."""
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="repricing")

    def wake(self) -> None:
        """There is something new in the queue."""
        self._wanted.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def work(self) -> int:
        """Works the queue until it is empty; how many calls got another price."""
        changed = 0
        while waiting := await self._queue.unfinished():
            for repricing, project, since_ns, pattern in waiting:
                await self._queue.reached(project, repricing, None)
                calls = await self.reprice(project, pattern, since_ns)
                await asyncio.sleep(self._settle_s)
                calls += await self.reprice(project, pattern, since_ns)
                await self._queue.reached(project, repricing, calls)
                changed += calls
        return changed

    async def reprice(self, project: str, pattern: Pattern, since_ns: int | None) -> int:
        """Prices the project's stored calls of these models anew; how many got another price."""
        changed = 0
        for provider, model in await self._models(project, pattern):
            after = (since_ns or 0, -1)
            while rows := await self._calls(project, provider, model, after):
                prices = [self._priced(project, row) for row in rows]
                new = [price for price, row in zip(prices, rows, strict=True) if _differs(price, row)]
                if new:
                    changed += await self._store.reprice(project, new)
                if len(rows) < _BATCH:
                    break
                after = (rows[-1]["start_ns"], rows[-1]["key"])
        return changed

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.work()
            except AssayError:
                _log.exception("stored calls could not be priced anew; it is tried again in %g s", _RETRY_S)
                await asyncio.sleep(_RETRY_S)
                self._wanted.set()

    async def _models(self, project: str, pattern: Pattern) -> list[tuple[str | None, str]]:
        rows = await self._store.scan(
            "SELECT DISTINCT provider, model FROM spans WHERE project = ? AND model IS NOT NULL", [project]
        )
        pairs = [(row["provider"], row["model"]) for row in rows]
        return [pair for pair in pairs if pattern.covers(*pair)]

    async def _calls(
        self, project: str, provider: str | None, model: str, after: tuple[int, int]
    ) -> list[dict[str, Any]]:
        """The next batch by (start_ns, key); what the client priced itself is not among them."""
        said = {"batch": BATCH_KEYS, "audio": AUDIO_KEYS, "hour": HOUR_KEYS}
        columns = "".join(", [" + _said(keys) + "] AS " + name for name, keys in said.items())
        sql = "\n".join((_SELECT, columns, _FROM))
        start, key = after
        params = [
            *BATCH_KEYS,
            *AUDIO_KEYS,
            *HOUR_KEYS,
            project,
            model,
            provider,
            list(ROLL_UPS),
            start,
            start,
            key,
            _BATCH,
        ]
        return await self._store.scan(sql, params, limits=_LIMITS)

    def _priced(self, project: str, row: dict[str, Any]) -> Priced:
        tokens = Tokens(
            row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"]
        )
        batch = any(says_batch(value) for value in row["batch"] if value is not None)
        audio = any(says_audio(value) for value in row["audio"] if value is not None)
        found = self._queue.price(
            row["provider"], row["model"], tokens, row["start_ns"], project=project, batch=batch, audio=audio,
            kept_an_hour=kept_an_hour(row["hour"]),
        )  # fmt: skip
        cost, source = found or (None, None)
        return Priced(row["trace_id"], row["span_id"], cost, source)


def _said(keys: Sequence[str]) -> str:
    return ", ".join(["variant_extract(attributes, ?)::VARCHAR"] * len(keys))


def _differs(price: Priced, row: dict[str, Any]) -> bool:
    return (price.cost, price.source) != (row["cost"], row["cost_source"])
