"""A span as it was sent becomes a span as we speak of it: fields filled from attributes by the alias table.

The attributes stay: what nobody understands is kept and shown. Only numbered documents become one list, and the texts
of a client that exports each as JSON become themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from assay_server.core.clock import parse_rfc3339
from assay_server.core.records import SPAN_KINDS, Arm, Score, Span, SpanKind, Tokens
from assay_server.ingest.normalise import vercel
from assay_server.ingest.normalise.aliases import Aliases
from assay_server.ingest.normalise.confidence import confidence_of
from assay_server.ingest.normalise.documents import documents_of, documents_of_trees
from assay_server.ingest.normalise.evaluation_events import scores_of_events
from assay_server.ingest.normalise.langchain import answered, asked, in_chat
from assay_server.ingest.normalise.messages import (
    CONTENT_EVENTS,
    messages_of,
    messages_of_events,
    tools_of,
    tree_of,
    with_system,
    without_answer,
    without_tools,
)
from assay_server.ingest.normalise.plans import EVENTS_AFTER, Hit, Plans, Sources
from assay_server.ingest.normalise.tokens import from_object, from_totals
from assay_server.ingest.normalise.values import count_of, number_of, parsed, text_of, texts_of

ROOT_NAME = "assay.span_name"
"""What a root was called whose trace has a name of its own."""

TOOL_DEFINITIONS = "gen_ai.tool.definitions"
_TOTALS = tuple(f"tokens.{name}" for name in ("input", "output", "cache_read", "cache_write", "reasoning"))
STACK_TRACE = "Traceback (most recent call last)"
"""How Python begins one."""
_PARAMETERS = "llm.invocation_parameters"
_CHUNKS = ("gen_ai.content.completion.chunk", "First Token Stream Event")
"""Events of a stream: of each piece (Traceloop), of the first token (OpenInference)."""
_SHORT = 1000  # characters of a name; longer ones are cut
_EXACT = 2**53  # up to here a real number holds every whole one
_CHARGED = ("feature", "tenant", "cost_center")


@dataclass(slots=True, frozen=True)
class _Told:
    """What a resource says of each of its spans."""

    service: str | None
    environment: str | None
    release: str | None
    charged: dict[str, str]


class Normaliser:
    """The table decides; nothing is remembered but how it is to be read (`Plans`)."""

    def __init__(self, table: Aliases) -> None:
        self._table = table
        self._plans = Plans(table)

    def unquote(self, spans: Sequence[Span]) -> None:
        """Before they are scrubbed: texts that their client put into JSON become themselves, in place."""
        for span in spans:
            if span.scope and span.scope.startswith(self._table.quoting):
                span.attributes = {key: _unquoted(value) for key, value in span.attributes.items()}

    def fill_all(self, spans: Sequence[Span]) -> list[Score]:
        """`fill` for the spans of a request; a resource that many share is read once."""
        told: dict[int, _Told] = {}
        scores: list[Score] = []
        for span in spans:
            known = told.get(id(span.resource))
            if known is None:
                known = told[id(span.resource)] = self._told(span.resource)
            scores += self._fill(span, known)
        return scores

    def fill(self, span: Span) -> list[Score]:
        """Fills the fields of `span` from its attributes, in place, and gives the scores its events hold."""
        return self._fill(span, self._told(span.resource))

    def charge(self, span: Span) -> None:
        """Who is charged for a span whose other fields are filled already."""
        plan = self._plans.of(span.attributes)
        _make_real(span, plan.reals)
        names = self._named(Sources(plan, (span.attributes,)))
        for field, text in names.items():
            setattr(span, field, text)
        _charge(span, self._told(span.resource).charged)

    def _fill(self, span: Span, told: _Told) -> list[Score]:
        plan = self._plans.of(span.attributes)
        _make_real(span, plan.reals)
        layers: tuple[dict[str, Any], ...] = (span.attributes,)
        contents = [event["attributes"] for event in span.events if event["name"] in CONTENT_EVENTS]
        if contents:
            plan, layers = self._plans.with_events(plan, contents), (span.attributes, *contents)
        sources, places = Sources(plan, layers), plan.places
        scores = scores_of_events(span) if span.events else []
        span.service, span.environment = told.service, told.environment
        self._texts(span, sources)
        span.release = span.release or told.release
        if "trace_name" in places and span.parent_id is None:
            self._name_trace(span, sources.of("trace_name"))
        span.kind = self._kind(sources.of("kind"))
        self._status(span)
        self._bodies(span, sources)
        if span.scope in self._table.langchain:
            _speak(span)
            _shorten_error(span)
        self._documents(span, sources.of("documents"))
        if span.model is None and span.kind == "llm":
            span.model = _asked_for(span.attributes.get(_PARAMETERS))
        span.tokens = self._tokens(sources)
        if "cost" in places:
            span.cost = self._cost(sources.of("cost"))
            span.cost_source = None if span.cost is None else "client"
        if "first_token" in places or span.events:
            span.ttft_ms = self._first_token(span, sources.of("first_token"))
        if "tags" in places:
            for _, _, value in sources.of("tags"):
                span.tags.extend(tag for tag in texts_of(value) if tag not in span.tags)
        if span.tags or told.charged:
            _charge(span, told.charged)
        sure = confidence_of(span) if span.kind == "llm" else None
        return scores if sure is None else [*scores, sure]

    def _told(self, resource: dict[str, Any]) -> _Told:
        sources = Sources(self._plans.of(resource), (resource,))
        service, charged = self._text(sources.of("service")), self._named(sources)
        named = None if service in self._table.unnamed else service
        return _Told(named, self._text(sources.of("environment")), self._text(sources.of("release")), charged)

    def _named(self, sources: Sources) -> dict[str, str]:
        """Who is charged, as far as attributes say it."""
        places = [field for field in _CHARGED if field in sources.plan.places]
        return {field: text for field in places if (text := self._text(sources.of(field)))}

    def _texts(self, span: Span, sources: Sources) -> None:
        for field in sources.plan.texts:
            text = self._text(sources.of(field))
            if field == "service" and span.service is not None:
                continue  # its own name comes before that of a project
            if text is not None or field == "environment":
                setattr(span, field, text)
        if span.arm not in {None, "baseline", "candidate"}:
            span.arm = cast("Arm | None", None)
        if span.prompt is None and "linked_prompts" in sources.plan.places:
            self._linked_prompt(span, sources.of("linked_prompts")[0][2])

    def _text(self, hits: list[Hit]) -> str | None:
        """The first that says something, cut."""
        for _, _, value in hits:
            text = text_of(value)
            if text and not text.startswith(self._table.blanked):
                return text[:_SHORT]
        return None

    def _name_trace(self, span: Span, hits: list[Hit]) -> None:
        """A trace is called what its root is called; the root's own name stays among the attributes."""
        name = self._text(hits)
        if name is not None and name != span.name:
            span.attributes.setdefault(ROOT_NAME, span.name)
            span.name = name

    def _linked_prompt(self, span: Span, value: Any) -> None:
        linked = parsed(value)
        first = linked[0] if isinstance(linked, list) and linked else None
        if isinstance(first, dict):
            span.prompt, span.prompt_version = text_of(first.get("name")), text_of(first.get("version"))

    def _kind(self, hits: list[Hit]) -> SpanKind:
        for _, key, value in hits:
            source = self._table.kinds[key]
            said = source.present or source.values.get(str(value).lower())
            said = said or source.values.get(str(parsed(value)).lower())
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

    def _bodies(self, span: Span, sources: Sources) -> None:
        source = None
        if "input" in sources.plan.places:
            span.input, source = self._body(span, sources.of("input"))
            if span.kind == "llm":
                self._offered(span, sources, source)
            if source == "gen_ai.input.messages" and span.input and "system" in sources.plan.places:
                span.input = with_system(sources.of("system")[0][2], span.input)
        if "output" in sources.plan.places:
            span.output, said = self._body(span, sources.of("output"))
            if said is not None and said.startswith(vercel.ANSWERS) and span.kind == "llm":
                span.output = vercel.answered_in_chat(span.attributes) or span.output
            if source in self._table.with_answers and span.input and span.output:
                span.input = without_answer(span.input, span.output)
        if span.events and (span.input is None or span.output is None):
            into, out = messages_of_events(span.events)
            span.input = span.input or text_of(into)
            span.output = span.output or text_of(out)

    def _body(self, span: Span, hits: list[Hit]) -> tuple[str | None, str | None]:
        for _, key, value in hits:
            family = value is None and key in self._table.families
            text = self._spread(span, key) if family else text_of(value)
            if text:
                return self._in_chat(text, key) or text, key
        return None, None

    def _in_chat(self, text: str, key: str) -> str | None:
        """As messages, where a client says them in words of its own."""
        if key in vercel.READERS:
            return vercel.READERS[key](text)
        if key in self._table.with_quotes and text.startswith('"'):
            return text_of(_unquoted(text))
        return in_chat(text) if key in self._table.with_langchain else None

    def _offered(self, span: Span, sources: Sources, source: str | None) -> None:
        """The tools that a model was offered go where every other client has them."""
        tools = None
        if source in self._table.with_tools and span.input:
            span.input, tools = without_tools(span.input)
        elif "tools" in sources.plan.places:
            tools = text_of(tools_of(tree_of(sources.of("tools")[0][1], span.attributes)))
        if tools:
            span.attributes.setdefault(TOOL_DEFINITIONS, tools)

    def _spread(self, span: Span, family: str) -> str | None:
        return text_of(messages_of(tree_of(family, span.attributes)))

    def _documents(self, span: Span, hits: list[Hit]) -> None:
        """The first source that holds documents; numbered keys are replaced by the list made of them."""
        for _, key, value in hits:
            kinds = self._table.document_kinds.get(key)
            if kinds is not None and span.kind not in kinds:
                continue
            if value is not None:
                found = documents_of(value)
            else:
                found = documents_of_trees(tree_of(key, span.attributes))
                if found and key == "retrieval.documents":
                    kept = {name: kept for name, kept in span.attributes.items() if not name.startswith(key + ".")}
                    span.attributes = kept
            if kinds is not None and found and not all("content" in document for document in found):
                continue
            if found:
                span.attributes["retrieval.documents"] = found
                return

    def _tokens(self, sources: Sources) -> Tokens | None:
        if not sources.plan.counts:
            return None
        objects = sources.of("tokens.object")
        for _, key, value in objects:
            style = self._table.token_styles[key]
            found = from_object(value, style, self._table) if style != "totals" else None
            if found is not None:
                return found
        places = sources.plan.places
        found = from_totals(*[_count(sources.of(field)) if field in places else None for field in _TOTALS])
        if found is not None:
            return found
        tokens = (from_object(value, self._table.token_styles[key], self._table) for _, key, value in objects)
        return next((found for found in tokens if found is not None), None)

    def _cost(self, hits: list[Hit]) -> float | None:
        """Objects hold a total or its parts; a sum needs all of its parts."""
        by_rank: dict[int, list[float]] = {}
        for rank, _, value in hits:
            cost = _cost_of(parsed(value))
            if cost is not None:
                by_rank.setdefault(rank, []).append(cost)
        for rank in sorted(by_rank):
            if len(by_rank[rank]) == self._table.cost_parts[rank % EVENTS_AFTER]:
                return sum(by_rank[rank])
        return None

    def _first_token(self, span: Span, hits: list[Hit]) -> float | None:
        for _, key, value in hits:
            unit = self._table.first_token_units[key]
            if unit == "moment":
                return _since(span.start_ns, parsed(value))
            number = number_of(value)
            if number is not None:
                return number * 1000 if unit == "s" else number
        chunk = next((event["time_ns"] for event in span.events if event["name"] in _CHUNKS), None)
        return None if not chunk or chunk < span.start_ns else (chunk - span.start_ns) / 1e6


