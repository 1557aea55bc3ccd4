"""Spans that come over OTLP, of clients that say in another request what holds for the whole trace: as parts."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from assay_server.core.errors import UnsupportedMedia
from assay_server.core.records import Span
from assay_server.ingest.decompress import decompress
from assay_server.ingest.limits import Limits
from assay_server.ingest.otlp.from_proto import decode_proto
from assay_server.ingest.otlp.message import varint
from assay_server.ingest.partial.merge import Part


@dataclass(slots=True, frozen=True)
class SentSpans:
    """Parts, each a whole span, and how many spans could not be taken and why."""

    parts: tuple[Part, ...]
    rejected: int
    reasons: tuple[str, ...]


def parts_of_otlp(
    project: str, body: bytes, content_type: str | None, encoding: str | None, limits: Limits
) -> SentSpans:
    """Of an ExportTraceServiceRequest in protobuf. Raises InvalidInput, TooLarge and UnsupportedMedia."""
    if (content_type or "").partition(";")[0].strip().lower() != "application/x-protobuf":
        raise UnsupportedMedia("Spans of this client come as protobuf.", field="content-type", value=content_type)
    decoded = decode_proto(project, decompress(body, encoding, limits.unpacked_bytes), limits)
    return SentSpans(tuple(_part(span) for span in decoded.taken), decoded.rejected, tuple(decoded.reasons))


_TO_TRACE_ID = (1, 2, 2, 1)  # resource_spans, scope_spans, spans, trace_id
_TRACE_ID_BYTES = 16


def first_trace_of(began: bytes) -> str | None:
    """The trace of the first span of an ExportTraceServiceRequest of which `began` is the beginning: that much can be
    told of one that is too large to be read. None where the beginning does not say it."""
    at = 0
    try:
        for wanted in _TO_TRACE_ID:
            while True:
                tag, at = varint(began, at)
                length, at = varint(began, at)  # on this way all fields say how long they are
                if tag >> 3 == wanted:
                    break
                at += length
    except DecodeError:
        return None
    found = began[at : at + _TRACE_ID_BYTES]
    return found.hex() if length == len(found) == _TRACE_ID_BYTES else None


def _part(span: Span) -> Part:
    return Part(
        span.trace_id,
        span.span_id,
        name=span.name,
        parent_id=span.parent_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        error=span.status_message,
        status=span.status,
        scope=span.scope,
        attributes=span.attributes,
        resource=span.resource,
        events=span.events,
        links=span.links,
    )
