"""What holds for a whole trace, told at its end; and traces read back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import beside, json_body, list_in, named, required, text
from assay_server.api.dialects.mlflow.assessments import score_of
from assay_server.api.dialects.mlflow.attachments import location_of
from assay_server.api.dialects.mlflow.errors import MlflowRoute
from assay_server.api.dialects.mlflow.filters import filter_of, order_of
from assay_server.api.dialects.mlflow.ids import trace_id_of
from assay_server.api.dialects.mlflow.shapes import IN_TRACKING_STORE, info_json, spans_json
from assay_server.api.dialects.mlflow.spans import raise_refused, told_of_experiment
from assay_server.api.keyset import after_ranked, ranked_key
from assay_server.api.pages import decode_cursor, encode_cursor
from assay_server.api.services import Services, services
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal
from assay_server.core.records import Facts
from assay_server.ingest import DEFAULT_EXPERIMENT, OF_TRACE, Experiment, Part
from assay_server.query import Order, Page, TraceFilter

router = APIRouter(route_class=MlflowRoute)

Sender = Annotated[Principal, Depends(principal("ingest"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_V3 = "/api/3.0/mlflow/traces"
_MOST = 100  # traces of one request
_DIGITS = 19  # of a count of bytes
_IN_SPANS = {"mlflow.traceInputs", "mlflow.traceOutputs"}
"""The outermost span says the same, in full."""
_TIMES = {"request_time", "execution_duration"}
_SAID = {"trace_id", "client_request_id", "state", "tags", "trace_metadata", "request_preview", "response_preview"}
_SPOKEN = {*_TIMES, *_SAID, "trace_location", "assessments"}


@router.post(_V3, summary="MLflow: a trace has ended")
async def end(request: Request, caller: Sender) -> dict[str, Any]:
    """User, session and tags come here and nowhere else. Spans may come before or after it."""
    trace = (await json_body(request)).get("trace")
    info = trace.get("trace_info") if isinstance(trace, dict) else None
    if not isinstance(info, dict):
        raise InvalidInput("There is no trace_info in the body.", field="trace.trace_info", fix="send an object")
    told = required(info, "trace_id")
    experiment = await told_of_experiment(services(request), caller.project, _experiment(info))
    await services(request).partial_spans.put(caller.project, [part_of(info, experiment)])
    scores = [score_of(one, told, caller) for one in list_in(info, "assessments")]
    await services(request).ingest.write(Facts(scores=scores))
    await raise_refused(services(request), caller.project, trace_id_of(told), _size(info))
    tags = {**_texts(info, "tags"), **IN_TRACKING_STORE, **location_of(told)}
    return {"trace": {"trace_info": {**info, "tags": tags}}}


@router.patch("/api/2.0/mlflow/traces/{trace_id}/tags", summary="MLflow: a tag of a trace")
async def tag(request: Request, caller: Sender, trace_id: str) -> dict[str, Any]:
    body = await json_body(request)
    key, value = required(body, "key"), str(body.get("value", ""))
    part = Part(trace_id_of(trace_id), OF_TRACE, name="tags", attributes=_tags({key: value}))
    await services(request).partial_spans.put(caller.project, [part])
    return {}


@router.post(f"{_V3}/search", summary="MLflow: traces that match")
async def search(request: Request, caller: Reader) -> dict[str, Any]:
    body = await json_body(request)
    limit = _MOST if body.get("max_results") is None else body["max_results"]
    if not isinstance(limit, int) or limit < 1:
        raise InvalidInput(
            "'max_results' is 1 or more.", field="max_results", value=str(limit)[:80], fix="ask for some"
        )
    order = order_of(body.get("order_by"))
    known = {str(one.number): one for one in await services(request).experiments.all_of(caller.project)}
    narrow = filter_of(text(body, "filter") or "", _locations(body, known))
    found, following = await _page(
        services(request), caller.project, narrow, order, min(limit, _MOST), text(body, "page_token")
    )
    heads = [await head(services(request), caller.project, row["trace_id"]) for row in found.items]
    page = {"traces": [info_json(trace) for trace in heads]}
    return page if following is None else {**page, "next_page_token": encode_cursor(following)}


async def _page(
    rooms: Services, project: str, narrow: TraceFilter, order: Order | None, limit: int, token: str | None
) -> tuple[Page, list[Any] | None]:
    """Rows, and what leads on."""
    if order is None:
        found = await rooms.traces.find(project, narrow, limit=limit, after=decode_cursor(token, 2))
        return found, found.following
    after = after_ranked(token, order)
    found = await rooms.traces.ranked(project, narrow, order, limit=limit, after=after and after[0])
    return found, ranked_key(order, found, 0, None)


@router.get(f"{_V3}/get", summary="MLflow: one trace with its spans")
async def get(request: Request, caller: Reader, trace_id: str) -> dict[str, Any]:
    return {"trace": await _whole(services(request), caller.project, trace_id)}


@router.get(f"{_V3}/batchGet", summary="MLflow: traces with their spans")
async def batch_get(request: Request, caller: Reader, trace_ids: Annotated[list[str], Query()]) -> dict[str, Any]:
    """Those that nobody knows are left out."""
    if len(trace_ids) > _MOST:
        raise InvalidInput(f"At most {_MOST} traces at once.", field="trace_ids", value=len(trace_ids), fix="ask twice")
    found = []
    for told in trace_ids:
        try:
            found.append(await _whole(services(request), caller.project, told))
        except NotFound:
            continue
    return {"traces": found}


@router.get(_V3 + "/{trace_id}", summary="MLflow: what holds for a trace")
async def get_info(request: Request, caller: Reader, trace_id: str) -> dict[str, Any]:
    told = trace_id_of(trace_id)
    await services(request).partial_spans.flush(caller.project, told)
    return {"trace": {"trace_info": info_json(await head(services(request), caller.project, told))}}


def part_of(info: dict[str, Any], experiment: dict[str, Any]) -> Part:
    """What holds for the trace as a whole. Tags become ours as `key:value`, and the experiment is one of them."""
    tags = _texts(info, "tags")
    told = {key: value for key, value in _texts(info, "trace_metadata").items() if key not in _IN_SPANS}
    labels = [f"experiment:{experiment.get('mlflow.experiment', experiment['mlflow.experimentId'])}"]
    labels += [f"{key}:{value}" for key, value in tags.items() if not key.startswith("mlflow.")]
    about = {"mlflow.clientRequestId": info.get("client_request_id"), "tag.tags": labels}
    return Part(
        trace_id_of(info["trace_id"]),
        OF_TRACE,
        name=tags.get("mlflow.traceName") or "trace",
        finished=True,
        attributes={**named("mlflow.traceInfo", beside(info, _SPOKEN)), **told, **_tags(tags), **experiment, **about},
    )


def _size(info: dict[str, Any]) -> int:
    """Bytes, as the client counts them in JSON; 0 where it does not say."""
    said = _texts(info, "trace_metadata").get("mlflow.trace.sizeBytes", "")
    return int(said) if said.isdecimal() and len(said) < _DIGITS else 0


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """MLflow's own tags keep their names, so that linked prompts are found."""
    return {key if key.startswith("mlflow.") else f"mlflow.traceTag.{key}": value for key, value in tags.items()}


