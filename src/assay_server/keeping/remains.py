"""What remains of a row whose text is let go: what people group, filter and count by.

Numbers, truth values and short texts stay, unless their key holds content (`is_label` knows); names, times and kinds
of events stay. Long texts, lists and objects go. Of an event or a record that is one message (GenAI's older
conventions) every text goes but those of the conventions themselves: `content` is what was said, however short.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

IsLabel = Callable[[str, Any], bool]

_SHORT = 200  # characters of a status message that is one line
_MESSAGE = re.compile(r"gen_ai\.(choice|\w+\.message)")
_OF_CONVENTIONS = ("gen_ai.", "event.name")


def of_span(row: Mapping[str, Any], is_label: IsLabel) -> dict[str, Any]:
    """`row`: `attributes`, `events`, `links` as JSON texts, `status_message`."""
    return {
        "status_message": _line(row["status_message"]),
        "attributes": _labels(_decoded(row["attributes"], {}), is_label),
        "events": [_thin(event, is_label) for event in _decoded(row["events"], [])] or None,
        "links": [_thin(link, is_label) for link in _decoded(row["links"], [])] or None,
    }


def of_log_record(row: Mapping[str, Any], is_label: IsLabel) -> dict[str, Any]:
    """`row`: `data` as JSON text. Where it came from stays, what it said goes."""
    data = _decoded(row["data"], {})
    kept = {name: data[name] for name in ("name", "severity", "scope", "resource", "pii") if name in data}
    labels = _labels(data.get("attributes") or {}, _labels_of(data, is_label))
    return {"data": {**kept, "attributes": labels} if labels else kept}


def of_score(row: Mapping[str, Any], is_label: IsLabel) -> dict[str, Any]:
    """`row`: `metadata` as JSON text. Value, label and author stay; the reason goes."""
    return {"reason": None, "metadata": _labels(_decoded(row["metadata"], {}), is_label) or None}


def _labels(attributes: Any, is_label: IsLabel) -> dict[str, Any]:
    if not isinstance(attributes, Mapping):
        return {}
    return {key: value for key, value in attributes.items() if is_label(key, value)}


def _thin(part: Any, is_label: IsLabel) -> dict[str, Any]:
    """An event or a link: its own fields, and its labels."""
    if not isinstance(part, Mapping):
        return {}
    return {**part, "attributes": _labels(part.get("attributes") or {}, _labels_of(part, is_label))}


def _labels_of(part: Mapping[str, Any], is_label: IsLabel) -> IsLabel:
    """What counts as a label in this event or record."""
    if not _MESSAGE.fullmatch(str(part.get("name"))):
        return is_label
    return lambda key, value: is_label(key, value) and (not isinstance(value, str) or key.startswith(_OF_CONVENTIONS))


def _line(text: str | None) -> str | None:
    return text if text is not None and len(text) <= _SHORT and "\n" not in text else None


def _decoded(text: str | None, otherwise: Any) -> Any:
    if text is None:
        return otherwise
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return otherwise
