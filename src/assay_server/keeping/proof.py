"""The certificate of a deletion: what was taken away, what was searched afterwards, and what remains, signed.

Signed by the audit chain: an audit event holds the hash of the document, and the document the hash of that event.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Row, Table, Text, and_, cast, func, or_, select

from assay_server.core.clock import rfc3339
from assay_server.core.ids import content_hash
from assay_server.governance import Audit
from assay_server.keeping.deletions import HASH_OF, asked_in
from assay_server.keeping.leftovers import OUTSIDE, PHYSICAL
from assay_server.keeping.subjects import Named
from assay_server.ledger import holds, storable, tables

VERSION = 1

_audit = tables.accounts.audit
_MOST_NAMES = 10
_NOT_SEARCHED = {"deletions"}  # the request itself: its id goes with the proof
_NAMES_TRACES = {_audit.name}  # for good: ids of traces are nobody's, and say what was deleted

_OUTSIDE = {
    "where": OUTSIDE,
    "why": "files that were exported and spans that were sent on are outside of Assay",
}
_PHYSICAL = {
    "where": PHYSICAL,
    "why": "the files were written anew and the old ones removed; what a disk keeps of removed files is its own affair",
}


@dataclass(slots=True, frozen=True)
class Mentions:
    """Rows of a table, and what the first of them are called, where they have names that do not say it too."""

    rows: int
    names: tuple[str, ...] = ()


def mentions_in_ledger(connection: Connection, subject: Named) -> dict[str, Mentions]:
    """Of each table of decisions: where it stands as a value, in a line of filters too."""
    tokens = [token for name in subject.names for token in (json.dumps(name), *_in_a_line(name))]
    names = storable(connection, subject.names)
    found = {}
    left_out = _NOT_SEARCHED | (_NAMES_TRACES if subject.whole_traces else set())
    for table in tables.metadata.sorted_tables:
        if "project" not in table.c or table.name in left_out:
            continue
        tests: list[Any] = []
        for column in table.c:
            if isinstance(column.type, JSON):
                tests += [holds(cast(column, Text), token) for token in tokens]
            elif isinstance(column.type, Text):
                tests.append(column.in_(names))
        mine = and_(table.c.project == subject.project, or_(*tests))
        rows = connection.execute(select(func.count()).select_from(table).where(mine)).scalar_one()
        found[table.name] = Mentions(rows, _called(connection, table, mine, subject) if rows else ())
    return found


def _called(connection: Connection, table: Table, mine: ColumnElement[bool], subject: Named) -> tuple[str, ...]:
    """So that whoever has to mend them need not look through all. A name that holds the subject's stays out."""
    if "name" not in table.c:
        return ()
    query = select(table.c.name).where(mine).distinct().order_by(table.c.name).limit(_MOST_NAMES + 1)
    found = connection.execute(query).scalars().all()
    names = tuple(name for name in found[:_MOST_NAMES] if not any(own in name for own in subject.names))
    return names if len(found) <= _MOST_NAMES else (*names, "…")


def _in_a_line(name: str) -> list[str]:
    """As saved views hold it: `user:ada` and what ends that part of the line (`query/filters/line.py`)."""
    plain = not any(sign.isspace() or sign == '"' for sign in name)
    value = name if plain else '"' + name.replace('"', '""') + '"'
    parts = [json.dumps(f"user{op}{value}")[1:-1] for op in ":="]
    return [part + end for part in parts for end in ('"', " ")]


def searched(in_facts: Mapping[str, int], in_ledger: Mapping[str, Mentions]) -> list[dict[str, Any]]:
    return [{"where": f"facts.{name}", "found": n} for name, n in in_facts.items()] + [
        {"where": f"ledger.{name}", "found": told.rows, **({"names": list(told.names)} if told.names else {})}
        for name, told in sorted(in_ledger.items())
    ]


def document(
    row: Row[Any], found: Sequence[Mapping[str, Any]], copies: Sequence[Mapping[str, Any]], now_ns: int
) -> dict[str, Any]:
    """Without its signature."""
    return {
        "assay": "proof of deletion",
        "version": VERSION,
        "deletion": row.id,
        "project": row.project,
        **asked_in(row).said(row.user_hash),
        **({"hash_of": HASH_OF} if row.trace_id is None else {}),
        "reason": row.reason,
        "requested_at": rfc3339(row.requested_ns),
        "requested_by": row.requested_by,
        "done_at": rfc3339(now_ns),
        "found": row.found["found"],
        "deleted": row.removed,
        "time_range": {"first": row.found["first"], "last": row.found["last"]},
        "verified": {"at": rfc3339(now_ns), "searched": list(found), "rewritten": True},
        "remaining": _remaining(row, found, copies),
    }


def signed(connection: Connection, audit: Audit, unsigned: dict[str, Any], row: Row[Any]) -> dict[str, Any]:
    """Adds the audit event, in the transaction that ends the deletion."""
    hashed = content_hash(unsigned)
    told = {"proof": hashed, **asked_in(row).said(row.user_hash), "deleted": row.removed}
    event = audit.append(
        connection,
        project=row.project,
        actor="assay:deletion",
        action="deletion.done",
        subject=row.id,
        reason=row.reason,
        after=told,
    )
    event_hash = connection.execute(select(_audit.c.hash).where(_audit.c.id == event)).scalar_one()
    return {**unsigned, "audit": {"event": event, "hash": event_hash, "of": hashed}}


def _remaining(
    row: Row[Any], found: Sequence[Mapping[str, Any]], copies: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    what = asked_in(row).what
    whose = "this person's" if what == "user" else "this trace's"
    remaining: list[dict[str, Any]] = []
    if row.datasets == "keep":
        for held in row.found["held"]:
            versions = ", ".join(map(str, held["versions"]))
            why = f"items made from {whose} spans: decide, and delete again with datasets=erase"
            remaining.append(
                {"where": f"dataset {held['dataset']}, versions {versions}", "items": held["items"], "why": why}
            )
    for each in found:
        if each["found"]:
            names = "1 row still names" if each["found"] == 1 else f"{each['found']} rows still name"
            why = f"{names} this {what} as a value: in the text or the settings of others{_listed(each)}"
            remaining.append({"where": each["where"], "why": why})
    kept = [
        {**copy, "where": f"backup {copy['backup']}, {copy['where']}", "why": "made before the deletion"}
        for copy in copies
    ]
    return [*remaining, *kept, _OUTSIDE, _PHYSICAL]


def _listed(each: Mapping[str, Any]) -> str:
    return f" ({', '.join(each['names'])})" if each.get("names") else ""
