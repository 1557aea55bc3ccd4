"""Golden sets: every version is a content hash, and an item is stored once however many versions hold it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.ports import Scrub
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.registry import announced, versions
from assay_server.registry.fields import check_json, check_name, check_text
from assay_server.registry.items import Item, Prepared, extended, item_json, prepare, scrubbed_json
from assay_server.registry.versions import Kind

DATASETS = Kind(tables.registry.dataset_versions, "dsv", "dataset")

_items = tables.registry.dataset_items
_contents = tables.registry.item_contents

_CHUNK = 500

Page = tuple[list[dict[str, Any]], int, Any]


class Datasets:
    """Datasets of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, scrub: Scrub) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._scrub = scrub

    async def create(
        self, project: str, actor: str, *, name: str, items: Sequence[Any], description: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """The version with these items in this order, and whether it is new. Nothing is stored if a row is faulty.

        Raises InvalidInput telling every faulty row, TooLarge.
        """
        check_name(name)
        told = None if description is None else self._scrub(check_text(description, "description"))[0]
        prepared = await asyncio.to_thread(prepare, items, self._scrub)

        def write(connection: Connection) -> tuple[dict[str, Any], bool]:
            known = versions.existing(connection, DATASETS, project, name, prepared.content_hash)
            if known is not None:
                return dataset_json(known), False
            row = self._add(connection, project, actor, name, told, prepared)
            return dataset_json(row), True

        return await self._ledger.write(write)

    async def append(self, project: str, actor: str, name: str, items: Sequence[Any]) -> tuple[dict[str, Any], bool]:
        """The newest version with these items behind its own, and whether that is new; an equal id takes its place.

        Raises NotFound, InvalidInput telling every faulty row, TooLarge.
        """
        fresh = await asyncio.to_thread(prepare, items, self._scrub)

        def write(connection: Connection) -> tuple[dict[str, Any], bool]:
            newest = versions.all_of(connection, DATASETS, project, name)[0]
            return self._extend(connection, project, actor, newest, fresh)

        return await self._ledger.write(write)

    async def announce(
        self, project: str, actor: str, name: str, *, description: str | None, metadata: Mapping[str, Any]
    ) -> None:
        """Remembers what is said of a dataset as a whole: it may have no item, and thereby no version, yet."""
        check_name(name)
        told = None if description is None else self._scrub(check_text(description, "description"))[0]
        about = scrubbed_json(check_json(dict(metadata), "metadata"), self._scrub)

        def write(connection: Connection) -> None:
            announced.put(connection, project, name, told, about, by=actor, now_ns=self._clock.now_ns())
            said = {"name": name, "description": told}
            self._audit.append(
                connection, project=project, actor=actor, action="dataset.announce", subject=name, after=said
            )

        await self._ledger.write(write)

    async def announced(self, project: str, name: str) -> dict[str, Any] | None:
        """`{"name", "description", "metadata", "created_at"}` as announced; None where it was not."""
        return await self._ledger.read(lambda c: announced.of(c, project, name))

    async def put_item(self, project: str, actor: str, name: str, item: Any) -> dict[str, Any]:
        """The item as it is stored, in a version of its own; an equal id takes its place. `name` may be only announced.

        Raises NotFound where nobody made such a dataset, InvalidInput, TooLarge.
        """
        fresh = await asyncio.to_thread(prepare, [item], self._scrub)

        def write(connection: Connection) -> dict[str, Any]:
            about = announced.of(connection, project, name)
            if about is not None and not announced.has_versions(connection, project, name):
                self._add(connection, project, actor, name, about["description"], fresh)
            else:
                newest = versions.all_of(connection, DATASETS, project, name)[0]
                self._extend(connection, project, actor, newest, fresh)
            return item_json(fresh.items[0].id, fresh.items[0].content)

        return await self._ledger.write(write)

    async def holding(self, project: str, item: str) -> dict[str, Any]:
        """The newest version of any dataset that holds an item of that id. Raises NotFound."""
        return await self._ledger.read(lambda c: dataset_json(announced.holding(c, project, item)))

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """One version. Raises NotFound."""
        return await self._ledger.read(lambda c: dataset_json(versions.find(c, DATASETS, project, ref, "dataset")))

    async def versions(self, project: str, name: str) -> list[dict[str, Any]]:
        """All versions of a dataset, newest first. Raises NotFound."""
        return await self._ledger.read(
            lambda c: [dataset_json(row) for row in versions.all_of(c, DATASETS, project, name)]
        )

    async def list(self, project: str, *, limit: int = 50, after: str | None = None) -> Page:
        """The newest version of every dataset by name, how many datasets there are, the key of the next page."""

        def read(connection: Connection) -> Page:
            rows, total, following = versions.newest(connection, DATASETS, project, limit, after)
            return [dataset_json(row) for row in rows], total, following

        return await self._ledger.read(read)

    async def items(self, project: str, ref: str) -> Sequence[Mapping[str, Any]]:
        """All items of a version, in order. Raises NotFound."""

        def read(connection: Connection) -> Sequence[Mapping[str, Any]]:
            version = versions.find(connection, DATASETS, project, ref, "dataset")
            return _read_items(connection, project, version.id, None, -1)[0]

        return await self._ledger.read(read)

    async def items_page(self, project: str, ref: str, *, limit: int = 50, after: int | None = None) -> Page:
        """Items of a version in order, how many it has, the position after which the next page begins."""

        def read(connection: Connection) -> Page:
            version = versions.find(connection, DATASETS, project, ref, "dataset")
            items, last = _read_items(connection, project, version.id, limit, -1 if after is None else after)
            return items, version.items, last if last is not None and last + 1 < version.items else None

        return await self._ledger.read(read)

    def _extend(
        self, connection: Connection, project: str, actor: str, newest: Row[Any], fresh: Prepared
    ) -> tuple[dict[str, Any], bool]:
        """The version with `fresh` behind the items of the newest, and whether it is new."""
        prepared = extended(_stored(connection, project, newest.id), newest.scrubbed or {}, fresh)
        known = versions.existing(connection, DATASETS, project, newest.name, prepared.content_hash)
        if known is not None:
            return dataset_json(known), False
        return dataset_json(self._add(connection, project, actor, newest.name, newest.description, prepared)), True

    def _add(
        self, connection: Connection, project: str, actor: str, name: str, description: str | None, prepared: Prepared
    ) -> Row[Any]:
        made = {"created_ns": self._clock.now_ns(), "created_by": actor, "description": description}
        counts = {"items": len(prepared.items), "scrubbed": dict(prepared.scrubbed)}
        values = {"content_hash": prepared.content_hash, **counts, **made}
        row = versions.add(connection, DATASETS, project, name, values)
        _store_contents(connection, project, prepared.items)
        connection.execute(_items.insert(), _memberships(project, row.id, prepared.items))
        told = {"name": name, "version": row.version, "content_hash": prepared.content_hash, "items": row.items}
        self._audit.append(connection, project=project, actor=actor, action=DATASETS.action, subject=row.id, after=told)
        return row


def dataset_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "description": row.description,
        "content_hash": row.content_hash,
        "items": row._mapping["items"],
        "scrubbed": row.scrubbed,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }


