"""What changed between two texts, word by word."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_PAIRS = 4_000_000
"""Comparing takes up to one step per pair of words: longer texts are compared line by line."""

Part = dict[str, str]


def word_diff(before: str, after: str) -> list[Part]:
    """`[{"op": "equal" | "insert" | "delete", "text"}]`.

    Without the inserts it spells `before`, without the deletes `after`.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) * len(new) > _MOST_PAIRS:
        old, new = _LINES.findall(before), _LINES.findall(after)
    parts: list[Part] = []
    for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            _add(parts, "equal", old[a:b])
        else:
            _add(parts, "delete", old[a:b])
            _add(parts, "insert", new[c:d])
    return parts


def _add(parts: list[Part], op: str, words: Sequence[str]) -> None:
    if words:
        parts.append({"op": op, "text": "".join(words)})
