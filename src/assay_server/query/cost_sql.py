"""The calls of a project that cost something, each once, and the fields they may be grouped and filtered by.

A user, a tag or a cost centre is often said at a trace's root alone. So for such fields a call takes what is nearest:
its own, else the first that any span of its trace says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Tokens
from assay_server.query.rollup import counted
from assay_server.query.shapes import tokens_json
from assay_server.query.sql import Where, lines
from assay_server.store import Limits

LARGE = Limits(rows=200_000, seconds=60)

_MARGIN_NS = 6 * 3_600_000_000_000  # traces over the window's edge are read whole: what counts must not hang on it
_OWN = ("model", "provider", "service", "name", "kind")
_TRACE_WIDE = ("user", "session", "prompt", "prompt_version", "release", "channel", "arm", "run", "environment")
_LABELS = ("feature", "tenant", "cost_center")
DIMENSIONS = (*_OWN, *_TRACE_WIDE, *_LABELS, "endpoint", "tag", "tag:<key>", "attribute:<key>")

_BUCKETS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
SUMS = ", ".join(
    (
        "count(*) AS calls",
        "sum(cost) AS usd",
        "count(*) FILTER (cost IS NULL) AS unknown",
        *(f"sum({bucket})::BIGINT AS {bucket}" for bucket in _BUCKETS),
    )
)
"""Sums over spans; `RESUMS` adds such sums up."""

RESUMS = ", ".join(("sum(usd) AS usd", *(f"sum({name})::BIGINT AS {name}" for name in ("calls", "unknown", *_BUCKETS))))

_TAGGED = (
    "list_transform(list_filter(tags, lambda t: starts_with(t, ? || ':') OR starts_with(t, ? || '=')),"
    " lambda t: substr(t, length(?) + 2))[1]"
)
_ATTRIBUTE = "variant_extract(attributes, ?)::VARCHAR"


@dataclass(slots=True, frozen=True)
class CostFilter:
    """None does not narrow. `since_ns` is inclusive, `until_ns` exclusive, both nanoseconds since the epoch."""

    since_ns: int
    until_ns: int
    model: str | None = None
    provider: str | None = None
    user: str | None = None
    session: str | None = None
    prompt: str | None = None
    release: str | None = None
    channel: str | None = None
    environment: str | None = None
    service: str | None = None
    name: str | None = None
    tag: str | None = None


@dataclass(slots=True, frozen=True)
class Calls:
    """`WITH …` that defines `calls`: the spans that count, with `value`, what they are grouped by."""

    sql: str
    params: list[Any]


def calls(project: str, narrow: CostFilter, group_by: str | None = None, *columns: str) -> Calls:
    """`columns` of spans beside those of every call. Raises InvalidInput for an unknown dimension or empty window."""
    if narrow.until_ns <= narrow.since_ns:
        raise InvalidInput("The window ends before it begins.", field="until", fix="give a later 'until'")
    own, params, wide = _dimension(group_by)
    edges = [project, narrow.since_ns - _MARGIN_NS, narrow.until_ns + _MARGIN_NS]
    where = _conditions(narrow, edges)
    asked = [name for name in _TRACE_WIDE if getattr(narrow, name, None) is not None]
    kept = ", ".join(_quoted(name) for name in dict.fromkeys((*_EVERY, *asked, *columns)))
    # Only spans that may count are kept: most have neither tokens nor a cost.
    sql = lines(
        "WITH source AS MATERIALIZED (SELECT " + kept + ",",
        own + " AS own FROM spans WHERE " + _EDGES + " AND " + _HAS + "),",
        "wide AS (" + _across(group_by, own) + ")," if wide else "",
        "calls AS (SELECT c.* EXCLUDE (own),",
        _value(group_by, wide) + " AS value",
        "FROM (" + counted("source") + ") c",
        "LEFT JOIN wide USING (trace_id)" if wide else "",
        "WHERE " + str(where) + ")",
    )
    return Calls(sql, [*params, *edges, *([*params, *edges] if wide else []), *where.params])


def money(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"usd", "unknown"}` of a row of `SUMS`."""
    return {"usd": row["usd"], "unknown": row["unknown"] or 0}


