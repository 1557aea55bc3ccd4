"""Panels of SQL: one SELECT through the sandbox, which may name the range it is asked for."""

from collections.abc import Sequence
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.errors import InvalidInput, NotInSql
from assay_server.query.dashboards.bins import width_of
from assay_server.query.dashboards.definition import Panel
from assay_server.query.dashboards.source import Range
from assay_server.query.sandbox import Sql

_ROWS = 1000


async def rows_of(sql: Sql, project: str, written: str, asked: Range) -> dict[str, Any]:
    """`{since}`, `{until}` and `{bin}` become timestamps and an interval, before the sandbox reads it."""
    bin_s = width_of(asked)
    answer = await sql.run(project, _filled(written, asked, bin_s), limit=_ROWS)
    return {
        "type": "rows",
        "columns": answer.columns,
        "rows": answer.rows,
        "truncated": answer.truncated,
        "bin_s": bin_s,
    }


async def refuse_unreadable(sql: Sql, panels: Sequence[Panel]) -> None:
    """What could never be shown is not saved. Raises InvalidInput with the panel's place."""
    for at, panel in enumerate(panels):
        if panel.sql is None:
            continue
        try:
            await sql.check(_filled(panel.sql, Range(0, 3_600_000_000_000), 60))
        except (InvalidInput, NotInSql) as error:
            raise InvalidInput(error.message, field=f"panels[{at}].sql", value=panel.sql, fix=error.fix) from error


def _filled(written: str, asked: Range, bin_s: int) -> str:
    """What is put in is made here of numbers; nobody's text goes into it."""
    for name, value in (
        ("{since}", f"TIMESTAMP '{_time(asked.since_ns)}'"),
        ("{until}", f"TIMESTAMP '{_time(asked.until_ns)}'"),
        ("{bin}", f"INTERVAL '{bin_s} seconds'"),
    ):
        written = written.replace(name, value)
    return written


def _time(ns: int) -> str:
    return rfc3339(ns).rstrip("Z").replace("T", " ")
