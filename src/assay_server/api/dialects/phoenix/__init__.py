"""Phoenix's REST API as far as its client needs it to annotate, to log spans, and to read both. See docs/phoenix.md."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from assay_server.api.dialects.phoenix import annotations, spans

SPOKEN = "13.15.0"
"""What its client asks before it uses what is newer: spans by name and kind, no attributes."""

router = APIRouter(tags=["phoenix"])
for part in (annotations, spans):
    router.include_router(part.router, prefix="/v1")


@router.get("/arize_phoenix_version", summary="Phoenix: the version that is spoken", response_class=PlainTextResponse)
async def version() -> str:
    return SPOKEN


__all__ = ["router"]
