"""Log records of traces, and the content of model calls that came in them.

A client may send what a model was asked and answered as a log record beside the span, before or after it. Facts are
only ever added, so the two are joined here, when they are read (`docs/otlp.md`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from assay_server.core.clock import rfc3339
from assay_server.query.shapes import body_json, decoded_json, let_go_json
from assay_server.query.sql import lines
from assay_server.store import Store

_SHOWN = 300  # characters of input and output in a list
_MOST = 10_000  # records of one trace

_SELECT = (
    "SELECT trace_id, span_id, kind, time_ns, data, let_go_ns, kept_days FROM events"
    " WHERE project = ? AND trace_id IN (SELECT unnest(?::VARCHAR[]))"
)
_ORDER = "ORDER BY time_ns, rowid LIMIT " + str(_MOST)
_CONTENT = lines(_SELECT, "AND kind = 'content'", _ORDER)
_ALL = lines(_SELECT, "AND kind IN ('content', 'log')", _ORDER)


class Logs:
    """The log records of some traces of one project."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._rows = [{**row, "data": decoded_json(row["data"], {})} for row in rows]
        self._by_span: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self._rows:
            if row["kind"] == "content":
                self._by_span.setdefault((row["trace_id"], row["span_id"]), []).append(row["data"])

    @classmethod
    async def read(cls, store: Store, project: str, trace_ids: list[str], *, content_only: bool = True) -> "Logs":
        if not trace_ids:
            return cls(())
        return cls(await store.scan(_CONTENT if content_only else _ALL, [project, trace_ids]))

    def complete(self, span: dict[str, Any]) -> dict[str, Any]:
        """Span JSON with the input and output that came in records; what the span itself says comes first."""
        found = self._by_span.get((span["trace_id"], span["span_id"]))
        return span if found is None else {**span, **_content(span, found), "pii": _pii(span, found)}

    def complete_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """The same for a trace row, with its root's content cut as a list shows it."""
        shown = self.shown(row["trace_id"], row["root_span_id"], row)
        everything = [
            data for (trace_id, _), all_of in self._by_span.items() if trace_id == row["trace_id"] for data in all_of
        ]
        return {**row, **shown, "pii": _pii(row, everything)} if everything else row

    def shown(self, trace_id: str, span_id: str, texts: Mapping[str, Any]) -> dict[str, Any]:
        """The beginning of a span's input and output, of which its row has `texts`."""
        found = _content(texts, self._by_span.get((trace_id, span_id), []))
        return {name: _cut(found[name]) if name in found else texts[name] for name in ("input", "output")}

    def json(self) -> list[dict[str, Any]]:
        """`[{"time", "span_id", "name", "severity", "body", "attributes", "scope"}]` in the order of time."""
        return [
            {
                "time": rfc3339(row["time_ns"]),
                "span_id": row["span_id"],
                **{name: row["data"].get(name) for name in ("name", "severity", "body", "scope")},
                "attributes": row["data"].get("attributes", {}),
                "let_go": let_go_json(row),
            }
            for row in self._rows
        ]


def _content(holder: Mapping[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
    """Input and output, where the holder has none of its own."""
    return {
        name: _joined([data[name] for data in found if data.get(name)])
        for name in ("input", "output")
        if holder[name] is None
    }


def _joined(texts: list[str]) -> Any:
    """Messages that came one a record become one list; otherwise the first text."""
    bodies = [body_json(text) for text in texts]
    if bodies and all(isinstance(body, list) for body in bodies):
        return [message for body in bodies for message in body]
    return bodies[0] if bodies else None


def _pii(holder: dict[str, Any], found: list[dict[str, Any]]) -> list[str]:
    return sorted({*holder["pii"], *(kind for data in found for kind in data.get("pii", []))})


def _cut(body: Any) -> str | None:
    text = msgspec.json.encode(body).decode() if isinstance(body, list) else body
    return None if text is None else text[:_SHOWN]
