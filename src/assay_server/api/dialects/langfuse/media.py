"""Langfuse's media: announced with a key, put and fetched at an address that carries its own permission."""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, plain_body, required, text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.openapi import answers
from assay_server.api.routes.media import file_of
from assay_server.api.services import services
from assay_server.core.clock import rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.ingest import MediaLink

router = APIRouter(prefix="/media")

Sender = Annotated[Principal, Depends(principal("ingest"))]
Reader = Annotated[Principal, Depends(principal("read"))]

_ID_CHARACTERS = 22
_BYTES = 32  # of a SHA-256


@router.post("", summary="Langfuse: media will come")
async def announce(request: Request, caller: Sender) -> dict[str, Any]:
    """`uploadUrl` is null where the content is there already: it is named by its hash."""
    body = await json_body(request)
    digest = _digest(required(body, "sha256Hash"))
    media = base64.urlsafe_b64encode(digest).decode()[:_ID_CHARACTERS]
    wanted = await services(request).media.announce(
        caller.project,
        media,
        required(body, "contentType"),
        _size(body.get("contentLength")),
        digest.hex(),
        _link(body),
    )
    return {"mediaId": media, "uploadUrl": _url(request, caller.project, media)[0] if wanted else None}


@router.put("/{media_id}/content", summary="Langfuse: the content of media")
async def put(request: Request, media_id: str, ticket: str) -> dict[str, Any]:
    """200: the JavaScript SDK takes any other success for a failure."""
    rooms = services(request)
    project = rooms.media_tickets.project(ticket, media_id)
    await rooms.media.store(project, media_id, await plain_body(request))
    return {}


@router.get(
    "/{media_id}/content",
    summary="Langfuse: the content of media",
    response_class=FileResponse,
    responses=answers("application/octet-stream"),
)
async def fetch(request: Request, media_id: str, ticket: str) -> FileResponse:
    rooms = services(request)
    return file_of(await rooms.media.get(rooms.media_tickets.project(ticket, media_id), media_id))


@router.patch("/{media_id}", summary="Langfuse: how the upload went", status_code=HTTP_204_NO_CONTENT)
async def told(request: Request, media_id: str, caller: Sender) -> Response:
    """Nothing to learn: what came is here, what did not is still awaited. Raises NotFound for what nobody announced."""
    await services(request).media.get(caller.project, media_id)
    return Response(status_code=HTTP_204_NO_CONTENT)


@router.get("/{media_id}", summary="Langfuse: where media are fetched")
async def get(request: Request, media_id: str, caller: Reader) -> dict[str, Any]:
    found = await services(request).media.get(caller.project, media_id)
    url, ends_ns = _url(request, caller.project, media_id)
    return {
        "mediaId": found.id,
        "contentType": found.content_type,
        "contentLength": found.bytes,
        "uploadedAt": rfc3339(found.created_ns),
        "url": url,
        "urlExpiry": rfc3339(ends_ns),
    }


def _link(body: dict[str, Any]) -> MediaLink | None:
    """None for media of a dataset's item, which no trace shows."""
    trace, span = text(body, "traceId"), text(body, "observationId")
    if trace is None:
        return None
    return MediaLink(trace_id_of(trace), span_id_of(span) if span else "", text(body, "field") or "metadata")


def _size(told: Any) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        raise InvalidInput(
            "'contentLength' is the number of bytes.", field="contentLength", value=str(told)[:80], fix="send it from 1"
        )
    return told


def _digest(told: str) -> bytes:
    try:
        digest = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _BYTES:
        raise InvalidInput("'sha256Hash' is a SHA-256 in base64.", field="sha256Hash", value=told[:80])
    return digest


def _url(request: Request, project: str, media: str) -> tuple[str, int]:
    """Below the address at which this client reached us. Behind a proxy, the public one knows whether that is TLS."""
    rooms = services(request)
    ticket, ends_ns = rooms.media_tickets.issue(project, media)
    host, public = request.headers.get("host", ""), urlsplit(rooms.public_url)
    scheme = public.scheme if public.netloc == host else request.url.scheme
    return f"{scheme}://{host}/api/public/media/{media}/content?ticket={ticket}", ends_ns
