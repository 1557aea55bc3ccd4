"""Words of a search that look like a condition and are none: what was probably meant.

Read as words they would find nothing, and nobody would know why.
"""

import re
from collections.abc import Collection
from difflib import get_close_matches

_LIKE_A_CONDITION = re.compile(r"([A-Za-z_]+)([.:]?)([^\s:<>=!~\"]*)(<=|>=|!=|<|>|=|:|~)([^\s/\"][^\s\"]*)")
_LONGEST = 200
_SIMILAR = 0.8

_OTHER_WORDS = {
    "level": "status", "state": "status", "userid": "user", "user_id": "user", "customer": "user",
    "sessionid": "session", "session_id": "session", "thread": "session", "tags": "tag", "labels": "tag",
    "duration": "latency", "error": "error_type", "errors": "error_type", "type": "kind", "route": "endpoint",
    "trace_id": "trace", "traceid": "trace", "version": "prompt_version",
}  # fmt: skip
"""What other tools call a field."""
_DOTTED = {
    "score": "score",
    "scores": "score",
    "feedback": "score",
    "attr": "attr",
    "attribute": "attr",
} | dict.fromkeys(("attributes", "metadata", "meta"), "attr")


def meant(word: str, fields: Collection[str]) -> str | None:
    """The condition that `word` was probably meant to be, as it is written; None where it is a word like others.

    `fields`: those that a line may begin with. What stands in quotes, an address (`http://…`) and what has nothing
    behind its sign are words.
    """
    said = _LIKE_A_CONDITION.fullmatch(word) if len(word) <= _LONGEST else None
    if said is None:
        return None
    head, mark, rest, sign, value = said.groups()
    kind = _DOTTED.get(head.lower())
    if kind is not None:
        return _dotted(kind, rest, sign, value)
    if mark or rest:
        return None
    name = head.lower()
    close = _OTHER_WORDS.get(name) or next(iter(get_close_matches(name, fields, 1, _SIMILAR)), None)
    value = value.lower() if close == "status" else value
    return f"{close}{sign}{value}" if close else None


def _dotted(kind: str, name: str, sign: str, value: str) -> str | None:
    """`score:helpful<0.5` and `metadata.plan:gold`; what names nothing (`score<0.5`) is shown how it would."""
    if kind == "score":
        return f"score.{name}{sign}{value}" if name else f"score.NAME{'<' if sign == ':' else sign}0.5"
    return f"attr.{name}{sign}{value}" if name else f"attr.{value}:*"
