"""MLflow's spans: over OTLP, without user and session. Those come in another request, before or after them."""

from collections.abc import Mapping
from typing import Any

from assay_server.api.services import Services
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.ingest import OF_TRACE, Accepted, Part, SentSpans, parts_of_otlp

_EXPERIMENT = "x-mlflow-experiment-id"
_AGENT = "mlflow-python-client/"


def is_mlflow(headers: Mapping[str, str]) -> bool:
    """Whether MLflow's own client sent this: any other that names an experiment says nothing more of its trace."""
    return _EXPERIMENT in headers and headers.get("user-agent", "").startswith(_AGENT)


async def take_spans(services: Services, caller: Principal, headers: Mapping[str, str], body: bytes) -> Accepted:
    """Durable on return. They become facts once the client said what holds for their trace, or never did so."""
    sent: SentSpans = parts_of_otlp(
        caller.project, body, headers.get("content-type"), headers.get("content-encoding"), services.ingest.limits
    )
    experiment = await told_of_experiment(services, caller.project, headers[_EXPERIMENT])
    for part in sent.parts:
        _documents(part)
    traces = dict.fromkeys(part.trace_id for part in sent.parts)
    about = [Part(trace_id, OF_TRACE, attributes=experiment) for trace_id in traces]
    await services.partial_spans.put(caller.project, [*about, *sent.parts])
    return Accepted(len(sent.parts), sent.rejected, sent.reasons)


async def told_of_experiment(services: Services, project: str, number: str) -> dict[str, Any]:
    """What the spans of its traces say of an experiment. One of another server has no name here: what was traced in it
    is worth more than that."""
    try:
        experiment = await services.experiments.numbered(project, number)
    except NotFound:
        return {"mlflow.experimentId": number}
    return {"mlflow.experimentId": number, "mlflow.experiment": experiment.name}


def _documents(part: Part) -> None:
    """What a retriever gave are documents."""
    found = part.attributes.get("mlflow.spanOutputs")
    is_retriever = part.attributes.get("mlflow.spanType") in ("RETRIEVER", "RERANKER")
    if is_retriever and isinstance(found, list) and all(isinstance(one, dict) for one in found):
        part.attributes["retrieval.documents"] = found
