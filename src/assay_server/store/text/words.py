"""What a word is, for the index and for plain reading alike, and what somebody who searches wants."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

LONGEST = 200
"""Bytes of a word; those of so many or more (binary data as text) are no words."""

NO_WORD = ""
"""Stands among words where no phrase goes over: between the pieces of a text, and for a word that is too long, whose
place the index keeps."""

_PARTS = re.compile(r'"([^"]*)"?|(\S+)')
_UNSPACED = re.compile("([\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
"""Letters of scripts that write without spaces: each counts as a word, and neighbours as a phrase."""
_NUMBERED = re.compile("[\u2474-\u249b]")
"""Numbers with their dot or parentheses in one character; these are no part of a word."""
_MAY_BE_LONG = re.compile(rf"\S{{{LONGEST // 4}}}")  # a character has four bytes at most


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
        phrases = _phrases(words_of(part), starred=bare.endswith("*"))
        found |= dict.fromkeys(phrases)
        nowhere = nowhere or (not phrases and any(character.isalnum() for character in part))
    return Wanted(tuple(found), nowhere)


def asks_for_words(text: str) -> bool:
    """False where a text narrows nothing."""
    return bool(wanted(text))


def _phrases(words: tuple[str, ...], *, starred: bool) -> list[Phrase]:
    """What stands side by side; a word that is too long is not asked for, and its star falls away with it."""
    runs = [tuple(run) for is_word, run in groupby(words, bool) if is_word]
    open_end = starred and words[-1:] != (NO_WORD,)
    return [Phrase(run, open_end and run is runs[-1]) for run in runs]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in order, without case and accents; `NO_WORD` in the place of those that are too long."""
    readable = plain(text)
    words = analyzer().analyze(readable)
    if not _MAY_BE_LONG.search(readable):
        return tuple(words)
    rest = iter(words)
    return tuple(next(rest) if len(raw.encode()) < LONGEST else NO_WORD for raw in _uncut().analyze(readable))


def plain(text: str) -> str:
    """What the analyzer is given: letters and their accents as one character, unspaced scripts spaced."""
    if text.isascii():
        return text
    whole = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    whole = _NUMBERED.sub(lambda found: unicodedata.normalize("NFKC", found[0]), whole)
    return _UNSPACED.sub(r" \1 ", whole)


@cache
def analyzer() -> Any:
    """A `tantivy.TextAnalyzer`; the library is imported by the first text, not before."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    return builder.filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


@cache
def _uncut() -> Any:
    """The words as they are written, those that are too long among them."""
    from tantivy import TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.simple()).build()


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
