"""What media say of people is taken out before they are kept: what pictures say beside what they show
(`checks/pictures.py`), and personal data in whatever reads as text.
"""

from collections.abc import Callable

from assay_server.checks.pictures import FORMATS, NotAPicture, without_words
from assay_server.core.errors import InvalidInput

Scrub = Callable[[str], tuple[str, object]]

_PDF = b"%PDF-"  # says where in it its parts are: no byte may be added
_TEXTS = ("text/", "application/json", "application/xml")
_MARKED_AS_TEXT = ("+json", "+xml")  # image/svg+xml, and whatever else says so


def clean(content_type: str, content: bytes, scrub: Scrub) -> bytes:
    """Raises InvalidInput where the content is not of its type."""
    try:
        if content_type in FORMATS:
            return without_words(content_type, content)
        if content_type.startswith(_TEXTS) or content_type.endswith(_MARKED_AS_TEXT):
            return scrub(content.decode())[0].encode()
    except (NotAPicture, UnicodeDecodeError) as error:
        raise _not_a(content_type) from error
    return content if content.startswith(_PDF) else _scrubbed_where_text(content, scrub)


def _scrubbed_where_text(content: bytes, scrub: Scrub) -> bytes:
    """Mail, CSV, logs: clients send texts under many types, and as `application/octet-stream`."""
    if b"\0" in content:
        return content
    try:
        return scrub(content.decode())[0].encode()
    except UnicodeDecodeError:
        return content


def _not_a(content_type: str) -> InvalidInput:
    return InvalidInput(f"The content is no {content_type}.", field="body", value=content_type, fix="name its type")
