"""`ETag` and `If-Match`: two people who change the same thing do not overwrite each other unseen."""

from typing import Annotated

from fastapi import Header

from assay_server.core.errors import InvalidInput

IfMatch = Annotated[str | None, Header(description="The ETag you saw; the change is refused if it is another now")]


def etag(revision: int) -> str:
    return f'"{revision}"'


def revision_of(if_match: str | None) -> int | None:
    """The revision that an `If-Match` header asks for; None for none and for `*`. Raises InvalidInput."""
    if if_match is None or if_match.strip() == "*":
        return None
    digits = if_match.strip().removeprefix("W/").strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise InvalidInput(
            "This is no ETag of ours.", field="If-Match", value=if_match, fix="send the ETag that the GET answered"
        )
    return int(digits)
