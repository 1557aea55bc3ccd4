"""What the audit log holds of filters: their fields and a hash of their values, which may be somebody's id.

The log can never be changed, and a person has to be forgotten. The hash is made with the project's salt, like that of a
deleted user: who knows the filter can check that it was this one, and nobody else can tell.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from assay_server.core.ids import canonical_json, salted_hash
from assay_server.ledger.tables import accounts


def concealed(connection: Connection, project: str, value: Any, also: Iterable[str] = ()) -> dict[str, Any]:
    """`{"fields", "hash"}`; `also`: more names of fields. A text has no fields of its own."""
    salt = connection.execute(select(accounts.projects.c.salt).where(accounts.projects.c.id == project)).scalar()
    names = {*(value if isinstance(value, Mapping) else ()), *also}
    return {"fields": sorted(names), "hash": salted_hash(salt or "", canonical_json(value))}


def without_values(connection: Connection, project: str, document: Any, names: tuple[str, ...] = ("filter",)) -> Any:
    """A definition for the audit log: what stands under these names, at any depth, is `concealed`."""
    if isinstance(document, Mapping):
        return {
            name: concealed(connection, project, value)
            if name in names and value
            else without_values(connection, project, value, names)
            for name, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [without_values(connection, project, each, names) for each in document]
    return document
