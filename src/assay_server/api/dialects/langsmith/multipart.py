"""LangSmith's multipart bodies: `post.<id>`, `patch.<id>`, their `.inputs`, `.outputs`, …; `feedback.<id>`."""

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any

from assay_server.api.dialects.bodies import json_object
from assay_server.core.errors import InvalidInput

_MOST = 20_000


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
    message = BytesParser().parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    parts = message.get_payload()
    if not isinstance(parts, list) or not parts or len(parts) > _MOST:
        raise InvalidInput(f"The body holds no parts, or more than {_MOST}.", field="body", fix="send fewer at once")
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    sent = Sent()
    for part in parts:
        if isinstance(part, Message):
            _take(part, runs, sent)
    sent.runs += runs.values()
    return sent


def _take(part: Message, runs: dict[tuple[str, str], dict[str, Any]], sent: Sent) -> None:
    name = str(part.get_param("name", "", "content-disposition"))
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
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
