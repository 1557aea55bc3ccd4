"""A score that its author, or an admin of the project, takes back.

The row goes, as rows of deleted people do: what reads scores (pages, filters, monitors, corrected rates, exports) need
not know of scores that no longer count. That there was one, and who took it back, stays in the audit log.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from assay_server.core.errors import Conflict, Forbidden, NotFound
from assay_server.core.ports import Principal
from assay_server.governance import Audit
from assay_server.keeping.counters import Counters
from assay_server.ledger import Ledger, tables
from assay_server.store import Doomed, Store

_runs = tables.evaluation.runs

_TOLD = ("name", "source", "value", "author", "trace_id", "span_id")
"""What the audit log keeps of it: no label, reason or session, which may be of a person who is deleted later."""

_FOUND = (
    "SELECT id, name, source, value, author, trace_id, span_id, run FROM scores WHERE project = ? AND ({})"
    " ORDER BY time_ns, id"
)
_ID = "id = ?"
_TRACE = "trace_id = ?"
_SENT_AS = "json_extract_string(metadata, '$.id') = ?"
"""Clients whose scores may change under one id have it here: each judgement is a score of its own."""


class ScoresTakenBack:
    """Takes scores of one project back, at once and for every reader."""

    def __init__(self, store: Store, ledger: Ledger, audit: Audit, counters: Counters) -> None:
        self._store = store
        self._ledger = ledger
        self._audit = audit
        self._counters = counters

    async def take_back(
        self, caller: Principal, score: str, *, trace_id: str | None = None, sent_as: bool = False
    ) -> list[str]:
        """The ids of what is gone: the score of that id, and with `sent_as` all that a client sent under it.

        Raises NotFound, Forbidden for somebody else's, Conflict for a run's.
        """
        found = await self._found(caller.project, score, trace_id, sent_as)
        if not found:
            fix = "see GET /api/v1/scores"
            raise NotFound("There is no such score.", field="score", value=score, fix=fix)
        found = _own(found, caller)
        await self._refuse_evidence(found)
        ids = [str(row["id"]) for row in found]
        # The log first: after a kill in between it is done once more, and told twice. The other way round it would
        # be gone, and nobody could be told by whom.
        await self._ledger.write(lambda connection: self._tell(connection, caller, found))
        await self._counters.look(caller.project)
        await self._store.erase(caller.project, [Doomed("scores", "id IN (SELECT unnest(?::VARCHAR[]))", (ids,))])
        await self._counters.look(caller.project)
        return ids

    async def _found(self, project: str, score: str, trace_id: str | None, sent_as: bool) -> list[dict[str, Any]]:
        where, params = _ID, [project, score]
        if sent_as:
            where, params = f"{_ID} OR {_SENT_AS}", [*params, score]
        if trace_id is not None:
            where, params = f"({where}) AND {_TRACE}", [*params, trace_id]
        return await self._store.scan(_FOUND.format(where), params)

    async def _refuse_evidence(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Raises Conflict for a score of one of our runs; experiments of clients have no verdict."""
        runs = {row["run"] for row in found if row["run"] is not None}
        query = select(_runs.c.id).where(_runs.c.id.in_(runs)).limit(1)
        ours = await self._ledger.read(lambda connection: connection.execute(query).scalar()) if runs else None
        if ours is not None:
            raise Conflict(
                "This score belongs to a run: verdicts are computed from it, and they are never rewritten.",
                field="score",
                value=next(row["id"] for row in found if row["run"] == ours),
                fix="evaluate again: another run has scores of its own",
            )

    def _tell(self, connection: Connection, caller: Principal, found: Sequence[Mapping[str, Any]]) -> None:
        for row in found:
            told = {name: row[name] for name in _TOLD}
            self._audit.append(
                connection,
                project=caller.project,
                actor=caller.actor,
                action="score.take_back",
                subject=str(row["id"]),
                before=told,
            )


def _own(found: Sequence[dict[str, Any]], caller: Principal) -> list[dict[str, Any]]:
    """Those that the caller may take back. Raises Forbidden where there is none."""
    own = [row for row in found if caller.role == "admin" or row["author"] == caller.actor]
    if not own:
        raise Forbidden(
            "A score is taken back by whoever gave it, or by an admin of the project.",
            field="score",
            value=found[0]["id"],
            fix=f"ask an admin; it was given by {found[0]['author'] or 'somebody unknown'}",
        )
    return own
