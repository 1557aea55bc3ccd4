"""What a trace was asked and what it answered, where its root says nothing of it: a web server's span above a model's
call, as instrumentations of frameworks send it. Then the calls beneath it say it."""

from collections.abc import Mapping, Sequence
from heapq import nlargest, nsmallest
from typing import Any

from assay_server.query.traces.logs import Logs
from assay_server.query.traces.rows import NO_TEXTS, Row, beginnings_of
from assay_server.store import Store

SPEAKING = ("llm", "agent", "chain")
"""Kinds of spans whose input is a question and whose output is an answer."""

_FROM_EACH_END = 3
_TEXTS = ("input", "output")


async def with_words(
    store: Store, project: str, rows: Sequence[dict[str, Any]], traces: Mapping[str, Sequence[Row]], logs: Logs
) -> list[dict[str, Any]]:
    """Trace rows with `input` and `output` as lists show them, and the spans that say them: `said_by`."""
    full = [logs.complete_row(row) for row in rows]
    spans = {row["trace_id"]: speakers(traces[row["trace_id"]]) for row in full if _is_silent(row)}
    texts = await beginnings_of(store, project, [span for each in spans.values() for span in each])
    return [_told(row, spans.get(row["trace_id"], ()), texts, logs) for row in full]


def speakers(spans: Sequence[Row]) -> list[Row]:
    """Of the calls of a trace the first few that began and the last few that ended: some of them may say nothing."""
    calls = [span for span in spans if span["kind"] in SPEAKING]
    first = nsmallest(_FROM_EACH_END, calls, key=lambda span: (span["start_ns"], -span["end_ns"]))
    return [*first, *(span for span in nlargest(_FROM_EACH_END, calls, key=_end) if span not in first)]


def _end(span: Row) -> tuple[int, int]:
    return span["end_ns"], -span["start_ns"]


def _is_silent(row: Mapping[str, Any]) -> bool:
    return row["input"] is None or row["output"] is None


def _told(row: dict[str, Any], spans: Sequence[Row], texts: Mapping[int, Row], logs: Logs) -> dict[str, Any]:
    """The question of the first that has one, the answer of the last: in between tools are called and asked again."""
    said = {name: row[name] for name in _TEXTS}
    by = {name: None if row[name] is None else row["root_span_id"] for name in _TEXTS}
    orders = {"input": sorted(spans, key=lambda span: span["start_ns"]), "output": sorted(spans, key=_end)[::-1]}
    for name in _TEXTS:
        for span in orders[name]:
            if said[name] is not None:
                break
            found = logs.shown(row["trace_id"], span["span_id"], texts.get(span["key"], NO_TEXTS))[name]
            if found is not None:
                said[name], by[name] = found, span["span_id"]
    return {**row, **said, "said_by": by}
