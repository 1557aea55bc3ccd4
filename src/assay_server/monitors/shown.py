"""Monitors and their evaluations in the shapes of the REST API."""

from collections.abc import Sequence
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.seen import with_revision
from assay_server.monitors.definition import to_json
from assay_server.monitors.monitor_rows import Monitor, State
from assay_server.monitors.transitions import state_json

_SECOND = 1_000_000_000


def monitor_json(monitor: Monitor, known: Sequence[State], silenced_ns: int | None) -> dict[str, Any]:
    statuses = {state.status for state in known}
    worst = next((status for status in ("alarm", "ok") if status in statuses), "unknown")
    return {
        "id": monitor.id,
        **with_revision(to_json(monitor.definition)),
        "ready_made": monitor.ready_made,
        "status": worst if monitor.definition.enabled else "off",
        "states": [state_json(state) for state in known],
        "evaluated_at": None if monitor.evaluated_ns is None else rfc3339(monitor.evaluated_ns),
        "next_at": rfc3339(monitor.next_ns),
        "missed": monitor.missed,
        "silenced_until": None if silenced_ns is None else rfc3339(silenced_ns),
        "created_at": rfc3339(monitor.created_ns),
        "created_by": monitor.created_by,
    }


def evaluation_json(row: Any, every_ns: int) -> dict[str, Any]:
    late_ns = row.done_ns - row.at_ns
    return {
        "at": rfc3339(row.at_ns),
        "late_s": round(late_ns / _SECOND, 3) if late_ns >= every_ns else 0,
        "findings": row.findings,
    }
