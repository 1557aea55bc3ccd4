"""The texts of a stored row: what is indexed and what is read plainly, by one rule.

A text is one string as the client sent it: a message, an answer, a document, a tool's argument, a log record. Short
ones (names, ids, errors, attribute values) count as one text together, so that `timeout gpt-4o` finds a call.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from assay_server.store.text.words import NO_WORD, plain, words_of

SHORT = 100
"""Characters up to which values of a row are put together."""

_DEPTH = 12
_NO_TEXT = frozenset({"role", "type", "finish_reason", "mime_type"})
"""Keys of messages whose values are the format's words, nobody's text."""

_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""May be half of a surrogate pair: clients that cut a text within an emoji send it, and pages show the rest."""

_PLAIN = re.compile(r"[ ._:/@-]*[A-Za-z0-9][A-Za-z0-9 ._:/@-]*")
_NO_TEXTS = frozenset({"true", "false"})

Text = tuple[str, ...]
"""One text, in pieces that no phrase spans: a single long string, or the short values of a row."""

ROWS = """
SELECT s.project, s.trace_id, coalesce(t.start_ns, s.start_ns) AS start_ns, s.stored_ns, s.shorts, s.bodies,
    t.start_ns IS NOT NULL AS placed
FROM (
    SELECT project, trace_id, start_ns, stored_ns,
        [name, status_message, model, provider, service, session, "user", release, array_to_string(tags, ' ')]
            AS shorts,
        [input, output, attributes::JSON::VARCHAR, events] AS bodies
    FROM spans WHERE stored_ns > ? AND stored_ns <= ? {spans}
    UNION ALL
    SELECT project, trace_id, time_ns, stored_ns, [], [data]
    FROM events WHERE stored_ns > ? AND stored_ns <= ? AND trace_id IS NOT NULL AND kind IN ('content', 'log') {events}
) s LEFT JOIN {traces} t ON t.project = s.project AND t.trace_id = s.trace_id
"""
"""Rows with texts that were stored in (from, to], both told twice. `start_ns` is their trace's, once `placed`."""

TRACES_SINCE = "(SELECT project, trace_id, start_ns FROM traces WHERE stored_ns > ?)"
"""Joined instead of all traces, of which a store has millions: rows of older ones are not `placed`."""


def texts_of(row: Mapping[str, Any]) -> list[Text]:
    """The texts of a row of `ROWS`, short values last."""
    bodies = row["bodies"]
    found = _Gathered([plain(value) for value in row["shorts"] if value])
    for place, body in enumerate(bodies):
        if body:
            # Numbers of inputs, outputs and logs are looked for; those of attributes have a filter by their key.
            found.add(body, place < _SAID or len(bodies) == 1)
    return [*found.longs, tuple(found.shorts)] if found.shorts else found.longs


def words_of_attribute(key: str, value: str) -> str | None:
    """What to look for where a span has an attribute that reads like this; None where it may be there without any text.

    Numbers of attributes are no texts, nor are the words of a format; what else is not plain may be read as JSON.
    """
    if key in _NO_TEXT or value in _NO_TEXTS or len(value) > SHORT or not _PLAIN.fullmatch(value):
        return None
    try:
        float(value)
    except ValueError:
        return f'"{value}"'
    return None


def words_in(text: Text) -> tuple[str, ...]:
    """The words of a text, in order, for whoever looks in memory or reads plainly."""
    if len(text) == 1:
        return words_of(text[0])
    return tuple(word for piece in text for word in (*words_of(piece), NO_WORD))


_SAID = 2  # of the bodies of a span: its input and its output


@dataclass(slots=True)
class _Gathered:
    shorts: list[str]
    longs: list[Text] = field(default_factory=list)

    def add(self, value: Any, numbers: bool, depth: int = _DEPTH) -> None:
        if isinstance(value, str):
            self._add_text(value, numbers, depth)
        elif isinstance(value, dict | list) and depth > 0:
            parts = value if isinstance(value, list) else (part for key, part in value.items() if key not in _NO_TEXT)
            for part in parts:
                self.add(part, numbers, depth - 1)
        elif numbers and type(value) is int:
            self.shorts.append(str(value))

    def _add_text(self, text: str, numbers: bool, depth: int) -> None:
        inner = _decoded(text) if text[:1] in ("[", "{") and depth > 0 else None
        if inner is not None:
            self.add(inner, numbers, depth - 1)
        elif len(text) > SHORT:
            self.longs.append((plain(text),))
        elif text:
            self.shorts.append(plain(text))


def _decoded(text: str) -> Any:
    """None where it only looks like JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _decoded_with_halves(text) if _HALF.search(text) else None
    except RecursionError:
        return None


def _decoded_with_halves(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
