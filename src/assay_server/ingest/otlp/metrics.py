"""OTLP metrics: each point is kept as an event of kind `metric`; nothing is computed from them.

`data` is `{name, description, unit, type, temporality?, monotonic?, start_ns?, value? | count, sum, min, max, bounds,
buckets | …, attributes, exemplars, scope, resource}`. The id follows from the content, so that a point sent twice is
stored once.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Event
from assay_server.ingest.limits import Limits
from assay_server.ingest.otlp.decoded import LAST_NS, Decoded, SpanRefused
from assay_server.ingest.otlp.from_proto import attributes_of, resource_of, told_of
from assay_server.ingest.otlp.logs import event_id, json_request
from assay_server.ingest.otlp.message import read_message

_TEMPORALITY = {1: "delta", 2: "cumulative"}


def decode_metrics_proto(project: str, body: bytes, limits: Limits) -> Decoded[Event]:
    """Raises `InvalidInput` when the body is no ExportMetricsServiceRequest."""
    try:
        request = read_message(ExportMetricsServiceRequest, body)
    except DecodeError as error:
        raise _not_metrics("protobuf", error) from error
    return _decoded(project, request, limits)


def decode_metrics_json(project: str, body: bytes, limits: Limits) -> Decoded[Event]:
    """Raises `InvalidInput` when the body is no ExportMetricsServiceRequest."""
    return _decoded(project, json_request(body, ExportMetricsServiceRequest(), partial(_not_metrics, "JSON")), limits)


def _decoded(project: str, request: Any, limits: Limits) -> Decoded[Event]:
    decoded: Decoded[Event] = Decoded(limits)
    for resource_metrics in request.resource_metrics:
        inside = sum(len(metric_points(m)) for scope in resource_metrics.scope_metrics for m in scope.metrics)
        resource = decoded.shared(partial(resource_of, resource_metrics, limits), inside)
        if resource is None:
            continue
        for scope_metrics in resource_metrics.scope_metrics:
            points = sum(len(metric_points(metric)) for metric in scope_metrics.metrics)
            told = decoded.shared(partial(told_of, resource, scope_metrics, limits), points, "scope")
            if told is None:
                continue
            name, version = scope_metrics.scope.name, scope_metrics.scope.version
            common = {"scope": f"{name}@{version}" if version else name, "resource": told}
            for metric in scope_metrics.metrics:
                for point in metric_points(metric):
                    decoded.take(partial(_event, project, metric, point, common, limits), metric.name, "metric")
    return decoded


def metric_points(metric: Any) -> Any:
    """The data points of a metric of any type; none where the type is unknown."""
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _event(project: str, metric: Any, point: Any, common: dict[str, Any], limits: Limits) -> Event:
    if point.time_unix_nano > LAST_NS:
        raise SpanRefused("time_unix_nano is out of range")
    kind = metric.WhichOneof("data")
    series = getattr(metric, kind)
    data = {
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "type": kind,
        "temporality": _TEMPORALITY.get(getattr(series, "aggregation_temporality", 0)),
        "monotonic": getattr(series, "is_monotonic", None),
        "start_ns": point.start_time_unix_nano,
        **_VALUES[kind](point),
        "attributes": attributes_of(point.attributes, limits),
        "exemplars": [_exemplar(each, limits) for each in getattr(point, "exemplars", ())],
        **common,
    }
    kept = {key: value for key, value in data.items() if value not in (None, "", {}, [])}
    return Event(project, event_id("metric", [point.time_unix_nano, kept]), "metric", point.time_unix_nano, data=kept)


def _exemplar(sent: Any, limits: Limits) -> dict[str, Any]:
    """One measurement and where it was made."""
    said = {
        "time_ns": sent.time_unix_nano,
        **_number(sent),
        "trace_id": sent.trace_id.hex(),
        "span_id": sent.span_id.hex(),
        "attributes": attributes_of(sent.filtered_attributes, limits),
    }
    return {key: value for key, value in said.items() if value not in (None, "", {})}


def _number(point: Any) -> dict[str, Any]:
    which = point.WhichOneof("value")
    return {"value": getattr(point, which) if which else None}


def _histogram(point: Any) -> dict[str, Any]:
    return {**_sums(point), "bounds": list(point.explicit_bounds), "buckets": list(point.bucket_counts)}


def _exponential(point: Any) -> dict[str, Any]:
    sides = {
        side: {"offset": buckets.offset, "buckets": list(buckets.bucket_counts)}
        for side, buckets in (("positive", point.positive), ("negative", point.negative))
        if buckets.bucket_counts
    }
    return {**_sums(point), "scale": point.scale, "zeros": point.zero_count, **sides}


def _summary(point: Any) -> dict[str, Any]:
    quantiles = [[value.quantile, value.value] for value in point.quantile_values]
    return {"count": point.count, "sum": point.sum, "quantiles": quantiles}


def _sums(point: Any) -> dict[str, Any]:
    optional = {name: getattr(point, name) if point.HasField(name) else None for name in ("sum", "min", "max")}
    return {"count": point.count, **optional}


_VALUES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _not_metrics(encoding: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"The body is not an OTLP ExportMetricsServiceRequest in {encoding}: {error}.",
        field="body",
        fix="send OTLP protobuf with 'Content-Type: application/x-protobuf', or JSON with 'application/json'",
    )