def _texts(info: dict[str, Any], field: str) -> dict[str, str]:
    found = info.get(field)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _experiment(info: dict[str, Any]) -> str:
    place = info.get("trace_location")
    named = place.get("mlflow_experiment") if isinstance(place, dict) else None
    number = named.get("experiment_id") if isinstance(named, dict) else None
    return str(number or DEFAULT_EXPERIMENT.number)


def _locations(body: dict[str, Any], known: dict[str, Experiment]) -> Experiment | None:
    """The experiment to look in; None looks in the whole project."""
    places = [one.get("mlflow_experiment") for one in list_in(body, "locations")]
    numbers = [str(place.get("experiment_id") if isinstance(place, dict) else None) for place in places]
    if len(numbers) > 1:
        raise InvalidInput("One experiment is searched at a time.", field="locations", value=", ".join(numbers)[:80])
    if not numbers:
        return None
    if numbers[0] not in known:
        raise NotFound(f"There is no experiment '{numbers[0][:80]}'.", field="locations", value=numbers[0][:80])
    return known[numbers[0]]


async def head(services: Services, project: str, trace_id: str) -> dict[str, Any]:
    """What holds for a trace as a whole, of a long one too: of its spans the root alone."""
    found = await services.traces.get(project, trace_id, outline=True)
    return {**found, "spans": [await services.traces.span(project, trace_id, found["root_span_id"])]}


async def _whole(services: Services, project: str, told: str) -> dict[str, Any]:
    """A client that just ended a trace wants to see it: what waits for more is written first."""
    trace_id = trace_id_of(told)
    await services.partial_spans.flush(project, trace_id)
    found = await services.traces.get(project, trace_id)
    return {"trace_info": info_json(found), "spans": spans_json(found)}
