"""`ETag` and `If-Match`: two people who change the same thing do not overwrite each other unseen."""

import re
from typing import Annotated, Any

from fastapi import Header, Response

from assay_server.core.errors import InvalidInput

IfMatch = Annotated[str | None, Header(description="The ETag you saw; the change is refused if it is another now")]


_CONTENT = re.compile(r"0|[0-9a-f]{16}")


def etag(revision: int | str) -> str:
    return f'"{revision}"'


def tagged(response: Response, document: dict[str, Any]) -> dict[str, Any]:
    """The document, with its revision as the answer's `ETag` too."""
    response.headers["ETag"] = etag(document["revision"])
    return document


def revision_of(if_match: str | None) -> int | None:
    """The revision that an `If-Match` header asks for; None for none and for `*`. Raises InvalidInput."""
    digits = _bare(if_match)
    if if_match is None or digits is None:
        return None
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise _foreign(if_match)
    return int(digits)


def seen_by(if_match: str | None) -> str | None:
    """The same of what is known by its content (`core.seen`): `0` is for what is not there yet."""
    told = _bare(if_match)
    if if_match is not None and told is not None and not _CONTENT.fullmatch(told):
        raise _foreign(if_match)
    return told


def _bare(if_match: str | None) -> str | None:
    return None if if_match is None or if_match.strip() == "*" else if_match.strip().removeprefix("W/").strip('"')


def _foreign(if_match: str) -> InvalidInput:
    return InvalidInput(
        "This is no ETag of ours.", field="If-Match", value=if_match, fix="send the ETag that the GET answered"
    )
