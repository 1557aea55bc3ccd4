"""Monitors: defined by people, evaluated on a schedule that lives in the ledger.

The row says when the next window ends (`next_ns`). Whatever lies in the past when somebody looks was missed, and is
caught up: the windows that nobody looked at are evaluated now, over the facts of their time, so trouble that came and
went while the server was down is found and told all the same. Windows that overlap are not all needed for that; the
newest hundred are. A process killed between two commits repeats one evaluation, which changes nothing.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError, Conflict
from assay_server.core.ids import new_id
from assay_server.core.known import refuse_unknown_values
from assay_server.core.seen import refuse_unseen
from assay_server.governance import Audit
from assay_server.ledger import Ledger, without_values
from assay_server.monitors import monitor_rows, rehearsal
from assay_server.monitors.absence import Absences
from assay_server.monitors.definition import Definition, parse, refuse_idle_lines, to_json
from assay_server.monitors.finding import Finding, finding_json
from assay_server.monitors.incidents import Incidents
from assay_server.monitors.late import LATEST_NS, Again, LateLooks, with_late
from assay_server.monitors.look import Looker
from assay_server.monitors.monitor_rows import Monitor, State
from assay_server.monitors.ready_made import READY_MADE
from assay_server.monitors.schedule import Due, schedule
from assay_server.monitors.shown import evaluation_json, monitor_json
from assay_server.monitors.transitions import ACTOR, Transitions
from assay_server.notify import silenced_until
from assay_server.query import Windows

_log = logging.getLogger(__name__)

_SECOND = 1_000_000_000

Projects = Callable[[], Awaitable[list[str]]]
"""Ids of all projects."""


class Monitors:
    """The face: what people define and read, and `tick`, which evaluates what is due."""

    def __init__(
        self,
        ledger: Ledger,
        windows: Windows,
        incidents: Incidents,
        audit: Audit,
        clock: Clock,
        projects: Projects,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._absences = Absences(monotonic)
        self._looker = Looker(windows, self._absences)
        self._late = LateLooks(windows, self._looker)
        self._transitions = Transitions(incidents)
        self._audit = audit
        self._clock = clock
        self._projects = projects
        self._furnished: set[str] = set()

    async def create(self, project: str, actor: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raises InvalidInput naming the field, Conflict for a name that is taken."""
        definition = _written(given)
        await self._furnish(project)

        def write(connection: Connection) -> dict[str, Any]:
            _refuse_taken(connection, project, definition.name, None)
            made = self._add(connection, project, actor, definition, ready_made=False)
            return self._shown(connection, [made])[0]

        return await self._ledger.write(write)

    async def replace(
        self, project: str, actor: str, ref: str, given: Mapping[str, Any], *, seen: str | None = None
    ) -> dict[str, Any]:
        """A new definition; what is open under the old one is resolved. `seen`: only in the place of this one.

        Raises InvalidInput, NotFound, Conflict.
        """
        definition = _written(given)

        def write(connection: Connection) -> dict[str, Any]:
            before = monitor_rows.fetch(connection, project, ref)
            refuse_unseen(to_json(before.definition), seen, "monitor")
            _refuse_taken(connection, project, definition.name, before.id)
            off = before.definition.enabled and not definition.enabled
            if off or _measures(definition) != _measures(before.definition):
                self._end(connection, before, actor, f"The monitor was {'switched off' if off else 'changed'}.")
                monitor_rows.forget_states(connection, before)
            values = {"name": definition.name, "enabled": definition.enabled, "definition": to_json(definition)}
            monitor_rows.change(connection, before, **values, next_ns=self._clock.now_ns())
            self._record(connection, before, actor, "monitor.change", to_json(before.definition), to_json(definition))
            return self._shown(connection, [monitor_rows.fetch(connection, project, before.id)])[0]

        return await self._ledger.write(write)

    async def delete(self, project: str, actor: str, ref: str, *, seen: str | None = None) -> None:
        """With its states and evaluations; its open incidents are resolved. Raises NotFound, Conflict."""

        def write(connection: Connection) -> None:
            before = monitor_rows.fetch(connection, project, ref)
            refuse_unseen(to_json(before.definition), seen, "monitor")
            self._end(connection, before, actor, "The monitor was deleted.")
            monitor_rows.delete(connection, before)
            self._record(connection, before, actor, "monitor.delete", to_json(before.definition), None)

        await self._ledger.write(write)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """Raises NotFound."""
        await self._furnish(project)
        return await self._ledger.read(lambda c: self._shown(c, [monitor_rows.fetch(c, project, ref)])[0])

    async def list(self, project: str) -> Sequence[dict[str, Any]]:
        """All of them, by name."""
        await self._furnish(project)
        return await self._ledger.read(lambda c: self._shown(c, monitor_rows.listed(c, project)))

    async def evaluations(self, project: str, ref: str, limit: int = 50) -> Sequence[dict[str, Any]]:
        """Newest first; `late_s` says how long after its window's end one was made. Raises NotFound."""

        def read(connection: Connection) -> Sequence[dict[str, Any]]:
            monitor = monitor_rows.fetch(connection, project, ref)
            found = monitor_rows.evaluations(connection, project, monitor.id, limit)
            every_ns = monitor.definition.every_s * _SECOND
            return [evaluation_json(row, every_ns) for row in found]

        return await self._ledger.read(read)

    async def test(self, project: str, ref: str) -> Sequence[dict[str, Any]]:
        """What it would say now; nothing is stored, opened or told. Raises NotFound."""
        monitor = await self._ledger.read(lambda c: monitor_rows.fetch(c, project, ref))
        findings = await self._looker.look(project, monitor.definition, self._clock.now_ns())
        return [finding_json(finding) for finding in findings]

    async def rehearse(self, project: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a monitor that is not made yet would say now, and would have said in the past week.

        Nothing is stored, opened or told. Raises InvalidInput naming the field.
        """
        return await self._rehearsed(project, _written(given))

    async def past(self, project: str, ref: str) -> dict[str, Any]:
        """The same of one that is there, by its definition of now. Raises NotFound."""
        monitor = await self._ledger.read(lambda c: monitor_rows.fetch(c, project, ref))
        return await self._rehearsed(project, monitor.definition)

    async def _rehearsed(self, project: str, definition: Definition) -> dict[str, Any]:
        moments = rehearsal.moments(definition, self._clock.now_ns())
        looks = await self._looker.looks(project, definition, moments)
        return rehearsal.rehearsal_json(list(zip(moments, looks, strict=True)))

    async def tick(self) -> int:
        """Evaluates everything that is due, caught up from where it stopped; how many evaluations were made.

        A monitor that fails is said aloud and does not hold up the others; it is tried again at the next tick.
        """
        for project in await self._projects():
            await self._furnish(project)
        now = self._clock.now_ns()
        if self._absences.knows:
            self._absences.passed(now)
        else:
            self._absences.began(now, await self._ledger.read(lambda c: monitor_rows.last_done_ns(c, now)))
        made = 0
        for monitor in await self._ledger.read(lambda connection: monitor_rows.due(connection, now)):
            try:
                made += await self._catch_up(monitor, now)
            except AssayError as error:
                _log.warning("monitor %s: %s", monitor.id, error)
            except Exception:  # noqa: BLE001 (a supervisor: said aloud, tried again)
                _log.exception("monitor %s", monitor.id)
        return made

    # --- evaluating ---------------------------------------------------------------------------------

    async def _catch_up(self, monitor: Monitor, now_ns: int) -> int:
        moments, following, missed = schedule(monitor, now_ns)
        for number, at_ns in enumerate(moments, start=1):
            after = following if number == len(moments) else moments[number]
            newest = number == len(moments)
            if not await self._evaluate(monitor, at_ns, after, missed if number == 1 else 0, newest=newest):
                return number - 1  # somebody changed it meanwhile: the next tick looks again
        return len(moments)

    async def _evaluate(self, of: Monitor, at_ns: int, next_ns: int, missed: int, *, newest: bool) -> bool:
        """`newest`: with it those before it are judged again for which spans came since."""
        monitor, known = await self._ledger.read(lambda connection: _with_states(connection, of.project, of.id))
        if monitor is None or not monitor.definition.enabled:
            return False
        groups = [state.group for state in known]
        findings = await self._looker.look(monitor.project, monitor.definition, at_ns, groups)
        again: list[Again] = []
        if newest:
            since_ns = at_ns - LATEST_NS
            judged = await self._ledger.read(lambda c: monitor_rows.judged(c, of.project, of.id, since_ns, at_ns))
            again = await self._late.look(monitor.project, monitor.definition, at_ns, judged, groups)
            findings = with_late(findings, again, judged, known)
        due = Due(at_ns, next_ns, missed)
        return await self._ledger.write(
            lambda connection: self._store(connection, monitor, due, findings, again, known)
        )

    def _store(
        self,
        connection: Connection,
        monitor: Monitor,
        due: Due,
        findings: Sequence[Finding],
        again: Sequence[Again],
        known: Sequence[State],
    ) -> bool:
        """The evaluation, what it changes, the messages and the next moment: in one transaction."""
        values = {"evaluated_ns": due.at_ns, "next_ns": due.next_ns, "missed": monitor.missed + due.missed}
        if not monitor_rows.change(connection, monitor, **values):
            return False
        shown = [finding_json(finding) for finding in findings]
        monitor_rows.add_evaluation(connection, monitor, due.at_ns, self._clock.now_ns(), shown)
        for each in again:
            monitor_rows.judge_again(connection, monitor, each.at_ns, [finding_json(one) for one in each.findings])
        self._transitions.apply(connection, monitor, due.at_ns, findings, known)
        return True

    # --- inside a transaction -----------------------------------------------------------------------

    async def _furnish(self, project: str) -> None:
        """The ready-made monitors, once in a project's life."""
        if project in self._furnished:
            return

        def write(connection: Connection) -> None:
            if monitor_rows.is_furnished(connection, project):
                return
            monitor_rows.furnished(connection, project, self._clock.now_ns())
            for given in READY_MADE:
                if monitor_rows.find(connection, project, given["name"]) is None:
                    self._add(connection, project, ACTOR, parse(given), ready_made=True)

        if not await self._ledger.read(lambda connection: monitor_rows.is_furnished(connection, project)):
            await self._ledger.write(write)
        self._furnished.add(project)

    def _add(
        self, connection: Connection, project: str, actor: str, definition: Definition, *, ready_made: bool
    ) -> Monitor:
        now = self._clock.now_ns()
        monitor = Monitor(
            id=new_id("mon"),
            project=project,
            definition=definition,
            ready_made=ready_made,
            next_ns=now + definition.every_s * _SECOND if ready_made else now,
            evaluated_ns=None,
            missed=0,
            revision=1,
            created_ns=now,
            created_by=actor,
        )
        monitor_rows.insert(connection, monitor, to_json(definition))
        self._record(connection, monitor, actor, "monitor.create", None, to_json(definition))
        return monitor

    def _end(self, connection: Connection, monitor: Monitor, actor: str, reason: str) -> None:
        known = monitor_rows.states(connection, monitor.project, [monitor.id]).get(monitor.id, [])
        self._transitions.end(connection, monitor, known, actor, reason)

    def _shown(self, connection: Connection, monitors: Sequence[Monitor]) -> Sequence[dict[str, Any]]:
        if not monitors:
            return []
        project, now = monitors[0].project, self._clock.now_ns()
        known = monitor_rows.states(connection, project, [monitor.id for monitor in monitors])
        return [
            monitor_json(monitor, known.get(monitor.id, []), silenced_until(connection, project, monitor.id, now))
            for monitor in monitors
        ]

    def _record(
        self, connection: Connection, monitor: Monitor, actor: str, action: str, before: Any, after: Any
    ) -> None:
        self._audit.append(
            connection,
            project=monitor.project,
            actor=actor,
            action=action,
            subject=monitor.id,
            before=without_values(connection, monitor.project, before),
            after=without_values(connection, monitor.project, after),
        )


def _with_states(connection: Connection, project: str, ref: str) -> tuple[Monitor | None, list[State]]:
    monitor = monitor_rows.find(connection, project, ref)
    return monitor, [] if monitor is None else monitor_rows.states(connection, project, [ref]).get(ref, [])


def _measures(definition: Definition) -> tuple[Any, ...]:
    """What must stay the same for earlier states to mean anything."""
    return definition.metric, definition.filter, definition.group_by, definition.rule.kind


def _written(given: Mapping[str, Any]) -> Definition:
    definition = parse(given)
    refuse_idle_lines(definition)
    refuse_unknown_values(definition.filter)
    return definition


def _refuse_taken(connection: Connection, project: str, name: str, mine: str | None) -> None:
    found = monitor_rows.find(connection, project, name)
    if found is not None and found.id != mine:
        raise Conflict("There is a monitor of this name.", field="name", value=name, fix="choose another, or PUT it")
