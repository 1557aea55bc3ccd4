"""Deletion of a person by the id that their spans carry, or of one trace: asked for, looked at, and proven.

The ledger holds the id only until the work is done; afterwards, as in the audit log and in the proof, there is its hash
with the project's salt. So whoever knows the id can check that a proof is about it, and nobody else can tell.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, Row, func, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.core.ids import new_id, salted_hash
from assay_server.governance import Audit
from assay_server.keeping import leftovers
from assay_server.keeping.counters import Counters
from assay_server.keeping.subjects import Found, Named, OneTrace, Person, look
from assay_server.ledger import Ledger, tables
from assay_server.store import Store

_rows = tables.keeping.deletions
_projects = tables.accounts.projects

_LONGEST_USER = 100_000  # whatever a client sent can be asked for
_LONGEST_REASON = 2000
_TRACE_ID = re.compile("[0-9a-f]{32}")
_UNSPEAKABLE = re.compile("[\ud800-\udfff]")  # no database holds them; whatever else was sent, somebody may be called
_NUL, _IN_ITS_PLACE = "\0", "\ufffd"  # as the door writes it now; facts from before hold the NUL
HASH_OF = "sha256(project's salt ‖ user id), both as UTF-8"

Datasets = Literal["keep", "erase"]


class Elsewhere(Protocol):
    """What other rooms hold of a person or a trace. `app` plugs it in."""

    async def forget(self, subject: Named, found: Found, *, dry_run: bool) -> dict[str, int]:
        """Pieces of spans, remembered answers: by name, how many there were."""
        ...

    async def held(self, project: str, span_ids: Collection[str]) -> list[dict[str, Any]]:
        """Golden sets with items made from these: `[{"dataset", "versions", "items", "spans"}]`."""
        ...

    async def empty(self, project: str, span_ids: Collection[str], request: str) -> int:
        """Takes the content out of the items that are held; how many."""
        ...


Copies = Callable[[], Awaitable[Sequence[dict[str, Any]]]]
"""Backups that hold what was there: `[{"backup", "made_at", "expires_at", "where"}]`."""

Pseudonym = Callable[[str], str]
"""What an id becomes at the door, where it is personal data itself."""


@dataclass(slots=True, frozen=True)
class Sites:
    """Where a person's data may be."""

    store: Store
    elsewhere: Elsewhere
    copies: Copies
    pseudonym: Pseudonym
    counters: Counters


@dataclass(slots=True, frozen=True)
class Asked:
    """Of whom, or of what: one of both."""

    user: str | None = None
    trace_id: str | None = None

    @property
    def id(self) -> str:
        """Raises InvalidInput where there is none, or more than one."""
        if (self.user is None) == (self.trace_id is None):
            raise InvalidInput("A deletion is of a user or of a trace.", field="user", fix="give user, or trace_id")
        return self.user if self.user is not None else str(self.trace_id)

    @property
    def what(self) -> str:
        """In a sentence."""
        return "user" if self.trace_id is None else "trace"

    def shown(self, hashed: str) -> dict[str, Any]:
        """In an answer: of a person the hash alone."""
        return {"user_hash": hashed if self.trace_id is None else None, "trace_id": self.trace_id}

    def said(self, hashed: str) -> dict[str, Any]:
        """The one that there is, for what is kept for ever."""
        return {"user_hash": hashed} if self.trace_id is None else {"trace_id": self.trace_id}


@dataclass(slots=True, frozen=True)
class DeletionOfTrace:
    """What is still known of a trace that was deleted."""

    id: str
    reason: str
    ended_ns: int | None
    """None while it is under way."""


def asked_in(row: Row[Any]) -> Asked:
    return Asked(user=row.user) if row.trace_id is None else Asked(trace_id=row.trace_id)


