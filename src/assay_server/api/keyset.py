"""Cursors whose key has known types: a foreign one is told, and never reaches a database."""

from typing import Any

from assay_server.api.pages import decode_cursor
from assay_server.core.errors import InvalidInput
from assay_server.query import Order, Page, Rank

_LARGEST = 1 << 63


def after_name(cursor: str | None) -> str | None:
    """The name after which to go on."""
    key = _key(cursor, str)
    return None if key is None else str(key[0])


def after_number(cursor: str | None) -> int | None:
    """The number after which to go on."""
    key = _key(cursor, int)
    return None if key is None else int(key[0])


def after_moment(cursor: str | None) -> tuple[int, str] | None:
    """The time in nanoseconds and the id after which to go on."""
    key = _key(cursor, int, str)
    return None if key is None else (int(key[0]), str(key[1]))


def after_counted(cursor: str | None) -> tuple[tuple[int, str], int, bool] | None:
    """The time and the id after which to go on; how many the first page counted, and whether those were all."""
    key = _key(cursor, int, str, int, int)
    return None if key is None else ((int(key[0]), str(key[1])), int(key[2]), key[3] == 1)


def ranked_key(order: Order, found: Page, total: int, among: int | None) -> list[Any] | None:
    """What `after_ranked` reads again: the key of a cursor to what follows a page; None where nothing does."""
    return None if found.following is None else [str(order), *found.following, total, among or 0]


def after_ranked(cursor: str | None, order: Order) -> tuple[Rank, int, int | None] | None:
    """The place after which to go on, in this order and no other; how many the first page counted, and among how many
    they were ranked."""
    key = decode_cursor(cursor, 6)
    if key is None:
        return None
    by, value, *rest, among = key
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    if by != str(order) or not (value is None or number) or not all(map(_fits, [*rest, among], (int, str, int, int))):
        raise _foreign(cursor)
    start_ns, trace_id, total = rest
    return Rank(value, start_ns, trace_id), total, among or None


def _key(cursor: str | None, *types: type) -> list[Any] | None:
    key = decode_cursor(cursor, len(types))
    if key is not None and not all(map(_fits, key, types)):
        raise _foreign(cursor)
    return key


def _foreign(cursor: str | None) -> InvalidInput:
    return InvalidInput(
        "This cursor was not made by this list.", field="cursor", value=cursor, fix="leave it out to start anew"
    )


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or -_LARGEST <= value < _LARGEST
