"""Statements on channels and their history; each runs inside somebody's transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from assay_server.core.clock import rfc3339
from assay_server.core.errors import Conflict
from assay_server.core.ids import new_id
from assay_server.ledger import tables
from assay_server.registry.documents import documents
from assay_server.registry.snapshots import unknown_channel

_channels = tables.registry.channels
_history = tables.registry.channel_history
_releases = tables.registry.releases

_MOST_HISTORY = 200

LIVE = ("promote", "canary_promote")
"""The actions that put a release on top; `rollback` goes back to one below."""

ENDS = ("canary_promote", "canary_rollback", "canary_abort")


def fetch(connection: Connection, project: str, channel: str, revision: int | None = None) -> Row[Any]:
    """Raises NotFound; Conflict where the channel is not at the `revision` that the caller had seen."""
    row = maybe(connection, project, channel)
    if row is None:
        raise unknown_channel(channel)
    if revision is not None and row.revision != revision:
        raise Conflict(
            f"The channel has changed since you looked: it is at {row.revision}.",
            field="If-Match",
            value=revision,
            fix="look again, then decide again",
        )
    return row


def maybe(connection: Connection, project: str, channel: str) -> Row[Any] | None:
    query = select(_channels).where(_channels.c.project == project, _channels.c.name == channel)
    return connection.execute(query).one_or_none()


def insert(connection: Connection, project: str, channel: str, *, requires_gate: bool) -> Row[Any]:
    values = {"project": project, "name": channel, "requires_gate": requires_gate, "revision": 1}
    connection.execute(_channels.insert().values(**values))
    return fetch(connection, project, channel)


def change(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Changes the channel, if nobody else has since `row` was read. Raises Conflict."""
    mine = (_channels.c.project == row.project, _channels.c.name == row.name, _channels.c.revision == row.revision)
    done = connection.execute(update(_channels).where(*mine).values(revision=row.revision + 1, **values))
    if done.rowcount != 1:
        raise Conflict("The channel has changed meanwhile.", field="channel", value=row.name, fix="look again")


def record(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Adds to the channel's history. `values` are columns: at_ns, by, action, from, to, reason, …"""
    mine = (_history.c.project == row.project, _history.c.channel == row.name)
    last = connection.execute(select(func.max(_history.c.seq)).where(*mine)).scalar()
    of = {"id": new_id("chh"), "project": row.project, "channel": row.name, "seq": (last or 0) + 1}
    connection.execute(_history.insert().values({**of, **values}))


def history(connection: Connection, project: str, channel: str) -> list[Row[Any]]:
    """Everything that happened to a channel, oldest first."""
    query = select(_history).where(_history.c.project == project, _history.c.channel == channel)
    return list(connection.execute(query.order_by(_history.c.seq)))


def of_canary(connection: Connection, project: str, canary: str) -> list[Row[Any]]:
    """What happened to a canary, oldest first."""
    query = select(_history).where(_history.c.project == project, _history.c.canary == canary)
    return list(connection.execute(query.order_by(_history.c.seq)))


def stack(rows: Sequence[Row[Any]]) -> list[str]:
    """The releases under the live one, which is last: a promotion puts one on top, a rollback takes off down to one.

    So a second rollback goes further back, and not forward again to what was just undone.
    """
    releases: list[str] = []
    for row in rows:
        to = row._mapping["to"]
        if row.action in LIVE:
            releases.append(to)
        elif row.action == "rollback" and to in releases:
            del releases[_last_index(releases, to) + 1 :]
        elif row.action == "rollback":
            releases.append(to)  # it was undone before, and was asked for by name
    return releases


def listed(connection: Connection, project: str) -> list[dict[str, Any]]:
    """All channels by name, without their history."""
    query = select(_channels).where(_channels.c.project == project).order_by(_channels.c.name)
    rows = list(connection.execute(query))
    live = _documents(connection, project, {row.release for row in rows if row.release is not None})
    return [_json(row, live) for row in rows]


def document(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API; history newest first. `canary` is `{"id", "candidate", "share"}` or None."""
    live = _documents(connection, row.project, {row.release} - {None})
    events = history(connection, row.project, row.name)
    return {**_json(row, live), "history": [_event(event) for event in reversed(events[-_MOST_HISTORY:])]}


def _documents(connection: Connection, project: str, ids: set[str]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    query = select(_releases).where(_releases.c.project == project, _releases.c.id.in_(sorted(ids)))
    return {found["id"]: found for found in documents(connection, project, connection.execute(query).all())}


def _json(row: Row[Any], live: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    canary = None if row.canary is None else {"id": row.canary, "candidate": row.candidate, "share": row.share}
    return {
        "name": row.name,
        "requires_gate": row.requires_gate,
        "revision": row.revision,
        "release": live.get(row.release),
        "since": None if row.since_ns is None else rfc3339(row.since_ns),
        "by": row.by,
        "reason": row.reason,
        "canary": canary,
    }


def _event(row: Row[Any]) -> dict[str, Any]:
    values = row._mapping
    shown = ("id", "by", "action", "from", "to", "reason", "verdict", "canary", "step", "share")
    return {"at": rfc3339(row.at_ns), **{name: values[name] for name in shown}}


def _last_index(releases: Sequence[str], release: str) -> int:
    return max(index for index, each in enumerate(releases) if each == release)
