"""Spans logged over REST, and read back. A Phoenix project is the service of its spans."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.status import HTTP_202_ACCEPTED

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import beside, json_body, list_in, moment, named, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.pages import decode_cursor, encode_cursor
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.core.records import SpanStatus
from assay_server.ingest import Part
from assay_server.query import SpanFilter

router = APIRouter()

Sender = Annotated[Principal, Depends(principal("ingest"))]
Reader = Annotated[Principal, Depends(principal("read"))]
Some = Annotated[list[str] | None, Query()]

_STATUS: dict[str, SpanStatus] = {"OK": "ok", "ERROR": "error", "UNSET": "unset"}
_TOLD = {"name", "start_time", "end_time", "status_code", "status_message"}
_SPOKEN = {*_TOLD, "context", "parent_id", "span_kind", "attributes", "events"}
_OF_EVENT = {"name", "timestamp", "attributes"}
_EVERY = "default"  # the project of spans that name none
_MOST = 1000


@router.post("/projects/{name}/spans", status_code=HTTP_202_ACCEPTED, summary="Phoenix: spans, as JSON")
async def log(request: Request, caller: Sender, name: str) -> dict[str, Any]:
    """All or none; what is sent twice is stored once."""
    given = list_in(await json_body(request), "data")
    parts, faults = [], []
    for one in given:
        try:
            parts.append(part_of(one, name))
        except InvalidInput as error:
            faults.append({**_ids(one), "error": str(error)})
    if faults:
        raise _refusal(len(given), faults)
    await services(request).partial_spans.put(caller.project, parts)
    return {"total_received": len(given), "total_queued": len(given)}


@router.get("/projects/{name}/spans", summary="Phoenix: spans, newest first")
async def read(
    request: Request,
    caller: Reader,
    name: str,
    trace_id: Some = None,
    span_name: Annotated[list[str] | None, Query(alias="name")] = None,
    span_kind: Some = None,
    status_code: Some = None,
    parent_id: str | None = None,
    start_time: str | None = None,
    end_time: str | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`default` stands for every service. `parent_id` may be `null` and nothing else."""
    if parent_id not in {None, "null"}:
        raise InvalidInput("Only spans without a parent can be asked for.", field="parent_id", value=parent_id)
    traces = tuple(trace_id_of(one) for one in trace_id or ())
    for one in traces:
        await services(request).partial_spans.flush(caller.project, one)
    narrow = SpanFilter(
        service=None if name == _EVERY else name,
        trace_ids=traces,
        outermost=parent_id is not None,
        name=_one(span_name, "name"),
        kind=_lower(_one(span_kind, "span_kind")),
        status=_lower(_one(status_code, "status_code")),
        since_ns=nanoseconds(start_time, "start_time"),
        until_ns=nanoseconds(end_time, "end_time"),
    )
    found = await services(request).traces.spans(caller.project, narrow, limit=limit, after=decode_cursor(cursor, 2))
    following = None if found.following is None else encode_cursor(found.following)
    return {"data": [span_json(span) for span in found.items], "next_cursor": following}


def part_of(body: dict[str, Any], project: str) -> Part:
    """A whole span. Raises InvalidInput."""
    context = body.get("context")
    if not isinstance(context, dict):
        raise InvalidInput("A span needs a context.", field="context", fix="send trace_id and span_id")
    parent, kind, given = text(body, "parent_id"), text(body, "span_kind"), body.get("attributes")
    unspoken = {**beside(body, _SPOKEN), **named("context", beside(context, {"trace_id", "span_id"}))}
    attributes = {**named("phoenix", unspoken), **(given if isinstance(given, dict) else {})}
    if kind:
        attributes.setdefault("openinference.span.kind", kind)
    start, end = moment(body, "start_time"), moment(body, "end_time")
    if start is None or end is None:
        raise InvalidInput("A span begins and ends.", field="start_time", value=str(start), fix="send both times")
    return Part(
        trace_id_of(required(context, "trace_id")),
        span_id_of(required(context, "span_id")),
        name=required(body, "name"),
        parent_id=span_id_of(parent) if parent else None,
        start_ns=start,
        end_ns=end,
        error=text(body, "status_message"),
        status=_STATUS.get(str(body.get("status_code")).upper(), "unset"),
        scope="phoenix",
        attributes=attributes,
        resource={"openinference.project.name": project},
        events=[_event(event) for event in list_in(body, "events")],
    )


def span_json(span: dict[str, Any]) -> dict[str, Any]:
    """Span JSON of ours as Phoenix's client reads it."""
    return {
        "id": span["span_id"],
        "name": span["name"],
        "context": {"trace_id": span["trace_id"], "span_id": span["span_id"]},
        "span_kind": "UNKNOWN" if span["kind"] == "span" else span["kind"].upper(),
        "parent_id": span["parent_id"],
        "start_time": span["start"],
        "end_time": span["end"],
        "status_code": span["status"].upper(),
        "status_message": span["status_message"] or "",
        "attributes": span["attributes"],
        "events": [
            {"name": event["name"], "timestamp": event["time"], "attributes": event["attributes"]}
            for event in span["events"]
        ],
    }


def _event(body: dict[str, Any]) -> dict[str, Any]:
    given = body.get("attributes")
    return {
        "name": required(body, "name"),
        "time_ns": moment(body, "timestamp") or 0,
        "attributes": beside(body, _OF_EVENT) | (given if isinstance(given, dict) else {}),
    }


def _refusal(received: int, faults: list[dict[str, str]]) -> InvalidInput:
    """Phoenix's client reads the detail as JSON."""
    told = {
        "error": "Request contains invalid spans",
        "total_received": received,
        "total_queued": 0,
        "total_invalid": len(faults),
        "total_duplicates": 0,
        "invalid_spans": faults[:20],
        "duplicate_spans": [],
    }
    return InvalidInput(json.dumps(told), field="data", value=f"{len(faults)} faults")


def _ids(body: dict[str, Any]) -> dict[str, str]:
    context = body.get("context")
    known = context if isinstance(context, dict) else {}
    return {name: str(known.get(name, "unknown"))[:80] for name in ("span_id", "trace_id")}


def _one(given: list[str] | None, field: str) -> str | None:
    if given is not None and len(given) > 1:
        raise InvalidInput(f"One {field} is asked for at a time.", field=field, value=", ".join(given)[:80])
    return given[0] if given else None


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()
