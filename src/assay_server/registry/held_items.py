"""Items of golden sets that were made from somebody's spans: found, and where it is asked for, emptied.

An item's content is stored once, under its hash, however many versions hold it. An emptied item keeps its place and its
hash, so the versions, runs and verdicts that name it stand as they were; what the person said is gone.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from assay_server.ledger import Ledger, tables

_contents = tables.registry.item_contents
_items = tables.registry.dataset_items
_versions = tables.registry.dataset_versions

EMPTIED = "[deleted on request]"


async def held_items(ledger: Ledger, project: str, span_ids: Collection[str]) -> list[dict[str, Any]]:
    """`[{"dataset", "versions": [n], "items": [id], "spans": [id]}]` by name: items with such a `source_span`."""

    def read(connection: Connection) -> list[dict[str, Any]]:
        found: dict[str, tuple[set[int], set[str], set[str]]] = {}
        for held in _contents_of(connection, project):
            if not _is_from(held.content, span_ids):
                continue
            query = (
                select(_versions.c.name, _versions.c.version, _items.c.item)
                .join(_versions, _versions.c.id == _items.c.dataset_version)
                .where(_items.c.project == project, _items.c.content_hash == held.content_hash)
            )
            for row in connection.execute(query):
                versions, items, spans = found.setdefault(row.name, (set(), set(), set()))
                versions.add(row.version)
                items.add(row.item)
                spans.add(held.content["source_span"])
        return [
            {"dataset": name, "versions": sorted(versions), "items": sorted(items), "spans": sorted(spans)}
            for name, (versions, items, spans) in sorted(found.items())
        ]

    return await ledger.read(read)


async def empty_items(ledger: Ledger, project: str, span_ids: Collection[str], request: str) -> int:
    """Takes the content out of them, and says on whose request; how many contents that were."""

    def write(connection: Connection) -> int:
        emptied = 0
        for row in _contents_of(connection, project):
            if _is_from(row.content, span_ids):
                these = (_contents.c.project == project, _contents.c.content_hash == row.content_hash)
                connection.execute(update(_contents).where(*these).values(content=_emptied(row.content, request)))
                emptied += 1
        return emptied

    return await ledger.write(write)


def _contents_of(connection: Connection, project: str) -> list[Any]:
    return list(connection.execute(select(_contents).where(_contents.c.project == project)).all())


def _is_from(content: Mapping[str, Any], span_ids: Collection[str]) -> bool:
    return content.get("source_span") in span_ids and "deleted" not in (content.get("metadata") or {})


def _emptied(content: Mapping[str, Any], request: str) -> dict[str, Any]:
    kept = {"cluster": content.get("cluster"), "tags": content.get("tags") or []}
    gone = {"input": EMPTIED, "expected": None, "contexts": None, "source_span": None}
    return {**gone, **kept, "metadata": {"deleted": request}}
