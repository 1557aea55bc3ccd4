"""Forwards in the ledger; every query names the project, but for the sender's."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from assay_server.core.errors import NotFound
from assay_server.ledger import tables
from assay_server.outbound.forward_definition import Forward, parse, to_json

_rows = tables.outbound.forwards


@dataclass(frozen=True, slots=True)
class State:
    """A forward and how far it has come. `stored_ns`: what was stored until then is done with."""

    project: str
    forward: Forward
    stored_ns: int
    sent: int
    rejected: int
    attempts: int
    next_ns: int
    last_sent_ns: int | None
    last_error: str | None
    updated_ns: int


def put(connection: Connection, project: str, forward: Forward, actor: str, now_ns: int, newest_ns: int) -> None:
    """A new one begins with what is stored from now on; a changed one goes on where it was, at once."""
    values = {
        "definition": to_json(forward),
        "enabled": forward.enabled,
        "attempts": 0,
        "next_ns": now_ns,
        "updated_ns": now_ns,
        "updated_by": actor,
    }
    if connection.execute(update(_rows).where(*_this(project, forward.name)).values(**values)).rowcount == 0:
        begun = {"stored_ns": newest_ns, "sent": 0, "rejected": 0}
        connection.execute(_rows.insert().values(project=project, name=forward.name, **begun, **values))


def remove(connection: Connection, project: str, name: str) -> None:
    connection.execute(delete(_rows).where(*_this(project, name)))


def find(connection: Connection, project: str, name: str) -> State | None:
    row = connection.execute(select(_rows).where(*_this(project, name))).one_or_none()
    return None if row is None else _state(row)


def fetch(connection: Connection, project: str, name: str) -> State:
    """Raises NotFound."""
    found = find(connection, project, name)
    if found is None:
        raise NotFound(f"Nothing is forwarded as '{name}'.", field="name", value=name)
    return found


def listed(connection: Connection, project: str) -> list[State]:
    query = select(_rows).where(_rows.c.project == project).order_by(_rows.c.name)
    return [_state(row) for row in connection.execute(query).all()]


def due(connection: Connection, now_ns: int, longest_pause_ns: int) -> list[State]:
    """Those that may send now, in every project: for the sender alone. One that waits for longer than anything waits
    was put off before the clock was set back."""
    soon = (_rows.c.next_ns <= now_ns) | (_rows.c.next_ns > now_ns + longest_pause_ns)
    query = select(_rows).where(_rows.c.enabled.is_(True), soon)
    return [_state(row) for row in connection.execute(query).all()]


def note(connection: Connection, state: State, **values: Any) -> bool:
    """Notes how it goes; False where somebody has changed or ended it meanwhile."""
    mine = _this(state.project, state.forward.name)
    noted = connection.execute(update(_rows).where(*mine, _rows.c.updated_ns == state.updated_ns).values(**values))
    return noted.rowcount > 0


def _this(project: str, name: str) -> tuple[Any, Any]:
    return _rows.c.project == project, _rows.c.name == name


def _state(row: Row[Any]) -> State:
    forward = parse(row.name, row.definition)
    kept = ("stored_ns", "sent", "rejected", "attempts", "next_ns", "last_sent_ns", "last_error", "updated_ns")
    return State(row.project, forward, **{name: getattr(row, name) for name in kept})
