"""Media of traces: what there is, and their bytes, never as a page."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse

from assay_server.api.auth import principal
from assay_server.api.openapi import answers
from assay_server.api.services import services
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.ingest import KeptMedia

router = APIRouter(tags=["media"])

Reader = Annotated[Principal, Depends(principal("read"))]

_PICTURES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"})
_DAY_S = 86_400


@router.get("/traces/{trace_id}/media", summary="Images and files that a trace speaks of")
async def of_trace(request: Request, caller: Reader, trace_id: str) -> dict[str, Any]:
    found = await services(request).media.of_trace(caller.project, trace_id.lower())
    return {"items": [{**one, "url": f"/api/v1/media/{one['id']}"} for one in found]}


@router.get(
    "/media/{media_id}",
    summary="The bytes of an image or file",
    response_class=FileResponse,
    responses=answers("application/octet-stream"),
)
async def content(request: Request, caller: Reader, media_id: str) -> FileResponse:
    return file_of(await services(request).media.get(caller.project, media_id))


def file_of(media: KeptMedia) -> FileResponse:
    """Raises NotFound while its content has not come. Whatever it is, a browser runs nothing of it."""
    if media.path is None:
        raise NotFound(
            f"The content of '{media.id}' has not come, or is gone from the disk.",
            field="id",
            value=media.id,
            fix="send the media once more",
        )
    shown = _may_be_shown(media.content_type)
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{media.id}"',
        "Cache-Control": f"private, max-age={_DAY_S}, immutable",
    }
    kind = media.content_type if shown else "application/octet-stream"
    return FileResponse(media.path, media_type=kind, headers=headers)


def _may_be_shown(content_type: str) -> bool:
    """`audio/x+xml` is a document to a browser, whatever stands before the plus."""
    is_played = content_type.startswith(("audio/", "video/")) and "+" not in content_type
    return content_type in _PICTURES or is_played
