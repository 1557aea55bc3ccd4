"""Annotations of spans, traces, sessions and documents are scores. A span is named alone: its trace is looked up."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import beside, json_body, list_in, named, number, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.lookup import traces_of
from assay_server.api.pages import decode_cursor, encode_cursor
from assay_server.api.services import services
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import canonical_json, digest_id
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, ScoreSource
from assay_server.query import ScoreFilter

router = APIRouter()

Scorer = Annotated[Principal, Depends(principal("score"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_SOURCES: dict[str, ScoreSource] = {"HUMAN": "human", "LLM": "judge", "CODE": "code"}
_KINDS = {"human": "HUMAN", "end_user": "HUMAN", "judge": "LLM", "code": "CODE"}
_NOTE = "note"
_ABOUT = {"span_id", "trace_id", "session_id", "document_position"}
_SPOKEN = {*_ABOUT, "name", "annotator_kind", "result", "metadata", "identifier", "note"}
_JUDGEMENT = {"score", "label", "explanation"}
_MOST = 1000

_About = dict[str, str | None]


@router.post("/span_annotations", summary="Phoenix: judgements of spans")
async def of_spans(request: Request, caller: Scorer) -> dict[str, Any]:
    return await _of_spans(request, caller, list_in(await json_body(request), "data"), _plain)


@router.post("/document_annotations", summary="Phoenix: judgements of retrieved documents")
async def of_documents(request: Request, caller: Scorer) -> dict[str, Any]:
    """Scores of the span, with the document's position among those it found, from 0."""
    return await _of_spans(request, caller, list_in(await json_body(request), "data"), _position)


@router.post("/span_notes", summary="Phoenix: a note on a span")
async def note(request: Request, caller: Scorer) -> dict[str, Any]:
    given = (await json_body(request)).get("data")
    if not isinstance(given, dict):
        raise InvalidInput("A note needs a span and a text.", field="data", fix="send an object")
    said = {"name": _NOTE, "annotator_kind": "HUMAN", "result": {"explanation": required(given, "note")}}
    told = await _of_spans(request, caller, [{**given, **said}], _plain)
    return {"data": told["data"][0]}


@router.post("/trace_annotations", summary="Phoenix: judgements of traces")
async def of_traces(request: Request, caller: Scorer) -> dict[str, Any]:
    given = list_in(await json_body(request), "data")
    return await _stored(
        request, [score_of(one, caller, {"trace_id": trace_id_of(required(one, "trace_id"))}) for one in given]
    )


@router.post("/session_annotations", summary="Phoenix: judgements of sessions")
async def of_sessions(request: Request, caller: Scorer) -> dict[str, Any]:
    given = list_in(await json_body(request), "data")
    return await _stored(request, [score_of(one, caller, {"session": required(one, "session_id")}) for one in given])


@router.get("/projects/{name}/span_annotations", summary="Phoenix: judgements of some spans")
async def read(
    request: Request,
    caller: Reader,
    name: str,
    span_ids: Annotated[list[str], Query()],
    include_annotation_names: Annotated[list[str] | None, Query()] = None,
    exclude_annotation_names: Annotated[list[str] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    cursor: str | None = None,
) -> dict[str, Any]:
    """A span's id says whose it is: the project's name is not asked."""
    narrow = ScoreFilter(
        span_ids=tuple(span_id_of(one) for one in span_ids),
        names=tuple(include_annotation_names or ()),
        other_names=tuple(exclude_annotation_names or ()),
    )
    found = await services(request).scores.find(caller.project, narrow, limit=limit, after=decode_cursor(cursor, 2))
    following = None if found.following is None else encode_cursor(found.following)
    return {"data": [annotation_json(score) for score in found.items], "next_cursor": following}


def score_of(body: dict[str, Any], caller: Principal, about: _About, metadata: dict[str, Any] | None = None) -> Score:
    """The same annotation sent twice has the same id; one whose result changed is another. Raises InvalidInput."""
    result = body.get("result")
    said = result if isinstance(result, dict) else {}
    value, label, reason = number(said.get("score")), text(said, "label"), text(said, "explanation")
    if value is None and label is None and reason is None:
        raise InvalidInput(
            "An annotation needs a score, a label or an explanation.", field="result", value=str(result)[:80]
        )
    given = body.get("metadata")
    unspoken = {**beside(body, _SPOKEN), **named("result", beside(said, _JUDGEMENT))}
    kept = {**unspoken, **(given if isinstance(given, dict) else {}), **(metadata or {})}
    if text(body, "identifier"):
        kept["identifier"] = body["identifier"]
    identity = canonical_json([about, required(body, "name"), value, label, reason, kept]).encode("utf-8", "replace")
    return Score(
        project=caller.project,
        id=digest_id("scr", identity),
        name=body["name"],
        time_ns=SystemClock().now_ns(),
        source="end_user" if caller.role == "score" else _SOURCES.get(str(body.get("annotator_kind")), "code"),
        value=value,
        label=label,
        reason=reason,
        author=caller.actor,
        metadata=kept,
        **about,
    )


def annotation_json(score: dict[str, Any]) -> dict[str, Any]:
    """A score of ours as Phoenix's client reads it."""
    result = {"score": score["value"], "label": score["label"], "explanation": score["reason"]}
    return {
        "id": score["id"],
        "span_id": score["span_id"],
        "name": score["name"],
        "annotator_kind": _KINDS[score["source"]],
        "result": {key: value for key, value in result.items() if value is not None},
        "metadata": {key: value for key, value in score["metadata"].items() if key != "identifier"},
        "identifier": score["metadata"].get("identifier", ""),
        "source": "API",
        "created_at": score["time"],
        "updated_at": score["time"],
        "user_id": None,
    }


async def _of_spans(
    request: Request,
    caller: Principal,
    given: Sequence[dict[str, Any]],
    metadata: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    told = [span_id_of(required(one, "span_id")) for one in given]
    traces = await traces_of(services(request), caller.project, told)
    scores = [
        score_of(one, caller, {"trace_id": traces[span_id], "span_id": span_id}, metadata(one))
        for one, span_id in zip(given, told, strict=True)
    ]
    return await _stored(request, scores)


async def _stored(request: Request, scores: list[Score]) -> dict[str, Any]:
    await services(request).ingest.write(Facts(scores=scores))
    return {"data": [{"id": score.id} for score in scores]}


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    return {}


def _position(body: dict[str, Any]) -> dict[str, Any]:
    position = body.get("document_position")
    if not isinstance(position, int) or isinstance(position, bool) or position < 0:
        raise InvalidInput(
            "A document is named by its position.", field="document_position", value=str(position)[:80], fix="0 or more"
        )
    return {"document_position": position}