class Deletions:
    """Requests, in the shapes of the REST API. The work is done by `DeletionWork`."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock, sites: Sites) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._sites = sites

    async def preview(self, project: str, asked: Asked) -> dict[str, Any]:
        """What there is, and what would remain. Raises InvalidInput."""
        subject = subject_of(project, asked, self._sites.pseudonym)
        found = await look(self._sites.store, subject)
        counts = found.counts | await self._sites.elsewhere.forget(subject, found, dry_run=True)
        salt = await self._ledger.read(lambda connection: _salt(connection, project))
        hashed = salted_hash(salt, asked.id)
        kept = await self._ledger.read(lambda connection: leftovers.kept_spans(connection, project, hashed))
        return {
            **asked.shown(hashed),
            "found": counts,
            "first": None if found.first_ns is None else rfc3339(found.first_ns),
            "last": None if found.last_ns is None else rfc3339(found.last_ns),
            "sessions": found.sessions,
            "held": await self._sites.elsewhere.held(project, {*found.span_ids, *kept}),
            "copies": await self._sites.copies(),
        }

    async def ask(
        self, project: str, actor: str, asked: Asked, reason: str, datasets: Datasets = "keep"
    ) -> dict[str, Any]:
        """A deletion that will be done. Raises InvalidInput, NotFound where nothing of it is stored."""
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise InvalidInput(f"A reason has 1 to {_LONGEST_REASON} characters.", field="reason", value=reason[:100])
        seen = await self.preview(project, asked)
        if not any(seen["found"].values()):
            _refuse_nothing(asked, seen["held"], datasets)
        found = {name: seen[name] for name in ("found", "first", "last", "sessions", "held")}

        def write(connection: Connection) -> dict[str, Any]:
            now = self._clock.now_ns()
            request = {"requested_ns": now, "requested_by": actor, "reason": reason, "datasets": datasets}
            hashed = salted_hash(_salt(connection, project), asked.id)
            user = None if asked.user is None else asked.user.replace(_NUL, _IN_ITS_PLACE)
            of = {"user": user, "user_hash": hashed, "trace_id": asked.trace_id}
            id_ = new_id("del")
            state = {"status": "queued", "found": found, "removed": {}}
            connection.execute(_rows.insert().values(id=id_, project=project, **request, **of, **state))
            told = {**asked.said(hashed), "datasets": datasets}
            self._audit.append(
                connection, project=project, actor=actor, action="deletion.ask", subject=id_, reason=reason, after=told
            )
            return deletion_json(_get(connection, project, id_), [])

        return await self._ledger.write(write)

    async def get(self, project: str, deletion: str) -> dict[str, Any]:
        """Raises NotFound."""
        row = await self._ledger.read(lambda connection: _get(connection, project, deletion))
        return (await self._told(project, [row]))[0]

    async def list(
        self, project: str, *, limit: int = 50, after: str | None = None
    ) -> tuple[Sequence[dict[str, Any]], int, str | None]:
        """Newest first, how many there are, and the id after which the next page begins."""

        def read(connection: Connection) -> tuple[Sequence[Row[Any]], int, str | None]:
            total = connection.execute(select(func.count()).where(_rows.c.project == project)).scalar_one()
            query = select(_rows).where(_rows.c.project == project).order_by(_rows.c.id.desc()).limit(limit + 1)
            rows = connection.execute(query if after is None else query.where(_rows.c.id < after)).all()
            following = rows[limit - 1].id if len(rows) > limit else None
            return rows[:limit], total, following

        rows, total, following = await self._ledger.read(read)
        return await self._told(project, rows), total, following

    async def of_trace(self, project: str, trace_id: str) -> DeletionOfTrace | None:
        """The newest deletion of this trace by its id. Traces that went with a person are in no ledger."""
        query = (
            select(_rows).where(_rows.c.project == project, _rows.c.trace_id == trace_id).order_by(_rows.c.id.desc())
        )
        row = await self._ledger.read(lambda connection: connection.execute(query.limit(1)).one_or_none())
        if row is None:
            return None
        return DeletionOfTrace(row.id, row.reason, None if row.status != "done" else row.ended_ns)

    async def _told(self, project: str, rows: Sequence[Row[Any]]) -> Sequence[dict[str, Any]]:
        """With what remains of each today, which may be less than when its proof was made."""
        copies = {copy["backup"] for copy in await self._sites.copies()}
        emptied = await self._ledger.read(lambda connection: leftovers.emptied(connection, project))
        return [deletion_json(row, leftovers.remaining(row, copies, emptied)) for row in rows]

    async def proof(self, project: str, deletion: str) -> Mapping[str, Any]:
        """Raises NotFound, and Conflict while there is none yet."""
        row = await self._ledger.read(lambda connection: _get(connection, project, deletion))
        if row.proof is None:
            raise Conflict("The deletion is not done yet.", field="status", value=row.status, fix="ask again later")
        found: Mapping[str, Any] = row.proof
        return found


def subject_of(project: str, asked: Asked, pseudonym: Pseudonym) -> Named:
    """Raises InvalidInput."""
    if asked.trace_id is None:
        return person_of(project, asked.id, pseudonym)
    if not _TRACE_ID.fullmatch(asked.id):
        raise InvalidInput(
            "This is no trace's id.", field="trace_id", value=asked.id[:80], fix="give its 32 hex digits"
        )
    return OneTrace(project, (asked.id,))


def person_of(project: str, user: str, pseudonym: Pseudonym) -> Person:
    """Raises InvalidInput."""
    if not 1 <= len(user) <= _LONGEST_USER or _UNSPEAKABLE.search(user):
        raise InvalidInput(f"A user id has 1 to {_LONGEST_USER:,} characters.", field="user")
    told = user.replace(_NUL, _IN_ITS_PLACE)
    spelt = (told, told.replace(_IN_ITS_PLACE, _NUL))
    return Person(project, tuple(dict.fromkeys((*spelt, *map(pseudonym, spelt)))))


def deletion_json(row: Row[Any], remaining: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The shape of the REST API: the user's id is not in it."""
    return {
        "id": row.id,
        "status": row.status,
        "step": row.step,
        **asked_in(row).shown(row.user_hash),
        "reason": row.reason,
        "datasets": row.datasets,
        **row.found,
        "requested_at": rfc3339(row.requested_ns),
        "requested_by": row.requested_by,
        "ended_at": None if row.ended_ns is None else rfc3339(row.ended_ns),
        "error": row.error,
        "remaining": remaining,
        "proof": None if row.proof is None else f"/api/v1/deletions/{row.id}/proof",
    }


def _refuse_nothing(asked: Asked, held: Sequence[Mapping[str, Any]], datasets: Datasets) -> None:
    """Where no fact is left, items of golden sets may be: an earlier deletion kept them, this one can empty them."""
    what = asked.what
    if not held:
        field = "user" if asked.trace_id is None else "trace_id"
        raise NotFound(f"Nothing of this {what} is stored.", field=field, fix=f"look the id up in GET /api/v1/{what}s")
    if datasets == "keep":
        names = ", ".join(str(each["dataset"]) for each in held)
        raise NotFound(
            f"All that is stored of this {what} are items of golden sets ({names}).",
            field="datasets",
            value=datasets,
            fix="send datasets=erase to empty them",
        )


def _get(connection: Connection, project: str, deletion: str) -> Row[Any]:
    row = connection.execute(select(_rows).where(_rows.c.project == project, _rows.c.id == deletion)).one_or_none()
    if row is None:
        raise NotFound("There is no such deletion.", field="deletion", value=deletion, fix="see GET /api/v1/deletions")
    return row


def _salt(connection: Connection, project: str) -> str:
    return str(connection.execute(select(_projects.c.salt).where(_projects.c.id == project)).scalar_one())
