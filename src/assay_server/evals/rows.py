"""The SQL of runs and suites: functions on a connection, always within one project."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from assay_server.core.errors import NotFound
from assay_server.ledger import tables

_runs = tables.evaluation.runs

ENDED = ("done", "failed", "cancelled")


def insert_run(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(_runs.insert().values(**values))


def get_run(connection: Connection, project: str, run: str) -> Row[Any]:
    """Raises NotFound."""
    row = connection.execute(select(_runs).where(_runs.c.project == project, _runs.c.id == run)).one_or_none()
    if row is None:
        raise NotFound("No run of this id.", field="run", value=run)
    return row


def list_runs(
    connection: Connection, project: str, limit: int, after: Sequence[Any] | None
) -> tuple[Sequence[Row[Any]], int]:
    """Newest first, one more than `limit` where there is more; `after` is `(created_ns, id)` of the page before."""
    query = select(_runs).where(_runs.c.project == project)
    if after is not None:
        created, last = after
        query = query.where(or_(_runs.c.created_ns < created, and_(_runs.c.created_ns == created, _runs.c.id < last)))
    rows = connection.execute(query.order_by(_runs.c.created_ns.desc(), _runs.c.id.desc()).limit(limit + 1)).all()
    total = connection.execute(select(func.count()).select_from(_runs).where(_runs.c.project == project)).scalar_one()
    return rows, total


def begin_run(connection: Connection, project: str, run: str, now_ns: int) -> Row[Any] | None:
    """Marks it running and returns it; None where it has ended. A resumed run keeps its first start."""
    row = get_run(connection, project, run)
    if row.status in ENDED:
        return None
    values = {"status": "running", "started_ns": row.started_ns or now_ns}
    connection.execute(update(_runs).where(_runs.c.project == project, _runs.c.id == run).values(**values))
    return row


def end_run(connection: Connection, project: str, run: str, values: Mapping[str, Any]) -> bool:
    """Ends it unless it has ended already: of two who try, one does."""
    ended = update(_runs).where(_runs.c.project == project, _runs.c.id == run, _runs.c.status.not_in(ENDED))
    return connection.execute(ended.values(**values)).rowcount == 1


def set_summary(connection: Connection, project: str, run: str, summary: Mapping[str, Any]) -> None:
    chosen = update(_runs).where(_runs.c.project == project, _runs.c.id == run)
    connection.execute(chosen.values(summary=dict(summary)))


def unfinished_runs(connection: Connection) -> list[tuple[str, str]]:
    """`(project, run)` of every project: what a start of the server resumes."""
    query = select(_runs.c.project, _runs.c.id).where(_runs.c.status.not_in(ENDED)).order_by(_runs.c.created_ns)
    return [(row.project, row.id) for row in connection.execute(query)]
