"""Notification channels: where messages go. The address is a secret that comes in and never goes out again."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.core.ids import new_id
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.notify.apprise import Sender, scheme_of

_table = tables.monitors.notification_channels

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class NotificationChannels:
    """Channels of a project, in the shapes of the REST API; every change is audited without the address."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, sender: Sender) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._sender = sender

    async def create(self, project: str, actor: str, *, name: str, url: str, enabled: bool = True) -> dict[str, Any]:
        """Raises InvalidInput for an address nobody understands, Conflict for a name that is taken."""
        _check_name(name)
        await self._sender.check(url)
        channel = new_id("nch")

        def write(connection: Connection) -> dict[str, Any]:
            _refuse_taken(connection, project, name, channel)
            made = {"created_ns": self._clock.now_ns(), "created_by": actor}
            row = {"id": channel, "project": project, "name": name, "url": url, "enabled": enabled}
            connection.execute(_table.insert().values(**row, **made))
            found = channel_row(connection, project, channel)
            self._record(connection, actor, "notification_channel.create", found, None, _settings(found))
            return _json(found)

        return await self._ledger.write(write)

    async def change(self, project: str, actor: str, channel: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Changes `name`, `url` or `enabled`; None leaves it. Raises InvalidInput, NotFound, Conflict."""
        given = {key: value for key, value in values.items() if value is not None}
        if "name" in given:
            _check_name(given["name"])
        if "url" in given:
            await self._sender.check(given["url"])

        def write(connection: Connection) -> dict[str, Any]:
            before = channel_row(connection, project, channel)
            _refuse_taken(connection, project, given.get("name", before.name), channel)
            if given:
                connection.execute(update(_table).where(*_one(project, channel)).values(**given))
            after = channel_row(connection, project, channel)
            told = _settings(after) | ({"address": "changed"} if "url" in given else {})
            self._record(connection, actor, "notification_channel.change", after, _settings(before), told)
            return _json(after)

        return await self._ledger.write(write)

    async def list(self, project: str) -> list[dict[str, Any]]:
        """All of them, by name."""
        query = select(_table).where(_table.c.project == project).order_by(_table.c.name)
        return await self._ledger.read(lambda connection: [_json(row) for row in connection.execute(query)])

    async def delete(self, project: str, actor: str, channel: str) -> None:
        """Messages that wait for it are dropped when their turn comes. Raises NotFound."""

        def write(connection: Connection) -> None:
            before = channel_row(connection, project, channel)
            connection.execute(_table.delete().where(*_one(project, channel)))
            self._record(connection, actor, "notification_channel.delete", before, _settings(before), None)

        await self._ledger.write(write)

    async def test(self, project: str, channel: str) -> dict[str, Any]:
        """Sends a message now: `{"sent", "error", "took_ms"}`. Raises NotFound."""
        row = await self._ledger.read(lambda connection: channel_row(connection, project, channel))
        began = self._clock.now_ns()
        title, body = "Assay: a test", "This channel works. Incidents of your project will be told here."
        error = await self._sender.send(row.url, title, body, "info")
        return {"sent": error is None, "error": error, "took_ms": (self._clock.now_ns() - began) / 1e6}

    def _record(self, connection: Connection, actor: str, action: str, row: Row[Any], before: Any, after: Any) -> None:
        self._audit.append(
            connection, project=row.project, actor=actor, action=action, subject=row.id, before=before, after=after
        )


def channel_row(connection: Connection, project: str, channel: str) -> Row[Any]:
    """Raises NotFound."""
    row = connection.execute(select(_table).where(*_one(project, channel))).one_or_none()
    if row is None:
        raise NotFound("There is no such notification channel.", field="channel", value=channel)
    return row


def chosen(connection: Connection, project: str, names: list[str] | None) -> list[str]:
    """Ids of the enabled channels of these names; of all where None.

    Of all too where none of the names is there any more, renamed, removed or misspelt: rather told twice than nobody.
    """
    query = select(_table.c.id, _table.c.name, _table.c.enabled).where(_table.c.project == project)
    rows = connection.execute(query.order_by(_table.c.name)).all()
    named = rows if names is None else [row for row in rows if row.name in names]
    return [row.id for row in (named or (rows if names else [])) if row.enabled]


def told(connection: Connection, project: str, channel: str, sent_ns: int | None, error: str | None) -> None:
    """Remembers how the last delivery went."""
    values: dict[str, Any] = {"last_error": error} | ({} if sent_ns is None else {"last_sent_ns": sent_ns})
    connection.execute(update(_table).where(*_one(project, channel)).values(**values))


def _one(project: str, channel: str) -> tuple[Any, Any]:
    return _table.c.project == project, _table.c.id == channel


def _refuse_taken(connection: Connection, project: str, name: str, channel: str) -> None:
    query = select(_table.c.id).where(_table.c.project == project, _table.c.name == name, _table.c.id != channel)
    if connection.execute(query).first() is not None:
        raise Conflict("There is a notification channel of this name.", field="name", value=name)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A channel's name has 1 to 100 of a-z, 0-9, '.', '_', '-', and begins with a letter or digit.",
            field="name",
            value=name,
        )


def _settings(row: Row[Any]) -> dict[str, Any]:
    return {"name": row.name, "service": scheme_of(row.url), "enabled": row.enabled}


def _json(row: Row[Any]) -> dict[str, Any]:
    scheme = scheme_of(row.url)
    return {
        "id": row.id,
        "name": row.name,
        "service": scheme,
        "address": f"{scheme}://…",
        "enabled": row.enabled,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
        "last_sent_at": None if row.last_sent_ns is None else rfc3339(row.last_sent_ns),
        "last_error": row.last_error,
    }
