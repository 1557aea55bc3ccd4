"""Langfuse's REST API as far as its released clients (Python 2 to 5, JS 5) need it to observe and to score.

Their spans come over OTLP from version 3 on; version 2 sends everything to `/ingestion`. See docs/langfuse.md.
"""

from fastapi import APIRouter

from assay_server.api.dialects.langfuse import (
    account,
    datasets,
    experiments,
    ingestion,
    links,
    media,
    metrics,
    observations_read,
    prompts,
    scores,
    scores_read,
    sessions,
    traces,
)

_api = APIRouter(prefix="/api/public", tags=["langfuse"])
for part in (account, ingestion, media, scores, datasets, experiments, prompts):
    _api.include_router(part.router)
for part in (traces, observations_read, sessions, scores_read, metrics):
    _api.include_router(part.router)
router = APIRouter()
for whole in (_api, links.router):
    router.include_router(whole)

__all__ = ["router"]
