"""MLflow's spans: over OTLP, without user and session. Those come in another request, before or after them."""

import asyncio
import logging
import time
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from assay_server.api.services import Services
from assay_server.core.errors import NotFound, TooLarge
from assay_server.core.ports import Principal
from assay_server.ingest import OF_TRACE, Accepted, Part, SentSpans, first_trace_of, parts_of_otlp

_log = logging.getLogger(__name__)

_EXPERIMENT = "x-mlflow-experiment-id"
_AGENT = "mlflow-python-client/"
_FIX = "say less in a span, or send fewer at once (MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE, 5 by default)"
_PATIENCE_S = 5.0  # of the end of a trace that may be too large, for what becomes of its spans
_LOOK_S = 0.1


def is_mlflow(headers: Mapping[str, str]) -> bool:
    """Whether MLflow's own client sent this: any other that names an experiment says nothing more of its trace."""
    return _EXPERIMENT in headers and headers.get("user-agent", "").startswith(_AGENT)


async def take_spans(services: Services, caller: Principal, headers: Mapping[str, str], body: bytes) -> Accepted:
    """Durable on return. They become facts once the client said what holds for their trace, or never did so."""
    sent: SentSpans = parts_of_otlp(
        caller.project, body, headers.get("content-type"), headers.get("content-encoding"), services.ingest.limits
    )
    experiment = await told_of_experiment(services, caller.project, headers[_EXPERIMENT])
    traces = dict.fromkeys(part.trace_id for part in sent.parts)
    about = [Part(trace_id, OF_TRACE, attributes=experiment) for trace_id in traces]
    await services.partial_spans.put(caller.project, [*about, *sent.parts])
    return Accepted(len(sent.parts), sent.rejected, sent.reasons)


async def tell_refused(services: Services, caller: Principal, began: bytes, size: int, limit: int) -> None:
    """A request of spans was refused, and its client says so in its debug log alone: an error of their trace does."""
    error = f"{_refusal(limit)} This one had {size} bytes."
    trace_id = first_trace_of(began)
    _log.warning("project %s, trace %s of MLflow's client: %s", caller.project, trace_id, error)
    if trace_id is not None:
        now = time.time_ns()
        standing_in = Part(
            trace_id, _refused_span(trace_id), name="spans refused", start_ns=now, end_ns=now, error=error
        )
        await services.partial_spans.put(caller.project, [standing_in])


async def raise_refused(services: Services, project: str, trace_id: str, size: int) -> None:
    """At the end of a trace, of whose failing its client warns: raises TooLarge where its spans were refused.

    `size` is what the client says the trace has. It says so beside the spans, so what becomes of them is waited for.
    """
    limit = services.ingest.limits.unpacked_bytes
    span_id, waited = _refused_span(trace_id), 0.0
    while size > limit and waited < _PATIENCE_S:
        if await services.partial_spans.traces_of(project, [span_id]):
            raise TooLarge(_refusal(limit), field="spans", value=f"{size} bytes", fix=_FIX)
        await asyncio.sleep(_LOOK_S)
        waited += _LOOK_S


def _refusal(limit: int) -> str:
    return f"Spans of this trace are missing: they came in a request of more than {limit} bytes, which is refused."


def _refused_span(trace_id: str) -> str:
    """The id of the span that stands in for those that were refused: of a trace there is one."""
    return blake2b(f"refused {trace_id}".encode(), digest_size=8).hexdigest()


async def told_of_experiment(services: Services, project: str, number: str) -> dict[str, Any]:
    """What the spans of its traces say of an experiment. One of another server has no name here: what was traced in it
    is worth more than that."""
    try:
        experiment = await services.experiments.numbered(project, number)
    except NotFound:
        return {"mlflow.experimentId": number}
    return {"mlflow.experimentId": number, "mlflow.experiment": experiment.name}
