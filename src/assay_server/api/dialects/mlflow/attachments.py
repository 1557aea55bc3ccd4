"""Attachments of traces: MLflow's SDK takes pictures, sound and files out of what a span says, leaves their address
there (`mlflow-attachment://ID?content_type=…`), and sends them here once the trace has ended."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import plain_body
from assay_server.api.dialects.files import keep_file
from assay_server.api.dialects.mlflow.errors import MlflowRoute
from assay_server.api.dialects.mlflow.ids import trace_id_of
from assay_server.api.openapi import answers
from assay_server.api.routes.media import file_of
from assay_server.api.services import services
from assay_server.core.ports import Principal
from assay_server.ingest import MediaLink, type_of

router = APIRouter(route_class=MlflowRoute)

Sender = Annotated[Principal, Depends(principal("ingest"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_PATH = "/api/2.0/mlflow-artifacts/artifacts/{trace_id}/attachments/{attachment_id}"


def location_of(told: str) -> dict[str, str]:
    """The tag that says where the artifacts of a trace are."""
    return {"mlflow.artifactLocation": f"mlflow-artifacts:/{told}"}


@router.put(_PATH, summary="MLflow: the content of an attachment")
async def put(request: Request, caller: Sender, trace_id: str, attachment_id: str) -> dict[str, Any]:
    """Of which span it is, and of which type, the SDK says in the span alone, which may come later."""
    content, link = await plain_body(request), MediaLink(trace_id_of(trace_id), "", "attachment")
    await keep_file(services(request), caller.project, link, type_of(content), content, attachment_id)
    return {}


@router.get(
    _PATH,
    summary="MLflow: read an attachment",
    response_class=FileResponse,
    responses=answers("application/octet-stream"),
)
async def read(request: Request, caller: Reader, trace_id: str, attachment_id: str) -> FileResponse:
    trace_id_of(trace_id)
    return file_of(await services(request).media.get(caller.project, attachment_id))