def token_sums(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Tokens of a row of `SUMS`; None where nobody counted."""
    tokens = Tokens(row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"])
    return tokens_json(tokens) or {}


_EDGES = "project = ? AND start_ns >= ? AND start_ns < ?"
_HAS = "(cost IS NOT NULL OR fresh_input IS NOT NULL OR output_tokens IS NOT NULL)"
_EVERY = (
    *("trace_id", "span_id", "parent_id", "kind", "name", "start_ns", "end_ns", "model", "provider", "service"),
    *("cost", "cost_source", *_BUCKETS),
)


def _dimension(group_by: str | None) -> tuple[str, list[Any], bool]:
    """(SQL over one span, its parameters, does the trace speak for its calls?)"""
    if group_by is None:
        return "NULL::VARCHAR", [], False
    if group_by in (*_OWN, *_TRACE_WIDE):
        return _quoted(group_by), [], group_by in _TRACE_WIDE
    if group_by == "tag":
        return "tags", [], True
    if group_by == "endpoint":
        return "coalesce(" + _ATTRIBUTE + ", CASE WHEN parent_id IS NULL THEN name END)", ["http.route"], True
    if group_by in _LABELS:
        resource = "json_extract_string(resource, ?)"
        names = [group_by, group_by, group_by, "assay." + group_by, group_by, '$."assay.' + group_by + '"']
        return "coalesce(" + ", ".join((_TAGGED, _ATTRIBUTE, _ATTRIBUTE, resource)) + ")", names, True
    kind, _, key = group_by.partition(":")
    if key and kind == "tag":
        return _TAGGED, [key, key, key], True
    if key and kind == "attribute":
        return _ATTRIBUTE, [key], True
    raise InvalidInput(
        "Costs cannot be grouped by that.", field="group_by", value=group_by, fix=f"use one of {', '.join(DIMENSIONS)}"
    )


def _across(group_by: str | None, own: str) -> str:
    """What any span of the trace says: all tags, or the first value."""
    said = lines("(SELECT trace_id, start_ns,", own, "AS own FROM spans WHERE", _EDGES, ") WHERE own IS NOT NULL")
    value = "list_distinct(flatten(list(own)))" if group_by == "tag" else "arg_min(own, start_ns)"
    return lines("SELECT trace_id,", value, "AS own FROM", said, "GROUP BY trace_id")


def _value(group_by: str | None, wide: bool) -> str:
    if group_by == "tag":  # one row for each tag; a call without any keeps one
        return "unnest(CASE WHEN len(wide.own) > 0 THEN list_sort(wide.own) ELSE [NULL] END)"
    return "coalesce(c.own, wide.own)" if wide else "c.own"


def _conditions(narrow: CostFilter, edges: list[Any]) -> Where:
    where = Where(["c.start_ns >= ?", "c.start_ns < ?"], [narrow.since_ns, narrow.until_ns])
    for name in ("model", "provider", "service", "name"):
        where.equal("c." + name, getattr(narrow, name))
    traces = lines("c.trace_id IN (SELECT trace_id FROM spans WHERE", _EDGES, "AND ")
    for name in ("user", "session", "prompt", "release", "channel", "environment"):
        value = getattr(narrow, name)
        if value is not None:
            own = "c." + _quoted(name)
            nearest = "(" + own + " IS NULL AND " + traces + _quoted(name) + " = ?))"
            where.add("(" + own + " = ? OR " + nearest + ")", value, *edges, value)
    if narrow.tag is not None:
        where.add(traces + "list_contains(tags, ?))", *edges, narrow.tag)
    return where


def _quoted(name: str) -> str:
    return '"' + name + '"'
