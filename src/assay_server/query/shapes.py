"""Rows of the store as the JSON of the public API."""

import json
from typing import Any

import msgspec

from assay_server.core.clock import rfc3339
from assay_server.core.records import Tokens
from assay_server.query.message_parts import messages_in

_AS_IS = (
    "trace_id",
    "span_id",
    "parent_id",
    "name",
    "kind",
    "status",
    "status_message",
    "service",
    "environment",
    "scope",
    "session",
    "user",
    "feature",
    "tenant",
    "cost_center",
    "tags",
    "model",
    "provider",
    "cost",
    "cost_source",
    "ttft_ms",
    "prompt",
    "prompt_version",
    "release",
    "channel",
    "canary",
    "arm",
    "run",
    "item",
    "pii",
)


_TIMES = ("start_ns", "end_ns", "let_go_ns", "kept_days")
_NARROW = (*_TIMES, "fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning", "content")
WHOLE = "SELECT * REPLACE (attributes::JSON::VARCHAR AS attributes) FROM spans"
"""Spans with all they say, as `span_json` takes them."""

OUTLINE = ", ".join(f'"{name}"' for name in (*_AS_IS, *_NARROW))
"""The columns of spans that `outline_json` needs."""


_CONTENT = {
    None: "kept",
    "kept": "kept",
    "waiting": "waiting",
    "let_go": "sampled_out",
    "sampled_out": "sampled_out",
}


_UNCOUNTED = (None,) * 5

_LONGEST_QUESTION = 300  # characters
_USERS = ("user", "human")  # no set: what a client sends as a role may be a list


def outline_json(row: dict[str, Any]) -> dict[str, Any]:
    """A span without its texts and attributes."""
    return {
        **{name: row[name] for name in _AS_IS},
        "start": rfc3339(row["start_ns"]),
        "end": rfc3339(row["end_ns"]),
        "start_ns": str(row["start_ns"]),  # a browser's numbers end at 2^53
        "latency_ms": (row["end_ns"] - row["start_ns"]) / 1e6,
        "tokens": tokens_json(tokens_of(row)),
        "content": _CONTENT[row["content"]],
        "let_go": let_go_json(row),
    }


def let_go_json(row: dict[str, Any]) -> dict[str, Any] | None:
    """When the text of a span, score or log record was let go, and how many days it was kept; None: it stands."""
    return None if row["let_go_ns"] is None else {"at": rfc3339(row["let_go_ns"]), "kept_days": row["kept_days"]}


def span_json(row: dict[str, Any]) -> dict[str, Any]:
    attributes = attributes_of(row)
    return {
        **outline_json(row),
        "input": body_json(row["input"]),
        "output": body_json(row["output"]),
        "documents": documents_of(attributes),
        "attributes": attributes,
        "resource": decoded_json(row["resource"], {}),
        "events": [_event(event) for event in decoded_json(row["events"], [])],
        "links": decoded_json(row["links"], []),
    }


def attributes_of(row: dict[str, Any]) -> dict[str, Any]:
    """All the sender said, also what the store keeps in a column of its own (`moved`)."""
    attributes: dict[str, Any] = decoded_json(row["attributes"], {})
    for key, column in decoded_json(row["moved"], {}).items():
        attributes[key] = row[column]
    return attributes


def tokens_of(row: dict[str, Any]) -> Tokens | None:
    buckets = row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"]
    return None if buckets == _UNCOUNTED else Tokens(*buckets)


def tokens_json(tokens: Tokens | None) -> dict[str, int | None] | None:
    if tokens is None:
        return None
    return {
        "fresh_input": tokens.fresh_input,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
        "output": tokens.output,
        "reasoning": tokens.reasoning,
        "input_total": tokens.input_total,
        "output_total": tokens.output_total,
    }


def body_json(text: str | None) -> Any:
    """Messages where the text holds messages, otherwise the text."""
    if not text or text[0] not in "[{":
        return text
    return messages_in(decoded_json(text, text)) or text


def question_of(text: str | None) -> str | None:
    """The last thing the user said in an input: a message of role `user`, a field that asks, or the text itself."""
    body = body_json(text)
    if isinstance(body, list):
        said = [_said(message) for message in body if message.get("role") in _USERS]
        body = said[-1] if said else None
    if not isinstance(body, str):
        return None
    return " ".join(body.split())[:_LONGEST_QUESTION] or None


def _said(message: dict[str, Any]) -> str:
    """A message's text: as it is, or of its parts, which say `text` or, in OpenTelemetry's, `content`."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = next((each for each in (content, message.get("parts")) if isinstance(each, list)), [])
    texts = [part.get("text", part.get("content")) for part in parts if isinstance(part, dict)]
    return " ".join(text for text in texts if isinstance(text, str))


def documents_of(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """`[{"id", "content", "score", "metadata"}]`, empty for spans that retrieved nothing."""
    documents = attributes.get("retrieval.documents")
    return documents if isinstance(documents, list) else []


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": event["name"],
        "time": rfc3339(event["time_ns"]) if event["time_ns"] else None,
        "attributes": event["attributes"],
    }


def decoded_json(text: str | None, otherwise: Any) -> Any:
    """The value of a JSON text; `otherwise` where there is none, or it is broken.

    A number beyond all reals, which the store writes as Infinity, is null, and what stands beside it is not lost.
    """
    if text is None:
        return otherwise
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _decoded_with_infinity(text, otherwise) if "Infinity" in text else otherwise


def _decoded_with_infinity(text: str, otherwise: Any) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return otherwise
