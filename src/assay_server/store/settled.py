"""Calls and traces, settled: each call that counts, once, with what its trace says of it, and each trace's sums.

Which span counts can only be told of a whole trace (`counting`), and a user or a tag is often said at its root alone.
To work that out for a million spans takes a fifth of a second, so it is done once a trace: what has come since the last
round is settled a moment later (`settling`), and a trace that gets more spans is settled anew. One of very many spans
is only added to (`long`).

Three views answer as if all were settled: `counted_calls`, `trace_sums`, and `trace_said` with what each trace is
called and says. They read what is, and work out the traces that had commits since. So no reader waits for a round and
none sees half of one. All of it follows from the facts and may be thrown away at any time; what removes or prices spans
sees to it in the same transaction (`unsettle`, `reprice`).
"""

import duckdb

from assay_server.store import long
from assay_server.store.counting import (
    CALL,
    KEYS,
    OF_SUMS,
    OWN,
    PROVIDERS_ROUTE,
    SAID,
    TRACE_WIDE,
    USED,
    WIDE,
    counted_by_key,
    may_count,
    with_trace,
)
from assay_server.store.schema import PART_KEY
from assay_server.store.transactions import transaction

_ROUND_SPANS = 50_000  # a goal: 1 s and some 100 MB
_ROUND_TRACES = 10_000
_REDEFINED = 5_000  # spans; to work them out costs a reader 5 ms
_LONG = 10_000  # spans of a trace from which on it is only added to; to work them out costs a round some 30 ms
_MANY_TAGS = 500  # the same of a trace with so many lists of tags: each of its settled calls would hold them all

_ENDPOINT = (
    f"coalesce(CASE WHEN NOT {PROVIDERS_ROUTE} THEN variant_extract(attributes, 'http.route')::VARCHAR END,"
    " CASE WHEN parent_id IS NULL THEN name END) AS endpoint"
)
_EACH_ONCE = "list_filter(tags, lambda t, nth: list_position(tags, t) = nth)"
"""In the order in which a trace says its tags: the first of a key is the one that its calls are grouped by."""

_QUOTED = (*(f'"{name}"' for name in TRACE_WIDE), "tags")
_TOLD = f"{PART_KEY} AS trace, trace_id, span_id, parent_id, stored_ns, scope"
_NAMES = "CASE WHEN parent_id IS NULL THEN name END AS root, name AS opening"
_READ_FOR_SAID = ", ".join((f"{PART_KEY} AS trace, trace_id, span_id, project, start_ns", *_QUOTED, _ENDPOINT, _NAMES))
_READ = ", ".join((_TOLD, *OWN, *_QUOTED, _ENDPOINT, _NAMES))
_READ_FOR_SUMS = (
    f'{_TOLD}, project, kind, service, model, status, start_ns, end_ns, "user", session, environment, cost,'
    " fresh_input, cache_read, cache_write, output_tokens, reasoning"
)
_TRACE = (
    'key, project, trace_id, start_ns, last_ns, end_ns, stored_ns, failed, "user", session, environment, calls, usd,'
    " unknown, input_tokens, output_tokens"
)


_SAID = f"key, project, trace_id, start_ns, last_ns, name, begun_ns, {', '.join(WIDE)}, tags"
_OF_TRACE = ", ".join(("name, begun_ns, tags", *(f'said."{each}"' for each in SAID if each not in OF_SUMS)))
_NAMED = "coalesce(root, opening) AS name, coalesce(root_ns, start_ns) AS begun_ns"


