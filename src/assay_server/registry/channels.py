"""Channels: which release is live where, and the share of a canary.

Every change is one transaction: the channel's row (by compare-and-set on its revision), a row of its history, and
a row of the audit log. Reading what is live for a unit does not touch the ledger but once a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from assay_server.core.clock import Clock
from assay_server.core.errors import Conflict, InvalidInput, Refused
from assay_server.core.ports import Scrub
from assay_server.ledger import AuditTrail, Ledger
from assay_server.registry import channel_rows as rows
from assay_server.registry import channel_rules as rules
from assay_server.registry import versions
from assay_server.registry.buckets import is_candidate
from assay_server.registry.fields import check_name, check_reason
from assay_server.registry.releases import RELEASES
from assay_server.registry.snapshots import Snapshots
from assay_server.registry.verdicts import passing

CONVENTIONAL = ("production", "staging")
"""Channels that a first promotion creates; any other name has to be created, so that a slip of the pen is not one."""

Document = dict[str, Any]

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Standing:
    """The live release's id, and the canary in progress with its share in percent."""

    release: str | None
    canary: str | None
    candidate: str | None
    share: float


class Channels:
    """Channels of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, scrub: Scrub) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._scrub = scrub
        self._snapshots = Snapshots(ledger)

    # --- reading ------------------------------------------------------------------------------------

    async def resolve(self, project: str, channel: str, unit: str | None) -> Document:
        """`{"channel", "release", "arm", "canary", "unit"}`: what this unit gets now.

        `release` is the REST shape without `verdicts` and `live_on`. `arm` is None without a canary, and without a
        unit, which takes no part in one. Microseconds, but once a second one look into the ledger.
        Raises NotFound for an unknown channel, and where nothing is live.
        """
        now = await self._snapshots.get(project, channel)
        if now.release is None:
            raise rules.nothing_live(channel)
        told: Document = {"channel": channel, "release": now.release, "arm": None, "canary": now.canary, "unit": unit}
        if now.canary is None or unit is None:
            return told
        if is_candidate(now.salt, now.canary, unit, now.share):
            return told | {"release": now.candidate, "arm": "candidate"}
        return told | {"arm": "baseline"}

    async def get(self, project: str, channel: str) -> Document:
        """One channel with its history. Raises NotFound."""
        return await self._ledger.read(lambda c: rows.document(c, rows.fetch(c, project, channel)))

    async def names(self, project: str) -> list[str]:
        """The names there are, in order."""
        return [channel["name"] for channel in await self.list(project)]

    async def list(self, project: str) -> list[Document]:
        """All channels by name, without their history."""
        return await self._ledger.read(lambda connection: rows.listed(connection, project))

    async def standing(self, project: str, channel: str) -> Standing:
        """Read from the ledger, never from memory. Raises NotFound."""
        row = await self._ledger.read(lambda connection: rows.fetch(connection, project, channel))
        return Standing(row.release, row.canary, row.candidate, row.share or 0.0)

    # --- what people do -----------------------------------------------------------------------------

    async def put(
        self, project: str, actor: str, channel: str, *, requires_gate: bool = True, revision: int | None = None
    ) -> tuple[Document, bool]:
        """Creates a channel, or changes whether it wants a passing verdict; and whether it is new."""
        check_name(channel)

        def write(connection: Connection) -> tuple[Document, bool]:
            row = rows.maybe(connection, project, channel)
            if row is not None and revision is not None:
                rows.fetch(connection, project, channel, revision)
            before = None if row is None else {"requires_gate": row.requires_gate}
            after = {"requires_gate": requires_gate}
            if row is None:
                rows.insert(connection, project, channel, requires_gate=requires_gate)
            elif before != after:
                rows.change(connection, row, **after)
            if before != after:
                self._log(connection, project, actor, "channel.put", channel, before=before, after=after)
            return rows.document(connection, rows.fetch(connection, project, channel)), row is None

        return await self._changed(project, channel, write)

    async def promote(
        self, project: str, actor: str, channel: str, *, release: str, reason: str, revision: int | None = None
    ) -> Document:
        """Makes a release live. One that is live already stays, and nothing is recorded.

        Raises Refused without a passing verdict (which is itself recorded in the audit log), NotFound, Conflict
        while a canary runs or where the channel is not at `revision` any more.
        """
        told = self._told(reason)

        def write(connection: Connection) -> Document | Refused:
            row = self._promotable(connection, project, actor, channel, revision)
            wanted = versions.find(connection, RELEASES, project, release, "release")
            if row.release == wanted.id:
                return rows.document(connection, row)
            verdict, why = passing(connection, project, wanted.id)
            if verdict is None and row.requires_gate:
                self._log(
                    connection,
                    project,
                    actor,
                    "channel.promote_refused",
                    channel,
                    reason=told,
                    after={"release": wanted.id, "why": why},
                )
                return rules.no_verdict(wanted, channel, why)
            self._put_live(connection, row, actor, "promote", wanted.id, told, verdict=verdict)
            return rows.document(connection, rows.fetch(connection, project, channel))

        done = await self._changed(project, channel, write)
        if isinstance(done, Refused):
            raise done
        return done

    async def rollback(
        self, project: str, actor: str, channel: str, *, reason: str, to: str | None = None, revision: int | None = None
    ) -> Document:
        """Puts the release back that was live before, or `to`, and ends a canary's share as well.

        The channel with `undone`: `{"release", "since", "by", "reason", "canary"}`. No verdict is asked for: it has
        been live before. Raises Refused where there is nothing to go back to, NotFound, Conflict.
        """
        told = self._told(reason)

        def write(connection: Connection) -> Document:
            row = rows.fetch(connection, project, channel, revision)
            target = rules.target(connection, row, to)
            undone = rules.undone(row)
            if row.canary is not None:
                row = self._end_canary(connection, row, actor, "canary_abort", told)
            if target is not None:
                self._put_live(connection, row, actor, "rollback", target, told, before=undone)
            return {**rows.document(connection, rows.fetch(connection, project, channel)), "undone": undone}

        return await self._changed(project, channel, write)

    # --- what a canary does; every call is idempotent -----------------------------------------------

    async def begin(
        self, project: str, channel: str, *, canary: str, candidate: str, share: float, by: str, reason: str
    ) -> None:
        """Gives `candidate` (a reference) its first share, in percent.

        Raises Refused without a passing verdict or a live release, Conflict while another canary runs.
        """
        told, percent = self._told(reason), rules.percent(share)

        def write(connection: Connection) -> None:
            if rows.of_canary(connection, project, canary):
                return
            row = rows.fetch(connection, project, channel)
            wanted = versions.find(connection, RELEASES, project, candidate, "release")
            verdict = rules.startable(connection, row, wanted)
            step: Document = {"canary": canary, "step": 0, "share": percent}
            rows.change(connection, row, canary=canary, candidate=wanted.id, share=percent)
            self._note(connection, row, by, "canary_start", row.release, wanted.id, told, verdict=verdict, **step)

        await self._changed(project, channel, write)

    async def advance(
        self, project: str, channel: str, *, canary: str, step: int, share: float, by: str, reason: str
    ) -> None:
        """Gives the candidate a larger share. A step that was taken, and a canary that has ended, stay as they are.

        Raises InvalidInput for a smaller share: units would move back and forth between the arms.
        """
        told, percent = self._told(reason), rules.percent(share)

        def write(connection: Connection) -> None:
            row = rows.fetch(connection, project, channel)
            taken = any(event.step == step for event in rows.of_canary(connection, project, canary))
            if taken or row.canary != canary:
                return
            if percent < row.share:
                raise InvalidInput("A canary's share only grows.", field="share", value=share)
            rows.change(connection, row, share=percent)
            values: Document = {"canary": canary, "step": step, "share": percent}
            self._note(connection, row, by, "canary_step", row.release, row.candidate, told, **values)

        await self._changed(project, channel, write)

    async def finish(self, project: str, channel: str, *, canary: str, outcome: str, by: str, reason: str) -> None:
        """`promote`: the candidate gets everything; `rollback` and `abort`: the baseline does.

        A canary that has ended stays so. Raises Conflict where it should be promoted and has ended otherwise.
        """
        action = rules.action_of(outcome)
        told = self._told(reason)

        def write(connection: Connection) -> None:
            row = rows.fetch(connection, project, channel)
            if row.canary != canary:
                rules.refuse_other_end(connection, project, canary, action)
            elif action == "canary_promote":
                verdict, _ = passing(connection, project, row.candidate)
                values = {"canary": canary, "verdict": verdict}
                self._put_live(connection, row, by, action, row.candidate, told, **values)
            else:
                self._end_canary(connection, row, by, action, told)

        await self._changed(project, channel, write)

    # --- inside a transaction -----------------------------------------------------------------------

    def _promotable(
        self, connection: Connection, project: str, actor: str, channel: str, revision: int | None
    ) -> Row[Any]:
        if rows.maybe(connection, project, channel) is None and channel in CONVENTIONAL:
            rows.insert(connection, project, channel, requires_gate=True)
            self._log(connection, project, actor, "channel.put", channel, after={"requires_gate": True})
        row = rows.fetch(connection, project, channel, revision)
        if row.canary is not None:
            raise Conflict(
                f"A canary is in progress on '{channel}'.",
                field="channel",
                value=row.canary,
                fix="promote, roll back or abort the canary first",
            )
        return row

    def _put_live(
        self, connection: Connection, row: Row[Any], by: str, action: str, release: str, reason: str, **details: Any
    ) -> None:
        values = {"release": release, "since_ns": self._clock.now_ns(), "by": by, "reason": reason}
        rows.change(connection, row, **values, canary=None, candidate=None, share=None)
        self._note(connection, row, by, action, row.release, release, reason, **details)

    def _end_canary(self, connection: Connection, row: Row[Any], by: str, action: str, reason: str) -> Row[Any]:
        rows.change(connection, row, canary=None, candidate=None, share=None)
        self._note(connection, row, by, action, row.candidate, row.release, reason, canary=row.canary)
        return rows.fetch(connection, row.project, row.name)

    def _note(
        self,
        connection: Connection,
        row: Row[Any],
        by: str,
        action: str,
        from_: str | None,
        to: str | None,
        reason: str,
        *,
        before: Document | None = None,
        **details: Any,
    ) -> None:
        """The same event in the channel's history and in the audit log."""
        at = {"at_ns": self._clock.now_ns(), "by": by, "action": action, "reason": reason}
        rows.record(connection, row, **at, **{"from": from_, "to": to}, **details)
        told = {"release": from_} if before is None else before
        self._log(
            connection,
            row.project,
            by,
            f"channel.{action}",
            row.name,
            reason=reason,
            before=told,
            after={"release": to, **details},
        )

    def _log(self, connection: Connection, project: str, actor: str, action: str, subject: str, **details: Any) -> None:
        self._audit.append(connection, project=project, actor=actor, action=action, subject=subject, **details)

    def _told(self, reason: str) -> str:
        return self._scrub(check_reason(reason))[0]

    async def _changed(self, project: str, channel: str, write: Callable[[Connection], T]) -> T:
        try:
            return await self._ledger.write(write)
        finally:
            self._snapshots.forget(project, channel)
