"""OpenTelemetry's evaluation events: judgements that came on a span, or as log records."""

from typing import Any

from assay_server.core.ids import digest_id
from assay_server.core.records import Score, Span
from assay_server.ingest.normalise.values import SPELLED, text_of, within

EVALUATION = "gen_ai.evaluation.result"


def scores_of_events(span: Span) -> list[Score]:
    """Those among the events of a span."""
    found = (score_of_event(span, event) for event in span.events if event["name"] == EVALUATION)
    return [score for score in found if score is not None]


def score_of_event(span: Span, event: dict[str, Any]) -> Score | None:
    """OpenTelemetry's evaluation event; its id follows from what it says, so that sent twice it is stored once."""
    attributes = event["attributes"]
    name = text_of(attributes.get("gen_ai.evaluation.name"))
    value = attributes.get("gen_ai.evaluation.score.value")
    value = float(value) if value in SPELLED else value
    label = text_of(attributes.get("gen_ai.evaluation.score.label"))
    error = text_of(attributes.get("error.type"))
    judged = isinstance(value, int | float) and not isinstance(value, bool)
    if name is None or not (judged or label or error):
        return None
    if judged and not error and not within(value):
        error = f"The value is {value}."  # of libraries that tell so that they could not judge
    at = event["time_ns"] or span.end_ns
    identity = f"{span.trace_id}{span.span_id}{name}{at}".encode("utf-8", "replace")
    return Score(
        project=span.project,
        id=digest_id("scr", identity),
        name=name,
        time_ns=at,
        source="code",
        value=float(value) if judged and not error else None,
        label=label,
        error=error,
        reason=text_of(attributes.get("gen_ai.evaluation.explanation")),
        trace_id=span.trace_id,
        span_id=span.span_id,
        session=span.session,
    )