def _store_contents(connection: Connection, project: str, items: Sequence[Item]) -> None:
    missing = {item.content_hash: item.content for item in items}
    hashes = list(missing)
    for start in range(0, len(hashes), _CHUNK):
        chunk = hashes[start : start + _CHUNK]
        query = select(_contents.c.content_hash)
        query = query.where(_contents.c.project == project, _contents.c.content_hash.in_(chunk))
        for known in connection.execute(query).scalars():
            del missing[known]
    if missing:
        rows = [{"project": project, "content_hash": key, "content": dict(value)} for key, value in missing.items()]
        connection.execute(_contents.insert(), rows)


def _stored(connection: Connection, project: str, version: str) -> list[Item]:
    """The items of a version by id and hash; their content stays where it is."""
    query = select(_items.c.item, _items.c.content_hash).where(
        _items.c.project == project, _items.c.dataset_version == version
    )
    return [Item(row.item, row.content_hash, {}) for row in connection.execute(query.order_by(_items.c.position))]


def _memberships(project: str, version: str, items: Sequence[Item]) -> list[dict[str, Any]]:
    of = {"project": project, "dataset_version": version}
    return [
        {**of, "position": position, "item": item.id, "content_hash": item.content_hash}
        for position, item in enumerate(items)
    ]


def _read_items(
    connection: Connection, project: str, version: str, limit: int | None, after: int
) -> tuple[list[dict[str, Any]], int | None]:
    """The items after a position, and the position of the last one."""
    same = (_contents.c.project == _items.c.project) & (_contents.c.content_hash == _items.c.content_hash)
    query = (
        select(_items.c.item, _items.c.position, _contents.c.content)
        .join(_contents, same)
        .where(_items.c.project == project, _items.c.dataset_version == version, _items.c.position > after)
        .order_by(_items.c.position)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return [item_json(row.item, row.content) for row in rows], rows[-1].position if rows else None
