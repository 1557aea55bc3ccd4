"""What holds for whole traces of a list, where more is wanted than a row: the root in full, and its spans' ids."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.key_sets import ONE_OF_SETS, sets_beginning, sets_with
from assay_server.query.shapes import WHOLE, attributes_of, span_json
from assay_server.query.sql import lines
from assay_server.query.traces.logs import Logs
from assay_server.store import Limits, Store

_AMONG = "project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND " + IN_COMMITS
_ROOTS = lines(WHOLE, "WHERE", _AMONG, "AND span_id IN (SELECT unnest(?::VARCHAR[]))")
_SPANS = lines("SELECT trace_id, span_id FROM spans WHERE", _AMONG, "ORDER BY start_ns, end_ns DESC, span_id")
_SENT_AS = lines(
    "SELECT trace_id, span_id, variant_extract(attributes, ?)::VARCHAR AS told FROM spans WHERE",
    *(_AMONG, "AND", ONE_OF_SETS),
)
_SAYING = 50
"""Spans of a trace that are read for what they say of all of it: many say the same."""
_SAID = lines(  # long texts may stand in a column of their own (`moved`), and hardly ever are those of a trace
    "SELECT trace_id, attributes::JSON::VARCHAR AS attributes, moved,",
    "CASE WHEN contains(moved, ?) THEN input END AS input, CASE WHEN contains(moved, ?) THEN output END AS output",
    "FROM spans WHERE rowid IN (SELECT rowid FROM spans WHERE",
    *(_AMONG, "AND", ONE_OF_SETS),
    f"QUALIFY row_number() OVER (PARTITION BY trace_id ORDER BY start_ns, span_id) <= {_SAYING})",
    "ORDER BY start_ns, span_id",
)
_SCORES = lines(
    "SELECT trace_id, id, json_extract_string(metadata, '$.id') AS told FROM scores",
    "WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND (value IS NOT NULL OR label IS NOT NULL)",
    "ORDER BY time_ns, id",
)
_LARGEST_PAGE = Limits(rows=2_000_000, seconds=60)


@dataclass(slots=True, frozen=True)
class Head:
    """A trace as a list shows it, its root in full, the ids of its spans in the order of their start and of its scores.

    `sent_as` has the ids that clients gave their spans, where those are others. `said` is what spans say of the trace,
    where a client says that on any of them: the later ones last.
    """

    row: dict[str, Any]
    root: dict[str, Any]
    spans: list[str]
    scores: list[str]
    sent_as: dict[str, str]
    said: dict[str, Any]


async def heads_of(
    store: Store, project: str, rows: Mapping[str, dict[str, Any]], sent_as: str, said: str
) -> dict[str, Head]:
    """By trace. `sent_as`: the attribute that has a span's id at its client; `said`: how those begin that speak of a
    trace."""
    if not rows:
        return {}
    trace_ids = list(rows)
    among = [project, trace_ids, await commits_of(store, project, trace_ids)]
    root_ids = [row["root_span_id"] for row in rows.values()]
    sets, saying = await sets_with(store, project, [sent_as]), await sets_beginning(store, project, said)
    roots, spans, told, about, scores, logs = await asyncio.gather(
        store.scan(_ROOTS, [*among, root_ids]),
        store.scan(_SPANS, among, limits=_LARGEST_PAGE),
        store.scan(_SENT_AS, [sent_as, *among, sets], limits=_LARGEST_PAGE),
        store.scan(_SAID, [said, said, *among, saying], limits=_LARGEST_PAGE),
        store.scan(_SCORES, [project, trace_ids], limits=_LARGEST_PAGE),
        Logs.read(store, project, trace_ids),
    )
    whole = {root["trace_id"]: logs.complete(span_json(root)) for root in roots if _is_root(root, rows)}
    heads = {
        trace_id: Head(row, whole[trace_id], [], [], {}, {}) for trace_id, row in rows.items() if trace_id in whole
    }
    for span in spans:
        if span["trace_id"] in heads:
            heads[span["trace_id"]].spans.append(span["span_id"])
    for span in told:
        if span["trace_id"] in heads and span["told"]:
            heads[span["trace_id"]].sent_as[span["span_id"]] = span["told"]
    for span in about:
        if span["trace_id"] in heads:
            heads[span["trace_id"]].said.update(_beginning(said, attributes_of(span)))
    for score in scores:
        if score["trace_id"] in heads:
            heads[score["trace_id"]].scores.append(score["told"] or score["id"])
    return heads


def _beginning(prefix: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those whose names begin so."""
    return {name: value for name, value in attributes.items() if name.startswith(prefix)}


def _is_root(span: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Two traces may have a span of the same id."""
    return bool(rows[span["trace_id"]]["root_span_id"] == span["span_id"])
