"""OpenTelemetry's protocol: spans, log records and metrics, in both encodings."""
