"""Dataset items: checked row by row, all faults at once, and scrubbed before anything else sees them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.core.ids import content_hash
from assay_server.core.ports import Scrub
from assay_server.registry.fields import json_fault

MOST_ITEMS = 50_000
_MOST_FAULTS_TOLD = 20
_LONGEST_ID = 200
_DEEPEST = 32

_FIELDS = ("input", "expected", "contexts", "cluster", "tags", "metadata", "source_span")
_LABELS = ("id", "cluster", "source_span")
_IDS_IN_METADATA = ("documents", "answerable")
"""Ids of one's own documents must stay what they are: answers are compared with them."""


@dataclass(slots=True, frozen=True)
class Item:
    """An item as it is stored; equal content has an equal hash."""

    id: str
    content_hash: str
    content: Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Prepared:
    """The items of a version, the hash of them all, and how many texts held which kind of personal data."""

    items: Sequence[Item]
    content_hash: str
    scrubbed: Mapping[str, int]


def prepare(rows: Sequence[Any], scrub: Scrub) -> Prepared:
    """Checks and scrubs. Raises InvalidInput telling every faulty row, TooLarge over `MOST_ITEMS`."""
    if not rows:
        raise InvalidInput("A dataset needs an item.", field="items", fix="give a list of objects with 'input'")
    if len(rows) > MOST_ITEMS:
        raise TooLarge(f"A dataset version has at most {MOST_ITEMS:,} items.", field="items", value=len(rows))
    faults = [f"items[{index}]{fault}" for index, row in enumerate(rows) for fault in _faults(row, scrub)]
    _refuse(faults)
    found: Counter[str] = Counter()
    items = [_item(row, scrub, found) for row in rows]
    _refuse(_repeated(items))
    return Prepared(items, content_hash([[item.id, item.content_hash] for item in items]), dict(sorted(found.items())))


def extended(items: Sequence[Item], scrubbed: Mapping[str, int], fresh: Prepared) -> Prepared:
    """`fresh` behind the items of a version; one with the id of another takes its place. Raises TooLarge."""
    whole = {item.id: item for item in (*items, *fresh.items)}
    if len(whole) > MOST_ITEMS:
        raise TooLarge(f"A dataset version has at most {MOST_ITEMS:,} items.", field="items", value=len(whole))
    found = Counter(scrubbed)
    found.update(fresh.scrubbed)
    hashed = content_hash([[item.id, item.content_hash] for item in whole.values()])
    return Prepared(list(whole.values()), hashed, dict(sorted(found.items())))


def item_json(item: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    return {"id": item, **{name: content.get(name) for name in _FIELDS}}


def scrubbed_json(value: Any, scrub: Scrub) -> Any:
    """The value with every text in it scrubbed."""
    return _scrubbed(value, scrub, Counter())


def _refuse(faults: Sequence[str]) -> None:
    if not faults:
        return
    told = "; ".join(faults[:_MOST_FAULTS_TOLD])
    rest = f"; and {len(faults) - _MOST_FAULTS_TOLD} more" if len(faults) > _MOST_FAULTS_TOLD else ""
    raise InvalidInput(f"{told}{rest}.", field="items", value=f"{len(faults)} faults", fix="nothing was stored")


def _faults(row: Any, scrub: Scrub) -> list[str]:
    """Each begins with the field: `.input is missing`."""
    if not isinstance(row, Mapping):
        return [" is not an object"]
    fault = " is nested too deeply" if _depth(row) > _DEEPEST else json_fault(row)
    if fault is not None:
        return [f" {fault.strip()}"]
    unknown = [f".{name} is no field of an item" for name in row if name not in (*_FIELDS, "id")]
    labels = [_label_fault(name, row.get(name), scrub) for name in _LABELS]
    return [*unknown, *_input_faults(row.get("input")), *filter(None, labels), *_list_faults(row, scrub)]


def _input_faults(value: Any) -> list[str]:
    if value is None:
        return [".input is missing"]
    if not isinstance(value, str | Mapping):
        return [".input is neither text nor an object"]
    return [] if value and str(value).strip() else [".input is empty"]


def _label_fault(name: str, value: Any, scrub: Scrub) -> str | None:
    """Labels tie things together, so they cannot be scrubbed: one that names a person is refused."""
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID or not value.isprintable():
        return f".{name} is not a text of 1 to {_LONGEST_ID} printable characters"
    found = scrub(value)[1]
    return (
        f".{name} looks like personal data ({', '.join(sorted(set(found)))}): use an id of your own" if found else None
    )


def _list_faults(row: Mapping[str, Any], scrub: Scrub) -> list[str]:
    faults = []
    tags, contexts, metadata = row.get("tags"), row.get("contexts"), row.get("metadata")
    if tags is not None and not _is_list_of(tags, str):
        faults.append(".tags is not a list of texts")
    if contexts is not None and not _is_list_of(contexts, str | Mapping):
        faults.append(".contexts is not a list of texts or objects")
    if metadata is not None and not isinstance(metadata, Mapping):
        faults.append(".metadata is not an object")
    elif metadata and not isinstance(metadata.get("answerable", True), bool):
        faults.append(".metadata.answerable is neither true nor false")
    elif metadata and not _is_list_of(metadata.get("documents", []), str):
        faults.append(".metadata.documents is not a list of ids")
    if not faults:
        faults += filter(None, (_label_fault(f"tags[{i}]", tag, scrub) for i, tag in enumerate(tags or ())))
    return faults


def _is_list_of(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


def _item(row: Mapping[str, Any], scrub: Scrub, found: Counter[str]) -> Item:
    content = {
        "input": _scrubbed(row["input"], scrub, found),
        "expected": _scrubbed(row.get("expected"), scrub, found),
        "contexts": _scrubbed(row.get("contexts"), scrub, found),
        "cluster": row.get("cluster"),
        "tags": row.get("tags") or [],
        "metadata": _scrubbed_metadata(row.get("metadata") or {}, scrub, found),
        "source_span": row.get("source_span"),
    }
    hashed = content_hash(content)
    return Item(row.get("id") or f"itm_{hashed.removeprefix('sha256:')[:26]}", hashed, content)


def _scrubbed(value: Any, scrub: Scrub, found: Counter[str]) -> Any:
    """The value with every text in it scrubbed, the keys of objects included."""
    if isinstance(value, str):
        clean, types = scrub(value)
        found.update(set(types))
        return clean
    if isinstance(value, Mapping):
        return {_scrubbed(key, scrub, found): _scrubbed(each, scrub, found) for key, each in value.items()}
    if isinstance(value, list):
        return [_scrubbed(each, scrub, found) for each in value]
    return value


def _scrubbed_metadata(metadata: Mapping[str, Any], scrub: Scrub, found: Counter[str]) -> dict[str, Any]:
    return {
        key: each if key in _IDS_IN_METADATA else _scrubbed(each, scrub, found)
        for key, each in ((_scrubbed(key, scrub, found), each) for key, each in metadata.items())
    }


def _repeated(items: Sequence[Item]) -> list[str]:
    first: dict[str, int] = {}
    faults = []
    for index, item in enumerate(items):
        seen = first.setdefault(item.id, index)
        if seen != index:
            faults.append(f"items[{index}].id '{item.id}' is that of items[{seen}]")
    return faults


def _depth(value: Any, level: int = 0) -> int:
    """How deep lists and objects nest; it stops counting where it is too deep anyway."""
    if level > _DEEPEST or not isinstance(value, Mapping | list):
        return level
    inner = value.values() if isinstance(value, Mapping) else value
    return max((_depth(each, level + 1) for each in inner), default=level)
