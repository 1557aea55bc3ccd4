"""MLflow's trace ids: `tr-` and OpenTelemetry's."""

from assay_server.api.dialects import ids

_PREFIX = "tr-"


def trace_id_of(told: str) -> str:
    """32 hex digits."""
    return ids.trace_id_of(told.removeprefix(_PREFIX))


def told_of(trace_id: str) -> str:
    """The other way round."""
    return f"{_PREFIX}{trace_id}"
