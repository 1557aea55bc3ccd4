"""Which version of the tables a ledger holds, and how it gets to ours.

The usual start finds the newest version and is done after one query; Alembic (a second of imports) is loaded
only when there is something to migrate.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect, text

from assay_server.core.errors import Corrupt, Refused
from assay_server.ledger.databases import Databases

REVISIONS = tuple(f"{number:04}" for number in range(1, 17))
"""Every version there has been, oldest first. A test compares it with the migrations."""

VERSION_TABLE = "ledger_version"

MIGRATIONS = Path(__file__).parent / "migrations"

_ASK = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 (a constant)


def prepare(databases: Databases) -> None:
    """Creates or upgrades the tables. Raises Refused, before touching anything, for a newer ledger's."""
    if databases.path is not None:
        _refuse_newer(_version_in_file(databases.path))
    with databases.writer.begin() as connection:
        found = _version(connection)
        _refuse_newer(found)
        if found != REVISIONS[-1]:
            upgrade(connection)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Runs the migrations inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in REVISIONS:
        raise Refused(
            f"This ledger was written by a newer version of Assay (its tables are at {found}, "
            f"this version knows up to {REVISIONS[-1]}). It was not touched.",
            field="ledger_version",
            value=found,
            fix="start the newer version, or restore a backup made before the upgrade",
        )


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(_ASK)).scalar()
    return found


def _version_in_file(path: Path) -> str | None:
    """Asked read-only: opening it the usual way would already change a file that we may have to refuse."""
    if path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            row = connection.execute(_ASK).fetchone()
    except sqlite3.OperationalError:
        return None  # no such table: an empty database
    except sqlite3.DatabaseError as error:
        raise Corrupt(
            "This file is not a ledger.", field="ledger_url", value=str(path), fix="name another file, or restore one"
        ) from error
    return None if row is None else str(row[0])
