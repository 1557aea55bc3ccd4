"""Scrubs facts before anything else sees them. Most are clean, and one pass over the text of many spans says so: only
where it trips is each span, and then each of its texts, looked at.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from assay_server.core.records import Facts, RunItem, Score, Span
from assay_server.ingest.otlp.logs import LogRecord

_AT_ONCE = 32  # spans
_ASKED_AGAIN = 4  # so many at once later
_SHORT = 64  # characters of a value worth remembering
_INNOCENTS = 4096

Known = dict[tuple[str, str], tuple[str, tuple[str, ...]]]
"""(what stood in front and tells, text) -> the text scrubbed, and what was in it. Of one request: what a step answers
is asked of the next, and each text of a chain stands in several of its spans."""


def is_scrubbed(text: str, pii: Sequence[str]) -> bool:
    """Whether something stands in this text for what was scrubbed of it. `pii`: the types that its span names."""
    return any(f"[{entity}]" in text for entity in pii)


class Scrubs(Protocol):
    """What `checks.Scrubber` does."""

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]: ...

    def is_clean(self, text: str) -> bool: ...

    def tells(self, before: str) -> bool: ...

    def scrub_value(self, value: Any, found: set[str], before: str = "") -> Any: ...


class FactScrubber:
    """Scrubs records in place. A user or session that is itself personal data becomes a pseudonym, so that people
    can still be told apart: `[EMAIL_ADDRESS:3f9a…]`, from a hash salted with the installation's secret."""

    def __init__(self, scrubs: Scrubs, identities: frozenset[str], salt: bytes) -> None:
        self._scrubs = scrubs
        self._identities = identities
        self._salt = salt
        self._innocent = _Innocent()

    def facts(self, facts: Facts) -> None:
        self.spans(facts.spans)
        for score in facts.scores:
            self._score(score)
        for item in facts.run_items:
            self._run_item(item)
        for event in facts.events:
            event.data = self._scrubs.scrub_value(event.data, set())

    def spans(self, spans: Sequence[Span]) -> None:
        """Each as `span` does it. Where hardly any is clean they are not asked first, but for some now and then."""
        asked = len(spans) > 1
        known: Known = {}
        for number, start in enumerate(range(0, len(spans), _AT_ONCE)):
            few = spans[start : start + _AT_ONCE]
            if not asked:
                suspect = few
                asked = number % _ASKED_AGAIN == 0
            else:
                suspect = self._suspects(few)
                asked = len(suspect) < len(few) // 2
            for span in suspect:
                self._span(span, known)

    def _suspects(self, spans: Sequence[Span]) -> Sequence[Span]:
        texts = ["\n".join(self._lines(span)) for span in spans]
        if self._scrubs.is_clean("\n".join(texts)):
            return ()
        return [span for span, text in zip(spans, texts, strict=True) if not self._scrubs.is_clean(text)]

    def span(self, span: Span) -> None:
        """Everything with text: name, status message, input, output, attributes, events, links, ids of people."""
        self.spans([span])

    def _span(self, span: Span, known: Known) -> None:
        found: set[str] = set()
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
        known: Known = {}
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

    def _attributes(self, attributes: dict[str, Any], found: set[str], known: Known) -> dict[str, Any]:
        """Most are short and clean, and one pass over all those says so; then only the long ones are looked at."""
        if self._scrubs.is_clean("\n".join(self._short_lines(attributes))):
            return {
                key: self._value(key, value, found, known) if _is_long(value) else value
                for key, value in attributes.items()
            }
        scrubbed = {}
        for key, value in attributes.items():
            name = self._text(key, found, known)
            if not isinstance(value, str):
                clean = self._scrubs.is_clean(_text_of(key, value))
                scrubbed[name] = value if clean else self._scrubs.scrub_value(value, found, key)
                continue
            scrubbed[name] = text = self._value(key, value, found, known)
            if name == key and text == value:
                self._remember(key, value)
        return scrubbed

    def _value(self, key: str, text: str, found: set[str], known: Known) -> str | None:
        return self.identity(text, found) if key in self._identities else self._text(text, found, known, key)

    def _remember(self, key: str, value: str) -> None:
        """What is short, and looks like something all the same."""
        if len(key) <= _SHORT and len(value) <= _SHORT and not self._scrubs.is_clean(_text_of(key, value)):
            self._innocent.add(key, value)

    def _score(self, score: Score) -> None:
        found: set[str] = set()
        score.name = self._text(score.name, found, {})
        score.label = self._optional(score.label, found, {})
        score.reason = self._optional(score.reason, found, {})
        score.error = self._optional(score.error, found, {})
        score.session = self.identity(score.session, found)
        score.metadata = self._scrubs.scrub_value(score.metadata, found)

    def _run_item(self, item: RunItem) -> None:
        found: set[str] = set()
        known: Known = {}
        item.input = self._optional(item.input, found, known)
        item.output = self._optional(item.output, found, known)
        item.expected = self._optional(item.expected, found, known)
        item.error = self._optional(item.error, found, known)
        item.contexts = self._scrubs.scrub_value(item.contexts, found)

    def _optional(self, text: str | None, found: set[str], known: Known) -> str | None:
        return None if text is None else self._text(text, found, known)

    def _text(self, text: str, found: set[str], known: Known, before: str = "") -> str:
        before = before if before and self._scrubs.tells(before) else ""
        done = known.get((before, text))
        if done is None:
            done = known[before, text] = self._scrubs.scrub(text, before)
        found.update(done[1])
        return done[0]

    def _lines(self, span: Span) -> list[str]:
        """All text of a span but for what is known to be innocent, `key=value` a line, so that one pass decides."""
        lines = [span.name, *(_text_of(key, value) for key, value in self._suspicious(span.attributes))]
        lines += [part for part in (span.status_message, span.input, span.output, span.user, span.session) if part]
        lines += span.tags
        if span.events:
            lines.append(_text_of("", span.events))
        if span.links:
            lines.append(_text_of("", span.links))
        return lines

    def _short_lines(self, attributes: dict[str, Any]) -> list[str]:
        """The same of attributes, but for the values of the long ones."""
        return [key if _is_long(value) else _text_of(key, value) for key, value in self._suspicious(attributes)]

    def _suspicious(self, attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        innocent = self._innocent.values
        for key, value in attributes.items():
            known = innocent.get(key)
            if known is None or not isinstance(value, str) or value not in known:
                yield key, value


class _Innocent:
    """Short values, by their key, that look like something to the one pass and are nothing: dated names of models."""

    def __init__(self) -> None:
        self.values: dict[str, set[str]] = {}
        self._size = 0

    def add(self, key: str, value: str) -> None:
        """The memory is small: when it is full it begins anew. Threads may add at once: nothing worse than that."""
        if self._size >= _INNOCENTS:
            self.values, self._size = {}, 0
        self.values.setdefault(key, set()).add(value)
        self._size += 1


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > _SHORT


def _text_of(key: str, value: Any) -> str:
    """What there is to scrub of a value and the key in front of it, at any depth; numbers stay as they are."""
    if isinstance(value, str):
        return f"{key}={value}"
    if isinstance(value, dict):
        return "\n".join([key, *(_text_of(str(name), part) for name, part in value.items())])
    if isinstance(value, list | tuple):
        return "\n".join([key, *(_text_of(key, part) for part in value)])
    return key
