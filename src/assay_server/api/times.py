"""Times in queries."""

from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput


def nanoseconds(text: str | None, field: str) -> int | None:
    """A time as nanoseconds since the epoch. Raises `InvalidInput`."""
    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"'{field}' is not a time.", field=field, value=text, fix="write it like 2026-11-21T08:00:00Z"
        ) from error
