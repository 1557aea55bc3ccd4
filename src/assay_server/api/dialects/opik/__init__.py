"""Opik's private REST API as far as its SDK needs it to observe and to score. See docs/opik.md."""

from assay_server.api.dialects.opik import attachments
from assay_server.api.dialects.opik.routes import router

router.include_router(attachments.router)

__all__ = ["router"]
