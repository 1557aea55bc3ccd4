"""A project's settings of one kind: one row, whose revision says which of two people was there first."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, Table, update


class Revised(Protocol):
    """What every such setting has; `revision` counts from 1."""

    @property
    def revision(self) -> int: ...

    @property
    def updated_ns(self) -> int | None: ...

    @property
    def updated_by(self) -> str | None: ...


def put_revision(connection: Connection, table: Table, project: str, after: Revised, values: Mapping[str, Any]) -> None:
    """Writes `values` of `after` in the place of the revision before it."""
    row = {**values, "revision": after.revision, "updated_ns": after.updated_ns, "updated_by": after.updated_by}
    if after.revision > 1:
        connection.execute(update(table).where(table.c.project == project).values(**row))
    else:
        connection.execute(table.insert().values(project=project, **row))
