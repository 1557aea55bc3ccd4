"""Log records follow their span: where its content was sampled out, theirs goes; where it was dropped, so are they.

A record and its span come in different requests, in any order, so the door cannot decide over it. What stands in the
store tells: after a restart too, and doing it twice is once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock
from assay_server.core.records import Event, Span
from assay_server.ingest.sampling.admission import Policies
from assay_server.store import Doomed, Limits, Store, Thinned

Remains = Callable[[Mapping[str, Any]], dict[str, Any]]
"""What stays of a log record's row whose text goes (`keeping.remains.of_log_record`)."""

_S = 1_000_000_000
_APART_NS = 3600 * _S  # how far apart a record and its span may come
_AT_FIRST_NS = 25 * 3600 * _S  # at the start: longer than any trace waits
_AT_ONCE = 2000
_MOST_DROPPED = 50_000
_LIMITS = Limits(rows=_MOST_DROPPED, seconds=60)
_BEAT_S = 5.0

_LOGS = "kind IN ('content', 'log') AND trace_id IS NOT NULL AND stored_ns > ?"

_THIN = f"""
WITH logs AS (SELECT key, trace_id, span_id FROM events WHERE project = ? AND let_go_ns IS NULL AND {_LOGS}),
thin AS (
  SELECT trace_id, list(span_id) FILTER (gone) AS ids, bool_and(gone) AS whole FROM (
    SELECT trace_id, span_id, coalesce(content IN ('sampled_out', 'let_go'), false) AS gone FROM spans
    WHERE project = ? AND stored_ns > ? AND trace_id IN (SELECT trace_id FROM logs)
  ) GROUP BY trace_id HAVING bool_or(gone))
SELECT key, data FROM events WHERE project = ? AND stored_ns > ? AND key IN (
  SELECT key FROM logs JOIN thin USING (trace_id) WHERE list_contains(ids, span_id) OR (span_id IS NULL AND whole))
LIMIT {_AT_ONCE}"""  # noqa: S608 (our own words)

_OF_DROPPED = "trace_id || '/' || span_id IN (SELECT unnest(?::VARCHAR[]))"


class LogFates:
    """One per store; idle until a project with a policy has log records or spans without content."""

    def __init__(self, store: Store, sampling: Policies, clock: Clock, remains: Remains) -> None:
        self._store = store
        self._sampling = sampling
        self._clock = clock
        self._remains = remains
        self._first = True  # the last end may have left something
        self._touched: set[str] = set()
        self._dropped: dict[tuple[str, str], None] = {}
        self._new: dict[str, list[str]] = {}
        self._beat = Beat("log records of sampled traces", self.follow, every_s=_BEAT_S)

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        """What is left is taken up at the next start; what was dropped is forgotten."""
        await self._beat.close()

    def touched(self, project: str) -> None:
        """Records of traces were stored there, or content was let go."""
        self._touched.add(project)

    def dropped(self, span: Span) -> None:
        """A span was dropped at the door: its records go, those that came and those that come."""
        place = _place(span.trace_id, span.span_id)
        self._dropped[span.project, place] = None
        new = self._new.setdefault(span.project, [])
        new.append(place)
        if len(new) >= 2 * _MOST_DROPPED:  # while the store is not to be had nobody takes them
            del new[:_MOST_DROPPED]
        if len(self._dropped) > _MOST_DROPPED:
            del self._dropped[next(iter(self._dropped))]

    def is_dropped(self, event: Event) -> bool:
        named = event.trace_id is not None and event.span_id is not None and event.kind in ("content", "log")
        return named and (event.project, _place(str(event.trace_id), str(event.span_id))) in self._dropped

    async def follow(self) -> int:
        """Takes away what is due; from how many records."""
        first, touched, new = self._first, self._touched, self._new
        self._first, self._touched, self._new = False, set(), {}
        try:
            taken = 0
            for project in sorted(touched | self._sampling.policies.keys() if first else touched):
                taken += await self._thin(project, self._since(project, first))
            for project, places in new.items():
                taken += await self._erase(project, places[-_MOST_DROPPED:])
        except BaseException:
            self._first, self._touched = self._first or first, self._touched | touched
            self._new = {one: new.get(one, []) + self._new.get(one, []) for one in {*new, *self._new}}
            raise
        return taken

    def _since(self, project: str, first: bool) -> int:
        policy = self._sampling.policies.get(project)
        tail = None if policy is None else policy.tail
        patience = 0 if tail is None else int(tail.patience_s * _S)
        return self._clock.now_ns() - (_AT_FIRST_NS if first else patience + _APART_NS)

    async def _thin(self, project: str, since: int) -> int:
        params = [project, since, project, since, project, since]
        taken = 0
        while rows := await self._store.scan(_THIN, params, limits=_LIMITS):
            thin = [Thinned("events", row["key"], self._remains(row), 0) for row in rows]
            taken += await self._store.let_go(project, thin, self._clock.now_ns())
        return taken

    async def _erase(self, project: str, places: list[str]) -> int:
        """Looked for before: a removal makes appends wait, and most that is dropped has no records."""
        where, params = f"{_LOGS} AND {_OF_DROPPED}", (self._since(project, False), places)
        sql = f"SELECT count(*) AS n FROM events WHERE project = ? AND {where}"  # noqa: S608 (our own words)
        if not (await self._store.scan(sql, [project, *params], limits=_LIMITS))[0]["n"]:
            return 0
        return (await self._store.erase(project, [Doomed("events", where, params)]))["events"]


def _place(trace_id: str, span_id: str) -> str:
    return f"{trace_id}/{span_id}"
