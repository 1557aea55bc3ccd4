"""A span as it was sent becomes a span as we speak of it: fields filled from attributes by the alias table.

The attributes stay: what nobody understands is kept and shown. Only numbered documents become one list.
"""

from hashlib import blake2b
from typing import Any, cast

from assay_server.core.clock import parse_rfc3339
from assay_server.core.records import SPAN_KINDS, Arm, Score, Span, SpanKind, Tokens
from assay_server.ingest.aliases import Aliases
from assay_server.ingest.documents import documents_of, documents_of_trees
from assay_server.ingest.messages import CONTENT_EVENTS, messages_of, messages_of_events, tree_of, with_system
from assay_server.ingest.tokens import from_object, from_totals
from assay_server.ingest.values import count_of, number_of, parsed, text_of, texts_of

Hit = tuple[int, str, Any]  # rank, key, value; a family's value is None
Hits = dict[str, list[Hit]]

EVALUATION = "gen_ai.evaluation.result"

_TOTALS = ("input", "output", "cache_read", "cache_write", "reasoning")
_SHORT = 1000  # characters of a name; longer ones are cut


class Normaliser:
    """Stateless; the table decides."""

    def __init__(self, table: Aliases) -> None:
        self._table = table

    def fill(self, span: Span) -> list[Score]:
        """Fills the fields of `span` from its attributes, in place, and gives the scores its events hold."""
        hits = self._hits(span.attributes)
        scores = self._events(span, hits) if span.events else []
        self._texts(span, hits)
        span.kind = self._kind(hits)
        self._status(span)
        self._bodies(span, hits)
        if "documents" in hits:
            self._documents(span, hits["documents"])
        span.tokens = self._tokens(hits)
        if "cost" in hits:
            span.cost = self._cost(hits["cost"])
            span.cost_source = None if span.cost is None else "client"
        if "first_token" in hits:
            span.ttft_ms = self._first_token(span, hits["first_token"])
        for _, _, value in _sorted(hits, "tags"):
            span.tags.extend(tag for tag in texts_of(value) if tag not in span.tags)
        return scores

    def _hits(self, attributes: dict[str, Any]) -> Hits:
        """Every field with all that may fill it. Each attribute is looked at once."""
        exact, prefixes = self._table.exact, self._table.prefixes
        hits: Hits = {}
        families = set()
        for key, value in attributes.items():
            places = exact.get(key)
            if places is not None:
                for field, rank in places:
                    hits.setdefault(field, []).append((rank, key, value))
            elif key.startswith(prefixes):
                families.add(next(prefix for prefix in prefixes if key.startswith(prefix)))
        for prefix in families:
            family = prefix[:-1]
            for field, rank in self._table.families[family]:
                hits.setdefault(field, []).append((rank, family, None))
        return hits

    def _texts(self, span: Span, hits: Hits) -> None:
        resource = span.resource
        span.service = text_of(resource.get("service.name"))
        if "environment" not in hits and resource:
            hits.update({k: v for k, v in self._hits(resource).items() if k == "environment"})
        for field in self._table.texts:
            if field in hits:
                for _, _, value in _sorted(hits, field):
                    text = text_of(value)
                    if text and not text.startswith(self._table.blanked):
                        setattr(span, field, text[:_SHORT])
                        break
        if span.arm not in {None, "baseline", "candidate"}:
            span.arm = cast("Arm | None", None)
        if span.prompt is None and "linked_prompts" in hits:
            self._linked_prompt(span, hits["linked_prompts"][0][2])

    def _linked_prompt(self, span: Span, value: Any) -> None:
        linked = parsed(value)
        first = linked[0] if isinstance(linked, list) and linked else None
        if isinstance(first, dict):
            span.prompt, span.prompt_version = text_of(first.get("name")), text_of(first.get("version"))

    def _kind(self, hits: Hits) -> SpanKind:
        for _, key, value in _sorted(hits, "kind"):
            source = self._table.kinds[key]
            said = source.present or source.values.get(str(parsed(value)).lower())
            if said in SPAN_KINDS:
                return cast("SpanKind", said)
        return "span"

    def _status(self, span: Span) -> None:
        if span.attributes.get("langfuse.observation.level") == "ERROR":
            span.status = "error"
        if span.status == "error" and span.status_message is None:
            raised = next((event for event in span.events if event["name"] == "exception"), None)
            if raised is not None:
                span.status_message = text_of(raised["attributes"].get("exception.message"))

    def _bodies(self, span: Span, hits: Hits) -> None:
        if "input" in hits:
            span.input, source = self._body(span, hits, "input")
            if "system" in hits and source == "gen_ai.input.messages" and span.input:
                span.input = with_system(hits["system"][0][2], span.input)
        if "output" in hits:
            span.output, _ = self._body(span, hits, "output")
        if span.events and (span.input is None or span.output is None):
            into, out = messages_of_events(span.events)
            span.input = span.input or text_of(into)
            span.output = span.output or text_of(out)

    def _body(self, span: Span, hits: Hits, field: str) -> tuple[str | None, str | None]:
        for _, key, value in _sorted(hits, field):
            text = text_of(value) if key in span.attributes or value is not None else self._spread(span, key)
            if text:
                return text, key
        return None, None

    def _spread(self, span: Span, family: str) -> str | None:
        return text_of(messages_of(tree_of(family, span.attributes)))

    def _documents(self, span: Span, hits: list[Hit]) -> None:
        """The first source that holds documents; numbered keys are replaced by the list made of them."""
        for _, key, value in sorted(hits, key=_rank):
            if value is not None:
                found = documents_of(value)
            else:
                found = documents_of_trees(tree_of(key, span.attributes))
                if found and key == "retrieval.documents":
                    kept = {name: kept for name, kept in span.attributes.items() if not name.startswith(key + ".")}
                    span.attributes = kept
            if found:
                span.attributes["retrieval.documents"] = found
                return

    def _tokens(self, hits: Hits) -> Tokens | None:
        objects = _sorted(hits, "tokens.object")
        for _, key, value in objects:
            style = self._table.token_styles[key]
            found = from_object(value, style, self._table) if style == "buckets" else None
            if found is not None:
                return found
        counts = [self._count(hits, f"tokens.{name}") for name in _TOTALS]
        found = from_totals(*counts)
        if found is not None:
            return found
        tokens = (from_object(value, self._table.token_styles[key], self._table) for _, key, value in objects)
        return next((found for found in tokens if found is not None), None)

    def _count(self, hits: Hits, field: str) -> int | None:
        return next((count for _, _, value in _sorted(hits, field) if (count := count_of(value)) is not None), None)

    def _cost(self, hits: list[Hit]) -> float | None:
        """Objects hold a total or its parts; a sum needs all of its parts."""
        by_rank: dict[int, list[float]] = {}
        for rank, _, value in hits:
            cost = _cost_of(parsed(value))
            if cost is not None:
                by_rank.setdefault(rank, []).append(cost)
        for rank in sorted(by_rank):
            if len(by_rank[rank]) == self._table.cost_parts[rank]:
                return sum(by_rank[rank])
        return None

    def _first_token(self, span: Span, hits: list[Hit]) -> float | None:
        for _, key, value in sorted(hits, key=_rank):
            unit = self._table.first_token_units[key]
            if unit == "moment":
                return _since(span.start_ns, parsed(value))
            number = number_of(value)
            if number is not None:
                return number * 1000 if unit == "s" else number
        return None

    def _events(self, span: Span, hits: Hits) -> list[Score]:
        """Content that came in events counts as if it were in the attributes; judgements become scores."""
        scores = []
        for event in span.events:
            if event["name"] in CONTENT_EVENTS:
                for field, found in self._hits(event["attributes"]).items():
                    hits.setdefault(field, []).extend((rank + 100, key, value) for rank, key, value in found)
            elif event["name"] == EVALUATION:
                score = score_of_event(span, event)
                scores += [score] if score else []
        return scores


