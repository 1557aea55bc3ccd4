"""Files of traces and spans; Opik's SDK also takes pictures above 256 kB out of what it says, and sends them here."""

from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, plain_body, required, text
from assay_server.api.dialects.files import keep_file
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.lookup import traces_of
from assay_server.api.services import services
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.ingest import MediaLink

router = APIRouter(prefix="/v1/private/attachment")

Sender = Annotated[Principal, Depends(principal("ingest"))]

_TO_THIS_SERVER = "BEMinIO"
"""Opik's own word for it: the SDK puts the whole file to one address, with its key, instead of parts to S3."""
_UNKNOWN_TYPE = "application/octet-stream"


@router.post("/upload-start", summary="Opik: a file will come")
async def start(request: Request, caller: Sender) -> dict[str, Any]:
    body = await json_body(request)
    said = {name: required(body, name) for name in ("entity_type", "entity_id", "file_name")}
    said["mime_type"] = text(body, "mime_type") or _UNKNOWN_TYPE
    host, public = request.headers.get("host", ""), urlsplit(services(request).public_url)
    scheme = public.scheme if public.netloc == host else request.url.scheme
    url = f"{scheme}://{host}/api{router.prefix}/upload?{urlencode(said)}"
    return {"upload_id": _TO_THIS_SERVER, "pre_sign_urls": [url]}


@router.put("/upload", status_code=HTTP_204_NO_CONTENT, summary="Opik: the content of a file")
async def put(
    request: Request, caller: Sender, entity_type: str, entity_id: str, file_name: str, mime_type: str
) -> Response:
    """A span is named alone, so it must be there first."""
    link = await _link(request, caller, entity_type, entity_id, file_name)
    await keep_file(services(request), caller.project, link, mime_type, await plain_body(request))
    return Response(status_code=HTTP_204_NO_CONTENT)


async def _link(request: Request, caller: Principal, kind: str, told: str, name: str) -> MediaLink:
    if kind == "trace":
        return MediaLink(trace_id_of(told), span_id_of(f"trace {told}"), name)
    if kind == "span":
        span = span_id_of(told)
        return MediaLink((await traces_of(services(request), caller.project, [span]))[span], span, name)
    raise InvalidInput("A file is one of a trace or a span.", field="entity_type", value=kind[:80], fix="say which")
