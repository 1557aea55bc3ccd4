"""Spans and traces: lists with filters, and one trace with all it holds."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assay_server.core.errors import NotFound, TooLarge
from assay_server.query.commits import IN_COMMITS, commits_and_length, commits_of
from assay_server.query.filters.spans import SpanFilter
from assay_server.query.filters.traces import TraceFilter
from assay_server.query.ordering import Order, Rank, cut_ranked
from assay_server.query.scores import score_json
from assay_server.query.shapes import OUTLINE, WHOLE, outline_json, span_json
from assay_server.query.sql import Page, cut, lines
from assay_server.query.traces.facets import facets_sql
from assay_server.query.traces.find import TraceFinder
from assay_server.query.traces.heads import Head, heads_of
from assay_server.query.traces.logs import Logs
from assay_server.query.traces.order import TraceRanker
from assay_server.query.traces.rows import SPANS, by_trace, root_of, shown_of, shown_texts, texts_of, trace_row
from assay_server.query.traces.said import with_words
from assay_server.query.traces.span_find import find_spans
from assay_server.store import Limits, Store

__all__ = ["SpanFilter", "TraceFilter", "Traces"]

_OF_TRACE = IN_COMMITS + " AND project = ? AND trace_id = ?"  # only its commits are read
_MOST_SCORES = 5_000  # of one trace
_SCORES = lines(
    "SELECT * FROM (SELECT *, count(*) OVER () AS given FROM scores WHERE project = ? AND trace_id = ?",
    f"ORDER BY source = 'end_user', time_ns DESC, id DESC LIMIT {_MOST_SCORES}) ORDER BY time_ns, id",
)
"""End users come last: with their public key anybody could push a reviewer's word or a loop out of sight."""
_WHOLE = 20_000
"""Spans of a trace that are answered with their texts in one piece: 100,000 are 168 MB."""
_LARGEST_TRACE = Limits(rows=100_000, seconds=60)
_LARGEST_PAGE = Limits(rows=2_000_000, seconds=60)


