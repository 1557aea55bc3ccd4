"""What deletions left behind, as it is today: a proof says what there was on its day, and stands as it is.

Since then a backup may have gone, and the items of golden sets that were kept may have been emptied.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, select

from assay_server.ledger import tables

_rows = tables.keeping.deletions

OUTSIDE = "exports and forwarded data"
PHYSICAL = "freed blocks of the file system"
_ALWAYS = frozenset({OUTSIDE, PHYSICAL})  # of every deletion, and nothing that somebody could look up here


def remaining(row: Row[Any], copies: Collection[str], emptied: Mapping[str, int]) -> list[dict[str, Any]]:
    """`copies`: the backups there are. `emptied`: by hash of a user, when items of golden sets were emptied last."""
    if row.proof is None:
        return []
    are_emptied = emptied.get(row.user_hash, 0) >= row.ended_ns
    return [
        each
        for each in row.proof["remaining"]
        if each["where"] not in _ALWAYS
        and not ("backup" in each and each["backup"] not in copies)
        and not ("items" in each and are_emptied)
    ]


def emptied(connection: Connection, project: str) -> dict[str, int]:
    query = (
        select(_rows.c.user_hash, func.max(_rows.c.ended_ns).label("ended_ns"))
        .where(_rows.c.project == project, _rows.c.status == "done", _rows.c.datasets == "erase")
        .group_by(_rows.c.user_hash)
    )
    return {row.user_hash: row.ended_ns for row in connection.execute(query)}


def kept_spans(connection: Connection, project: str, user_hash: str) -> set[str]:
    """The spans, gone since, that golden sets had items of when this user was deleted before."""
    query = select(_rows.c.found).where(_rows.c.project == project, _rows.c.user_hash == user_hash)
    return {span for row in connection.execute(query) for span in held_spans(row)}


def held_spans(row: Row[Any]) -> list[str]:
    """Those that its golden sets have items of. Deletions of old do not say them."""
    return [span for held in row.found["held"] for span in held.get("spans", [])]
