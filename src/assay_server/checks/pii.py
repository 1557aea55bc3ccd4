"""Takes personal data and secrets out of texts: `ann@x.org` becomes `[EMAIL_ADDRESS]`.

One pass of a linear automaton (RE2's set) says which detectors are worth running; most texts end there. A text that
is JSON stays JSON: its strings are scrubbed one by one, and a bare number that is a card becomes a string.
"""

import json
import re
from functools import lru_cache
from typing import Any

import msgspec
import re2

from assay_server.checks.pii_detectors import DETECTORS, card_is_valid, named_secret

_JSON_PART = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\w.+\-])\d{12,19}(?![\w.])')
_CONTEXT = 48  # characters in front of a text that may say what it is
_DEEPEST = 4  # JSON in a string of JSON in a string …

_SHORT = 64  # characters of a text worth remembering

_NOTHING: tuple[str, ...] = ()


class Scrubber:
    """One serves all threads."""

    def __init__(self) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # the candidates are ASCII: bytes pass as they are
        options.log_errors = False
        self._candidates = re2.Set.SearchSet(options)
        for detector in DETECTORS:
            self._candidates.Add(detector.candidate)
        self._candidates.Compile()
        # Names of models, kinds and services come again and again; the memory is small and never leaves the process.
        self._short = lru_cache(8192)(self._scrub)

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]:
        """The text with placeholders, and the entity types found, sorted. `before` is what stood in front of it.

        `before` may be the name of a field: a value under `password` is a secret, digits under `phone` a number.
        """
        return (self._short if len(text) <= _SHORT else self._scrub)(text, before, _DEEPEST)

    def is_clean(self, text: str) -> bool:
        """True when `scrub` would certainly change nothing, whatever stood in front. One pass, no detector."""
        return not self._fired(text)

    def scrub_value(self, value: Any, found: set[str], before: str = "") -> Any:
        """The same for texts inside lists and objects (keys too); types are added to `found`. Numbers stay."""
        if isinstance(value, str):
            text, types = self.scrub(value, before)
            found.update(types)
            return text
        if isinstance(value, dict):
            return {
                self.scrub_value(key, found): self.scrub_value(part, found, str(key)) for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.scrub_value(part, found, before) for part in value]
        return value

    def _scrub(self, text: str, before: str, depth: int) -> tuple[str, tuple[str, ...]]:
        fired = self._fired(text)
        if before and named_secret(before):
            fired = sorted({0, *fired})
        if not fired:
            return text, _NOTHING
        if depth and text.lstrip()[:1] in {"{", "["} and _is_json(text):
            return self._scrub_json(text, depth - 1)
        return _scrub_plain(text, before, fired)

    def _scrub_json(self, text: str, depth: int) -> tuple[str, tuple[str, ...]]:
        found: set[str] = set()

        def part(match: re.Match[str]) -> str:
            literal = match[0]
            if literal[0] != '"':
                if not card_is_valid(literal):
                    return literal
                found.add("CREDIT_CARD")
                return '"[CREDIT_CARD]"'
            inner = literal[1:-1] if "\\" not in literal else json.loads(literal)
            before = text[max(0, match.start() - _CONTEXT) : match.start()]
            scrubbed, types = self._scrub(inner, before, depth)
            if not types:
                return literal
            found.update(types)
            return json.dumps(scrubbed, ensure_ascii=False)

        return _JSON_PART.sub(part, text), tuple(sorted(found))

    def _fired(self, text: str) -> list[int]:
        """Indices of the detectors whose candidate occurs in the text."""
        return self._candidates.Match(text.encode("utf-8", "replace")) or []


def _scrub_plain(text: str, before: str, fired: list[int]) -> tuple[str, tuple[str, ...]]:
    found = set()
    for index in sorted(fired):
        detector = DETECTORS[index]
        places = sorted(detector.find(text, before))
        if places:
            text = _replace(text, places, f"[{detector.entity}]")
            found.add(detector.entity)
    return text, tuple(sorted(found))


def _replace(text: str, places: list[tuple[int, int]], placeholder: str) -> str:
    """Overlapping places count as one."""
    parts, done = [], 0
    for start, end in places:
        if start >= done:
            parts += [text[done:start], placeholder]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
