"""Scrubs facts before anything else sees them. Most spans are clean, and one pass over all their text says so."""

from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from assay_server.core.records import Facts, RunItem, Score, Span
from assay_server.ingest.otlp_logs import LogRecord


class Scrubs(Protocol):
    """What `checks.Scrubber` does."""

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]: ...

    def is_clean(self, text: str) -> bool: ...

    def scrub_value(self, value: Any, found: set[str], before: str = "") -> Any: ...


class FactScrubber:
    """Scrubs records in place. A user or session that is itself personal data becomes a pseudonym, so that people
    can still be told apart: `[EMAIL_ADDRESS:3f9a…]`, from a hash salted with the installation's secret."""

    def __init__(self, scrubs: Scrubs, identities: frozenset[str], salt: bytes) -> None:
        self._scrubs = scrubs
        self._identities = identities
        self._salt = salt

    def facts(self, facts: Facts) -> None:
        for span in facts.spans:
            self.span(span)
        for score in facts.scores:
            self._score(score)
        for item in facts.run_items:
            self._run_item(item)
        for event in facts.events:
            event.data = self._scrubs.scrub_value(event.data, set())

    def span(self, span: Span) -> None:
        """Everything with text: name, status message, input, output, attributes, events, links, ids of people."""
        if self._scrubs.is_clean(_all_text(span)):
            return
        found: set[str] = set()
        known: dict[str, str] = {}
        span.name = self._text(span.name, found, known)
        span.status_message = self._optional(span.status_message, found, known)
        span.attributes = self._attributes(span.attributes, found, known)
        span.input = self._optional(span.input, found, known)
        span.output = self._optional(span.output, found, known)
        span.user = self.identity(span.user, found)
        span.session = self.identity(span.session, found)
        span.tags = [self._text(tag, found, known) for tag in span.tags]
        span.events = self._scrubs.scrub_value(span.events, found) if span.events else span.events
        span.links = self._scrubs.scrub_value(span.links, found) if span.links else span.links
        if found:
            span.pii = sorted(found.union(span.pii))

    def log(self, record: LogRecord) -> None:
        """Name, body and attributes."""
        found: set[str] = set()
        known: dict[str, str] = {}
        record.name = self._text(record.name, found, known)
        record.attributes = self._attributes(record.attributes, found, known)
        record.body = self._scrubs.scrub_value(record.body, found)
        record.pii = sorted(found)

    def resource(self, resource: dict[str, Any]) -> dict[str, Any]:
        """A scrubbed copy; its types are not recorded, as it belongs to no single span."""
        scrubbed: dict[str, Any] = self._scrubs.scrub_value(resource, set())
        return scrubbed

    def identity(self, value: str | None, found: set[str]) -> str | None:
        """The same person gets the same pseudonym."""
        if value is None:
            return None
        _, types = self._scrubs.scrub(value)
        if not types:
            return value
        found.update(types)
        digest = blake2b(value.encode("utf-8", "replace"), key=self._salt, digest_size=6).hexdigest()
        return f"[{types[0]}:{digest}]"

    def _attributes(self, attributes: dict[str, Any], found: set[str], known: dict[str, str]) -> dict[str, Any]:
        scrubbed = {}
        for key, value in attributes.items():
            name = self._text(key, found, known)
            if not isinstance(value, str):
                scrubbed[name] = self._scrubs.scrub_value(value, found, key)
            elif key in self._identities:
                scrubbed[name] = self.identity(value, found)
            else:
                scrubbed[name] = self._text(value, found, known, key)
        return scrubbed

    def _score(self, score: Score) -> None:
        found: set[str] = set()
        score.label = self._optional(score.label, found, {})
        score.reason = self._optional(score.reason, found, {})
        score.error = self._optional(score.error, found, {})
        score.session = self.identity(score.session, found)
        score.metadata = self._scrubs.scrub_value(score.metadata, found)

    def _run_item(self, item: RunItem) -> None:
        found: set[str] = set()
        known: dict[str, str] = {}
        item.input = self._optional(item.input, found, known)
        item.output = self._optional(item.output, found, known)
        item.expected = self._optional(item.expected, found, known)
        item.error = self._optional(item.error, found, known)
        item.contexts = self._scrubs.scrub_value(item.contexts, found)

    def _optional(self, text: str | None, found: set[str], known: dict[str, str]) -> str | None:
        return None if text is None else self._text(text, found, known)

    def _text(self, text: str, found: set[str], known: dict[str, str], before: str = "") -> str:
        """The same text under several names is scrubbed once."""
        scrubbed = known.get(text)
        if scrubbed is None:
            scrubbed, types = self._scrubs.scrub(text, before)
            known[text] = scrubbed
            found.update(types)
        return scrubbed


def _all_text(span: Span) -> str:
    """All text of a span in one, `key=value` a line, so that one pass decides."""
    lines = [span.name]
    for key, value in span.attributes.items():
        if type(value) is str:
            lines.append(f"{key}={value}")
        elif type(value) is list or type(value) is dict:
            lines.append(f"{key}={_json(value)}")
        else:
            lines.append(key)
    lines += [part for part in (span.status_message, span.input, span.output, span.user, span.session) if part]
    lines += span.tags
    if span.events:
        lines.append(_json(span.events))
    if span.links:
        lines.append(_json(span.links))
    return "\n".join(lines)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return repr(value)
