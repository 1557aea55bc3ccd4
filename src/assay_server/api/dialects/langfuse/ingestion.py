"""`POST /api/public/ingestion`: all of Langfuse's Python 2 (and JS 3), and the scores of Python 3 and 4."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.status import HTTP_207_MULTI_STATUS

from assay_server.api.auth import authorise, principal
from assay_server.api.dialects.bodies import json_value, plain_body
from assay_server.api.dialects.langfuse.observations import part_of, root_of
from assay_server.api.dialects.langfuse.scores import score_of
from assay_server.api.services import services
from assay_server.core.clock import SystemClock
from assay_server.core.errors import Forbidden, InvalidInput
from assay_server.core.ids import new_id
from assay_server.core.ports import Principal
from assay_server.core.records import Event, Facts, Score
from assay_server.ingest import Part

router = APIRouter()

Sender = Annotated[Principal, Depends(principal("score"))]

_MOST = 2000


@router.post("/ingestion", summary="Langfuse: a batch of events", status_code=HTTP_207_MULTI_STATUS)
async def post(request: Request, caller: Sender) -> JSONResponse:
    """207 with what became of each event by its id; an event is told a success only after it is durable."""
    body = json_value(await plain_body(request))
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list) or len(batch) > _MOST:
        raise InvalidInput(f"'batch' is a list of at most {_MOST} events.", field="batch", fix="send fewer at once")
    successes, errors = [], []
    parts: list[Part] = []
    facts = Facts()
    for event in batch:
        told = str(event.get("id", "")) if isinstance(event, dict) else ""
        try:
            _sort(_understood(event, caller), parts, facts)
            successes.append({"id": told, "status": 201})
        except (InvalidInput, Forbidden) as error:
            status = 403 if isinstance(error, Forbidden) else 400
            errors.append({"id": told, "status": status, "message": error.message, "error": str(error)})
    await services(request).partial_spans.put(caller.project, parts)
    await services(request).ingest.write(facts)
    return JSONResponse({"successes": successes, "errors": errors}, HTTP_207_MULTI_STATUS)


def _understood(event: Any, caller: Principal) -> Part | Score | Event:
    if not isinstance(event, dict) or not isinstance(event.get("body"), dict):
        raise InvalidInput("An event has a type and a body.", field="body", value=None, fix="send both")
    kind, body = str(event.get("type")), event["body"]
    if kind == "score-create":
        return score_of({"timestamp": event.get("timestamp"), **body}, caller)
    authorise(caller, "ingest")
    if kind == "trace-create":
        return root_of(body, event.get("timestamp"))
    if kind.endswith(("-create", "-update")):
        return part_of(kind, body, event.get("timestamp"))
    if kind == "sdk-log":
        return Event(caller.project, new_id("evt"), "langfuse.sdk-log", SystemClock().now_ns(), data={"log": body})
    raise InvalidInput("There is no such type of event.", field="type", value=kind[:80], fix="use a released client")


def _sort(understood: Part | Score | Event, parts: list[Part], facts: Facts) -> None:
    if isinstance(understood, Part):
        parts.append(understood)
    elif isinstance(understood, Score):
        facts.scores.append(understood)
    else:
        facts.events.append(understood)
