"""What DBOS expects of SQLite 3.42 and an older library does not have."""

import sqlite3
import time
from typing import Any

_SUBSECONDS_SINCE = (3, 42)


class _WithSubseconds(sqlite3.Connection):
    """`unixepoch('subsec')` is NULL in older libraries, and DBOS's tables have it as the default of columns that may
    not be NULL, wherever Python is 3.12 or newer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.create_function("unixepoch", 1, lambda _modifier: time.time_ns() // 1_000_000 / 1000)


def connect_arguments(url: str) -> dict[str, Any]:
    """For `sqlite3.connect`, where the installed library needs them; `url` is SQLAlchemy's."""
    if url.startswith("sqlite") and sqlite3.sqlite_version_info < _SUBSECONDS_SINCE:
        return {"factory": _WithSubseconds}
    return {}