def define(cursor: duckdb.DuckDBPyConnection) -> int:
    """Makes the views of the database that `cursor` uses, for how far it is settled; that moment.

    It stands in them as a number: only so are the parts of a table passed over that hold nothing newer. Long traces
    stand in them where there are any.
    """
    since, some = _settled_ns(cursor), _any(cursor, "long_traces")
    fresh = f"SELECT key FROM trace_parts WHERE stored_ns > {since} UNION SELECT key FROM unsettled"  # noqa: S608
    calls = f"WITH s AS MATERIALIZED ({_spans(_READ, since, fresh, short=some)}), said AS MATERIALIZED ({_said('s')}),"
    calls += _calls("s", "said")
    sums = f"WITH s AS MATERIALIZED ({_spans(_READ_FOR_SUMS, since, fresh, short=some)}), {_sums('s')}"
    said = f"WITH s AS MATERIALIZED ({_spans(_READ_FOR_SAID, since, fresh, short=some)}) {_said('s')}"
    calls = f"SELECT {CALL} FROM settled_calls WHERE trace NOT IN ({fresh}) UNION ALL SELECT {CALL} FROM ({calls})"  # noqa: S608
    sums = f"SELECT {_TRACE} FROM settled_traces WHERE key NOT IN ({fresh}) UNION ALL SELECT {_TRACE} FROM ({sums})"  # noqa: S608
    said = f"SELECT {_SAID} FROM settled_traces WHERE key NOT IN ({fresh}) UNION ALL SELECT {_SAID} FROM ({said})"  # noqa: S608
    if some:
        calls += f" UNION ALL SELECT {CALL} FROM (WITH {_long(_READ, since)}, {long.calls('s', 'h')})"  # noqa: S608
        sums += f" UNION ALL SELECT {long.SUMS} FROM (WITH {_long(_READ_FOR_SUMS, since)}, {long.traces('s', 'h')})"  # noqa: S608
        of_long = f"SELECT *, trace AS key, {_NAMED} FROM (WITH {_long(_READ, since)}, {long.said('s')})"  # noqa: S608
        said += f" UNION ALL SELECT {_SAID} FROM ({of_long})"  # noqa: S608
    cursor.execute(f"CREATE OR REPLACE VIEW counted_calls AS {calls}")
    cursor.execute(f"CREATE OR REPLACE VIEW trace_sums AS {sums}")
    cursor.execute(f"CREATE OR REPLACE VIEW trace_said AS {said}")
    return since


