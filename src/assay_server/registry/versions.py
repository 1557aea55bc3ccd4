"""What prompts, retrieval configs, datasets and releases have in common: versions that never change.

A version is told apart by (project, name, content hash); the same content under the same name is the same version.
A reference is an id, `name@version`, or `name` for the newest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, or_, select

from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ids import new_id

_ID_TAIL = r"[0-9a-hjkmnp-tv-z]{26}"


@dataclass(slots=True, frozen=True)
class Kind:
    """A versioned noun: its table, the prefix of its ids, and its name in messages and in the audit log."""

    table: Table
    prefix: str
    noun: str

    @property
    def action(self) -> str:
        return f"{self.noun.replace(' ', '_')}.create"


def find(connection: Connection, kind: Kind, project: str, ref: str, field: str = "ref") -> Row[Any]:
    """The version a reference means. Raises NotFound, InvalidInput for `name@nonsense`."""
    table = kind.table
    row = connection.execute(
        select(table).where(table.c.project == project, *_meant(kind, ref, field)).order_by(table.c.version.desc())
    ).first()
    if row is None:
        raise NotFound(
            f"There is no {kind.noun} '{ref}' in this project.",
            field=field,
            value=ref,
            fix="use an id, name@version, or name for the newest",
        )
    return row


def existing(connection: Connection, kind: Kind, project: str, name: str, content_hash: str) -> Row[Any] | None:
    """The version with this content under this name."""
    table = kind.table
    same = (table.c.project == project, table.c.name == name, table.c.content_hash == content_hash)
    return connection.execute(select(table).where(*same)).one_or_none()


def add(connection: Connection, kind: Kind, project: str, name: str, values: Mapping[str, Any]) -> Row[Any]:
    """The next version under a name."""
    table = kind.table
    mine = (table.c.project == project, table.c.name == name)
    newest = connection.execute(select(func.max(table.c.version)).where(*mine)).scalar()
    made = new_id(kind.prefix)
    connection.execute(table.insert().values(id=made, project=project, name=name, version=(newest or 0) + 1, **values))
    return connection.execute(select(table).where(table.c.id == made)).one()


def all_of(connection: Connection, kind: Kind, project: str, name: str) -> list[Row[Any]]:
    """Every version under a name, newest first. Raises NotFound."""
    table = kind.table
    query = select(table).where(table.c.project == project, table.c.name == name).order_by(table.c.version.desc())
    rows = list(connection.execute(query))
    if not rows:
        raise NotFound(f"There is no {kind.noun} '{name}' in this project.", field="name", value=name)
    return rows


def newest(
    connection: Connection, kind: Kind, project: str, limit: int, after: str | None
) -> tuple[list[Row[Any]], int, str | None]:
    """The newest version of every name, by name: the rows, how many names, the key of the next page."""
    table = kind.table
    heads = (
        select(table.c.name, func.max(table.c.version).label("version"))
        .where(table.c.project == project)
        .group_by(table.c.name)
        .subquery()
    )
    total = connection.execute(select(func.count()).select_from(heads)).scalar_one()
    joined = table.join(heads, and_(heads.c.name == table.c.name, heads.c.version == table.c.version))
    query = select(table).select_from(joined).where(table.c.project == project).order_by(table.c.name).limit(limit + 1)
    if after is not None:
        query = query.where(table.c.name > after)
    rows = list(connection.execute(query))
    return rows[:limit], total, rows[limit - 1].name if len(rows) > limit else None


def latest(
    connection: Connection, table: Table, project: str, limit: int, after: tuple[int, str] | None, *conditions: Any
) -> tuple[list[Row[Any]], int, tuple[int, str] | None]:
    """Rows by the time they were made, newest first: the rows, how many match, the key of the next page."""
    wanted = (table.c.project == project, *conditions)
    total = connection.execute(select(func.count()).select_from(table).where(*wanted)).scalar_one()
    query = select(table).where(*wanted).order_by(table.c.created_ns.desc(), table.c.id.desc()).limit(limit + 1)
    if after is not None:
        at, row_id = after
        query = query.where(or_(table.c.created_ns < at, and_(table.c.created_ns == at, table.c.id < row_id)))
    rows = list(connection.execute(query))
    more = len(rows) > limit
    return rows[:limit], total, (rows[limit - 1].created_ns, rows[limit - 1].id) if more else None


def _meant(kind: Kind, ref: str, field: str) -> tuple[Any, ...]:
    table = kind.table
    if re.fullmatch(f"{kind.prefix}_{_ID_TAIL}", ref):
        return (table.c.id == ref,)
    name, at, version = ref.rpartition("@")
    if not at:
        return (table.c.name == ref,)
    # The digits are counted because a database's integer ends somewhere.
    if not version.isascii() or not version.isdigit() or not 1 <= len(version) <= 9:
        raise InvalidInput(
            f"'{version}' is no version of a {kind.noun}.", field=field, value=ref, fix=f"write {name}@1, or {name}"
        )
    return (table.c.name == name, table.c.version == int(version))
