"""Long traces, settled: what comes is added to what is known of them, and they are not worked out anew.

A client with a fault, or a worker that lives for days, sends all its spans under one trace id. Anew each time, such a
trace would take every round and every reader as long as it has spans (`settled`). So from some thousand spans on it
stands in tables of its own, which hold what is needed to go on: `long_calls`, its calls that count, with what they say
themselves; `long_parents`, the spans that a model call stands under; `long_tags`; and `long_traces`, a row with its
sums, and of each field of the whole trace who said it first, and when.

Spans that are only ever added make this exact. A call that counts stops to when a model call comes that stands under it
or, a roll-up, when the first part of its trace comes; one that does not count never begins to. So old calls are looked
for among the parents of new ones, and new ones held against `long_parents`. Sums are added to, less the calls that
went. Of what a trace says the earliest stays. Whatever else is done to its spans forgets the trace
(`settled.unsettle`), and the next round begins it again from all of them. Three things are not exact. What the
gateway's call stands under (the client's HTTP request is passed over then), and whose service made it, is known only if
it comes in the same round. The order of tags is not that of the spans, where one that began earlier comes later. And of
spans that begin a trace in the same nanosecond any may give it its name.

In all SQL here `source` names spans (`settled` reads them) that came to such traces, or all spans of those that are
new here, and `has` those of them that may count, as `may_count` gives them.
"""

import duckdb

from assay_server.store import counting
from assay_server.store.counting import (
    ANSWERED,
    ASKED,
    CALL,
    HAS,
    INPUT,
    OF_SUMS,
    OUTPUT,
    ROLLS_UP,
    SAID,
    TOLD,
    counted_by_key,
    keys,
    with_trace,
)

TABLES = ("long_calls", "long_parents", "long_tags", "long_traces")

IDS = "SELECT key FROM long_traces"

_KEYS = keys("md5_number_lower(concat(trace, chr(31), {}))")  # stored, and DuckDB's hash may change with its version

_LARGEST = 2**63 - 1
_ADDED = ("calls", "priced", "usd", "asked", "input_tokens", "answered", "output_tokens")
_ADD = (
    "count(*) AS calls, count(cost) AS priced, sum(cost) AS usd,"
    f" count({INPUT}) FILTER ({ASKED}) AS asked, sum({INPUT}) AS input_tokens,"
    f" count({OUTPUT}) FILTER ({ANSWERED}) AS answered, sum({OUTPUT}) AS output_tokens"
)
"""Beside each sum how many calls know it: only so is it NULL again when the last that does has gone."""

SUMS = (
    "trace AS key, project, trace_id, start_ns, last_ns, end_ns, stored_ns, failed,"
    ' "user", session, environment, calls, CASE WHEN priced > 0 THEN usd END AS usd,'
    " CASE WHEN calls > 0 THEN calls - priced END AS unknown,"
    f" CASE WHEN asked > 0 THEN nullif(input_tokens, {_LARGEST}) END AS input_tokens,"
    f" CASE WHEN answered > 0 THEN nullif(output_tokens, {_LARGEST}) END AS output_tokens"
)
"""A row of `traces`, as `trace_sums` has it."""


def may_count(source: str) -> str:
    return counting.may_count(source, _KEYS)


def calls(source: str, has: str) -> str:
    """The rest of a `WITH`: all calls of all long traces that count, with what their traces say of them."""
    return (
        f"said AS MATERIALIZED ({_said(source, SAID)}), {_tagged(source)}"  # noqa: S608
        f" SELECT {with_trace('tagged.tags')}"
        f" FROM (SELECT {CALL} FROM long_calls WHERE NOT ({_gone(has)}) UNION ALL SELECT {CALL} FROM ({_come(has)})) c"
        " JOIN said ON said.trace = c.trace LEFT JOIN tagged ON tagged.trace = c.trace"
    )


def said(source: str) -> str:
    """The rest of a `WITH`: what each long trace says, with its tags."""
    return (
        f"said AS ({_said(source, TOLD)}), {_tagged(source)}"  # noqa: S608
        " SELECT said.*, tagged.tags FROM said LEFT JOIN tagged ON tagged.trace = said.trace"
    )


def traces(source: str, has: str, said: tuple[str, ...] = OF_SUMS) -> str:
    """The rest of a `WITH`: a row for each long trace, with what it `said`."""
    changed = ", ".join(f"sum({name}) AS {name}" for name in _ADDED)
    less = ", ".join(f"-{name}" for name in _ADDED)
    added = ", ".join(f"{_fitting(name)} AS {name}" for name in _ADDED)
    return (
        f"said AS ({_said(source, said)}),"  # noqa: S608
        f" added AS (SELECT trace, {changed} FROM (SELECT key AS trace, {', '.join(_ADDED)} FROM long_traces"
        f" UNION ALL SELECT trace, {_ADD} FROM ({_come(has)}) GROUP BY trace"
        f" UNION ALL SELECT trace, {less} FROM (SELECT trace, {_ADD} FROM long_calls WHERE {_gone(has)} GROUP BY trace)"
        f") GROUP BY trace) SELECT said.*, {added} FROM said LEFT JOIN added ON added.trace = said.trace"
    )


