"""MLflow's deletion of traces: ours, with its proof (`GET /api/v1/deletions`)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, required, texts_in
from assay_server.api.dialects.deleting import MOST, delete_traces
from assay_server.api.dialects.mlflow.errors import MlflowRoute
from assay_server.api.dialects.mlflow.ids import trace_id_of
from assay_server.api.dialects.mlflow.shapes import info_json
from assay_server.api.dialects.mlflow.traces import head
from assay_server.api.services import Services, services
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ports import Principal

router = APIRouter(route_class=MlflowRoute)

Admin = Annotated[Principal, Depends(principal("admin"))]


@router.post("/api/2.0/mlflow/traces/delete-traces", summary="MLflow: delete traces")
@router.post("/api/3.0/mlflow/traces/delete-traces", summary="MLflow: delete traces (3.0)")
async def delete(request: Request, caller: Admin) -> dict[str, Any]:
    """By their ids alone: which traces an age would take, retention's rules say and preview."""
    body = await json_body(request)
    experiment = required(body, "experiment_id")
    if body.get("max_timestamp_millis") is not None:
        raise InvalidInput(
            "Traces are deleted by their ids here, not by their age.",
            field="max_timestamp_millis",
            value=str(body["max_timestamp_millis"])[:80],
            fix="send request_ids (trace_ids=… of delete_traces), or set a rule: assay retention set --metadata DAYS",
        )
    told = texts_in(body, "request_ids", MOST)
    if not told:
        raise InvalidInput("'request_ids' is missing.", field="request_ids", fix="send the ids of the traces in a list")
    rooms = services(request)
    await rooms.experiments.numbered(caller.project, experiment)
    theirs = [one for one in map(trace_id_of, told) if await _is_of(rooms, caller.project, one, experiment)]
    return {"traces_deleted": await delete_traces(rooms, caller, theirs, "an MLflow client")}


async def _is_of(rooms: Services, project: str, trace_id: str, experiment: str) -> bool:
    """Whether the experiment has it: one that is named with another's number is left alone, as in MLflow."""
    await rooms.partial_spans.flush(project, trace_id)
    try:
        info = info_json(await head(rooms, project, trace_id))
    except NotFound:
        return False
    return bool(info["trace_location"]["mlflow_experiment"]["experiment_id"] == experiment)
