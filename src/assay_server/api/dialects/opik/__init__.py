"""Opik's private REST API as far as its SDK needs it to observe and to score. See docs/opik.md."""

from assay_server.api.dialects.opik import attachments, links
from assay_server.api.dialects.opik.routes import router

router.include_router(attachments.router)
router.include_router(links.router)

__all__ = ["router"]
