"""The tables of a person's SQL: views over the facts of one project, with times as timestamps (UTC).

Each is a CTE in front of the person's query. `own` is the only one that reads the project's spans, and no query can
name it: it is not among the views.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from assay_server.query.sandbox.attributes import READING_ATTRIBUTES, as_column, column_of
from assay_server.query.sql import lines
from assay_server.store import TRACE_WIDE


@dataclass(slots=True, frozen=True)
class Column:
    """`type` as DuckDB names it."""

    name: str
    type: str
    sql: str
    about: str = ""


@dataclass(slots=True, frozen=True)
class View:
    """A table as its reader sees it. `source` is what stands behind FROM; `tail` behind it."""

    name: str
    about: str
    source: str
    columns: tuple[Column, ...]
    tail: str = ""


def ctes(
    used: frozenset[str], project: str, attributes: Sequence[str] = (), nobody_has: Collection[str] = ()
) -> tuple[str, list[str]]:
    """`WITH …` for the views a query reads, and its parameters; empty where it reads none. `attributes`: those that
    `read_from_columns` found; `nobody_has`: those of them that no span has."""
    chosen = [view for view in (*VIEWS, *_reading(attributes)) if view.name in used]
    parts, params = [], []
    if any(_OWN in view.source for view in chosen):
        # Beside the rows themselves: behind a view's columns the engine would read all attributes of each.
        columns = ", ".join(["*", *(as_column(number, name, nobody_has) for number, name in enumerate(attributes))])
        parts.append(_cte(_OWN, lines("SELECT", columns, "FROM spans WHERE project = ?")))
        params.append(project)
    for view in chosen:
        shown = ", ".join(lines(column.sql, "AS", _quoted(column.name)) for column in view.columns)
        parts.append(_cte(_quoted(view.name), lines("SELECT", shown, "FROM", view.source, view.tail)))
        if _OWN not in view.source:
            params.append(project)
    return ("WITH " + ",\n".join(parts) if parts else ""), params


def _reading(attributes: Sequence[str]) -> list[View]:
    extra = tuple(Column(column_of(number), "VARCHAR", _quoted(column_of(number))) for number in range(len(attributes)))
    return [
        replace(view, name=READING_ATTRIBUTES[view.name], columns=(*view.columns, *extra))
        for view in VIEWS
        if view.name in READING_ATTRIBUTES
    ]


_OWN = '"own spans"'


def _cte(name: str, body: str) -> str:
    return lines(name, "AS NOT MATERIALIZED (", body, ")")


def _quoted(name: str) -> str:
    return '"' + name + '"'


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "VARCHAR", _quoted(name)) for name in names)


def _time(name: str, of: str, about: str = "UTC") -> Column:
    """To the microsecond that the API shows: a cast would round up, at times into the next day."""
    return Column(name, "TIMESTAMP", "make_timestamp(" + of + " // 1000)", about)


def _json(name: str, about: str = "") -> Column:
    return Column(name, "JSON", _quoted(name) + "::JSON", about)


_TOKENS = (
    Column("fresh_input", "BIGINT", "fresh_input", "tokens neither read from nor written to a cache"),
    Column("cache_read", "BIGINT", "cache_read", "tokens"),
    Column("cache_write", "BIGINT", "cache_write", "tokens"),
    Column("output_tokens", "BIGINT", "output_tokens", "tokens without reasoning"),
    Column("reasoning", "BIGINT", "reasoning", "tokens"),
)

_SPAN = (
    *_texts("trace_id", "span_id", "parent_id", "name"),
    Column("kind", "VARCHAR", "kind", "llm, agent, tool, retriever, reranker, embedding, guardrail, evaluator, …"),
    Column("status", "VARCHAR", "status", "ok, error or unset"),
    *_texts("status_message"),
    Column("error_type", "VARCHAR", "error_type", "of a span that failed: error.type, its exception's, or its message"),
    _time("start", "start_ns"),
    _time("end", "end_ns"),
    Column("latency_ms", "DOUBLE", "(end_ns - start_ns) / 1e6"),
    Column("ttft_ms", "DOUBLE", "ttft_ms", "time to the first token"),
    *_texts("service", "environment", "scope", "session", "user", "feature", "tenant", "cost_center"),
    Column("tags", "VARCHAR[]", "tags"),
    *_texts("input", "output", "model", "provider"),
    *_TOKENS,
    Column("cost", "DOUBLE", "cost", "US dollars; NULL is unknown"),
    *_texts("cost_source", "prompt", "prompt_version", "release", "channel", "canary", "arm", "run", "item"),
    Column("pii", "VARCHAR[]", "pii", "kinds of personal data that were taken out"),
    _json("attributes", "what the sender said: attributes->>'$.\"gen_ai.system\"'"),
    _json("resource"),
    _json("events"),
    _json("links"),
    Column(
        "content",
        "VARCHAR",
        "CASE content WHEN 'waiting' THEN 'waiting' WHEN 'let_go' THEN 'sampled_out' WHEN 'sampled_out' THEN content"
        " ELSE 'kept' END",
        "kept, waiting (for the sampling's decision) or sampled_out",
    ),
    Column("start_ns", "BIGINT", "start_ns", "nanoseconds since 1970"),
    Column("end_ns", "BIGINT", "end_ns"),
)

_ROOT = "(parent_id IS NOT NULL, start_ns)"


def _of_root(name: str) -> Column:
    return Column(name, "VARCHAR", "arg_min(" + _quoted(name) + ", " + _ROOT + ")", "of the root")


def _first(name: str) -> Column:
    return Column(name, "VARCHAR", "arg_min(" + _quoted(name) + ", start_ns)")


_SAID = ", ".join(lines("c." + _quoted(name), "AS", _quoted(name)) for name in (*TRACE_WIDE, "service", "tags"))
_CALLS = lines(
    *("(SELECT s.* REPLACE (", _SAID, ") FROM", _OWN, "s"),
    "JOIN counted_calls c ON c.key = s.key AND c.project = s.project)",
)

VIEWS = (
    View("spans", "Every operation of every trace.", _OWN, _SPAN),
    View(
        "calls",
        "The spans whose tokens and cost count: each model call once, no sums that agents repeat. "
        "sum(cost) over this table is the bill. A call has its trace's user, session, tags … where it names none, "
        "and one of the gateway the service that it was made for.",
        _CALLS,
        _SPAN,
    ),
    View(
        "traces",
        "One row for each trace.",
        _OWN,
        (
            Column("trace_id", "VARCHAR", "trace_id"),
            *(_of_root(name) for name in ("name", "kind", "service")),
            _time("start", "min(start_ns)"),
            Column("latency_ms", "DOUBLE", "(max(end_ns) - min(start_ns)) / 1e6"),
            Column("spans", "BIGINT", "count(*)"),
            Column("errors", "BIGINT", "count(*) FILTER (status = 'error')", "spans that failed"),
            *(_first(name) for name in ("user", "session", "release", "channel", "arm", "environment", "run")),
        ),
        "GROUP BY trace_id",
    ),
    View(
        "scores",
        "Judgements: of code, judges, people and end users.",
        "scores",
        (
            *_texts("id", "name"),
            _time("time", "time_ns"),
            Column("source", "VARCHAR", "source", "code, judge, human or end_user"),
            Column("value", "DOUBLE", "value", "NULL where judging failed"),
            *_texts("label", "error", "reason", "author", "version", "trace_id", "span_id", "session", "run", "item"),
            _json("metadata"),
        ),
        "WHERE project = ?",
    ),
    View(
        "run_items",
        "What a run's target answered for each item of its dataset.",
        "run_items",
        (
            *_texts("run", "item"),
            Column("repeat", "INTEGER", "repeat"),
            _time("time", "time_ns"),
            *_texts("cluster", "input", "output", "expected"),
            _json("contexts"),
            *_texts("error", "trace_id"),
            Column("latency_ms", "DOUBLE", "latency_ms"),
            Column("cost", "DOUBLE", "cost"),
            *_TOKENS,
        ),
        "WHERE project = ?",
    ),
    View(
        "events",
        "Anything else with a time: log records, deployments, looks at a canary.",
        "events",
        (
            *_texts("id", "kind"),
            _time("time", "time_ns"),
            *_texts("trace_id", "span_id", "subject"),
            _json("data"),
        ),
        "WHERE project = ?",
    ),
)
