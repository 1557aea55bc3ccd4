"""Experiments of Langfuse's SDKs up to 4: an item of a dataset and the trace that answered it, told in a request.

From 4 on the spans say it themselves (`langfuse.experiment.*`). What is told here becomes a span without length below
the one it speaks of: spans are never changed, and the trace is found by its run and its item either way.
"""

import json
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.observations import root_span_id
from assay_server.api.dialects.lookup import traces_of
from assay_server.api.services import services
from assay_server.core.clock import SystemClock, rfc3339
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Span

router = APIRouter(route_class=LangfuseRoute)

Sender = Annotated[Principal, Depends(principal("ingest"))]

LINK = "dataset-run-item"
_ENVIRONMENT = "sdk-experiment"  # what the SDKs call that of experiments
_TOLD = {"runDescription": "description", "metadata": "metadata", "datasetVersion": "item.version"}


@router.post("/dataset-run-items", summary="Langfuse: the trace of an item, in an experiment")
async def link(request: Request, caller: Sender) -> dict[str, Any]:
    """The same again is stored once. Raises NotFound where no dataset holds the item."""
    body = await json_body(request)
    run_name, item = required(body, "runName"), required(body, "datasetItemId")
    rooms = services(request)
    dataset = (await rooms.datasets.holding(caller.project, item))["name"]
    observation = text(body, "observationId")
    if observation is not None and text(body, "traceId") is None:
        span_id = span_id_of(observation)
        trace = (await traces_of(rooms, caller.project, [span_id]))[span_id]
    else:
        trace = required(body, "traceId")
    run = experiment_id(caller.project, dataset, run_name)
    now_ns = SystemClock().now_ns()
    told = {
        "langfuse.experiment.id": run,
        "langfuse.experiment.name": run_name,
        "langfuse.experiment.dataset.id": dataset,
        "langfuse.experiment.item.id": item,
    }
    told |= {f"langfuse.experiment.{ours}": body[theirs] for theirs, ours in _TOLD.items() if body.get(theirs)}
    span = Span(
        project=caller.project,
        trace_id=trace_id_of(trace),
        span_id=span_id_of(f"{LINK} {run} {item} {trace} {observation}"),
        parent_id=root_span_id(trace) if observation is None else span_id_of(observation),
        name=LINK,
        kind="span",
        start_ns=now_ns,
        end_ns=now_ns,
        environment=_ENVIRONMENT,
        scope="langfuse-sdk",
        run=run,
        item=item,
        attributes=told,
    )
    await rooms.ingest.write(Facts(spans=[span]))
    made = rfc3339(now_ns)
    return {
        "id": span.span_id,
        "datasetRunId": run,
        "datasetRunName": run_name,
        "datasetItemId": item,
        "traceId": trace,
        "observationId": observation,
        "createdAt": made,
        "updatedAt": made,
    }


def experiment_id(project: str, dataset: str, run_name: str) -> str:
    """As SDK 5 makes it itself, so that an experiment is one whichever version ran it."""
    told = json.dumps(["langfuse-experiment-v1", project, dataset, run_name], separators=(",", ":"), ensure_ascii=False)
    return sha256(told.encode()).hexdigest()[:16]
