"""Which checks look at what share of a project's traffic: its setting in the ledger, and in memory for the listener."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, InvalidInput
from assay_server.governance.audit import Audit
from assay_server.governance.counts import Counts
from assay_server.governance.revisions import put_revision
from assay_server.ledger import Ledger, tables

CHECKS = ("toxicity", "groundedness")
"""Those that need nothing but what a trace holds, and no model that is called."""

SCORED, SKIPPED, DROPPED = "flags.scored", "flags.skipped", "flags.dropped"
"""What is counted: scores written; checks that did not apply; checks for which there was no room."""

_rows = tables.intake.flags


@dataclass(frozen=True, slots=True)
class Flagging:
    """One project's: off unless it names a check. `share` of its traces are looked at."""

    checks: tuple[str, ...] = ()
    share: float = 1.0
    revision: int = 0
    updated_ns: int | None = None
    updated_by: str | None = None


_OFF = Flagging()


class Flags:
    """`of` is for the hot path."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock, counts: Counts) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._counts = counts
        self._known: dict[str, Flagging] = {}

    async def load(self) -> None:
        rows = await self._ledger.read(lambda connection: connection.execute(select(_rows)).all())
        self._known = {row.project: _flagging(row) for row in rows}

    def of(self, project: str) -> Flagging:
        return self._known.get(project, _OFF)

    def count(self, project: str, what: str, n: int) -> None:
        self._counts.add(project, what, n)

    def get(self, project: str) -> dict[str, Any]:
        """As the API shows it; `today` is UTC's day."""
        known = self.of(project)
        names = ("scored", SCORED), ("skipped", SKIPPED), ("dropped", DROPPED)
        return {
            "checks": list(known.checks),
            "share": known.share,
            "available": list(CHECKS),
            "today": {name: self._counts.used(project, what)[0] for name, what in names},
            "updated_at": None if known.updated_ns is None else rfc3339(known.updated_ns),
            "updated_by": known.updated_by,
        }

    async def put(
        self,
        project: str,
        actor: str,
        checks: Sequence[str],
        share: float,
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> dict[str, Any]:
        """Holds for what comes from now on. Raises InvalidInput, and Conflict for another `revision`."""
        names = _checked(checks, share)

        def write(connection: Connection) -> Flagging:
            row = connection.execute(select(_rows).where(_rows.c.project == project)).one_or_none()
            before = _OFF if row is None else _flagging(row)
            if revision is not None and revision != before.revision:
                raise Conflict(fix="read the flags again and repeat the change")
            after = Flagging(names, share, before.revision + 1, self._clock.now_ns(), actor)
            put_revision(connection, _rows, project, after, _json(after))
            self._audit.append(
                connection, project=project, actor=actor, action="flags.change", subject=project, reason=reason,
                before=_json(before), after=_json(after),
            )  # fmt: skip
            return after

        self._known[project] = await self._ledger.write(write)
        return self.get(project)


def _checked(checks: Sequence[str], share: float) -> tuple[str, ...]:
    for name in checks:
        if name not in CHECKS:
            raise InvalidInput(
                "No check that can look at traffic has this name.",
                field="checks",
                value=name,
                fix=f"use some of: {', '.join(CHECKS)}",
            )
    if not 0 < share <= 1:
        raise InvalidInput(field="share", value=share, fix="more than 0 and at most 1; no checks turn it off")
    return tuple(dict.fromkeys(checks))


def _json(flagging: Flagging) -> dict[str, Any]:
    return {"checks": list(flagging.checks), "share": flagging.share}


def _flagging(row: Row[Any]) -> Flagging:
    known = tuple(name for name in row.checks if name in CHECKS)
    return Flagging(known, row.share, row.revision, row.updated_ns, row.updated_by)
