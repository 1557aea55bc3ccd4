"""What a word is, for the index and for plain reading alike, and what somebody who searches wants."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

LONGEST = 200
"""Bytes of a word; longer ones (binary data as text) are no words."""

_PARTS = re.compile(r'"([^"]*)"?|(\S+)')
_UNSPACED = re.compile("([\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
"""Letters of scripts that write without spaces: each counts as a word, and neighbours as a phrase."""


@dataclass(slots=True, frozen=True)
class Phrase:
    """Words side by side, one at least; with `open_end` the last is the beginning of a word."""

    words: tuple[str, ...]
    open_end: bool = False


@dataclass(slots=True, frozen=True)
class Wanted:
    """All of `phrases` in one text; `nowhere` where something was asked for that no text can hold."""

    phrases: tuple[Phrase, ...]
    nowhere: bool = False

    def __bool__(self) -> bool:
        return bool(self.phrases) or self.nowhere


def wanted(text: str) -> Wanted:
    """Reads what somebody typed; no text is a mistake."""
    found: dict[Phrase, None] = {}
    nowhere = False
    for quoted, bare in _PARTS.findall(text):
        part = quoted or bare
        words = words_of(part)
        if words:
            found[Phrase(words, open_end=bool(bare) and bare.endswith("*"))] = None
        else:
            nowhere = nowhere or any(character.isalnum() for character in part)
    return Wanted(tuple(found), nowhere)


def asks_for_words(text: str) -> bool:
    """False where a text narrows nothing."""
    return bool(wanted(text))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in order, without case and accents."""
    return tuple(analyzer().analyze(plain(text)))


def plain(text: str) -> str:
    """What the analyzer is given: letters and their accents as one character, unspaced scripts spaced."""
    if text.isascii():
        return text
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()))


@cache
def analyzer() -> Any:
    """A `tantivy.TextAnalyzer`; the library is imported by the first text, not before."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    return builder.filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


def holds(words: tuple[str, ...], want: Wanted) -> bool:
    """Do these words of one text hold all that is wanted? What the index does, word by word."""
    return not want.nowhere and all(_stands(words, phrase) for phrase in want.phrases)


def _stands(words: tuple[str, ...], phrase: Phrase) -> bool:
    *first, last = phrase.words
    for at in range(len(first), len(words)):
        ends = words[at].startswith(last) if phrase.open_end else words[at] == last
        if ends and list(words[at - len(first) : at]) == first:
            return True
    return False
