"""Images, sound and files that spans speak of: kept once per project under their content hash, and linked to traces."""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, func, select

from assay_server.core.clock import Clock
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.ingest.media_cleaning import clean
from assay_server.ledger import Ledger, tables

_media, _links = tables.foreign.media, tables.foreign.media_links

_TYPE = re.compile(r"[a-z]+/[a-zA-Z0-9.+-]{1,100}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LONGEST_FIELD = 200


@dataclass(slots=True, frozen=True)
class MediaLink:
    """Where media stood: in a field of a span, or of its trace where `span_id` is empty."""

    trace_id: str
    span_id: str
    field: str


@dataclass(slots=True, frozen=True)
class KeptMedia:
    """One of a project's media; `path` is None until its content came."""

    id: str
    content_type: str
    bytes: int
    path: Path | None
    created_ns: int


class MediaShelf:
    """Media of one project at a time. Files are written by threads, and durable before they are told of."""

    def __init__(
        self, ledger: Ledger, folder: Path, scrub: Callable[[str], tuple[str, object]], clock: Clock, most_bytes: int
    ) -> None:
        """`most_bytes`: of one file; 0 takes none."""
        self._ledger = ledger
        self._folder = folder
        self._scrub = scrub
        self._clock = clock
        self._most_bytes = most_bytes

    async def announce(
        self, project: str, media: str, content_type: str, size: int, digest: str, link: MediaLink | None
    ) -> bool:
        """Says what will come, and where it stands; whether its content is still wanted. `digest`: SHA-256, hex.

        Raises InvalidInput and TooLarge.
        """
        self._check(media, content_type, size)
        values = {"content_type": content_type, "sha256": digest, "bytes": size, "created_ns": self._clock.now_ns()}
        return await self._ledger.write(partial(_announce, project, media, values, link))

    async def store(self, project: str, media: str, content: bytes) -> None:
        """Cleans and keeps the content that was announced. Raises NotFound, InvalidInput where it is another."""
        row = await self._ledger.read(lambda connection: _row(connection, project, media))
        if sha256(content).hexdigest() != row.sha256:
            raise InvalidInput(
                "This is not the content that was announced.", field="body", value=f"{len(content)} bytes"
            )
        self._check(media, row.content_type, len(content))
        kept = clean(row.content_type, content, self._scrub)
        name = sha256(kept).hexdigest()
        await asyncio.to_thread(_write, self._path(project, name), kept)
        values = {"file": name, "bytes": len(kept)}
        await self._ledger.write(
            lambda connection: connection.execute(_media.update().where(*_one(project, media)).values(**values))
        )

    async def get(self, project: str, media: str) -> KeptMedia:
        """Raises NotFound."""
        row = await self._ledger.read(lambda connection: _row(connection, project, media))
        path = None if row.file is None else self._path(project, row.file)
        there = path is not None and await asyncio.to_thread(path.exists)
        return KeptMedia(row.id, row.content_type, row.bytes, path if there else None, row.created_ns)

    async def of_trace(self, project: str, trace_id: str) -> list[dict[str, Any]]:
        """`[{"id", "content_type", "bytes", "sha256", "span_id", "field", "stored"}]` in the order they came."""
        rows = await self._ledger.read(partial(_of_trace, project, trace_id))
        return [
            {
                "id": row.id,
                "content_type": row.content_type,
                "bytes": row.bytes,
                "sha256": row.file,
                "span_id": row.span_id or None,
                "field": row.field,
                "stored": row.file is not None,
            }
            for row in rows
        ]

    async def forget(self, project: str, trace_ids: Sequence[str]) -> int:
        """Takes the links of these traces away, and all media that nothing else links; how many those were.

        To be called when traces are deleted; calling it again finishes what a crash cut short.
        """

        def remove(name: str) -> None:
            self._path(project, name).unlink(missing_ok=True)

        return await self._ledger.write(partial(_forget, project, list(trace_ids), remove))

    def _path(self, project: str, name: str) -> Path:
        return self._folder / project / name[:2] / name

    def _check(self, media: str, content_type: str, size: int) -> None:
        if not _ID.fullmatch(media):
            raise InvalidInput("That is no id of media.", field="id", value=media[:80], fix="letters, digits, - and _")
        if not _TYPE.fullmatch(content_type):
            raise InvalidInput("That is no media type.", field="content_type", value=content_type[:80], fix="image/png")
        if not 0 < size <= self._most_bytes:
            raise TooLarge(
                f"Media of {size} bytes are not kept: at most {self._most_bytes}.",
                field="bytes",
                value=size,
                fix="send less, or raise ASSAY_MEDIA_MAX_BYTES",
            )


def _one(project: str, media: str) -> tuple[Any, ...]:
    return (_media.c.project == project, _media.c.id == media)


def _row(connection: Connection, project: str, media: str) -> Row[Any]:
    row = connection.execute(select(_media).where(*_one(project, media))).one_or_none()
    if row is None:
        raise NotFound(f"There are no media '{media[:80]}' in this project.", field="id", value=media[:80])
    return row


def _announce(project: str, media: str, values: dict[str, Any], link: MediaLink | None, connection: Connection) -> bool:
    row = connection.execute(select(_media).where(*_one(project, media))).one_or_none()
    if row is None:
        connection.execute(_media.insert().values(project=project, id=media, **values))
    elif row.file is None:
        connection.execute(_media.update().where(*_one(project, media)).values(**values))
    if link is not None:
        _link(connection, project, media, link, values["created_ns"])
    return row is None or row.file is None


def _link(connection: Connection, project: str, media: str, link: MediaLink, now_ns: int) -> None:
    said = {"project": project, "media": media, "trace_id": link.trace_id, "span_id": link.span_id}
    said["field"] = link.field[:_LONGEST_FIELD]
    known = select(func.count()).select_from(_links).where(*(_links.c[name] == value for name, value in said.items()))
    if not connection.execute(known).scalar_one():
        connection.execute(_links.insert().values(**said, created_ns=now_ns))


def _of_trace(project: str, trace_id: str, connection: Connection) -> Sequence[Row[Any]]:
    same = (_media.c.project == _links.c.project) & (_media.c.id == _links.c.media)
    query = select(_media, _links.c.span_id, _links.c.field).join(_links, same)
    query = query.where(_links.c.project == project, _links.c.trace_id == trace_id)
    return connection.execute(query.order_by(_links.c.created_ns, _links.c.span_id, _links.c.field)).all()


def _forget(project: str, trace_ids: list[str], remove: Callable[[str], None], connection: Connection) -> int:
    """Files go before the rows that name them: after a crash the rows are still there, and so is the work."""
    of_these = (_links.c.project == project, _links.c.trace_id.in_(trace_ids))
    touched = set(connection.execute(select(_links.c.media).where(*of_these)).scalars())
    connection.execute(_links.delete().where(*of_these))
    elsewhere = select(_links.c.media).where(_links.c.project == project)
    gone = connection.execute(
        select(_media).where(_media.c.project == project, _media.c.id.in_(touched), _media.c.id.not_in(elsewhere))
    ).all()
    connection.execute(_media.delete().where(_media.c.project == project, _media.c.id.in_([row.id for row in gone])))
    still = set(connection.execute(select(_media.c.file).where(_media.c.project == project)).scalars())
    for name in {row.file for row in gone if row.file is not None} - still:
        remove(name)
    return len(gone)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: under another name first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return
    beside = path.with_name(f"{path.name}.{uuid4().hex}")
    with beside.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
