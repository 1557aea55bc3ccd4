"""LangSmith's multipart bodies: `post.<id>`, `patch.<id>`, their `.inputs`, `.outputs`, …; `feedback.<id>`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from assay_server.api.dialects.bodies import json_object
from assay_server.core.errors import InvalidInput

_MOST = 20_000
_LONGEST_HEAD = 8 << 10  # bytes of a part's headers


@dataclass(slots=True, frozen=True)
class Attachment:
    """A file of the run `run`, as that was told."""

    run: dict[str, Any]
    name: str
    content_type: str
    content: bytes


@dataclass(slots=True)
class Sent:
    runs: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def multipart(content_type: str, body: bytes) -> Sent:
    """Runs with their parts put together, in the order they came. Raises InvalidInput."""
    if not content_type.startswith("multipart/form-data"):
        raise InvalidInput("The body is no multipart/form-data.", field="content-type", value=content_type[:80])
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    sent = Sent()
    for headers, content in _parts(content_type, body):
        _take(headers, content, runs, sent)
    sent.runs += runs.values()
    return sent


def _parts(content_type: str, body: bytes) -> Iterator[tuple[Message, bytes]]:
    """Cut at the boundary (RFC 2046), the contents as they are. Parts are counted before one of them is made.

    Python's parser of mail goes through all lines, which takes a second per megabyte of empty ones, and into parts of
    parts, as deep as they go.
    """
    wanted = _headers(b"Content-Type: " + content_type.encode("latin-1", "replace"))
    boundary = wanted.get_boundary("").encode("latin-1", "replace")
    mark = b"\r\n--" + boundary
    framed = b"\r\n" + body
    count = framed.count(mark) - 1  # the last ends the body
    if not boundary or not 0 < count <= _MOST:
        raise InvalidInput(f"The body holds no parts, or more than {_MOST}.", field="body", fix="send fewer at once")
    at = framed.index(mark)
    while not framed.startswith(b"--", at + len(mark)):
        begin, at = at + len(mark), framed.find(mark, at + len(mark))
        if at < 0:
            raise InvalidInput("The body ends within a part.", field="body", fix="send it whole")
        ends = framed.find(b"\r\n\r\n", begin, min(at, begin + _LONGEST_HEAD))
        if ends < 0:
            raise InvalidInput("A part has no end of its headers.", field="body", fix="use a released client")
        yield _headers(framed[begin:ends].lstrip()), framed[ends + 4 : at]


def _headers(lines: bytes) -> Message:
    return BytesHeaderParser().parsebytes(lines + b"\r\n\r\n")


def _take(part: Message, content: bytes, runs: dict[tuple[str, str], dict[str, Any]], sent: Sent) -> None:
    name = str(part.get_param("name", "", "content-disposition"))
    event, _, rest = name.partition(".")
    told, _, what = rest.partition(".")
    if event == "feedback":
        sent.feedback.append(json_object(content))
    elif event == "attachment":
        known = runs.get(("post", told)) or runs.get(("patch", told))
        if known is not None:
            kind = part.get_content_type()
            known.setdefault("attachments", {})[what] = {"type": kind, "bytes": len(content)}
            sent.attachments.append(Attachment(known, what, kind, content))
    elif event in {"post", "patch"} and not what:
        runs.setdefault((event, told), {"id": told}).update(json_object(content))
    elif event in {"post", "patch"}:
        runs.setdefault((event, told), {"id": told})[what] = json_object(b'{"value":' + content + b"}")["value"]
    else:
        raise InvalidInput("There is no such part.", field="name", value=name[:80], fix="use a released client")
