"""`/api/public/scores`: one score, or the list that Python 5 sends; and what is taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.status import HTTP_202_ACCEPTED, HTTP_207_MULTI_STATUS

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import beside, json_value, moment_of, number, plain_body
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.openapi import answers
from assay_server.api.services import services
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import canonical_json, digest_id, new_id
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, ScoreSource

router = APIRouter()

Scorer = Annotated[Principal, Depends(principal("score"))]
Author = Annotated[Principal, Depends(principal("ingest"))]

_SOURCES: dict[str, ScoreSource] = {"ANNOTATION": "human", "EVAL": "judge"}
_BESIDE = {"id": "id", "data_type": "dataType", "environment": "environment", "config": "configId", "queue": "queueId"}
_SAID = {"name", "value", "comment", "traceId", "observationId", "sessionId", "datasetRunId", "timestamp", "source"}
_SPOKEN = {*_SAID, "metadata", *_BESIDE.values()}
_MOST = 1000
_LONGEST_NAME = 200
_LONGEST_TEXT = 20_000


@router.post(
    "/scores",
    summary="Langfuse: give scores",
    responses=answers("application/json", status=HTTP_202_ACCEPTED)
    | answers("application/json", status=HTTP_207_MULTI_STATUS),
)
async def post(request: Request, caller: Scorer) -> JSONResponse:
    """One: 200 `{"id"}`. A list: 202, or 207 with what was wrong; what was right is stored all the same."""
    body = json_value(await plain_body(request))
    if isinstance(body, dict):
        score = score_of(body, caller)
        await services(request).ingest.write(Facts(scores=[score]))
        return JSONResponse({"id": _text(body, "id") or score.id})
    taken, errors = _scores_of(body, caller)
    await services(request).ingest.write(Facts(scores=taken))
    if errors:
        return JSONResponse({"accepted": len(taken), "rejected": len(errors), "errors": errors}, HTTP_207_MULTI_STATUS)
    return JSONResponse({"message": "Accepted"}, HTTP_202_ACCEPTED)


@router.delete(
    "/scores/{score_id}",
    summary="Langfuse: take a score back",
    status_code=HTTP_202_ACCEPTED,
    responses=answers("application/json", status=HTTP_202_ACCEPTED),
)
async def delete(request: Request, caller: Author, score_id: str) -> JSONResponse:
    """All that was sent under that id: where Langfuse would have replaced a score, each is kept."""
    await services(request).keeping.scores.take_back(caller, score_id, sent_as=True)
    return JSONResponse({"message": "The score is gone"}, HTTP_202_ACCEPTED)


def score_of(body: Any, caller: Principal) -> Score:
    """A score in our words. Raises InvalidInput naming Langfuse's field.

    Its id says what it says: an id that comes again with another judgement is another score, where Langfuse would
    replace the first. The client's own id is in the metadata.

    A category has a label and no value: there is no number that would mean it. `dataType` and everything else that is
    not ours stays in the metadata. `datasetRunId` is the run, and the observation of an item stands for the item.
    """
    if not isinstance(body, dict):
        raise InvalidInput("A score is an object.", field="body", value=str(body)[:80], fix="send an object")
    name = _text(body, "name", _LONGEST_NAME)
    if not name:
        raise InvalidInput("A score needs a name.", field="name", value=None, fix="give 1 to 200 characters")
    value, label = _judgement(body)
    trace, observation = _text(body, "traceId"), _text(body, "observationId")
    session, run = _text(body, "sessionId"), _text(body, "datasetRunId")
    if not (trace or session or run):
        raise InvalidInput("A score must say what it is about.", field="traceId", value=None, fix="give a traceId")
    told, reason = _text(body, "id"), _text(body, "comment", _LONGEST_TEXT)
    said = [told, name, value, label, reason, trace, observation, session, run]
    return Score(
        project=caller.project,
        id=digest_id("scr", canonical_json(said).encode()) if told else new_id("scr"),
        name=name,
        time_ns=_time(body),
        source="end_user" if caller.role == "score" else _SOURCES.get(str(body.get("source")), "code"),
        value=value,
        label=label,
        reason=reason,
        author=caller.actor,
        trace_id=trace_id_of(trace) if trace else None,
        span_id=span_id_of(observation) if observation else None,
        session=session,
        run=run,
        metadata=_metadata(body),
    )


def _scores_of(body: Any, caller: Principal) -> tuple[list[Score], list[dict[str, str]]]:
    if not isinstance(body, list) or len(body) > _MOST:
        raise InvalidInput(f"The body is a list of at most {_MOST} scores.", field="body", fix="send fewer at once")
    taken, errors = [], []
    for one in body:
        try:
            taken.append(score_of(one, caller))
        except InvalidInput as error:
            errors.append({"message": str(error)})
    return taken, errors


def _judgement(body: dict[str, Any]) -> tuple[float | None, str | None]:
    """(value, label). Booleans come as 0 and 1, categories and texts as texts."""
    value = body.get("value")
    told = number(value)
    if told is not None:
        return told, None
    if isinstance(value, str) and value and len(value) <= _LONGEST_TEXT:
        return None, value
    raise InvalidInput("A score needs a value.", field="value", value=str(value)[:80], fix="give a number or a text")


def _time(body: dict[str, Any]) -> int:
    told = moment_of(body.get("timestamp"), "timestamp")
    return SystemClock().now_ns() if told is None else told


def _metadata(body: dict[str, Any]) -> dict[str, Any]:
    given = body.get("metadata")
    kept: dict[str, Any] = {} if given is None else given if isinstance(given, dict) else {"metadata": given}
    told = {ours: body[theirs] for ours, theirs in _BESIDE.items() if body.get(theirs) is not None}
    return beside(body, _SPOKEN) | kept | told


def _text(body: dict[str, Any], field: str, longest: int = _LONGEST_NAME) -> str | None:
    value = body.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise InvalidInput(
            f"'{field}' is a text of at most {longest} characters.",
            field=field,
            value=str(value)[:80],
            fix="shorten it",
        )
    return value
