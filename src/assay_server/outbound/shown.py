"""Scheduled exports and their runs in the shapes of the REST API."""

from typing import Any

from sqlalchemy import Connection, Row

from assay_server.core.clock import rfc3339
from assay_server.core.seen import with_revision
from assay_server.outbound import export_rows as rows
from assay_server.outbound.definition import to_json
from assay_server.outbound.export_rows import Export
from assay_server.outbound.windows import SETTLE_NS

_S = 1_000_000_000


def shown(connection: Connection, export: Export) -> dict[str, Any]:
    newest, _ = rows.runs(connection, export, 1)
    return {
        "id": export.id,
        **with_revision(to_json(export.definition)),
        "next_at": rfc3339(export.next_ns + SETTLE_NS) if export.definition.enabled else None,
        "last": run_json(newest[0]) if newest else None,
        "created_at": rfc3339(export.created_ns),
        "created_by": export.created_by,
    }


def run_json(run: Row[Any]) -> dict[str, Any]:
    def time(ns: int | None) -> str | None:
        return None if ns is None else rfc3339(ns)

    status = "running" if run.status == "waiting" and run.attempts == 0 else run.status
    return {
        "window_start": rfc3339(run.start_ns),
        "window_end": rfc3339(run.end_ns),
        "status": "retrying" if status == "waiting" else status,
        "rows": run.rows,
        "bytes": run.bytes,
        "file": run.file,
        "error": run.error,
        "attempts": run.attempts,
        "next_try_at": rfc3339(run.next_ns) if status == "waiting" else None,
        "started_at": time(run.began_ns),
        "ended_at": time(run.done_ns),
        "late_s": None if run.done_ns is None else max(0.0, round((run.done_ns - run.end_ns - SETTLE_NS) / _S, 3)),
    }
