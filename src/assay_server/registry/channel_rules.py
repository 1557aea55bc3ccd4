"""What may be done to a channel: the release to go back to, what may be started, and why something may not."""

from typing import Any

from sqlalchemy import Connection, Row

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Conflict, InvalidInput, NotFound, Refused
from assay_server.registry import channel_rows as rows
from assay_server.registry import versions
from assay_server.registry.releases import RELEASES
from assay_server.registry.verdicts import passing

OUTCOMES = {"promote": "canary_promote", "rollback": "canary_rollback", "abort": "canary_abort"}


def target(connection: Connection, row: Row[Any], to: str | None) -> str | None:
    """The release to go back to; None where only a canary is to be ended."""
    history = rows.history(connection, row.project, row.name)
    if to is None:
        below = rows.stack(history)[:-1]
        if not below and row.canary is None:
            raise Refused(
                f"There is nothing to go back to on '{row.name}': no other release was live before.",
                field="channel",
                value=row.name,
                fix="promote another release",
            )
        return below[-1] if below else None
    wanted = versions.find(connection, RELEASES, row.project, to, "to").id
    if wanted == row.release:
        raise Refused("This release is live already.", field="to", value=to)
    if wanted not in {event._mapping["to"] for event in history if event.action in rows.LIVE}:
        raise Refused(
            f"This release was never live on '{row.name}'.", field="to", value=to, fix="promote it: the gate decides"
        )
    return str(wanted)


def undone(row: Row[Any]) -> dict[str, Any]:
    since = None if row.since_ns is None else rfc3339(row.since_ns)
    return {"release": row.release, "since": since, "by": row.by, "reason": row.reason, "canary": row.canary}


def startable(connection: Connection, row: Row[Any], wanted: Row[Any]) -> str | None:
    """The verdict that lets the candidate out. Raises Conflict, Refused."""
    if row.canary is not None:
        raise Conflict(f"Another canary is in progress on '{row.name}'.", field="channel", value=row.canary)
    if row.release is None:
        raise Refused(
            f"Nothing is live on '{row.name}' to compare with.",
            field="channel",
            value=row.name,
            fix="promote a first release",
        )
    if row.release == wanted.id:
        raise Refused("This release is live there already.", field="release", value=wanted.id)
    verdict, why = passing(connection, row.project, wanted.id)
    if verdict is None and row.requires_gate:
        raise no_verdict(wanted, row.name, why)
    return verdict


def refuse_other_end(connection: Connection, project: str, canary: str, action: str) -> None:
    ended = [event.action for event in rows.of_canary(connection, project, canary) if event.action in rows.ENDS]
    if not ended:
        raise NotFound("There is no such canary on this channel.", field="canary", value=canary)
    if "canary_promote" in (ended[-1], action) and ended[-1] != action:
        raise Conflict(
            "This canary has ended otherwise.", field="canary", value=canary, fix="the channel's history says how"
        )


def action_of(outcome: str) -> str:
    if outcome not in OUTCOMES:
        raise InvalidInput("A canary does not end like that.", field="outcome", value=outcome)
    return OUTCOMES[outcome]


def percent(share: float) -> float:
    if not 0 < share <= 100:
        raise InvalidInput("A share is in percent, above 0 and up to 100.", field="share", value=share)
    return float(share)


def no_verdict(release: Row[Any], channel: str, why: str) -> Refused:
    return Refused(
        f"{release.name}@{release.version} may not go live on '{channel}': {why}",
        field="release",
        value=release.id,
        fix="run it on a golden set and let a gate judge the run (assay run, then assay gate; a first release has no "
        "baseline, so its suite needs a bar), or let the channel take releases without a verdict: "
        f"assay channel create {channel} --no-gate",
    )


def nothing_live(channel: str) -> NotFound:
    return NotFound(
        f"Nothing is live on the channel '{channel}' yet.",
        field="channel",
        value=channel,
        fix=f"promote a release: assay promote RELEASE --to {channel} --reason …",
    )
