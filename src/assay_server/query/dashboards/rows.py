"""Panels of SQL: one SELECT through the sandbox, which may name the range and the variables it is asked for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.errors import InvalidInput, NotInSql
from assay_server.query.dashboards.bins import width_of
from assay_server.query.dashboards.definition import Dashboard
from assay_server.query.dashboards.words import VARIABLES
from assay_server.query.metrics.asked import Range
from assay_server.query.sandbox.sandbox import Sql

_ROWS = 1000
_ANY_RANGE = Range(0, 3_600_000_000_000)
_NAMED = re.compile(
    r"""\b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"   # texts and names in quotes
    | (\$\w*\$).*?\1 | --[^\n]* | /\*.*?\*/                          # texts in dollars, comments
    | \{(?P<name>[a-z_]+)\}""",
    re.VERBOSE | re.DOTALL,
)
"""`{name}`, but where SQL would read a text: a prompt's `'{user}'` is one to look for."""


async def rows_of(
    sql: Sql, project: str, written: str, asked: Range, narrow: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """`{since}`, `{until}` and `{bin}` become timestamps and an interval, a variable's name the text that the reader
    set, or NULL, before the sandbox reads it. `unused` in the answer: what the reader set and the SQL does not name."""
    bin_s, named = width_of(asked), _names_in(written)
    answer = await sql.run(project, _filled(written, asked, bin_s, narrow), limit=_ROWS)
    return {
        "type": "rows",
        "columns": answer.columns,
        "rows": answer.rows,
        "truncated": answer.truncated,
        "bin_s": bin_s,
        "unused": [name for name in narrow if name not in named],
    }


async def refuse_unreadable(sql: Sql, dashboard: Dashboard) -> None:
    """What could never be shown is not saved. Raises InvalidInput with the panel's place."""
    for at, panel in enumerate(dashboard.panels):
        if panel.sql is None:
            continue
        field = f"panels[{at}].sql"
        for name in _names_in(panel.sql) - {*dashboard.variables}:
            fix = f"add '{name}' to the dashboard's variables"
            raise InvalidInput(f"No reader can set {{{name}}}.", field=field, value=panel.sql, fix=fix)
        try:
            await sql.check(_filled(panel.sql, _ANY_RANGE, 60, {}))
        except (InvalidInput, NotInSql) as error:
            raise InvalidInput(error.message, field=field, value=panel.sql, fix=error.fix) from error


def _names_in(written: str) -> set[str]:
    """The variables that it names."""
    return {found["name"] for found in _NAMED.finditer(written)} & {*VARIABLES}


def _filled(written: str, asked: Range, bin_s: int, narrow: Mapping[str, Sequence[str]]) -> str:
    values = {
        "since": f"TIMESTAMP '{_time(asked.since_ns)}'",
        "until": f"TIMESTAMP '{_time(asked.until_ns)}'",
        "bin": f"INTERVAL '{bin_s} seconds'",
        **{name: _literal(name, narrow.get(name, ())) for name in _names_in(written)},
    }
    return _NAMED.sub(lambda found: values.get(found["name"], found[0]), written)


def _literal(name: str, values: Sequence[str]) -> str:
    if len(values) > 1:
        raise InvalidInput(
            f"A panel of SQL takes one value for {{{name}}}.", field=f"filter.{name}", value=values, fix="name one"
        )
    return "NULL" if not values else "'" + values[0].replace("'", "''") + "'"


def _time(ns: int) -> str:
    return rfc3339(ns).rstrip("Z").replace("T", " ")
