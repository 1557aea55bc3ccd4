"""Pieces of one span put together, and a span made of them. Plain values: what stands in the ledger."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from assay_server.core.ids import canonical_json
from assay_server.core.records import Span, SpanStatus

Body = dict[str, Any]

SHARED = (
    "user.id",
    "session.id",
    "tag.tags",
    "langfuse.trace.tags",
    "langfuse.release",
    "langfuse.environment",
    "mlflow.trace.user",
    "mlflow.trace.session",
    "mlflow.experiment",
)
"""Told once of the whole trace, they hold for each of its spans."""

TOLD = "told"
"""In a body: when its client told each field, of clients that say so. Attributes stand there with `_OF_SPAN` before."""

_OF_SPAN = "attributes."

OF_TRACE = "trace"
"""Stands for a span id where a part speaks of the trace as a whole and no span of it stands for that: it never becomes
a span. What it says beside `SHARED` goes to the spans that have no parent."""


@dataclass(slots=True)
class Part:
    """What one message of a client says of a span. A later part wins, field by field; None says nothing.

    Later is what was told later, where the client says when (`told_ns`); else what came later.
    """

    trace_id: str
    span_id: str
    name: str | None = None
    parent_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    finished: bool | None = None
    root: bool | None = None  # it stands for the whole trace: spans without a parent are below it
    error: str | None = None  # it failed, and how
    status: SpanStatus | None = None
    scope: str | None = None
    told_ns: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)


def body_of(part: Part, span: Span) -> Body:
    """Of a part whose texts `span` holds scrubbed."""
    body = {
        "name": span.name or None,
        "parent_id": part.parent_id,
        "start_ns": part.start_ns,
        "end_ns": part.end_ns,
        "finished": part.finished,
        "root": part.root,
        "error": span.status_message,
        "status": part.status,
        "scope": part.scope,
        "attributes": span.attributes,
        "resource": span.resource or None,
        "events": span.events or None,
        "links": span.links or None,
        "pii": span.pii,
    }
    body = {key: value for key, value in body.items() if value is not None}
    return body if part.told_ns is None else {**body, TOLD: dict.fromkeys(_fields(body), part.told_ns)}


def still_said(old: Body, new: Body) -> Body:
    """`new` without what `old` was told later."""
    known, told = old.get(TOLD, {}), new.get(TOLD, {})
    passed = {field for field, at in known.items() if at > told.get(field, at)}
    if not passed:
        return new
    said = {key: value for key, value in new.items() if key not in passed}
    said["attributes"] = {key: value for key, value in new["attributes"].items() if _OF_SPAN + key not in passed}
    said[TOLD] = {field: at for field, at in told.items() if field not in passed}
    return said


def says_the_same(one: Body, other: Body) -> bool:
    """Whenever it was told."""
    return {**one, TOLD: None} == {**other, TOLD: None}


def merged(old: Body, new: Body) -> Body:
    """`new` over `old`; attributes one by one, and everything that was ever scrubbed stays told."""
    both = {**old, **new, "attributes": {**old["attributes"], **new["attributes"]}}
    both["pii"] = sorted({*old["pii"], *new["pii"]})
    if TOLD in old:
        both[TOLD] = {**old[TOLD], **new.get(TOLD, {})}
    return both


def is_finished(body: Body) -> bool:
    return bool(body.get("finished") or body.get("end_ns") or body.get("root"))


def late(span_id: str, old: Body, new: Body) -> tuple[str, Body]:
    """(id, body) of what came after the span had become a fact: a span of its own, below it.

    Its id follows from what it says, so that sent twice it is stored once.
    """
    said = {key: value for key, value in new["attributes"].items() if old["attributes"].get(key) != value}
    body = {
        **new,
        "attributes": said,
        "parent_id": span_id,
        "name": f"{new.get('name') or old.get('name') or 'span'} (later)",
        "root": None,
        "finished": True,
    }
    at = new.get("end_ns") or new.get("start_ns") or old.get("end_ns") or old.get("start_ns")
    body["start_ns"] = body["end_ns"] = at
    identity = canonical_json([span_id, said, new.get("end_ns"), new.get("error")])
    return blake2b(identity.encode("utf-8", "replace"), digest_size=8).hexdigest(), body


def spans_of(project: str, trace_id: str, bodies: dict[str, Body], wanted: set[str], now_ns: int) -> list[Span]:
    """The `wanted` spans of a trace of which `bodies` are known, by span id."""
    root = next((span_id for span_id, body in bodies.items() if body.get("root")), None)
    whole = bodies.get(OF_TRACE, _SILENT)
    told = {**whole["attributes"], **(bodies[root]["attributes"] if root else {})}
    shared = {key: value for key, value in told.items() if key in SHARED}
    times = [at for body in bodies.values() for at in (body.get("start_ns"), body.get("end_ns")) if at]
    first, last = (min(times), max(times)) if times else (now_ns, now_ns)
    found = []
    for span_id in wanted - {OF_TRACE}:
        body = bodies[span_id]
        start = body.get("start_ns") or first
        end = body.get("end_ns") or start
        if span_id == root:
            start, end = first, last
        parent = body.get("parent_id") or (root if span_id != root else None)
        above = whole if parent is None else _SILENT
        found.append(
            Span(
                project=project,
                trace_id=trace_id,
                span_id=span_id,
                parent_id=parent,
                name=body.get("name") or "span",
                kind="span",
                start_ns=start,
                end_ns=max(start, end),
                status=body.get("status") or ("error" if body.get("error") else "unset"),
                status_message=body.get("error"),
                scope=body.get("scope"),
                attributes={**shared, **above["attributes"], **body["attributes"]},
                resource=body.get("resource", {}),
                events=body.get("events", []),
                links=body.get("links", []),
                pii=sorted({*above["pii"], *body["pii"]}),
            )
        )
    return found


def _fields(body: Body) -> list[str]:
    """Each that a part told earlier may not change."""
    return [*(key for key in body if key not in ("attributes", "pii")), *(_OF_SPAN + key for key in body["attributes"])]


_SILENT: Body = {"attributes": {}, "pii": []}