def _fitting(name: str) -> str:
    """A sum of `added`; counts from before there was a limit may add up to more than a column holds."""
    known = f"coalesce(added.{name}, 0)"
    return known if name == "usd" else f"greatest(least({known}, {_LARGEST}), -{_LARGEST})::BIGINT"


def add(cursor: duckdb.DuckDBPyConnection, source: str) -> None:
    """Settles the spans of the table `source`, in a round's transaction."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE long_has AS {may_count(source)}")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE long_now AS WITH {traces(source, 'long_has', TOLD)}")
    cursor.execute(f"DELETE FROM long_calls WHERE {_gone('long_has')}")  # noqa: S608
    cursor.execute(f"INSERT INTO long_calls BY NAME SELECT {CALL}, me FROM ({_come('long_has')})")  # noqa: S608
    cursor.execute(
        "INSERT INTO long_parents BY NAME SELECT trace, above AS parent, min(stored_ns) AS stored_ns FROM long_has"  # noqa: S608
        f" WHERE above IS NOT NULL AND above NOT IN ({_known('long_has', 'above')}) GROUP BY ALL"
    )
    cursor.execute(
        "INSERT INTO long_tags BY NAME SELECT s.* FROM (SELECT trace, tag, min(stored_ns) AS stored_ns,"  # noqa: S608
        f" min(said_ns) AS said_ns, arg_min(nth, said_ns) AS nth FROM ({_tags(source)}) GROUP BY ALL) s"
        " ANTI JOIN long_tags t ON t.trace = s.trace AND t.tag = s.tag"
    )
    cursor.execute(f"DELETE FROM long_traces WHERE key IN (SELECT trace FROM {source})")  # noqa: S608
    cursor.execute(
        "INSERT INTO long_traces BY NAME SELECT * EXCLUDE (trace), trace AS key FROM long_now"  # noqa: S608
        f" WHERE trace IN (SELECT trace FROM {source})"
    )
    cursor.execute("DROP TABLE long_has")
    cursor.execute("DROP TABLE long_now")


def forget(cursor: duckdb.DuckDBPyConnection, traces: str) -> None:
    """`traces`: SQL that gives keys, perhaps some of `IDS`: those go last."""
    for table in TABLES:
        column = "key" if table == "long_traces" else "trace"
        cursor.execute(f"DELETE FROM {table} WHERE {column} IN ({traces})")  # noqa: S608


def _come(has: str) -> str:
    """Those of `has` that count, by what came and by what is known."""
    return (
        f"SELECT * FROM ({counted_by_key(has)}) WHERE me NOT IN ({_known(has, 'me')})"  # noqa: S608
        f" AND (NOT rolls OR trace NOT IN ({IDS} WHERE parts))"
    )


def _gone(has: str) -> str:
    """A condition: calls that counted until these came."""
    return (
        f"(me IN (SELECT above FROM {has} WHERE above IS NOT NULL)"  # noqa: S608
        f" OR ({ROLLS_UP} AND trace IN (SELECT trace FROM {has} WHERE NOT rolls)))"
    )


def _known(has: str, column: str) -> str:
    """The few of `long_parents` that matter, so that no table is made of all of them."""
    return f"SELECT parent FROM long_parents WHERE parent IN (SELECT {column} FROM {has} WHERE {column} IS NOT NULL)"  # noqa: S608


def _tagged(source: str) -> str:
    return (
        "tagged AS MATERIALIZED (SELECT trace, list(tag ORDER BY place) AS tags FROM (SELECT trace, tag, min(place) AS"  # noqa: S608
        " place FROM (SELECT trace, tag, (said_ns, nth) AS place FROM long_tags"
        f" UNION ALL SELECT trace, tag, (said_ns, nth) FROM ({_tags(source)})) GROUP BY ALL) GROUP BY trace)"
    )


def _tags(source: str) -> str:
    """A SELECT of each tag that a span has, and where it has it."""
    return (
        "SELECT trace, stored_ns, start_ns AS said_ns, unnest(tags) AS tag, generate_subscripts(tags, 1) AS nth"  # noqa: S608
        f" FROM {source}"
    )


def _said(source: str, names: tuple[str, ...]) -> str:
    """A SELECT of what each long trace says, and who said it first."""
    told = ", ".join(f'"{name}", {name}_ns' for name in names)
    tell = ", ".join(f'"{name}", start_ns AS {name}_ns' for name in names)
    first = ", ".join(
        f'arg_min("{name}", {name}_ns) AS "{name}", min({name}_ns) FILTER ("{name}" IS NOT NULL) AS {name}_ns'
        for name in names
    )
    return (
        "SELECT trace, any_value(project) AS project, any_value(trace_id) AS trace_id, min(start_ns) AS start_ns,"  # noqa: S608
        " max(last_ns) AS last_ns, max(end_ns) AS end_ns, min(stored_ns) AS stored_ns, bool_or(failed) AS failed,"
        f" bool_or(parts) AS parts, {first} FROM (SELECT key AS trace, project, trace_id, start_ns, last_ns, end_ns,"
        f" stored_ns, failed, parts, {told} FROM long_traces UNION ALL SELECT trace, project, trace_id, start_ns,"
        f" start_ns, end_ns, stored_ns, status = 'error', {HAS} AND NOT {ROLLS_UP}, {tell} FROM {source})"
        " GROUP BY trace"
    )