def score_of_event(span: Span, event: dict[str, Any]) -> Score | None:
    """OpenTelemetry's evaluation event; its id follows from what it says, so that sent twice it is stored once."""
    attributes = event["attributes"]
    name = text_of(attributes.get("gen_ai.evaluation.name"))
    value = attributes.get("gen_ai.evaluation.score.value")
    label = text_of(attributes.get("gen_ai.evaluation.score.label"))
    error = text_of(attributes.get("error.type"))
    judged = isinstance(value, int | float) and not isinstance(value, bool)
    if name is None or not (judged or error):
        return None
    at = event["time_ns"] or span.end_ns
    identity = f"{span.trace_id}{span.span_id}{name}{at}".encode("utf-8", "replace")
    return Score(
        project=span.project,
        id=f"scr_{blake2b(identity, digest_size=13).hexdigest()}",
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


def _sorted(hits: Hits, field: str) -> list[Hit]:
    found = hits.get(field, [])
    return found if len(found) < 2 else sorted(found, key=_rank)


def _rank(hit: Hit) -> int:
    return hit[0]


def _cost_of(value: Any) -> float | None:
    if not isinstance(value, dict):
        return number_of(value)
    for name in ("total", "total_cost"):
        total = number_of(value.get(name))
        if total is not None:
            return total
    parts = [cost for part in value.values() if (cost := number_of(part)) is not None]
    return sum(parts) if parts else None


def _since(start_ns: int, moment: Any) -> float | None:
    try:
        at = parse_rfc3339(moment) if isinstance(moment, str) else None
    except (ValueError, OverflowError):
        return None
    return None if at is None or at < start_ns else (at - start_ns) / 1e6
