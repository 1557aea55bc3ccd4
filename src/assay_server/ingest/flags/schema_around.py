"""Calls whose schema the span around them says: Vercel's SDK has it at `ai.generateObject`, the answer one below.

The span around ends last and comes last, often in another request. So what was answered is held until it comes, and a
schema until its call does; both in memory and bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from assay_server.core.records import Span
from assay_server.ingest.flags.answer_schema import Schema
from assay_server.ingest.normalise.values import parsed

_SCHEMA, _STRATEGY, _OPERATION = "ai.schema", "ai.settings.output", "ai.operationId"
_STEPS = frozenset({"ai.generateObject.doGenerate", "ai.streamObject.doStream"})
_WRAPPED_IN = {"array": "elements", "enum": "result"}
_MOST = 1000  # of each

_Place = tuple[str, str, str]  # project, trace, and the span around


@dataclass(frozen=True, slots=True)
class Held:
    """An answer, and the call that it is of."""

    project: str
    trace_id: str
    span_id: str
    end_ns: int
    answer: str


def is_step(span: Span) -> bool:
    """Whether the span around this call says what it was asked to obey."""
    return span.parent_id is not None and span.attributes.get(_OPERATION) in _STEPS


class SchemasAround:
    """Brings the two together, whichever is heard first."""

    def __init__(self) -> None:
        self._schemas: OrderedDict[_Place, tuple[Schema, Any]] = OrderedDict()
        self._held: OrderedDict[_Place, list[Held]] = OrderedDict()

    def said(self, span: Span) -> list[tuple[str, Schema, Held]]:
        """Of a span around: (answer, schema, call) of those that waited for it."""
        schema = parsed(span.attributes[_SCHEMA]) if _SCHEMA in span.attributes else None
        if not isinstance(schema, dict):
            return []
        place = span.project, span.trace_id, span.span_id
        told = self._schemas[place] = schema, span.attributes.get(_STRATEGY)
        _bounded(self._schemas)
        return [(held.answer, _fitting(*told, held.answer), held) for held in self._held.pop(place, [])]

    def known(self, span: Span, answer: str) -> Schema | None:
        """The schema that the span around a call has said, where it was heard already."""
        told = self._schemas.get((span.project, span.trace_id, span.parent_id or ""))
        return None if told is None else _fitting(*told, answer)

    def schema_of(self, span: Span, answer: str) -> Schema | None:
        """Of a step: its schema, or None where it is held until the span around it comes."""
        if (schema := self.known(span, answer)) is not None:
            return schema
        place = span.project, span.trace_id, span.parent_id or ""
        held = Held(span.project, span.trace_id, span.span_id, span.end_ns, answer)
        self._held.setdefault(place, []).append(held)
        _bounded(self._held)
        return None


def _fitting(schema: Schema, strategy: Any, answer: str) -> Schema:
    """Models are asked for lists and choices within an object; a stream tells the answer taken out of it."""
    name = _WRAPPED_IN.get(strategy) if isinstance(strategy, str) else None
    given = None if name is None else parsed(answer)
    if name is None or (isinstance(given, dict) and name in given):
        return schema
    inner = schema.get("properties")
    found = inner.get(name) if isinstance(inner, dict) else None
    return found if isinstance(found, dict) else schema


def _bounded(kept: OrderedDict[_Place, Any]) -> None:
    if len(kept) > _MOST:
        kept.popitem(last=False)
