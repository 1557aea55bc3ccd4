"""Lists: one shape everywhere, cursors instead of offsets."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

from assay_server.core.errors import InvalidInput

Limit = Annotated[int, Query(ge=1, le=500, description="How many items a page holds")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]

DEFAULT_LIMIT = 50


def page(items: Sequence[Any], total: int, following: Sequence[Any] | None) -> dict[str, Any]:
    """`{"items", "total", "next"}`; `following` is the key of the last item where there is more."""
    return {"items": list(items), "total": total, "next": None if following is None else encode_cursor(following)}


def encode_cursor(key: Sequence[Any]) -> str:
    """An opaque, URL-safe cursor holding the sort key after which to go on."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, length: int) -> list[Any] | None:
    """The key inside a cursor; `length` is how many values it must hold. Raises InvalidInput."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _foreign(cursor) from error
    if not isinstance(key, list) or len(key) != length:
        raise _foreign(cursor)
    return key


def _foreign(cursor: str) -> InvalidInput:
    return InvalidInput(
        "This cursor was not made by this list.", field="cursor", value=cursor, fix="leave it out to start anew"
    )
