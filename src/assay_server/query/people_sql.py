"""Sums over whole traces by who or what they belong to: a session or a user.

A trace belongs to the session (user) that its earliest span with one names; spans that name none come along.
"""

from typing import Literal

from assay_server.query.rollup import HAS, KEYS, counted_by_key
from assay_server.query.sql import lines

Group = Literal["session", "user"]

_CALL = KEYS + ", model, fresh_input, cache_read, cache_write, output_tokens, reasoning, cost"
_SUMS = (
    "sum(cost) AS usd, count(*) FILTER (cost IS NULL) AS unknown,"
    " sum(coalesce(fresh_input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0))"
    " FILTER (coalesce(fresh_input, cache_read, cache_write) IS NOT NULL) AS input_tokens,"
    " sum(coalesce(output_tokens, 0) + coalesce(reasoning, 0))"
    " FILTER (coalesce(output_tokens, reasoning) IS NOT NULL) AS output_tokens"
)
_ADDED = (
    "count(*) AS traces, count(*) FILTER (failed) AS errors, sum(usd) AS usd, sum(unknown) AS unknown,"
    " sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens"
)


def newest(group: Group, where: str, after: bool, limit: int) -> str:
    """Groups, the last active first. Parameters: those of `where`, then the cursor's time and name."""
    return lines(
        *("SELECT", _column(group), "AS whose, max(start_ns) AS last_ns FROM spans WHERE", _column(group)),
        *("IS NOT NULL AND", where),
        "GROUP BY whose",
        "HAVING (max(start_ns), whose) < (?, ?)" if after else "",
        f"ORDER BY last_ns DESC, whose DESC LIMIT {limit}",
    )


def sums(group: Group) -> str:
    """One row a group. Parameters: project, names, then twice project and the commit before which nothing came."""
    return lines(
        _base(group),
        f"SELECT whose, min(start_ns) AS start_ns, max(last_ns) AS last_ns, {_ADDED},",
        'arg_min("user", start_ns) AS "user", count(DISTINCT session) AS sessions',
        "FROM t JOIN each USING (trace_id) LEFT JOIN used ON used.trace = hash(trace_id) GROUP BY whose",
    )


def person(group: Group) -> str:
    """All that one group did, as rows of three parts, read at once: `all`, `day` (UTC, the newest 90) and `model` (the
    50 dearest). `name` is the day's number or the model's name. Parameters as of `sums`.
    """
    traces = "FROM each LEFT JOIN used ON used.trace = hash(trace_id)"
    day = "start_ns // 86_400_000_000_000"
    return lines(
        _base(group),
        f"SELECT 'all' AS part, NULL::VARCHAR AS name, min(start_ns) AS start_ns, max(last_ns) AS last_ns, {_ADDED},",
        "count(DISTINCT session) AS sessions",
        traces,
        f"UNION ALL (SELECT 'day', ({day})::VARCHAR, NULL, NULL, {_ADDED}, NULL",
        *(traces, f"GROUP BY {day} ORDER BY {day} DESC LIMIT 90)"),
        "UNION ALL (SELECT 'model', model, NULL, NULL, count(*) AS calls, NULL,",
        *(_SUMS, ", NULL FROM (", counted_by_key("calls"), ") WHERE model IS NOT NULL GROUP BY model"),
        "ORDER BY usd DESC NULLS LAST, calls DESC, model LIMIT 50)",
    )


def scores(group: Group) -> str:
    """Means of what was said of the group's traces. Parameters: project, names, project."""
    return lines(
        "SELECT name, count(value) AS n, avg(value) AS mean FROM scores WHERE trace_id IN (SELECT trace_id FROM (",
        _members(group),
        ")) AND project = ? GROUP BY name ORDER BY name",
    )


def ends() -> str:
    """Where the first question and the last answer of sessions stand: `{first,last}_{stored_ns,key}`.

    Parameters: project, names, project, and the commit before which nothing of them came.
    """
    place = "{'stored_ns': stored_ns, 'key': key}"
    return lines(
        "WITH t AS MATERIALIZED (",
        _members("session"),
        "), roots AS MATERIALIZED (SELECT trace_id, start_ns, stored_ns, key FROM spans",
        "WHERE project = ? AND stored_ns >= ? AND parent_id IS NULL AND trace_id IN (SELECT trace_id FROM t)),",
        "ends AS (SELECT whose, arg_min(" + place + ", start_ns) AS first, arg_max(" + place + ", start_ns) AS last",
        "FROM t JOIN roots USING (trace_id) GROUP BY whose)",
        "SELECT whose, first.stored_ns AS first_stored_ns, first.key AS first_key,",
        "last.stored_ns AS last_stored_ns, last.key AS last_key FROM ends",
    )


def since(group: Group) -> str:
    """The commit before which nothing of these groups' traces came. Parameters: project, names, project."""
    members = lines(
        "SELECT trace_id FROM spans WHERE project = ? AND", _column(group), "IN (SELECT unnest(?::VARCHAR[]))"
    )
    return lines(
        "SELECT coalesce(min(stored_ns), 0) AS since FROM traces WHERE trace_id IN (", members, ") AND project = ?"
    )


def _column(group: Group) -> str:
    return '"' + group + '"'


def _members(group: Group) -> str:
    column = _column(group)
    return lines(
        *("SELECT trace_id, arg_min(", column, ", start_ns) AS whose FROM spans WHERE project = ? AND", column),
        "IN (SELECT unnest(?::VARCHAR[])) GROUP BY trace_id",
    )


def _base(group: Group) -> str:
    """Only spans that may count are kept: most have neither tokens nor a cost."""
    return lines(
        *("WITH t AS MATERIALIZED (", _members(group), "), calls AS MATERIALIZED (SELECT", _CALL),
        *("FROM spans WHERE project = ? AND stored_ns >= ? AND", HAS, "AND trace_id IN (SELECT trace_id FROM t)),"),
        *("used AS (SELECT trace,", _SUMS, "FROM (", counted_by_key("calls"), ") GROUP BY trace),"),
        "each AS (SELECT trace_id, min(start_ns) AS start_ns, max(start_ns) AS last_ns,",
        'bool_or(status = \'error\') AS failed, arg_min("user", start_ns) AS "user",',
        "arg_min(session, start_ns) AS session FROM spans",
        "WHERE project = ? AND stored_ns >= ? AND trace_id IN (SELECT trace_id FROM t) GROUP BY trace_id)",
    )
