"""The facts: what is observed and judged. Plain values, no behaviour; the store's columns follow these fields.

Times are integers, nanoseconds since the Unix epoch, UTC. Money is US dollars. `None` means *unknown*,
never zero. Texts in `input`, `output` and attribute values have been scrubbed before a record exists
outside `ingest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

SpanKind = Literal[
    "llm", "agent", "tool", "retriever", "reranker", "embedding", "guardrail", "evaluator", "chain", "span"
]
SPAN_KINDS: tuple[str, ...] = get_args(SpanKind)
SpanStatus = Literal["ok", "error", "unset"]
ScoreSource = Literal["code", "judge", "human", "end_user"]
Arm = Literal["baseline", "candidate"]
Fate = Literal["waiting", "sampled_out"]


@dataclass(slots=True)
class Span:
    """One timed operation of a trace; `kind` is `span` where the sender did not say what it is."""

    project: str
    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    parent_id: str | None
    name: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    status: SpanStatus = "unset"
    status_message: str | None = None
    service: str | None = None
    environment: str | None = None
    scope: str | None = None  # instrumentation scope, `name@version`
    session: str | None = None
    user: str | None = None
    # who is charged: said in an attribute, a tag or the resource
    feature: str | None = None
    tenant: str | None = None
    cost_center: str | None = None
    tags: list[str] = field(default_factory=list)
    input: str | None = None  # messages as JSON, or plain text
    output: str | None = None
    # model calls
    model: str | None = None
    provider: str | None = None
    tokens: "Tokens | None" = None
    cost: float | None = None
    cost_source: str | None = None  # `client`, `prices:<date>`, `project`; None when unknown
    ttft_ms: float | None = None
    # what made this call: ids of decisions, never copies of them
    prompt: str | None = None
    prompt_version: str | None = None
    release: str | None = None
    channel: str | None = None
    canary: str | None = None
    arm: Arm | None = None
    run: str | None = None
    item: str | None = None
    pii: list[str] = field(default_factory=list)  # entity types scrubbed from this span, never values
    attributes: dict[str, Any] = field(default_factory=dict)  # everything the sender said, unknown keys too
    resource: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)  # {name, time_ns, attributes}
    links: list[dict[str, Any]] = field(default_factory=list)  # {trace_id, span_id, attributes}
    thin: "Thin | None" = None  # None: it is stored with its content, as nearly all are


@dataclass(slots=True, frozen=True)
class Thin:
    """How a span is stored whose content is not kept, or not yet: without input, output and events, and with these
    attributes alone. `waiting`: the whole stands beside it until its trace is decided."""

    fate: Fate
    attributes: dict[str, Any]
    rule: str | None = None  # whose it was, where a rule and not the tail decided


@dataclass(slots=True, frozen=True)
class Tokens:
    """Disjoint buckets; `input` and `output` totals are sums. `None`: the provider did not say."""

    fresh_input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None  # without reasoning
    reasoning: int | None = None

    @property
    def input_total(self) -> int | None:
        return _sum(self.fresh_input, self.cache_read, self.cache_write)

    @property
    def output_total(self) -> int | None:
        return _sum(self.output, self.reasoning)

    @property
    def total(self) -> int | None:
        return _sum(self.input_total, self.output_total)


@dataclass(slots=True)
class Score:
    """A named judgement: a value, a label (a category, which has no mean) or both; or an error, which is counted."""

    project: str
    id: str
    name: str
    time_ns: int
    source: ScoreSource
    value: float | None = None
    label: str | None = None
    error: str | None = None
    reason: str | None = None
    author: str | None = None  # key id, user id, or the check's name
    version: str | None = None  # of the check or judge that made it
    trace_id: str | None = None
    span_id: str | None = None
    session: str | None = None
    run: str | None = None
    item: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RunItem:
    """What a run's target answered for one dataset item, once per repeat."""

    project: str
    run: str
    item: str
    repeat: int
    time_ns: int
    cluster: str | None = None
    input: str | None = None
    output: str | None = None
    expected: str | None = None
    contexts: list[dict[str, Any]] = field(default_factory=list)  # {id, text, score}
    error: str | None = None
    trace_id: str | None = None
    latency_ms: float | None = None
    cost: float | None = None
    tokens: Tokens | None = None


@dataclass(slots=True)
class Event:
    """Anything else with a time: log records, deployments, canary looks."""

    project: str
    id: str
    kind: str
    time_ns: int
    trace_id: str | None = None
    span_id: str | None = None
    subject: str | None = None  # id of the thing it is about
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    """A batch: stored in one transaction, or not at all."""

    spans: list[Span] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    run_items: list[RunItem] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def merged(parts: Sequence[Facts]) -> Facts:
    """All of them as one batch."""
    if len(parts) == 1:
        return parts[0]
    whole = Facts()
    for facts in parts:
        whole.spans += facts.spans
        whole.scores += facts.scores
        whole.run_items += facts.run_items
        whole.events += facts.events
    return whole


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
