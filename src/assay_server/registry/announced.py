"""Datasets that were announced before they had an item, and the dataset of an item that is named alone.

A version needs an item, since it is the hash of its items; clients of other products make the dataset first.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from assay_server.core.clock import rfc3339
from assay_server.core.errors import NotFound
from assay_server.ledger import tables

_announced = tables.registry.announced_datasets
_versions = tables.registry.dataset_versions
_items = tables.registry.dataset_items


def put(
    connection: Connection,
    project: str,
    name: str,
    description: str | None,
    metadata: Mapping[str, Any],
    *,
    by: str,
    now_ns: int,
) -> None:
    """Takes the place of what was announced under that name; the time of the first announcement stays."""
    of_it = (_announced.c.project == project, _announced.c.name == name)
    first = connection.execute(select(_announced.c.created_ns).where(*of_it)).scalar()
    connection.execute(delete(_announced).where(*of_it))
    said = {"description": description, "metadata": dict(metadata)}
    made = {"created_ns": now_ns if first is None else first, "created_by": by}
    connection.execute(_announced.insert().values(project=project, name=name, **said, **made))


def of(connection: Connection, project: str, name: str) -> dict[str, Any] | None:
    """`{"name", "description", "metadata", "created_at"}`."""
    query = select(_announced).where(_announced.c.project == project, _announced.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    said = {"description": row.description, "metadata": row.metadata}
    return {"name": name, **said, "created_at": rfc3339(row.created_ns)}


def has_versions(connection: Connection, project: str, name: str) -> bool:
    query = select(_versions.c.id).where(_versions.c.project == project, _versions.c.name == name).limit(1)
    return connection.execute(query).scalar() is not None


def holding(connection: Connection, project: str, item: str) -> Row[Any]:
    """The newest version that holds an item of that id. Raises NotFound."""
    query = (
        select(_versions)
        .join(_items, _items.c.dataset_version == _versions.c.id)
        .where(_items.c.project == project, _items.c.item == item)
        .order_by(_versions.c.created_ns.desc(), _versions.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            f"No dataset of this project has an item '{item}'.", field="item", value=item, fix="make the item first"
        )
    return row
