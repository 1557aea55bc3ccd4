"""When two calls of a tool had the same arguments, or nearly: spelling apart.

Case, spaces, the order of keys and the punctuation around words are spelling, and in sentences articles and endings
(`shoe`, `shoes`). Everything else is another call: a number, a sign, a path, a name that differs in one letter. Agents
read many files of one folder and look up many customers of one region; that is work, not a circle.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

Arguments = tuple[tuple[str, ...], ...]

_JSON = ("{", "[", '"')  # what has another spelling of the same begins with one of these
_EDGES = " \t\r\n.,;:!?'\"`"
_WORDS = re.compile(r"[^\W_]+|[<>=!]=|[+*/<>=%^|&~$€£#@]|-(?![^\W\d_])")
_SENTENCE = re.compile(r"[^\W\d_]+|.*\s.*", re.DOTALL)
_ARTICLES = frozenset({"a", "an", "the", "is", "are", "s"})
_ENDINGS = ("s", "es", "ed", "d", "ing")
_STEM = 4  # letters of a word that may have an ending


def canonical(arguments: str) -> Arguments:
    """Arguments without what is mere spelling: a part for each value, the words of a sentence or the value itself."""
    if arguments.lstrip()[:1] in _JSON:
        try:
            return tuple(_parts("", json.loads(arguments)))
        except (ValueError, RecursionError):  # cut, or no JSON: plain text is as good
            pass
    return (_words(arguments),)


def alike(one: Arguments | None, other: Arguments | None) -> bool:
    """The same arguments but for spelling; what is not known (None) is like nothing."""
    if one is None or other is None or len(one) != len(other):
        return False
    return one == other or all(_part_alike(a, b) for a, b in zip(one, other, strict=True))


def _parts(path: str, value: Any) -> Iterator[tuple[str, ...]]:
    """Each value with the keys that lead to it, in the order of the keys."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _parts(f"{path}.{key}", value[key])
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _parts(f"{path}.{number}", each)
    else:
        yield (path, *(_words(value) if isinstance(value, str) else (_literal(value),)))


def _literal(value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else json.dumps(value)


def _words(text: str) -> tuple[str, ...]:
    folded = text.casefold()
    plain = folded.strip(_EDGES) or folded
    if not _SENTENCE.fullmatch(plain):
        return (plain,)
    words = tuple(_WORDS.findall(plain))
    return tuple(word for word in words if word not in _ARTICLES) or words or (plain,)


def _part_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    return len(one) == len(other) and all(_word_alike(a, b) for a, b in zip(one, other, strict=True))


def _word_alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (
        len(short) >= _STEM and short.isalpha() and long.startswith(short) and long[len(short) :] in _ENDINGS
    )
