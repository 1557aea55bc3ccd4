"""Decides over traces whose content waits: keeps it or lets it go, once nothing more has come for a while.

All it stands on is in the store, so a restart changes nothing: the rows that are there at once, what waits beside
them, and what was decided of the same trace before.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay_server.core.beat import Beat
from assay_server.core.clock import DAY_NS, Clock
from assay_server.governance import SAMPLED_OUT, Tail
from assay_server.ingest.sampling.admission import Counted, Policies
from assay_server.ingest.sampling.policy import FEWEST, QuietTrace, keeps
from assay_server.store import Limits, Store

_S = 1_000_000_000
_AT_ONCE = 1000
_LATEST_NS = 3600 * _S  # how far apart spans of a trace may lie to be seen together
_LIMITS = Limits(rows=_AT_ONCE + 1, seconds=60)
_QUANTILES_LAST_S = 300.0
_BEAT_S = 1.0

_QUIET = """
SELECT trace_id, min(start_ns) AS start_ns FROM held WHERE project = ?
GROUP BY trace_id HAVING max(stored_ns) <= ? OR min(stored_ns) <= ? OR min(stored_ns) > ?
ORDER BY min(stored_ns) LIMIT ?"""

_KNOWN = """
SELECT trace_id, max(name) FILTER (parent_id IS NULL) AS name, (max(end_ns) - min(start_ns)) / 1e6 AS duration_ms,
  bool_or(status = 'error') AS error, bool_or(len(pii) > 0) AS pii,
  bool_or(content = 'kept') AS kept, bool_or(content = 'let_go') AS let_go,
  trace_id IN (SELECT trace_id FROM scores WHERE project = ?
    AND (error IS NOT NULL OR name = 'tool_loop' OR (value < 0.5) != (name = 'toxicity'))) AS flagged
FROM spans WHERE project = ? AND start_ns >= ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) GROUP BY trace_id"""

_SLOW = """
SELECT name, quantile_cont(ms, ?) AS ms FROM (
  SELECT max(name) FILTER (parent_id IS NULL) AS name, (max(end_ns) - min(start_ns)) / 1e6 AS ms
  FROM spans WHERE project = ? AND start_ns >= ? GROUP BY trace_id
) WHERE name IS NOT NULL GROUP BY name HAVING count(*) >= ?"""


class Decider:
    """One per store; idle until content waits."""

    def __init__(
        self, store: Store, sampling: Policies, counts: Counted, clock: Clock, let_go: Callable[[str], None]
    ) -> None:
        """`let_go`: called with a project where content was let go."""
        self._store = store
        self._let_go = let_go
        self._sampling = sampling
        self._counts = counts
        self._clock = clock
        self._waiting = True  # until a look says otherwise: the last end may have left something
        self._slow: dict[tuple[str, float], tuple[float, dict[str, float]]] = {}
        self._beat = Beat("sampling decisions", self._tick, every_s=_BEAT_S)

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        """What waits goes on waiting until the next start."""
        await self._beat.close()

    def held(self) -> None:
        """Content has begun to wait."""
        self._waiting = True

    async def decide(self) -> int:
        """Decides what is due in every project; over how many traces."""
        decided = 0
        for row in await self._store.scan("SELECT DISTINCT project FROM held"):
            while (n := await self._project(row["project"])) == _AT_ONCE:
                decided += n
            decided += n
        return decided

    async def waiting(self, project: str) -> dict[str, int]:
        """How much content of a project waits."""
        sql = "SELECT count(*) AS spans, count(DISTINCT trace_id) AS traces FROM held WHERE project = ?"
        return (await self._store.scan(sql, [project]))[0]

    async def _tick(self) -> None:
        if not self._waiting:
            return
        self._waiting = False
        await self.decide()
        left = await self._store.scan("SELECT count(*) AS n FROM held")
        self._waiting = self._waiting or left[0]["n"] > 0

    async def _project(self, project: str) -> int:
        policy = self._sampling.policies.get(project)
        tail = None if policy is None else policy.tail
        now = self._clock.now_ns()
        quiet = now if tail is None else now - int(tail.quiet_s * _S)
        patient = now if tail is None else now - int(tail.patience_s * _S)
        future = 2 * now - patient  # where the clock was set back: nothing waits for it to catch up
        due = await self._store.scan(_QUIET, [project, quiet, patient, future, _AT_ONCE], limits=_LIMITS)
        if due:
            await self._judge(project, tail, due)
        return len(due)

    async def _judge(self, project: str, tail: Tail | None, due: Sequence[Mapping[str, Any]]) -> None:
        ids = [row["trace_id"] for row in due]
        since = min(row["start_ns"] for row in due) - _LATEST_NS
        slow = await self._quantiles(project, tail)
        known = await self._store.scan(_KNOWN, [project, project, since, ids], limits=_LIMITS)
        kept = {row["trace_id"] for row in known if keeps(tail, _trace(row), slow.get(row["name"]))}
        gone = [trace_id for trace_id in ids if trace_id not in kept]
        let_go = await self._store.decide(project, sorted(kept), gone, since)
        if let_go:
            self._counts.add(project, SAMPLED_OUT, let_go)
            self._let_go(project)

    async def _quantiles(self, project: str, tail: Tail | None) -> dict[str, float]:
        """By root name, the duration in ms at the tail's quantile over the last day; looked up every five minutes."""
        if tail is None or tail.slower_than_quantile is None:
            return {}
        key, now = (project, tail.slower_than_quantile), asyncio.get_running_loop().time()
        at, found = self._slow.get(key, (-_QUANTILES_LAST_S, {}))
        if now - at >= _QUANTILES_LAST_S:
            params = [tail.slower_than_quantile, project, self._clock.now_ns() - DAY_NS, FEWEST]
            found = {row["name"]: row["ms"] for row in await self._store.scan(_SLOW, params, limits=Limits(seconds=60))}
            self._slow = {key: (now, found)} | {k: v for k, v in self._slow.items() if k[0] != project}
        return found


def _trace(row: Mapping[str, Any]) -> QuietTrace:
    return QuietTrace(
        row["trace_id"],
        row["name"],
        row["duration_ms"],
        error=bool(row["error"]),
        flagged=bool(row["flagged"] or row["pii"]),
        earlier="kept" if row["kept"] else "let_go" if row["let_go"] else None,
    )
