"""Canaries: start, look, move, and what people may do about them.

How a transition survives being killed anywhere. A move is *decided* (one compare-and-set stores it as `pending`,
together with the look it rests on), then *carried out* on the channel (idempotent by canary and step), then
*settled* (a second compare-and-set). Whoever finds a pending move, this process or the next one, carries it out
and settles it; nothing is decided anew while one is pending. So a decision falls once, its channel history is
written once, and an incident, opened under the canary's key, exists once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import Clock, parse_rfc3339
from assay_server.core.errors import Conflict, PermanentError, Refused
from assay_server.core.ids import new_id
from assay_server.core.ports import Scrub
from assay_server.ledger import Ledger
from assay_server.rollout import rows
from assay_server.rollout.decide import Action, Move, decide
from assay_server.rollout.evidence import Evidence, Subject, Window, count
from assay_server.rollout.incident import incident
from assay_server.rollout.look import Look, look
from assay_server.rollout.plan import Plan, check
from assay_server.rollout.ports import ChannelControl, OpenIncident, Releases
from assay_server.rollout.rows import Record

MACHINE = "assay:canary"
"""The actor of what the machine does by itself, as history and audit name it."""

_OPEN = ("running", "held")
_ENDS: dict[str, str] = {"promote": "promoted", "rollback": "rolled_back", "abort": "aborted"}
_SKEW_NS = 600 * 1_000_000_000
"""Senders' clocks may be behind ours: the first step also counts spans that seem to begin before it."""


class Canaries:
    """The face of the room. Every method is scoped by project."""

    def __init__(
        self,
        ledger: Ledger,
        channels: ChannelControl,
        releases: Releases,
        evidence: Evidence,
        open_incident: OpenIncident,
        clock: Clock,
        scrub: Scrub,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._releases = releases
        self._evidence = evidence
        self._open_incident = open_incident
        self._clock = clock
        self._scrub = scrub

    async def start(self, project: str, *, channel: str, release: str, plan: Plan, by: str, reason: str) -> Record:
        """Begins a canary of `release` (a reference) on a channel.

        Raises InvalidInput for a plan that cannot be carried out, NotFound for an unknown channel or release,
        Refused without a live baseline or a passing verdict, Conflict while another canary is open.
        """
        check(plan)
        reason, _ = self._scrub(reason)
        candidate = await self._releases.id_of(project, release)
        standing = await self._channels.standing(project, channel)
        baseline = _comparable(channel, standing.release, candidate, standing.canary)
        record = _new(new_id("can"), project, channel, baseline, candidate, plan, self._clock.now_ns(), by, reason)
        await self._ledger.write(lambda connection: rows.insert(connection, record))
        return await self._carry_out(record)

    async def get(self, project: str, canary: str) -> Record:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: rows.fetch(connection, project, canary))

    async def looks(self, project: str, canary: str) -> list[Mapping[str, Any]]:
        """The kept looks, oldest first: at most about 60 for 10,000 units."""
        return await self._ledger.read(lambda connection: rows.looks(connection, project, canary))

    async def list(
        self,
        project: str,
        *,
        channel: str | None = None,
        status: str | None = None,
        limit: int = 50,
        after: tuple[int, str] | None = None,
    ) -> tuple[Sequence[Record], int]:
        """Newest first, and the total."""
        return await self._ledger.read(
            lambda connection: rows.listed(
                connection, project, channel=channel, status=status, limit=limit, after=after
            )
        )

    async def unfinished(self) -> Sequence[tuple[str, str]]:
        """(project, id) of the canaries of all projects that want a `tick`."""
        return await self._ledger.read(rows.unfinished)

    async def tick(self, project: str, canary: str) -> Record:
        """Finishes what was interrupted, then looks once and moves if the evidence calls for it.

        Safe at any time, any number of times, by any number of processes.
        """
        record = await self.get(project, canary)
        if record.pending is not None:
            return await self._carry_out(record)
        if record.status not in _OPEN:
            return record
        standing = await self._channels.standing(project, record.channel)
        if standing.canary != record.id:
            return await self._decided_elsewhere(record)
        seen = await self._look(record)
        try:
            return await self._move(record, seen, _allowed(record, decide(record.plan, seen, MACHINE)))
        except Conflict:
            return await self.get(project, canary)  # somebody moved it while we looked

    async def abort(self, project: str, canary: str, *, by: str, reason: str) -> Record:
        """Ends it without a judgement: everybody gets the baseline. Raises Conflict if it has ended."""
        return await self._asked(project, canary, "abort", by, reason)

    async def promote(self, project: str, canary: str, *, by: str, reason: str) -> Record:
        """A person ships the candidate, whatever the evidence says; their name and reason are kept."""
        return await self._asked(project, canary, "promote", by, reason)

    async def rollback(self, project: str, canary: str, *, by: str, reason: str) -> Record:
        """A person ends it because the candidate is bad."""
        return await self._asked(project, canary, "rollback", by, reason)

    async def _asked(self, project: str, canary: str, action: Action, by: str, reason: str) -> Record:
        reason, _ = self._scrub(reason)
        record = await self.get(project, canary)
        if record.pending is not None:
            record = await self._carry_out(record)
        if record.status not in _OPEN:
            raise Conflict(f"This canary has ended: it was {record.status}.", field="canary", value=canary)
        told = f"{_DONE[action]} by {by}: {reason}"
        return await self._move(record, None, Move(action, "asked", told, self._clock.now_ns(), by, reason))

    async def _look(self, record: Record) -> Look:
        windows = (replace(record.windows[0], since_ns=record.windows[0].since_ns - _SKEW_NS), *record.windows[1:])
        of = Subject(record.project, record.channel, record.id)
        exposures = await self._evidence.exposures(of, windows)
        names = [score.name for score in record.plan.scores]
        scores = {name: await self._evidence.scores(of, name, windows) for name in names}
        arms = await self._evidence.arms(of)
        return look(record.plan, count(record.windows, exposures, scores), arms, self._clock.now_ns())

    async def _move(self, record: Record, seen: Look | None, move: Move | None) -> Record:
        """Stores the look and, in the same transaction, the decision; then carries it out."""

        def store(connection: Connection) -> Record:
            if seen is not None:
                rows.keep_look(connection, record, seen.to_json(), decisive=move is not None)
            if move is None:
                return rows.fetch(connection, record.project, record.id)
            return rows.change(connection, record, pending=move.to_json())

        stored = await self._ledger.write(store)
        return stored if move is None else await self._carry_out(stored)

    async def _carry_out(self, record: Record) -> Record:
        """Does what is pending. Each part may have been done before by a process that was killed since."""
        move = Move(**(record.pending or {}))
        try:
            at_ns = await self._change_channel(record, move)
        except PermanentError as error:
            if move.action == "start":
                await self._ledger.write(lambda connection: rows.remove(connection, record))
                raise
            if isinstance(error, Conflict):
                return await self._decided_elsewhere(record)
            raise
        if at_ns is None:
            return await self._decided_elsewhere(record)
        if move.by == MACHINE and move.action in ("rollback", "hold"):
            await self._open_incident(record.project, **await incident(record, move, self._releases))
        return await self._settle(record, move, at_ns)

    async def _change_channel(self, record: Record, move: Move) -> int | None:
        """When the channel changed; None where it ended the canary before. A refused start never was."""
        of, told = (record.project, record.channel), {"canary": record.id, "by": move.by, "reason": move.reason}
        if move.action == "start":
            await self._channels.begin(*of, candidate=record.candidate, share=record.plan.steps[0], **told)
        elif move.action == "advance":
            step = record.step + 1
            await self._channels.advance(*of, step=step, share=record.plan.steps[step], **told)
        elif move.action in _ENDS:
            await self._channels.finish(*of, outcome=move.action, **told)
        if move.action not in ("start", "advance"):
            return move.at_ns
        return await self._begun(record, 0 if move.action == "start" else record.step + 1)

    async def _begun(self, record: Record, step: int) -> int | None:
        """When the share really changed: a process killed before it did may have been away for long."""
        history = (await self._channels.get(record.project, record.channel))["history"]
        mine = (event["at"] for event in history if (event["canary"], event["step"]) == (record.id, step))
        at = next(mine, None)
        return None if at is None else parse_rfc3339(at)

    async def _settle(self, record: Record, move: Move, at_ns: int) -> Record:
        values = {"pending": None, **_after(record, move, at_ns)}
        try:
            return await self._ledger.write(lambda connection: rows.change(connection, record, **values))
        except Conflict:
            return await self.get(record.project, record.id)  # somebody else settled the same move

    async def _decided_elsewhere(self, record: Record) -> Record:
        """The channel was promoted or rolled back by hand: that ended the canary's share, and so the canary."""
        told = "Ended because the channel itself was changed; its history says by whom and why."
        move = Move("abort", "asked", told, self._clock.now_ns(), MACHINE, told)
        return await self._settle(record, move, move.at_ns)


