"""Sums over whole traces by who or what they belong to: a session or a user.

A trace belongs to the session (user) that its earliest span with one names; spans that name none come along.
"""

from typing import Literal

from assay_server.query.commits import IN_COMMITS
from assay_server.query.sql import lines
from assay_server.store import USED

Group = Literal["session", "user"]

_ADDED = (
    "count(*) AS traces, count(*) FILTER (failed) AS errors, sum(usd) AS usd, sum(unknown) AS unknown,"
    " sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens"
)
_ADDED_WITHIN = (
    "count(*) FILTER (within) AS traces, count(*) FILTER (within AND failed) AS errors,"
    " sum(usd) FILTER (within) AS usd, sum(unknown) FILTER (within) AS unknown,"
    " sum(input_tokens) FILTER (within) AS input_tokens, sum(output_tokens) FILTER (within) AS output_tokens,"
    " count(DISTINCT session) FILTER (within) AS sessions"
)


def newest(group: Group, where: str, began: str, after: bool, limit: int, skip: int) -> str:
    """Groups, the last active first, with `n`, how many there are. Parameters: those of `where` and of `began`, a
    condition over all of a group, then the cursor's time and name."""
    return lines(
        "SELECT * FROM (SELECT whose, latest_ns, count(*) OVER () AS n FROM",
        *("(SELECT", _column(group), "AS whose, max(last_ns) AS latest_ns FROM trace_sums WHERE", _column(group)),
        *("IS NOT NULL AND", where, "GROUP BY whose", "HAVING " + began if began else "", "))"),
        "WHERE (latest_ns, whose) < (?, ?)" if after else "",
        f"ORDER BY latest_ns DESC, whose DESC LIMIT {limit} OFFSET {skip}",
    )


def ranked(group: Group, where: str, value: str, later: str, end: str) -> str:
    """The same by a value (`ORDERS`), `v`, of users over what `where` keeps, of sessions as a whole, as each is shown.
    `later`: the condition on what is behind a cursor, or empty. Parameters: of a session's project, of `where`, of
    `later`."""
    kept = lines(_column(group), "IS NOT NULL AND", where)
    if group == "session":
        kept = lines("project = ? AND session IN (SELECT session FROM trace_sums WHERE", kept, ")")
    sessions = ", count(DISTINCT session) AS sessions" if group == "user" else ""
    return lines(
        *("SELECT * FROM (SELECT whose, latest_ns,", value, "AS v, count(*) OVER () AS n FROM"),
        *("(SELECT", _column(group), "AS whose, max(last_ns) AS latest_ns, min(start_ns) AS first_ns,", _ADDED),
        *(sessions, "FROM trace_sums WHERE", kept, "GROUP BY whose))"),
        *("WHERE " + later if later else "", end),
    )


def conversations() -> str:
    """One row a session, with its first and its last trace. Parameters: project, names."""
    return lines(
        *("SELECT session AS whose, min(start_ns) AS start_ns, max(last_ns) AS last_ns,", _ADDED + ","),
        "arg_min(trace_id, start_ns) AS first_trace, arg_max(trace_id, start_ns) AS last_trace,",
        'arg_min("user", start_ns) AS "user", arg_min(environment, start_ns) AS environment FROM trace_sums WHERE',
        *(_theirs("session"), "GROUP BY whose"),
    )


def users(where: str) -> str:
    """One row a user: what the traces add up to that `where` keeps, and when the first of all began. Parameters: those
    of `where`, project, names."""
    return lines(
        'SELECT "user" AS whose, min(start_ns) AS start_ns, max(last_ns) FILTER (within) AS last_ns,',
        *(_ADDED_WITHIN, "FROM (SELECT *, coalesce(", where, ", false) AS within FROM trace_sums WHERE"),
        *(_theirs("user") + ")", "GROUP BY whose"),
    )


def person(group: Group) -> str:
    """All that one group did, as rows of three parts, read at once: `all`, `day` (UTC, the newest 90) and `model` (the
    50 dearest). `name` is the day's number or the model's name. Parameters: project, names, project.
    """
    day = "start_ns // 86_400_000_000_000"
    return lines(
        *("WITH t AS MATERIALIZED (SELECT * FROM trace_sums WHERE", _theirs(group), ")"),
        f"SELECT 'all' AS part, NULL::VARCHAR AS name, min(start_ns) AS start_ns, max(last_ns) AS last_ns, {_ADDED},",
        "count(DISTINCT session) AS sessions FROM t",
        f"UNION ALL (SELECT 'day', ({day})::VARCHAR, NULL, NULL, {_ADDED}, NULL",
        f"FROM t GROUP BY {day} ORDER BY {day} DESC LIMIT 90)",
        "UNION ALL (SELECT 'model', model, NULL, NULL, calls, NULL, usd, unknown, input_tokens, output_tokens, NULL",
        *("FROM (SELECT model,", USED, "FROM counted_calls WHERE project = ? AND model IS NOT NULL"),
        "AND trace IN (SELECT key FROM t) GROUP BY model)",
        "ORDER BY usd DESC NULLS LAST, calls DESC, model LIMIT 50)",
    )


def scores(group: Group) -> str:
    """Means of what was said of the group's traces. Parameters: project, names, project."""
    return lines(
        "SELECT name, count(value) AS n, avg(value) AS mean FROM scores WHERE trace_id IN (SELECT trace_id FROM",
        *("trace_sums WHERE", _theirs(group), ") AND project = ? GROUP BY name ORDER BY name"),
    )


ROOTS = lines(
    "SELECT trace_id, start_ns, stored_ns, key, input_head, output_head FROM spans WHERE project = ?",
    *("AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND", IN_COMMITS, "AND parent_id IS NULL ORDER BY start_ns"),
)
"""Parameters: project, trace ids, their commits."""


def named(group: Group) -> str:
    """The same row for a group that only later spans of others' traces name: none belongs to it. Parameters: project,
    names."""
    return lines(
        *("SELECT", _column(group), "AS whose, min(start_ns) AS start_ns, max(start_ns) AS last_ns, 0 AS traces,"),
        "0 AS errors, NULL AS usd, 0 AS unknown, NULL AS input_tokens, NULL AS output_tokens, 0 AS sessions,",
        'NULL AS first_trace, NULL AS last_trace, any_value("user") AS "user",',
        "any_value(environment) AS environment",
        *("FROM spans WHERE", _theirs(group), "GROUP BY whose"),
    )


def _column(group: Group) -> str:
    return '"' + group + '"'


def _theirs(group: Group) -> str:
    return lines("project = ? AND", _column(group), "IN (SELECT unnest(?::VARCHAR[]))")
