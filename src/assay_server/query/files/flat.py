"""What the API shows as documents, as flat rows with known types: for CSV and Parquet.

What is a list or a document itself stays one column, as JSON text. Unknown is empty, never zero.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Kind = Literal["traces", "spans", "scores"]
Type = Literal["text", "integer", "real", "time", "json"]


@dataclass(slots=True, frozen=True)
class Column:
    """`path` leads through the document; where it ends in a list or a document the type is json."""

    name: str
    type: Type
    path: tuple[str, ...]

    def of(self, document: dict[str, Any]) -> Any:
        value: Any = document
        for step in self.path:
            value = value.get(step) if isinstance(value, dict) else None
        if self.type != "json" or value is None or isinstance(value, str):
            return value
        return msgspec.json.encode(value).decode()


def _columns(kind: Type, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name.replace(".", "_"), kind, tuple(name.split("."))) for name in names)


_TOKENS = ("fresh_input", "cache_read", "cache_write", "output", "reasoning", "input_total", "output_total")

COLUMNS: dict[Kind, tuple[Column, ...]] = {
    "traces": (
        *_columns("text", "trace_id", "root_span_id", "name", "kind", "service"),
        *_columns("time", "start"),
        *_columns("real", "latency_ms"),
        *_columns("text", "status"),
        *_columns("integer", "spans", "errors"),
        *_columns("json", "models"),
        *_columns("text", "user", "session", "feature", "tenant", "cost_center", "release", "channel", "canary", "arm"),
        *_columns("text", "run", "environment"),
        *_columns("integer", "tokens.input", "tokens.output"),
        *_columns("real", "cost.usd"),
        *_columns("integer", "cost.unknown"),
        *_columns("text", "input", "output"),
        *_columns("json", "tags", "scores", "pii"),
    ),
    "spans": (
        *_columns("text", "trace_id", "span_id", "parent_id", "name", "kind", "status", "status_message"),
        *_columns("time", "start", "end"),
        *_columns("real", "latency_ms", "ttft_ms"),
        *_columns("text", "service", "environment", "scope", "session", "user"),
        *_columns("text", "feature", "tenant", "cost_center", "model", "provider"),
        *_columns("integer", *(f"tokens.{name}" for name in _TOKENS)),
        *_columns("real", "cost"),
        *_columns("text", "cost_source", "prompt", "prompt_version", "release", "channel", "canary", "arm"),
        *_columns("text", "run", "item"),
        *_columns("json", "tags", "pii", "input", "output", "documents", "attributes", "resource", "events", "links"),
        *_columns("text", "content"),
    ),
    "scores": (
        *_columns("text", "id", "name", "source"),
        *_columns("time", "time"),
        *_columns("real", "value"),
        *_columns("text", "label", "error", "reason", "author", "version", "trace_id", "span_id", "session"),
        *_columns("text", "run", "item"),
        *_columns("json", "metadata"),
    ),
}