class Traces:
    """Reads spans and traces of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finder = TraceFinder(store)
        self._ranker = TraceRanker(store)

    async def spans(
        self,
        project: str,
        narrow: SpanFilter = SpanFilter(),
        *,
        limit: int = 50,
        after: Sequence[Any] | None = None,
        skip: int = 0,
    ) -> Page:
        """Span JSON, newest first. `after`: (start_ns, span_id) of the page before; `skip`: how many stand on pages
        before, for clients that count pages. `total` is exact, or where attributes are asked for at least so many."""
        found = await find_spans(self._store, project, narrow, limit=limit, after=after, skip=skip)
        kept, following = cut(found.rows, limit, "start_ns", "span_id")
        logs = await Logs.read(self._store, project, [row["trace_id"] for row in kept])
        return Page([logs.complete(span_json(row)) for row in kept], found.total, following, found.exact)

    async def find(
        self, project: str, narrow: TraceFilter = TraceFilter(), *, limit: int = 50, after: Sequence[Any] | None = None
    ) -> Page:
        """Trace rows, newest first. `after`: (start_ns, trace_id) of the page before; then nothing is counted."""
        found = await self._finder.find(project, narrow, limit, after)
        trace_ids, following = found.page(limit)
        return Page(await self.rows(project, trace_ids), found.total, following, found.exact)

    async def ranked(
        self, project: str, narrow: TraceFilter, order: Order, *, limit: int = 50, after: Rank | None = None
    ) -> Page:
        """Trace rows in another order. `after`, and `following` of the answer: (value, start_ns, trace_id)."""
        found = await self._ranked_ids(project, narrow, order, limit, after)
        return replace(found, items=await self.rows(project, found.items))

    async def ids(self, project: str, narrow: TraceFilter, *, limit: int, order: Order | None = None) -> Page:
        """The ids of the newest traces, or the first in another order, for who reads the rows of some only; `total` is
        at least their number."""
        if order is not None:
            return await self._ranked_ids(project, narrow, order, limit, None)
        found = await self._finder.find(project, narrow, limit)
        trace_ids, following = found.page(limit)
        return Page(trace_ids, max(found.total, len(found.places)), following, found.exact)

    async def _ranked_ids(
        self, project: str, narrow: TraceFilter, order: Order, limit: int, after: Rank | None
    ) -> Page:
        found = await self._ranker.rank(project, narrow, order, limit, after)
        trace_ids, following = cut_ranked(found.ranks, limit)
        return Page(trace_ids, found.total, following and list(following), found.among is None, found.among)

    async def heads(self, project: str, trace_ids: list[str], sent_as: str, said: str) -> dict[str, Head]:
        """What holds for each of some traces, by its id. `sent_as`: the attribute that says a span's id at its client,
        where that is another than here; `said`: how attributes begin that speak of a trace, on whichever span."""
        rows = {row["trace_id"]: row for row in await self.rows(project, trace_ids)}
        return await heads_of(self._store, project, rows, sent_as, said)

    async def text_state(self, project: str) -> dict[str, Any]:
        """How far the text index is, as the API shows it."""
        state = await self._store.texts.state(project)
        behind = {"rows": state.rows, "seconds": round(state.seconds, 1)}
        return {"state": state.state, "behind": behind, "texts": state.texts}

    async def get(self, project: str, trace_id: str, *, outline: bool = False) -> dict[str, Any]:
        """The trace row with `spans` in the order of their start, and its `scores` and `logs` one by one. Of very many
        scores only the newest, those of end users last, or who may but write scores could make a trace unreadable;
        `scores_left_out` says how many are not there.

        With `outline` the spans hold no texts and no attributes, and there are no logs. Raises `NotFound`, and
        `TooLarge` where there are too many spans for one answer.
        """
        commits = await self._commits(project, trace_id, _WHOLE if not outline else _LARGEST_TRACE.rows)
        select = lines("SELECT key, stored_ns,", OUTLINE, "FROM spans") if outline else WHOLE
        spans, scores, logs = await asyncio.gather(
            self._spans_of(project, trace_id, select, commits),
            self._store.scan(_SCORES, [project, trace_id]),
            Logs.read(self._store, project, [trace_id], content_only=outline),
        )
        if not spans:
            raise _no_trace(trace_id)
        root = root_of(spans)
        place = root["stored_ns"], root["key"]
        texts = (await texts_of(self._store, project, [place]))[root["key"]] if outline else shown_texts(root)
        [row] = await with_words(self._store, project, [trace_row(spans, texts, {})], {trace_id: spans}, logs)
        left_out = scores[0]["given"] - len(scores) if scores else 0
        told = {**row, "scores": [score_json(score) for score in scores], "scores_left_out": left_out}
        if outline:
            return {**told, "spans": [outline_json(span) for span in spans]}
        return {**told, "spans": [logs.complete(span_json(span)) for span in spans], "logs": logs.json()}

    async def _commits(self, project: str, trace_id: str, most: int) -> list[int]:
        """In which its spans were stored, and before any of them is read, whether they are too many. Those that wait in
        pieces are in no trace yet."""
        commits, spans = await commits_and_length(self._store, project, [trace_id])
        if spans > most:
            ask = "ask with outline=true, or " if most == _WHOLE else ""
            raise TooLarge(
                f"This trace has {spans:,} spans, too many for one answer.",
                field="trace_id",
                value=trace_id,
                fix=f"{ask}take its spans as a file: GET /api/v1/export/spans?trace_id={trace_id}",
            )
        return commits

    async def tool_calls(self, project: str, trace_id: str) -> list[dict[str, Any]]:
        """Rows of the tools that a trace called, with their inputs; of the first 10,000 calls."""
        commits = await commits_of(self._store, project, [trace_id])
        columns = "start_ns, span_id, parent_id, name, input, coalesce(pii, []) AS pii"
        sql = lines("SELECT", columns, "FROM spans WHERE", _OF_TRACE, "AND kind = 'tool' ORDER BY start_ns LIMIT 10000")
        return await self._store.scan(sql, [commits, project, trace_id], limits=_LARGEST_TRACE)

    async def _spans_of(self, project: str, trace_id: str, select: str, commits: Sequence[int]) -> list[dict[str, Any]]:
        return await self._store.scan(
            lines(select, "WHERE", _OF_TRACE, "ORDER BY start_ns, end_ns DESC, span_id"),
            [list(commits), project, trace_id],
            limits=_LARGEST_TRACE,
        )

    async def row(self, project: str, trace_id: str) -> dict[str, Any]:
        """The row of one trace as lists show it. Raises `NotFound`."""
        rows = await self.rows(project, [trace_id])
        if not rows:
            raise _no_trace(trace_id)
        return rows[0]

    async def span(self, project: str, trace_id: str, span_id: str) -> dict[str, Any]:
        """One span, whole. Raises `NotFound`."""
        commits = await commits_of(self._store, project, [trace_id])
        sql = lines(WHOLE, "WHERE", _OF_TRACE, "AND span_id = ?")
        rows = await self._store.scan(sql, [commits, project, trace_id, span_id])
        if not rows:
            raise NotFound(f"The trace {trace_id} has no span {span_id}.", field="span_id", value=span_id)
        logs = await Logs.read(self._store, project, [trace_id])
        return logs.complete(span_json(rows[0]))

    async def traces_of(self, project: str, span_ids: Sequence[str]) -> dict[str, str]:
        """The trace of each span, for clients that name a span alone; spans nobody knows are left out."""
        found = await self._store.scan(
            "SELECT span_id, max(trace_id) AS trace_id FROM spans WHERE project = ?"
            " AND span_id IN (SELECT unnest(?::VARCHAR[])) GROUP BY span_id",
            [project, list(span_ids)],
        )
        return {row["span_id"]: row["trace_id"] for row in found}

    async def _spans_of_all(self, project: str, trace_ids: list[str]) -> list[dict[str, Any]]:
        commits = await commits_of(self._store, project, trace_ids)
        return await self._store.scan(SPANS, [project, trace_ids, commits], limits=_LARGEST_PAGE)

    async def facets(self, project: str, field_name: str, *, limit: int = 200) -> dict[str, Any]:
        """`{"items": [{"value", "n"}], "of"}`, most frequent first, among the newest `of` spans (scores)."""
        rows = await self._store.scan(facets_sql(field_name, limit), [project, project])
        items = [{"value": row["value"], "n": row["n"]} for row in rows]
        return {"items": items, "of": rows[0]["total"] if rows else 0}

    async def rows(self, project: str, trace_ids: list[str]) -> list[dict[str, Any]]:
        """Trace rows in the order of the ids."""
        if not trace_ids:
            return []
        spans, scores, logs = await asyncio.gather(
            self._spans_of_all(project, trace_ids),
            self._score_means(project, trace_ids),
            Logs.read(self._store, project, trace_ids),
        )
        traces = by_trace(spans)
        roots = [root_of(traces[trace_id]) for trace_id in trace_ids if trace_id in traces]
        shown = await shown_of(self._store, project, roots)
        rows = [
            trace_row(traces[root["trace_id"]], shown[root["key"]], scores.get(root["trace_id"], {})) for root in roots
        ]
        return await with_words(self._store, project, rows, traces, logs)

    async def _score_means(self, project: str, trace_ids: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """`{trace: {name: {"n", "mean"}}}`; failed judgements are not in the mean."""
        rows = await self._store.scan(
            "SELECT trace_id, name, count(value) AS n, avg(value) AS mean FROM scores"
            " WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) GROUP BY ALL ORDER BY name",
            [project, trace_ids],
        )
        means: dict[str, dict[str, dict[str, Any]]] = {}
        for row in rows:
            means.setdefault(row["trace_id"], {})[row["name"]] = {"n": row["n"], "mean": row["mean"]}
        return means


def _no_trace(trace_id: str) -> NotFound:
    return NotFound(f"There is no trace {trace_id}.", field="trace_id", value=trace_id)