_DONE = {"abort": "Aborted", "promote": "Promoted", "rollback": "Rolled back"}


def _allowed(record: Record, move: Move | None) -> Move | None:
    """A held canary waits for a person, who may be asleep: what is proven worse is still rolled back."""
    return move if move is None or record.status == "running" or move.action == "rollback" else None


def _comparable(channel: str, baseline: str | None, candidate: str, canary: str | None) -> str:
    if canary is not None:
        raise Conflict(
            f"A canary is in progress on '{channel}'.", field="channel", value=canary, fix="wait for it, or abort it"
        )
    if baseline is None:
        raise Refused(
            f"Nothing is live on '{channel}' to compare with.",
            field="channel",
            value=channel,
            fix="promote a first release",
        )
    if baseline == candidate:
        raise Refused("This release is live there already.", field="release", value=candidate)
    return baseline


def _new(
    canary: str,
    project: str,
    channel: str,
    baseline: str,
    candidate: str,
    plan: Plan,
    now_ns: int,
    by: str,
    reason: str,
) -> Record:
    """Pending its own start: a process killed right here leaves a canary that the next one begins."""
    start = Move("start", "asked", f"Started by {by}: {reason}", now_ns, by, reason)
    return Record(
        id=canary,
        project=project,
        channel=channel,
        baseline=baseline,
        candidate=candidate,
        status="running",
        step=0,
        share=0,
        plan=plan,
        windows=(),
        revision=1,
        pending=start.to_json(),
        latest=None,
        decision=None,
        started_ns=now_ns,
        ended_ns=None,
        by=by,
        reason=reason,
    )


def _after(record: Record, move: Move, at_ns: int) -> dict[str, Any]:
    """The columns a settled move changes."""
    if move.action in ("start", "advance"):
        step = 0 if move.action == "start" else record.step + 1
        share = record.plan.steps[step]
        return {"step": step, "share": share, "windows": (*record.windows, Window(step, share, at_ns, None))}
    decision = {"action": move.action, "sentence": move.sentence, "at_ns": move.at_ns, "by": move.by}
    if move.action == "hold":
        return {"status": "held", "decision": decision}
    return {"status": _ENDS[move.action], "decision": decision, "share": 0, "ended_ns": move.at_ns}
