"""Takes personal data and secrets out of texts: `ann@x.org` becomes `[EMAIL_ADDRESS]`.

One pass of a linear automaton (RE2's set) says which detectors are worth running; most texts end there. A text that
is JSON stays JSON: its strings are scrubbed one by one, and a bare number that is a card becomes a string. Pictures in
base64 lose what they say of people (`pictures`); what is left of them is no text, and nothing is told of it.
"""

import json
import re
from functools import lru_cache, partial
from typing import Any

import msgspec
import re2

from assay_server.checks.pictures import IN_BASE64, apart, together
from assay_server.checks.pii_detectors import CREDIT_CARD, DETECTORS, SECRET, card_is_valid, may_tell, named_secret

_BARE_CARD = re.compile(r"(?<![\w.+\-])\d{12,19}(?![\w.])")
_ANYTHING = re.compile("").match
_TELLING = re.compile(r"[0-9@:\\]").search
"""What a text holds in which any detector but that of secrets finds something; a backslash may hide it."""
_REACH = 160
"""Characters in front of such a sign that count: the longest beginning of an address, and the words before it."""
_CONTEXT = 48  # characters in front of a text that may say what it is
_DEEPEST = 4  # JSON in a string of JSON in a string …

_SHORT = 64  # characters of a text worth remembering
_LONG = 4096  # characters of a literal worth remembering
_CLEAN = 1024

_NOTHING: tuple[str, ...] = ()

_PICTURE = len(DETECTORS)  # the candidate behind those of the detectors


class Scrubber:
    """One serves all threads."""

    def __init__(self) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # the candidates are ASCII: bytes pass as they are
        options.log_errors = False
        self._candidates = re2.Set.SearchSet(options)
        for detector in DETECTORS:
            self._candidates.Add(detector.candidate)
        self._candidates.Add(IN_BASE64)
        self._candidates.Compile()
        # Names of models, kinds and services come again and again; the memory is small and never leaves the process.
        self._short = lru_cache(8192)(self._scrub)
        self._short_fired = lru_cache(8192)(self._fired)
        self._tells = lru_cache(8192)(may_tell)
        self._clean: set[tuple[object, ...] | None] = set()  # literals; threads may add at once, or begin it anew

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]:
        """The text with placeholders, and the entity types found, sorted. `before` is what stood in front of it.

        `before` may be the name of a field: a value under `password` is a secret, digits under `phone` a number. It is
        no part of the first word: `fax: 0301234567` holds a number under `note`, too.
        """
        front = f"{before}=" if before[-1:].isalnum() else before
        return (self._short if len(text) <= _SHORT else self._scrub)(text, front, _DEEPEST)

    def tells(self, before: str) -> bool:
        """Whether the name of a field may change what is found in it: under all others a text is what it is alone."""
        return self._tells(before)

    def is_clean(self, text: str) -> bool:
        """True when `scrub` would certainly change nothing, whatever stood in front. One pass, no detector."""
        return not (self._short_fired if len(text) <= _SHORT else self._fired)(text)

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
        if _PICTURE in fired:
            text, pictures = apart(text)
            if pictures:  # they are no text, and long: detectors would take a second for three of them
                scrubbed, types = self._scrub(text, before, depth)
                return together(scrubbed, pictures), types
            fired.remove(_PICTURE)
        if before and named_secret(before):
            fired = sorted({SECRET, *fired})
        if not fired:
            return text, _NOTHING
        if depth and _begins_json(text) and _is_json(text):
            return self._scrub_json(text, depth - 1, fired)
        return _scrub_plain(text, before, fired)

    def _scrub_json(self, text: str, depth: int, fired: list[int]) -> tuple[str, tuple[str, ...]]:
        """`fired` of the whole text: where no secret is named in it, a literal without a sign of anything is clean."""
        found: set[str] = set()
        names_secret = SECRET in fired
        parts, at = _between_quotes(text), 0
        for place, part in enumerate(parts):
            quote, at = at - 1, at + len(part) + 1
            if place % 2 == 0:
                if CREDIT_CARD in fired:
                    parts[place] = _BARE_CARD.sub(partial(_quoted_card, found), part)
            elif names_secret or not part.isalpha():
                before = text[max(0, quote - _CONTEXT) : quote]
                parts[place], types = self._scrub_literal(part, before, depth, fired)
                found.update(types)
        return ('"'.join(parts) if found else text), tuple(sorted(found))

    def _scrub_literal(self, part: str, before: str, depth: int, fired: list[int]) -> tuple[str, tuple[str, ...]]:
        """As it is written. A conversation comes again with every call, so it is remembered which are clean."""
        remembered = (part, before, depth, *fired) if _SHORT < len(part) <= _LONG else None
        if remembered in self._clean:
            return part, _NOTHING
        sign = (_ANYTHING if SECRET in fired else _TELLING)(part)
        if sign is None:
            types = _NOTHING
        elif "\\" in part or _begins_json(part) or SECRET in fired:
            scrubbed, types = self._scrub(_text_of(part), before, depth)
        else:  # the detectors of the whole are few, and quicker than to ask which of them fire
            scrubbed, types = _scrub_from(sign.start() - _REACH, part, before, fired)
        if types:
            return json.dumps(scrubbed, ensure_ascii=False)[1:-1], types
        if remembered is not None:
            if len(self._clean) >= _CLEAN:
                self._clean = set()
            self._clean.add(remembered)
        return part, _NOTHING

    def _fired(self, text: str) -> list[int]:
        """Indices of the detectors whose candidate occurs in the text."""
        return self._candidates.Match(text.encode("utf-8", "replace")) or []


def _scrub_from(start: int, text: str, before: str, fired: list[int]) -> tuple[str, tuple[str, ...]]:
    """Like `_scrub_plain`, for a text in which nothing can be found before `start`."""
    if start <= 0:
        return _scrub_plain(text, before, fired)
    scrubbed, types = _scrub_plain(text[start:], text[max(0, start - _CONTEXT) : start], fired)
    return text[:start] + scrubbed, types


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


def _between_quotes(text: str) -> list[str]:
    """A text of JSON cut at its quotes: every second part is what stands inside a literal, as it is written."""
    if "\\" not in text:
        return text.split('"')
    parts: list[str] = []
    escaped: list[str] = []
    for part in text.split('"'):
        if len(parts) % 2 and (len(part) - len(part.rstrip("\\"))) % 2:
            escaped.append(part)
            continue
        parts.append('"'.join([*escaped, part]) if escaped else part)
        escaped.clear()
    return parts


def _text_of(literal: str) -> str:
    """What a literal says; it is given without its quotes."""
    text: str = json.loads(f'"{literal}"') if "\\" in literal else literal
    return text


def _quoted_card(found: set[str], number: re.Match[str]) -> str:
    if not card_is_valid(number[0]):
        return number[0]
    found.add("CREDIT_CARD")
    return '"[CREDIT_CARD]"'


def _begins_json(text: str) -> bool:
    return text.lstrip()[:1] in {"{", "["}


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
