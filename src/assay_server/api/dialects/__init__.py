"""REST dialects of other systems: each folder holds everything of one of them. All facts enter through `ingest`."""

from assay_server.api.dialects import langfuse, langsmith, mlflow, opik, phoenix

ROUTERS = (langfuse.router, langsmith.router, mlflow.router, opik.router, phoenix.router)
"""Mounted at the root: their paths are those of the systems their clients were written for."""

__all__ = ["ROUTERS"]
