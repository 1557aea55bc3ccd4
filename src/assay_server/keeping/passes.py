"""Takes away what is older than a project's rules allow, in small steps that other work passes between.

A step is one transaction of the store, and doing it twice changes nothing; what it took away is then added to the pass
in the ledger, so a kill in between can only make the report smaller than what was done.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from assay_server.core.clock import rfc3339
from assay_server.core.errors import AssayError
from assay_server.keeping import reach, remains
from assay_server.keeping.counters import Counters
from assay_server.keeping.reach import Condition
from assay_server.keeping.remains import IsLabel
from assay_server.keeping.retention import Pass, Retention
from assay_server.keeping.rules import Bound, Rule, before, bounds, media_before, project_rule
from assay_server.store import Doomed, Erasable, Limits, Store, Thinnable, Thinned

_log = logging.getLogger(__name__)

_TRACES_AT_ONCE = 10_000
_TEXTS_AT_ONCE = 10_000
_LIMITS = Limits(rows=_TEXTS_AT_ONCE, seconds=120)
_COUNTING = Limits(seconds=120)
_EVER = -(2**62)
_REST = 2.0  # a step is followed by a pause of so many times its length


@dataclass(slots=True, frozen=True)
class _Texts:
    """Rows of one table whose text may go: where they are, what to read of them, and what remains."""

    table: Thinnable
    time: str
    columns: str
    where: Callable[[int, int], Condition]
    remains: Callable[[dict[str, Any], IsLabel], dict[str, Any]]


class Media(Protocol):
    """Files that clients sent with their spans."""

    async def forget_before(self, project: str, until_ns: int, *, dry_run: bool = False) -> int:
        """How many that came before then were removed, or would be."""
        ...


class Passes:
    """Makes passes; `preview` tells what one would do."""

    def __init__(self, store: Store, retention: Retention, is_label: IsLabel, media: Media, counters: Counters) -> None:
        self._store = store
        self._retention = retention
        self._is_label = is_label
        self._media = media
        self._counters = counters

    async def work(self) -> None:
        """Makes the passes that are due. One that fails is told, and what it left is taken by the next."""
        for made in await self._retention.due():
            try:
                await self.make(made)
            except AssayError as error:
                _log.warning("a pass of retention stopped: %s", error)
                await self._retention.end(made, str(error))
            else:
                await self._retention.end(made)

    async def make(self, made: Pass) -> None:
        for bound in bounds(made.rules, made.as_of_ns):
            if bound.rows_before_ns is not None:
                await self._rows(made, bound, bound.rows_before_ns)
        for table, days in _whole_tables(made.rules):
            until_ns = before(days, made.as_of_ns)
            if until_ns is not None:
                await self._step(made, self._erase(made.project, table, reach.older(until_ns)))
        for bound in bounds(made.rules, made.as_of_ns):
            if bound.text_before_ns is not None:
                await self._texts(made, bound, bound.text_before_ns)
        media_until_ns = media_before(made.rules, made.as_of_ns)
        if media_until_ns is not None:
            await self._step(made, self._forget_media(made.project, media_until_ns))

    async def preview(self, project: str, rules: Sequence[Rule], now_ns: int) -> dict[str, Any]:
        """What a pass would do now, counted over the same conditions. Nothing is changed."""
        counts = dict.fromkeys(
            ("spans", "texts", "log_records", "log_texts", "scores", "score_texts", "run_items", "media"), 0
        )
        oldest: int | None = None
        for bound in bounds(rules, now_ns):
            for name, table, condition in _counted(bound, project, before(project_rule(rules).scores_days, now_ns)):
                n, first = await self._count(project, table, condition)
                counts[name] += n
                oldest = first if oldest is None or (first is not None and first < oldest) else oldest
        for table, days in _whole_tables(rules):
            until_ns = before(days, now_ns)
            if until_ns is not None:
                counts[table] += (await self._count(project, table, reach.older(until_ns)))[0]
        media_until_ns = media_before(rules, now_ns)
        if media_until_ns is not None:
            counts["media"] = await self._media.forget_before(project, media_until_ns, dry_run=True)
        told = {"oldest": None if oldest is None else rfc3339(oldest), "as_of": rfc3339(now_ns)}
        return {**counts, **told}

    async def _rows(self, made: Pass, bound: Bound, until_ns: int) -> None:
        """Traces by age, some thousand at once; then log records, whether their trace is known or not."""
        slice_sql = (
            "SELECT max(start_ns) + 1 AS until FROM (SELECT start_ns FROM traces WHERE project = ? AND start_ns < ?"
            " AND start_ns >= ? ORDER BY start_ns LIMIT ?)"
        )
        from_ns = _EVER
        while True:
            params = [made.project, until_ns, from_ns, _TRACES_AT_ONCE]
            slice_until = (await self._store.scan(slice_sql, params, limits=_COUNTING))[0]["until"]
            if slice_until is None:
                break
            await self._step(
                made, self._erase(made.project, "spans", reach.old_spans(bound, made.project, slice_until))
            )
            from_ns = slice_until
        await self._step(made, self._erase(made.project, "spans", reach.spans_ahead(bound, until_ns)))
        await self._step(made, self._erase(made.project, "events", reach.old_logs(bound, until_ns)))

    async def _texts(self, made: Pass, bound: Bound, until_ns: int) -> None:
        for texts in _texts_of(bound):
            from_ns = _EVER
            while True:
                rows = await self._read(made.project, texts, texts.where(from_ns, until_ns))
                if not rows:
                    break
                thin = [
                    Thinned(texts.table, row["key"], texts.remains(row, self._is_label), bound.text_days or 0)
                    for row in rows
                ]
                await self._step(made, self._let_go(made, texts.table, thin))
                from_ns = rows[-1]["at"]

    async def _read(self, project: str, texts: _Texts, condition: Condition) -> list[dict[str, Any]]:
        """The next rows in the order of time: wide columns are read for these alone."""
        sql = (
            f"SELECT key, {texts.time} AS at, {texts.columns} FROM {texts.table} WHERE rowid IN"  # noqa: S608 (our names)
            f" (SELECT rowid FROM {texts.table} WHERE project = ? AND {condition.sql} ORDER BY {texts.time} LIMIT ?)"
            f" ORDER BY {texts.time}"
        )
        return await self._store.scan(sql, [project, *condition.params, _TEXTS_AT_ONCE], limits=_LIMITS)

    async def _erase(self, project: str, table: Erasable, condition: Condition) -> dict[str, int]:
        await self._counters.look(project)
        removed = await self._store.erase(project, [Doomed(table, condition.sql, condition.params)])
        await self._counters.look(project)
        return {"log_records" if name == "events" else name: n for name, n in removed.items() if name != "held"}

    async def _let_go(self, made: Pass, table: Thinnable, thin: list[Thinned]) -> dict[str, int]:
        name = {"spans": "texts", "events": "log_texts", "scores": "score_texts"}[table]
        return {name: await self._store.let_go(made.project, thin, made.as_of_ns)}

    async def _forget_media(self, project: str, until_ns: int) -> dict[str, int]:
        return {"media": await self._media.forget_before(project, until_ns)}

    async def _step(self, made: Pass, work: Awaitable[dict[str, int]]) -> None:
        began = time.perf_counter()
        removed = await work
        took = time.perf_counter() - began
        if any(removed.values()):
            await self._retention.reached(made, removed, took * 1e3)
        await asyncio.sleep(_REST * took)

    async def _count(self, project: str, table: str, condition: Condition) -> tuple[int, int | None]:
        time_column = "start_ns" if table == "spans" else "time_ns"
        sql = f"SELECT count(*) AS n, min({time_column}) AS first FROM {table} WHERE project = ? AND {condition.sql}"  # noqa: S608
        row = (await self._store.scan(sql, [project, *condition.params], limits=_COUNTING))[0]
        return row["n"], row["first"]


def _whole_tables(rules: Sequence[Rule]) -> tuple[tuple[Erasable, int | None], ...]:
    rule = project_rule(rules)
    return ("scores", rule.scores_days), ("run_items", rule.runs_days)


def _texts_of(bound: Bound) -> list[_Texts]:
    """Scores know no environment: theirs go by the project's rule."""
    columns = "status_message, attributes::JSON::VARCHAR AS attributes, events, links"
    spans = _Texts("spans", "start_ns", columns, partial(reach.span_texts, bound), remains.of_span)
    ahead = _Texts("spans", "start_ns", columns, partial(reach.texts_ahead, bound), remains.of_span)
    logs = _Texts("events", "time_ns", "data", partial(reach.log_texts, bound), remains.of_log_record)
    logs_ahead = _Texts("events", "time_ns", "data", partial(reach.log_texts_ahead, bound), remains.of_log_record)
    scores = _Texts("scores", "time_ns", "metadata", reach.score_texts, remains.of_score)
    found = [spans, ahead, logs, logs_ahead]
    return found if bound.environment is not None else [*found, scores]


def _counted(bound: Bound, project: str, scores_from_ns: int | None) -> list[tuple[str, str, Condition]]:
    """By name of the count: the table, and what is counted of it."""
    found: list[tuple[str, str, Condition]] = []
    rows_ns, text_ns = bound.rows_before_ns, bound.text_before_ns
    if rows_ns is not None:
        whole = reach.either(reach.old_spans(bound, project, rows_ns), reach.spans_ahead(bound, rows_ns))
        found.append(("spans", "spans", whole))
        found.append(("log_records", "events", reach.old_logs(bound, rows_ns)))
    if text_ns is not None:
        from_ns = _EVER if rows_ns is None else rows_ns
        texts = reach.either(reach.span_texts(bound, from_ns, text_ns), reach.texts_ahead(bound, from_ns, text_ns))
        found.append(("texts", "spans", texts))
        logs = reach.either(reach.log_texts(bound, from_ns, text_ns), reach.log_texts_ahead(bound, from_ns, text_ns))
        found.append(("log_texts", "events", logs))
        if bound.environment is None:
            found.append(("score_texts", "scores", reach.score_texts(scores_from_ns or _EVER, text_ns)))
    return found
