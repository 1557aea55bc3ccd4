"""MLflow's API as far as its tracing client needs it: traces, their experiments, assessments. See docs/mlflow.md."""

from fastapi import APIRouter

from assay_server.api.dialects.mlflow import assessments, attachments, deleting, experiments, traces

router = APIRouter(tags=["mlflow"])
for part in (experiments, deleting, traces, assessments, attachments):
    router.include_router(part.router)

__all__ = ["router"]
