"""Where the files of scheduled exports stand, so that none is written over by those of another."""

from typing import Any

from sqlalchemy import Connection

from assay_server.core.errors import Conflict
from assay_server.outbound import export_rows as rows
from assay_server.outbound.definition import Bucket, Definition
from assay_server.outbound.windows import names_of


def refuse_taken(connection: Connection, project: str, definition: Definition, mine: str | None) -> None:
    """A name for one export alone, and so its files: those of another would take their places, window by window."""
    found = rows.find(connection, project, definition.name)
    if found is not None and found.id != mine:
        fix = "choose another"
        raise Conflict("There is a scheduled export of this name.", field="name", value=definition.name, fix=fix)
    place = _place(project, definition)
    for other in rows.everybodys(connection):
        if other.id != mine and _place(other.project, other.definition) == place:
            whose = f"export '{other.definition.name}'" if other.project == project else "export of another project"
            raise Conflict(
                f"The {whose} writes files of the same names there.",
                field="target",
                value=place[-1],
                fix="give this one a folder or prefix of its own",
            )


def _place(project: str, definition: Definition) -> tuple[Any, ...]:
    """What the names of its files follow from, and last the place for people."""
    target, names = definition.target, names_of(definition)
    if isinstance(target, Bucket):
        return (*names, target.endpoint, f"{target.bucket}/{target.prefix}")
    return (*names, project, target.path)