def _make_real(span: Span, keys: Sequence[str]) -> None:
    """What says itself in all digits of a real number."""
    for key in keys:
        value = span.attributes[key]
        if type(value) is int and abs(value) <= _EXACT:
            span.attributes[key] = float(value)


def _charge(span: Span, resource: dict[str, str]) -> None:
    """Who is charged: a tag comes before an attribute, an attribute before the resource. Of two tags of a key the first
    that has a value goes, as where calls are grouped by `tag:<key>`."""
    for field in _CHARGED:
        tagged = (tag[len(field) + 1 :] for tag in span.tags if tag.startswith((f"{field}:", f"{field}=")))
        text = next(filter(None, tagged), None) or getattr(span, field) or resource.get(field)
        setattr(span, field, text and text[:_SHORT])


def _speak(span: Span) -> None:
    """Messages of LangChain as a chat; the model that answered comes before the one that was asked for."""
    question, (answer, about) = asked(parsed(span.input)), answered(parsed(span.output))
    span.input, span.output = text_of(question) or span.input, text_of(answer) or span.output
    model = text_of(about.get("model_name"))
    if model and "gen_ai.response.model" not in span.attributes:
        span.model = model[:_SHORT]


def _asked_for(parameters: Any) -> str | None:
    """The model among the parameters of a call that failed: OpenInference names it of those that were answered."""
    told = parsed(parameters)
    model = text_of(told.get("model") or told.get("model_name")) if isinstance(told, dict) else None
    return model and model[:_SHORT]


def _shorten_error(span: Span) -> None:
    """What went wrong; the stack trace behind it is where OpenTelemetry has one, among the events or the attributes."""
    whole = span.status_message or ""
    said = whole.partition(STACK_TRACE)[0].strip()
    if said and said != whole.strip():
        span.status_message = said
        if not any(event["name"] == "exception" for event in span.events):
            span.attributes["exception.stacktrace"] = whole


def _unquoted(value: Any) -> Any:
    """A JSON text as the text it holds; anything else as it is."""
    if isinstance(value, str) and value.startswith('"') and isinstance(held := parsed(value), str):
        return held
    return value


def _count(hits: list[Hit]) -> int | None:
    for _, _, value in hits:
        count = count_of(value)
        if count is not None:
            return count
    return None


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