class Rounds:
    """Settles a store, one round after the other. One per store."""

    def __init__(self) -> None:
        self._defined_ns = -1  # at least so far the views take for settled what is

    def run(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """The oldest commits that are not settled, and traces that were unsettled. Is there more?

        One transaction; nothing but appends may run beside it.
        """
        with transaction(cursor):
            since = _settled_ns(cursor)
            until, more = _until(cursor, since)
            if until is None and not _any(cursor, "unsettled"):
                return False
            through = since if until is None else until
            begun = _work_out(cursor, since, through)
            cursor.execute("UPDATE settled SET stored_ns = ?", [through])
            more = more or _any(cursor, "unsettled")
            # Views that are behind are as true as others, they only work out more; making them costs as much as that.
            behind = _spans_between(cursor, self._defined_ns, through) >= _REDEFINED
            defined_ns = define(cursor) if behind or begun else self._defined_ns
        self._defined_ns = defined_ns
        return more


def unsettle(cursor: duckdb.DuckDBPyConnection, traces: str) -> None:
    """Forgets what is settled of traces, in the transaction that changes their spans. `traces`: SQL that gives keys."""
    cursor.execute(f"DELETE FROM settled_calls WHERE trace IN ({traces})")  # noqa: S608
    cursor.execute(f"DELETE FROM settled_traces WHERE key IN ({traces})")  # noqa: S608
    cursor.execute(
        f"INSERT INTO unsettled SELECT key, min(stored_ns) FROM trace_parts WHERE key IN ({traces}) GROUP BY key"  # noqa: S608
    )
    long.forget(cursor, traces)


def unsettle_long(cursor: duckdb.DuckDBPyConnection, traces: str) -> None:
    """The same of those traces that can only be added to, for what is a late span to all others."""
    unsettle(cursor, f"{long.IDS} WHERE key IN ({traces})")


def reprice(cursor: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Gives settled calls the cost of `rows`, a table that has it beside what a span is known by, and traces the sums.

    In the transaction that prices the spans. A span that has nothing but its cost counts or not for that alone, so its
    trace is settled anew, and so is a long trace.
    """
    unsettle_long(cursor, f"SELECT {PART_KEY} FROM {rows}")  # noqa: S608
    its_calls = f"FROM settled_calls c JOIN {rows} p ON c.key = p.key AND c.project = p.project"
    cursor.execute(
        f"UPDATE settled_calls SET cost = p.cost, cost_source = p.cost_source FROM {rows} p"  # noqa: S608
        " WHERE settled_calls.key = p.key AND settled_calls.project = p.project"
        " AND settled_calls.cost_source IS DISTINCT FROM 'client'"
    )
    cursor.execute(
        f"UPDATE settled_traces SET usd = u.usd, unknown = u.unknown FROM (SELECT trace, {USED} FROM settled_calls"  # noqa: S608
        f" WHERE trace IN (SELECT c.trace {its_calls}) GROUP BY trace) u WHERE settled_traces.key = u.trace"
    )
    alone = f"SELECT {PART_KEY} FROM {rows} JOIN spans USING (key, project, trace_id, span_id)"  # noqa: S608
    unsettle(cursor, f"{alone} WHERE coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NULL")


def _settled_ns(cursor: duckdb.DuckDBPyConnection) -> int:
    row = cursor.execute("SELECT max(stored_ns) FROM settled").fetchone()
    return int(row[0]) if row else -1


def _spans_between(cursor: duckdb.DuckDBPyConnection, since: int, until: int) -> int:
    row = cursor.execute(
        "SELECT coalesce(sum(spans), 0) FROM trace_parts WHERE stored_ns > ? AND stored_ns <= ?", [since, until]
    ).fetchone()
    return int(row[0]) if row else 0


def _any(cursor: duckdb.DuckDBPyConnection, table: str) -> bool:
    return cursor.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # noqa: S608


def _until(cursor: duckdb.DuckDBPyConnection, since: int) -> tuple[int | None, bool]:
    """(the commit up to which a round goes, None where there is none; whether there are others behind it)."""
    row = cursor.execute(
        "SELECT coalesce(max(stored_ns) FILTER (before < ?), min(stored_ns)), max(stored_ns) FROM ("
        " SELECT stored_ns, sum(n) OVER (ORDER BY stored_ns) AS before FROM ("
        "  SELECT stored_ns, sum(spans) AS n FROM trace_parts WHERE stored_ns > ? GROUP BY stored_ns))",
        [_ROUND_SPANS, since],
    ).fetchone()
    return (None, False) if row is None or row[0] is None else (int(row[0]), row[0] < row[1])


def _work_out(cursor: duckdb.DuckDBPyConnection, since: int, until: int) -> bool:
    """Whether a trace begins to be long."""
    came = f"SELECT key FROM trace_parts WHERE stored_ns > {since} AND stored_ns <= {until}"  # noqa: S608
    again = f"SELECT key FROM unsettled ORDER BY stored_ns LIMIT {_ROUND_TRACES}"  # noqa: S608
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {came} UNION ({again})")
    fresh, some = "SELECT key FROM fresh", _any(cursor, "long_traces")
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh_spans AS {_spans(_READ, since, fresh, until=until, short=some)}"
    )
    known = cursor.execute(f"DELETE FROM settled_traces WHERE key IN ({fresh})").fetchone()  # noqa: S608
    if known and known[0]:
        cursor.execute(f"DELETE FROM settled_calls WHERE trace IN ({fresh})")  # noqa: S608
    begun = cursor.execute(_begun() + " LIMIT 1").fetchone() is not None
    if begun or some:
        _add_to_long(cursor, since, until)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE fresh_said AS {_said('fresh_spans')}")
    cursor.execute(f"INSERT INTO settled_calls BY NAME WITH {_calls('fresh_spans', 'fresh_said')}")
    cursor.execute(
        f"INSERT INTO settled_traces BY NAME SELECT sums.*, {_OF_TRACE} FROM (WITH {_sums('fresh_spans')}) sums"  # noqa: S608
        " JOIN fresh_said said USING (key)"
    )
    cursor.execute(f"DELETE FROM unsettled WHERE key IN ({fresh})")  # noqa: S608
    cursor.execute("DROP TABLE fresh")
    cursor.execute("DROP TABLE fresh_said")
    cursor.execute("DROP TABLE fresh_spans")
    return begun


def _add_to_long(cursor: duckdb.DuckDBPyConnection, since: int, until: int) -> None:
    """Long traces get what came; those of `fresh_spans` that have become long are taken from there as a whole."""
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE long_spans AS SELECT * FROM fresh_spans WHERE trace IN ({_begun()})"  # noqa: S608
        f" UNION ALL {_spans_of_long(_READ, since, until)}"
    )
    cursor.execute(f"DELETE FROM fresh_spans WHERE trace IN ({_begun()})")  # noqa: S608
    long.add(cursor, "long_spans")
    cursor.execute("DROP TABLE long_spans")


def _begun() -> str:
    many = f"count(*) >= {_LONG} OR count(DISTINCT tags) >= {_MANY_TAGS}"
    return f"SELECT trace FROM fresh_spans GROUP BY trace HAVING {many}"  # noqa: S608


def _spans(columns: str, since: int, fresh: str, *, until: int | None = None, short: bool) -> str:
    """All spans of the traces that `fresh` (SQL) gives, up to a commit. Those that came since are all of such traces;
    the others are looked for in the commits of these traces alone, which are read first: a key is made of each row.
    `short`: without the long ones."""
    edge = "" if until is None else f" AND stored_ns <= {until}"
    fresh = f"SELECT key FROM ({fresh}) WHERE key NOT IN ({long.IDS})" if short else fresh  # noqa: S608
    newer = f"SELECT {columns} FROM spans WHERE stored_ns > {since}{edge}"  # noqa: S608
    newer = f"SELECT * FROM ({newer}) WHERE trace NOT IN ({long.IDS})" if short else newer  # noqa: S608
    older = f"SELECT stored_ns FROM trace_parts WHERE stored_ns <= {since} AND key IN ({fresh})"  # noqa: S608
    return (
        f"{newer} UNION ALL"  # noqa: S608
        f" (WITH older AS MATERIALIZED (SELECT {columns} FROM spans WHERE stored_ns <= {since}"
        f" AND stored_ns IN ({older})) SELECT * FROM older WHERE trace IN ({fresh}))"
    )


def _long(columns: str, since: int) -> str:
    """The beginning of a `WITH`: what came to long traces. A view that is behind has an old `since`: they have not."""
    spans = f"{_spans_of_long(columns, since)} AND stored_ns > (SELECT max(stored_ns) FROM settled)"  # noqa: S608
    return f"s AS MATERIALIZED ({spans}), h AS MATERIALIZED ({long.may_count('s')})"


def _spans_of_long(columns: str, since: int, until: int | None = None) -> str:
    edge = "" if until is None else f" AND stored_ns <= {until}"
    newer = f"SELECT {columns} FROM spans WHERE stored_ns > {since}{edge}"  # noqa: S608
    return f"SELECT * FROM ({newer}) WHERE trace IN ({long.IDS})"  # noqa: S608


def _said(source: str) -> str:
    """A SELECT of a row for each trace, from the spans of whole traces: what it is called, and what it says."""
    first = ", ".join(f"arg_min({name}, start_ns) AS {name}" for name in WIDE)
    place = "(start_ns, span_id)"  # as in the list of traces, also where several began at once
    return (
        f"SELECT * REPLACE ({_EACH_ONCE} AS tags), {_NAMED} FROM (SELECT trace AS key, any_value(project) AS project,"  # noqa: S608
        " any_value(trace_id) AS trace_id, min(start_ns) AS start_ns, max(start_ns) AS last_ns,"
        f" arg_min(root, {place}) FILTER (root IS NOT NULL) AS root, arg_min(opening, {place}) AS opening,"
        f" min(start_ns) FILTER (root IS NOT NULL) AS root_ns, {first},"
        " flatten(list(tags ORDER BY start_ns) FILTER (len(tags) > 0)) AS tags"
        f" FROM {source} GROUP BY trace)"
    )


def _calls(source: str, said: str) -> str:
    """The rest of a `WITH`, from the spans of whole traces, and what these `said`, to the calls that count."""
    return (
        f"h AS MATERIALIZED ({may_count(source, KEYS)})"  # noqa: S608
        f" SELECT {with_trace('said.tags')} FROM ({counted_by_key('h')}) c JOIN {said} AS said ON said.key = c.trace"
    )


def _sums(source: str) -> str:
    """The rest of a `WITH`, from the spans of whole traces to a row for each trace."""
    first = ", ".join(f'arg_min("{name}", start_ns) AS "{name}"' for name in OF_SUMS)
    used = ", ".join(f"any_value(u.{name}) AS {name}" for name in ("usd", "unknown", "input_tokens", "output_tokens"))
    return (
        f"h AS MATERIALIZED ({may_count(source, KEYS)}),"  # noqa: S608
        f" u AS (SELECT trace, {USED} FROM ({counted_by_key('h')}) GROUP BY trace)"
        " SELECT s.trace AS key, any_value(project) AS project, any_value(trace_id) AS trace_id,"
        " min(start_ns) AS start_ns, max(start_ns) AS last_ns, max(end_ns) AS end_ns, min(stored_ns) AS stored_ns,"
        f" bool_or(status = 'error') AS failed, {first}, coalesce(any_value(u.calls), 0) AS calls, {used}"
        f" FROM {source} s LEFT JOIN u ON u.trace = s.trace GROUP BY s.trace"
    )
