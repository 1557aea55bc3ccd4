"""Images, sound and files that spans speak of: kept once per project under their content hash, and linked to traces."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from assay_server.core.clock import Clock
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.ingest.media import files as media_files
from assay_server.ingest.media.cleaning import clean
from assay_server.ledger import Ledger, tables

_media, _links = tables.foreign.media, tables.foreign.media_links

_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LONGEST_FIELD = 200
_LONGEST_NAME = 2_000  # of what is scrubbed; what is cut off afterwards is no half of an address
_AT_ONCE = 5_000


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
        self,
        ledger: Ledger,
        folder: Path,
        scrub: Callable[[str], tuple[str, object]],
        clock: Clock,
        most_bytes: int,
        *,
        may: Callable[[str], None] = lambda _: None,
        counted: Callable[[str, int], None] = lambda _, __: None,
    ) -> None:
        """`most_bytes`: of one file; 0 takes none. `may` raises where a project's quota is used up; `counted` hears how
        many bytes of which project came."""
        self._ledger = ledger
        self._folder = folder
        self._scrub = scrub
        self._clock = clock
        self._most_bytes = most_bytes
        self._may = may
        self._counted = counted

    async def announce(
        self, project: str, media: str, content_type: str, size: int, digest: str, link: MediaLink | None
    ) -> bool:
        """Says what will come, and where it stands; whether its content is still wanted. `digest`: SHA-256, hex.

        Where it stands may be told by the name of a file: that is scrubbed. Of a type, parameters (`codecs=opus`) are
        not kept. Raises InvalidInput and TooLarge; RateLimited where the project's quota is used up.
        """
        self._may(project)
        content_type = content_type.partition(";")[0].strip().lower()
        self._check(media, content_type, size)
        link = link and replace(link, field=self._scrub(link.field[:_LONGEST_NAME])[0])
        values = {"content_type": content_type, "sha256": digest, "bytes": size, "created_ns": self._clock.now_ns()}
        return await self._ledger.write(partial(self._announce, project, media, values, link))

    async def store(self, project: str, media: str, content: bytes) -> None:
        """Cleans and keeps the content that was announced.

        Raises NotFound, also where it was forgotten meanwhile; InvalidInput where it is another; RateLimited;
        Unavailable.
        """
        self._may(project)
        row = await self._ledger.read(lambda connection: _row(connection, project, media))
        self._check(media, row.content_type, len(content))
        name, kept = await asyncio.to_thread(self._cleaned, row, content)
        values = {"file": name, "bytes": len(kept)}  # first: whatever a crash leaves of the file, the row names it
        await self._ledger.write(
            lambda connection: connection.execute(_media.update().where(*_one(project, media)).values(**values))
        )
        await asyncio.to_thread(media_files.write, self._path(project, name), kept)
        if not await self._ledger.write(partial(self._keep, project, media, name, kept)):
            raise _not_found(media)
        self._counted(project, len(content))

    async def get(self, project: str, media: str) -> KeptMedia:
        """Raises NotFound."""
        row = await self._ledger.read(lambda connection: _row(connection, project, media))
        there = await asyncio.to_thread(self._is_there, row)
        path = self._path(project, row.file) if there else None
        return KeptMedia(row.id, row.content_type, row.bytes, path, row.created_ns)

    async def of_trace(self, project: str, trace_id: str) -> list[dict[str, Any]]:
        """`[{"id", "content_type", "bytes", "sha256", "span_id", "field", "stored"}]` in the order they came."""
        rows = await self._ledger.read(partial(_of_trace, project, trace_id))
        there = await asyncio.to_thread(lambda: [self._is_there(row) for row in rows])
        return [
            {
                "id": row.id,
                "content_type": row.content_type,
                "bytes": row.bytes,
                "sha256": row.file if is_there else None,
                "span_id": row.span_id or None,
                "field": row.field,
                "stored": is_there,
            }
            for row, is_there in zip(rows, there, strict=True)
        ]

    async def forget(
        self, project: str, trace_ids: Sequence[str], span_ids: Collection[str] | None = None, *, dry_run: bool = False
    ) -> int:
        """Takes the links of these traces away, and all media that nothing else links; how many those were.

        `span_ids`: only the links of these spans, and of the traces as a whole. To be called when traces are deleted;
        calling it again finishes what a crash cut short.
        """

        def work(connection: Connection) -> int:
            links = [link for link in _links_of(connection, project, trace_ids) if _of_spans(link, span_ids)]
            gone = _only_linked_by(connection, project, links)
            if not dry_run:
                _unlink(connection, project, links)
                self._remove(connection, project, gone)
            return len(gone)

        return await (self._ledger.read(work) if dry_run else self._ledger.write(work))

    async def forget_before(self, project: str, until_ns: int, *, dry_run: bool = False) -> int:
        """The same for media that were announced before `until_ns`, and not again since: a picture that is sent with
        every call is gone from the traces before that moment, and stays with those after it."""

        def work(connection: Connection) -> int:
            of_project = _links.c.project == project
            fresh = select(_links.c.media).where(of_project, _links.c.created_ns >= until_ns)
            old = (_media.c.project == project, _media.c.created_ns < until_ns, _media.c.id.not_in(fresh))
            gone = connection.execute(select(_media).where(*old)).all()
            if not dry_run:
                connection.execute(_links.delete().where(of_project, _links.c.created_ns < until_ns))
                if gone:
                    self._remove(connection, project, gone)
            return len(gone)

        return await (self._ledger.read(work) if dry_run else self._ledger.write(work))

    def _announce(
        self, project: str, media: str, values: dict[str, Any], link: MediaLink | None, connection: Connection
    ) -> bool:
        row = connection.execute(select(_media).where(*_one(project, media))).one_or_none()
        wanted = row is None or not self._is_there(row)
        if row is None:
            connection.execute(_media.insert().values(project=project, id=media, **values))
        elif wanted:
            connection.execute(_media.update().where(*_one(project, media)).values(**values))
        if link is not None:
            _link(connection, project, media, link, values["created_ns"])
        return wanted

    def _keep(self, project: str, media: str, name: str, kept: bytes, connection: Connection) -> bool:
        """False where the media were forgotten while their file was written: then it goes as well."""
        query = select(_media.c.id).where(_media.c.project == project, _media.c.file == name)
        named_by = connection.execute(query).scalars().all()
        if not named_by:
            media_files.remove(self._path(project, name))
        elif media in named_by:  # others of this content may have been forgotten a moment ago, and the file with them
            media_files.write(self._path(project, name), kept)
        return media in named_by

    def _cleaned(self, row: Row[Any], content: bytes) -> tuple[str, bytes]:
        """Its new hash with it. Ten megabytes of numbers take seconds. Raises InvalidInput."""
        if sha256(content).hexdigest() != row.sha256:
            raise InvalidInput(
                "This is not the content that was announced.", field="body", value=f"{len(content)} bytes"
            )
        kept = clean(row.content_type, content, self._scrub)
        return sha256(kept).hexdigest(), kept

    def _is_there(self, row: Row[Any]) -> bool:
        """Its content came, and nobody took it away by hand."""
        return row.file is not None and self._path(row.project, row.file).exists()

    def _remove(self, connection: Connection, project: str, gone: Sequence[Row[Any]]) -> None:
        """Files go before their rows are committed: after a crash the rows are still there, and so is the work."""
        for some in _portions([row.id for row in gone]):
            connection.execute(_media.delete().where(_media.c.project == project, _media.c.id.in_(some)))
        still = set(connection.execute(select(_media.c.file).where(_media.c.project == project)).scalars())
        for name in {row.file for row in gone if row.file is not None} - still:
            media_files.remove(self._path(project, name))

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
        raise _not_found(media)
    return row


def _not_found(media: str) -> NotFound:
    return NotFound(f"There are no media '{media[:80]}' in this project.", field="id", value=media[:80])


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


def _links_of(connection: Connection, project: str, trace_ids: Sequence[str]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for some in _portions(trace_ids):
        query = select(_links).where(_links.c.project == project, _links.c.trace_id.in_(some))
        found += connection.execute(query).all()
    return found


def _of_spans(link: Row[Any], span_ids: Collection[str] | None) -> bool:
    return span_ids is None or not link.span_id or link.span_id in span_ids


def _only_linked_by(connection: Connection, project: str, links: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The media that these links name and no other."""
    going = {(link.media, link.trace_id, link.span_id, link.field) for link in links}
    gone: list[Row[Any]] = []
    for some in _portions(sorted({link.media for link in links})):
        linked = connection.execute(select(_links).where(_links.c.project == project, _links.c.media.in_(some)))
        stay = {link.media for link in linked if (link.media, link.trace_id, link.span_id, link.field) not in going}
        media = connection.execute(select(_media).where(_media.c.project == project, _media.c.id.in_(some)))
        gone += [row for row in media if row.id not in stay]
    return gone


def _unlink(connection: Connection, project: str, links: Sequence[Row[Any]]) -> None:
    for link in links:
        same = (_links.c[name] == getattr(link, name) for name in ("media", "trace_id", "span_id", "field"))
        connection.execute(_links.delete().where(_links.c.project == project, *same))


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """A statement takes only so many values."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
