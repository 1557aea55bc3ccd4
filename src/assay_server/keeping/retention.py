"""Rules of retention in the ledger: defined by people, obeyed by passes, and never in a hurry.

Under new rules nothing goes for an hour, so that a mistake can be taken back. What is due stands in the row
(`next_ns`): a killed server makes its pass at the next start. Where the clock has gone on by more than a day since the
last look (the server was off, or the clock is wrong), or was set back, there is an hour again before anything goes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assay_server.core.clock import DAY_NS, Clock, rfc3339
from assay_server.core.errors import Conflict
from assay_server.core.ids import new_id
from assay_server.governance import Audit
from assay_server.keeping.rules import Rule, before, parse, rules_json, rules_of, shortest_days
from assay_server.ledger import Ledger, tables

_rules = tables.keeping.retention
_passes = tables.keeping.retention_passes

_SECOND = 1_000_000_000
GRACE_NS = 3600 * _SECOND
EVERY_NS = 3600 * _SECOND
_LATE_NS = 86_400 * _SECOND
_MOST_REMEMBERED = 1_000  # environments


@dataclass(slots=True, frozen=True)
class Pass:
    """One look at one project: what is older than its rules allow, counted back from `as_of_ns`, goes."""

    id: str
    project: str
    rules: tuple[Rule, ...]
    as_of_ns: int


class Retention:
    """The rules of each project, and the passes made under them."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        # By project and environment: passes are many, and costs are asked for again and again.
        self._gone: dict[str, dict[str | None, int]] = {}

    async def rules(self, project: str) -> tuple[Rule, ...]:
        row = await self._ledger.read(lambda connection: _of(connection, project))
        return () if row is None else parse(row.rules)

    async def get(self, project: str) -> tuple[dict[str, Any], int]:
        """The rules in the shape of the REST API, and their revision (0: there never were any)."""
        return await self._ledger.read(lambda connection: self._shown(connection, project))

    async def put(
        self,
        project: str,
        actor: str,
        rules: Sequence[Mapping[str, Any]],
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> tuple[dict[str, Any], int]:
        """Raises InvalidInput naming the field, and Conflict for another `revision` than there is."""
        checked = rules_json(parse(rules))

        def write(connection: Connection) -> tuple[dict[str, Any], int]:
            row, now = _of(connection, project), self._clock.now_ns()
            found = 0 if row is None else row.revision
            if revision is not None and revision != found:
                raise Conflict(
                    "The rules were changed since you read them.",
                    field="If-Match",
                    value=f'"{revision}"',
                    fix=f'read them again; their ETag is "{found}"',
                )
            due = {"applies_ns": now + GRACE_NS, "next_ns": now + GRACE_NS}
            values = {"rules": checked, "revision": found + 1, "updated_ns": now, "updated_by": actor, **due}
            if row is None:
                connection.execute(_rules.insert().values(project=project, **values))
            else:
                connection.execute(update(_rules).where(_rules.c.project == project).values(**values))
            before = None if row is None else row.rules
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="retention.put",
                subject="retention",
                reason=reason,
                before=before,
                after=checked,
            )
            return self._shown(connection, project)

        return await self._ledger.write(write)

    async def passes(
        self, project: str, *, limit: int = 50, after: str | None = None
    ) -> tuple[list[dict[str, Any]], int, str | None]:
        """Newest first, how many there are, and the id after which the next page begins."""

        def read(connection: Connection) -> tuple[list[dict[str, Any]], int, str | None]:
            total = connection.execute(select(func.count()).where(_passes.c.project == project)).scalar_one()
            query = select(_passes).where(_passes.c.project == project).order_by(_passes.c.id.desc()).limit(limit + 1)
            rows = connection.execute(query if after is None else query.where(_passes.c.id < after)).all()
            return [pass_json(row) for row in rows[:limit]], total, rows[limit - 1].id if len(rows) > limit else None

        return await self._ledger.read(read)

    async def whole_since_ns(self, project: str, what: str, environment: str | None = None) -> int:
        """From when on no pass took away anything of `spans` (of one environment) or `scores`; 0 where none did."""
        query = select(_passes.c.rules, _passes.c.as_of_ns).where(_passes.c.project == project)
        rows = await self._ledger.read(lambda connection: connection.execute(query).all())
        bounds = [before(shortest_days(parse(row.rules), what, environment), row.as_of_ns) for row in rows]
        return max((bound for bound in bounds if bound is not None), default=0)

    async def spans_gone_before_ns(self, project: str, environment: str | None = None) -> int:
        """Until when passes took away spans (of one environment), or some of them; 0 where none did."""
        of_project = self._gone.setdefault(project, {})
        if len(of_project) >= _MOST_REMEMBERED:  # whoever asks may name any environment
            of_project.clear()
        known = of_project.get(environment)
        if known is not None:
            return known
        query = select(_passes.c.rules, _passes.c.as_of_ns, _passes.c.removed).where(_passes.c.project == project)
        rows = await self._ledger.read(lambda connection: connection.execute(query).all())
        taken = [
            row.as_of_ns - rule.metadata_days * DAY_NS
            for row in rows
            if row.removed.get("spans")
            for rule in rules_of(parse(row.rules), environment)
            if rule.metadata_days is not None
        ]
        found = self._gone.setdefault(project, {})[environment] = max(taken, default=0)
        return found

    async def ask(self, project: str, actor: str) -> dict[str, Any]:
        """A pass that is to be made now, without the hour; the one under these rules that is not done yet, if there is
        one: it counts whole days. Raises Conflict where there are no rules."""

        def write(connection: Connection) -> dict[str, Any]:
            row = _of(connection, project)
            if row is None or not row.rules:
                raise Conflict("There are no rules: everything is kept.", fix="PUT /api/v1/retention first")
            under_way = _under_way(connection, row)
            if under_way is not None:
                return pass_json(under_way)
            made = self._begun(connection, row)
            self._audit.append(connection, project=project, actor=actor, action="retention.ask", subject=made.id)
            return pass_json(connection.execute(select(_passes).where(_passes.c.id == made.id)).one())

        return await self._ledger.write(write)

    async def due(self) -> list[Pass]:
        """Passes that a kill or a fault left unfinished, then those whose time has come, which begin with this."""
        return await self._ledger.write(self._due)

    async def reached(self, made: Pass, removed: Mapping[str, int], hold_ms: float) -> None:
        """Adds what a step of a pass took away."""

        def write(connection: Connection) -> None:
            row = connection.execute(select(_passes).where(_passes.c.id == made.id)).one()
            values = {"removed": added(row.removed, removed), "longest_hold_ms": max(row.longest_hold_ms, hold_ms)}
            connection.execute(update(_passes).where(_passes.c.id == made.id).values(**values))

        await self._ledger.write(write)
        self._gone.pop(made.project, None)

    async def end(self, made: Pass, error: str | None = None) -> None:
        """A pass that did nothing leaves no row; one that did is in the audit log. One that failed is tried again."""

        def write(connection: Connection) -> None:
            row = connection.execute(select(_passes).where(_passes.c.id == made.id)).one()
            if error is None and not any(row.removed.values()):
                connection.execute(_passes.delete().where(_passes.c.id == made.id))
                return
            values = {"status": "done" if error is None else "failed", "error": error}
            ended = {"ended_ns": self._clock.now_ns()} | values
            connection.execute(update(_passes).where(_passes.c.id == made.id).values(**ended))
            if error is None:
                self._audit.append(
                    connection,
                    project=made.project,
                    actor="assay:retention",
                    action="retention.pass",
                    subject=made.id,
                    after={"removed": row.removed},
                )

        await self._ledger.write(write)

    def _due(self, connection: Connection) -> list[Pass]:
        now = self._clock.now_ns()
        left = connection.execute(select(_passes).where(_passes.c.status == "running").order_by(_passes.c.id)).all()
        busy = {row.project for row in left}
        found = [Pass(row.id, row.project, parse(row.rules), row.as_of_ns) for row in left]
        # A clock that was set back must not put the next pass off by more than its usual pause, nor take from new rules
        # the hour in which they can be taken back.
        longest_ns = max(EVERY_NS, GRACE_NS)
        soon = (_rules.c.next_ns <= now) | (_rules.c.next_ns > now + longest_ns)
        for row in connection.execute(select(_rules).where(soon)).all():
            if not now - _LATE_NS <= row.next_ns <= now + longest_ns:
                connection.execute(update(_rules).where(_rules.c.project == row.project).values(next_ns=now + GRACE_NS))
                continue
            if row.project not in busy and row.rules:
                found.append(self._begun(connection, row))
            connection.execute(update(_rules).where(_rules.c.project == row.project).values(next_ns=now + EVERY_NS))
        return found

    def _begun(self, connection: Connection, row: Row[Any]) -> Pass:
        made = Pass(new_id("ret"), row.project, parse(row.rules), self._clock.now_ns())
        begun = {"status": "running", "removed": {}, "longest_hold_ms": 0.0, "started_ns": made.as_of_ns}
        values = {"id": made.id, "project": made.project, "rules": row.rules, "as_of_ns": made.as_of_ns, **begun}
        connection.execute(_passes.insert().values(**values))
        return made

    def _shown(self, connection: Connection, project: str) -> tuple[dict[str, Any], int]:
        row = _of(connection, project)
        newest = select(_passes).where(_passes.c.project == project).order_by(_passes.c.id.desc()).limit(1)
        last = connection.execute(newest).one_or_none()
        told = {"last": None if last is None else pass_json(last)}
        if row is None:
            empty = dict.fromkeys(("updated_at", "updated_by", "applies_from", "next"))
            return {"rules": [], **empty, **told}, 0
        moments = {
            "updated_at": rfc3339(row.updated_ns),
            "updated_by": row.updated_by,
            "applies_from": rfc3339(row.applies_ns),
            "next": rfc3339(row.next_ns) if row.rules else None,
        }
        return {"rules": row.rules, **moments, **told}, row.revision


def pass_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    return {
        "id": row.id,
        "status": row.status,
        "rules": row.rules,
        "as_of": rfc3339(row.as_of_ns),
        "removed": row.removed,
        "longest_hold_ms": round(row.longest_hold_ms, 1),
        "started_at": rfc3339(row.started_ns),
        "ended_at": None if row.ended_ns is None else rfc3339(row.ended_ns),
        "error": row.error,
    }


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Sums by name."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in sorted({*counts, *more})}


def _under_way(connection: Connection, rules: Row[Any]) -> Row[Any] | None:
    query = select(_passes).where(_passes.c.project == rules.project, _passes.c.status == "running")
    return next((row for row in connection.execute(query.order_by(_passes.c.id)) if row.rules == rules.rules), None)


def _of(connection: Connection, project: str) -> Row[Any] | None:
    return connection.execute(select(_rules).where(_rules.c.project == project)).one_or_none()
