"""What differs between two releases: part by part, and in words. Pure functions over release documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from assay_server.core.ids import canonical_json
from assay_server.registry.templates import parts_of
from assay_server.registry.words import word_diff

_MOST_TOLD = 5
_LONGEST_QUOTE = 80
_RETRIEVAL = ("embedding_model", "chunking", "top_k", "threshold", "index_version", "index_built_at")

Change = dict[str, Any]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """`{"from", "to", "changes": [{"part", "kind", "from", "to", "words"?}], "summary"}` of two release documents.

    `kind` is `text` (with a word diff), `value`, `added` or `removed`; `part` is a path such as
    `prompts.answer.system` or `retrieval_config.top_k`.
    """
    old, new = dict(_flat(before)), dict(_flat(after))
    changes = [
        _change(part, old.get(part), new.get(part))
        for part in dict.fromkeys([*old, *new])
        if old.get(part) != new.get(part)
    ]
    return {"from": before["id"], "to": after["id"], "changes": changes, "summary": _summary(changes)}


def _flat(release: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each part with its value; parts without a value are left out."""
    for role, prompt in release["prompts"].items():
        for part, _, text in parts_of(prompt["template"]):
            yield f"prompts.{role}.{part}", text
    yield "model", release["model"]
    yield from _leaves("parameters", release["parameters"])
    yield from _leaves("output_schema", release["output_schema"], deep=False)
    config = release["retrieval_config"] or {}
    for name in _RETRIEVAL:
        yield from _leaves(f"retrieval_config.{name}", config.get(name))
    yield from _leaves("guard_policy", release["guard_policy"])
    yield from _leaves("code_ref", release["code_ref"])


def _leaves(part: str, value: Any, *, deep: bool = True) -> Iterator[tuple[str, Any]]:
    if deep and isinstance(value, Mapping):
        for key in sorted(value):
            yield from _leaves(f"{part}.{key}", value[key])
    elif value is not None:
        yield part, value


def _change(part: str, before: Any, after: Any) -> Change:
    told: Change = {"part": part, "from": before, "to": after}
    if before is None:
        return told | {"kind": "added"}
    if after is None:
        return told | {"kind": "removed"}
    if part.startswith("prompts."):
        return told | {"kind": "text", "words": word_diff(before, after)}
    return told | {"kind": "value"}


def _summary(changes: list[Change]) -> str:
    if not changes:
        return "Nothing differs but the name."
    told = "; ".join(_sentence(change) for change in changes[:_MOST_TOLD])
    rest = len(changes) - _MOST_TOLD
    return f"{told}{f'; and {rest} more' if rest > 0 else ''}."


def _sentence(change: Change) -> str:
    name = _name(change["part"])
    match change["kind"]:
        case "added":
            return f"{name} is new: {_quoted(change['to'])}"
        case "removed":
            return f"{name} is gone: {_quoted(change['from'])}"
        case "text":
            return f"{name}: {_edits(change['words'])}"
        case _:
            return f"{name} changed from {_quoted(change['from'])} to {_quoted(change['to'])}"


def _name(part: str) -> str:
    first, _, rest = part.partition(".")
    if first == "prompts":
        role, _, message = rest.partition(".")
        return f"the {message.replace('messages.', 'message ')} part of the prompt '{role}'"
    if first == "retrieval_config":
        return f"retrieval's {rest.replace('_', ' ')}"
    return part.replace("_", " ")


def _edits(words: list[dict[str, str]]) -> str:
    """ "drops “say so” and adds “guess”": the longest deleted and inserted stretches, quoted."""
    told = []
    for op, verb in (("delete", "drops"), ("insert", "adds")):
        stretches = [word["text"].strip() for word in words if word["op"] == op and word["text"].strip()]
        if stretches:
            told.append(f"{verb} {_quoted(max(stretches, key=len))}{_others(len(stretches) - 1)}")
    return " and ".join(told) or "only white space changed"


def _others(n: int) -> str:
    return "" if n == 0 else f" (and {n} other {'place' if n == 1 else 'places'})"


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else canonical_json(value)
    if not isinstance(value, str) and len(text) <= _LONGEST_QUOTE:
        return text
    return f"“{text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + '…'}”"
