"""Which spans keep their content: a policy compiled for the door, and the judgement of whole traces.

The share of a trace is a hash of its id, so every span of a trace, in whatever request and after whatever restart, is
in or out together, and a trace that is in at a rate is in at every higher one (consistent probability sampling, as in
OpenTelemetry's specification, but over a hash, since foreign trace ids need not be random).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assay_server.core.records import Span
from assay_server.governance import Policy, Rule, Tail, fraction, matcher
from assay_server.ingest.normalise.aliases import Aliases

Fate = Literal["kept", "waiting", "sampled_out", "dropped"]

FEWEST = 50  # traces of a name before a quantile of their durations says anything

_CONTENT = frozenset({"input", "output", "system", "documents"})
_SHORT = 100  # characters of a text that counts as a label


@dataclass(slots=True, frozen=True)
class Judged:
    """What becomes of a span, and by which rule; None: by no rule."""

    fate: Fate
    rule: str | None = None


KEPT = Judged("kept")
_WAITING = Judged("waiting")


class Sampler:
    """One project's policy. Spans of an evaluation run always keep their content: verdicts stand on it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._rules = [(matcher(rule.match), rule, *_fates(rule)) for rule in policy.rules]
        self._otherwise = KEPT if policy.tail is None else _WAITING

    def judge(self, span: Span) -> Judged:
        if span.run is not None:
            return KEPT
        for matches, rule, inside, outside in self._rules:
            if matches(span):
                if rule.rate is None or fraction(span.trace_id) < rule.rate:
                    return inside
                return outside
        return self._otherwise


class Labels:
    """Which attributes stay with a span whose content goes: what people group, filter and price by."""

    def __init__(self, table: Aliases) -> None:
        self._content = frozenset(key for key, places in table.exact.items() if _is_content(places))
        self._families = tuple(f"{key}." for key, places in table.families.items() if _is_content(places))

    def of(self, span: Span) -> dict[str, Any]:
        """Numbers, truth values and short texts that are not content; the type of what was raised."""
        labels = {key: value for key, value in span.attributes.items() if self.is_label(key, value)}
        for event in span.events:
            raised = event["attributes"].get("exception.type")
            if isinstance(raised, str):
                labels.setdefault("exception.type", raised[:_SHORT])
        return labels

    def is_label(self, key: str, value: Any) -> bool:
        if isinstance(value, int | float):
            return True
        short = isinstance(value, str) and len(value) <= _SHORT
        return short and key not in self._content and not key.startswith(self._families)


def _is_content(places: Sequence[tuple[str, int]]) -> bool:
    return any(field in _CONTENT for field, _ in places)


@dataclass(slots=True, frozen=True)
class QuietTrace:
    """What is known of a trace when its turn has come. `earlier`: what was decided about spans that came before."""

    trace_id: str
    name: str | None  # of its root
    duration_ms: float
    error: bool
    flagged: bool
    earlier: Literal["kept", "let_go"] | None = None


def keeps(tail: Tail | None, trace: QuietTrace, slow_ms: float | None = None) -> bool:
    """Whether the content of a whole trace is kept. `slow_ms`: the duration at the tail's quantile, where known.

    Late spans follow what was decided about their trace, but where they bring a reason to keep it: a root that fails
    ends last, perhaps long after its children were let go. Without a tail (it was taken back) everything is kept.
    """
    if tail is None or trace.earlier == "kept":
        return trace.earlier != "let_go"
    return (
        (tail.errors and trace.error)
        or (tail.flagged and trace.flagged)
        or (tail.slower_than_ms is not None and trace.duration_ms > tail.slower_than_ms)
        or (slow_ms is not None and trace.duration_ms > slow_ms)
        or (trace.earlier is None and fraction(trace.trace_id) < tail.share)
    )


def _fates(rule: Rule) -> tuple[Judged, Judged]:
    """(of a trace inside the rate, of one outside)."""
    if rule.action == "drop":
        return Judged("dropped", rule.name), KEPT
    return Judged("kept", rule.name), Judged("sampled_out", rule.name)
