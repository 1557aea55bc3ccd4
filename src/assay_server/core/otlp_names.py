"""What OTLP says beside attributes, under OpenTelemetry's names for formats that have no place for it.

Ingest keeps it so, and what is sent on puts it back.
"""

SPAN_KIND, TRACE_STATE = "span.kind", "w3c.tracestate"

REMOTE_KINDS = dict(enumerate(("server", "client", "producer", "consumer"), 2))
"""By OTLP's number. `internal` is what a span is that says nothing."""

FLAGS = "otel.flags"
"""Trace flags and the remote bits of a span or link, as one number."""

OF_RESOURCE, OF_SCOPE = "otel.resource.", "otel.scope."
SCHEMA_URL, DROPPED_ATTRIBUTES, ENTITY_REFS = "schema_url", "dropped_attributes_count", "entity_refs"

DROPPED = (DROPPED_ATTRIBUTES, "dropped_events_count", "dropped_links_count")
"""Behind `otel.`: what the client let go."""
