"""Which spans keep their content, and how the door counts the others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Busy, InvalidInput, RateLimited
from assay_server.core.records import Event, Facts, Score, Span, Tokens
from assay_server.governance import Policy, Tail, fraction, parse
from assay_server.ingest import PROTOBUF, Doorkeeper, Ingest
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.sampling.policy import Labels, QuietTrace, Sampler, keeps
from assay_server.providers import Prices
from assay_server.store import DuckStore
from tests.fakes.memory_store import MemoryStore
from tests.fakes.otlp_requests import a_span as an_otlp_span
from tests.fakes.otlp_requests import protobuf


def a_span(trace: int = 1, **fields: Any) -> Span:
    made = Span("prj_a", f"{trace:032x}", f"{trace:016x}", None, "chat", "llm", 1, 2, attributes={}, input="in")
    return replace(made, **fields)


def a_policy(*rules: dict[str, Any], tail: dict[str, Any] | None = None) -> Policy:
    return parse(rules, tail)


HALF = {"name": "half", "match": {"kind": "llm"}, "action": "sample", "rate": 0.5}


class Known:
    """A door's surroundings: one project with a policy, counts in a dictionary, a quota that can be used up."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policies = {} if policy is None else {"prj_a": policy}
        self.counted: dict[tuple[str, str], int] = {}
        self.held = 0
        self.used_up = False
        self.touched_projects: list[str] = []
        self.gone: set[str] = set()

    def add(self, project: str, what: str, n: int) -> None:
        self.counted[project, what] = self.counted.get((project, what), 0) + n

    def check(self, project: str) -> None:
        if self.used_up:
            raise RateLimited(retry_after_s=60)

    def _held(self) -> None:
        self.held += 1

    def door(self) -> Doorkeeper:
        return Doorkeeper(self, self, self, self._held, self)

    def touched(self, project: str) -> None:
        self.touched_projects.append(project)

    def dropped(self, span: Span) -> None:
        self.gone.add(span.span_id)

    def is_dropped(self, event: Event) -> bool:
        return event.span_id in self.gone


def test_a_share_of_the_traces_is_inside_and_always_the_same() -> None:
    fractions = [fraction(f"{n:032x}") for n in range(4000)]
    assert fractions == [fraction(f"{n:032x}") for n in range(4000)]
    for rate in (0.05, 0.5, 0.9):
        inside = sum(one < rate for one in fractions)
        assert abs(inside / 4000 - rate) < 4 * (rate * (1 - rate) / 4000) ** 0.5


def test_a_trace_inside_a_rate_is_inside_every_higher_one() -> None:
    low, high = (Sampler(a_policy({**HALF, "rate": rate})) for rate in (0.1, 0.4))
    spans = [a_span(n) for n in range(500)]
    kept = [(low.judge(span).fate, high.judge(span).fate) for span in spans]
    assert ("kept", "sampled_out") not in kept
    assert {("kept", "kept"), ("sampled_out", "kept"), ("sampled_out", "sampled_out")} == set(kept)


def test_the_first_rule_that_matches_decides() -> None:
    sampler = Sampler(
        a_policy(
            {"name": "vip", "match": {"user": ["u_1", "vip_*"]}, "action": "keep"},
            {"name": "health", "match": {"name": "GET /health*", "kind": "span"}, "action": "drop"},
            {**HALF, "rate": 0.0},
        )
    )
    judged = [
        sampler.judge(span)
        for span in (
            a_span(user="vip_ada"),
            a_span(user="u_1"),
            a_span(name="GET /healthz", kind="span"),
            a_span(name="GET /healthz"),
            a_span(kind="tool"),
        )
    ]
    assert [(one.fate, one.rule) for one in judged] == [
        ("kept", "vip"),
        ("kept", "vip"),
        ("dropped", "health"),
        ("sampled_out", "half"),
        ("kept", None),
    ]


def test_what_a_verdict_stands_on_is_always_kept() -> None:
    sampler = Sampler(a_policy({"name": "none", "match": {}, "action": "sample", "rate": 0}, tail={"share": 0}))
    assert sampler.judge(a_span(run="run_1")).fate == "kept"
    assert sampler.judge(a_span()).fate == "sampled_out"


@pytest.mark.parametrize(
    ("trace", "kept"),
    [
        (QuietTrace("t", "agent", 10, error=False, flagged=False), False),
        (QuietTrace("t", "agent", 10, error=True, flagged=False), True),
        (QuietTrace("t", "agent", 10, error=False, flagged=True), True),
        (QuietTrace("t", "agent", 5001, error=False, flagged=False), True),
        (QuietTrace("t", "agent", 10, error=False, flagged=False, earlier="let_go"), False),
        (QuietTrace("t", "agent", 10, error=True, flagged=False, earlier="let_go"), True),
        (QuietTrace("t", "agent", 5001, error=False, flagged=False, earlier="let_go"), True),
        (QuietTrace("t", "agent", 10, error=False, flagged=False, earlier="kept"), True),
    ],
    ids=["nothing", "error", "flag", "slow", "late", "late-error", "late-and-slow", "late-after-kept"],
)
def test_a_quiet_trace_is_kept_for_a_reason(trace: QuietTrace, kept: bool) -> None:
    assert keeps(Tail(share=0, slower_than_ms=5000), trace) is kept
    assert keeps(None, trace) is (trace.earlier != "let_go")


def test_a_share_that_was_raised_meanwhile_brings_no_half_traces() -> None:
    assert not keeps(Tail(share=1), QuietTrace("t", "agent", 10, error=False, flagged=False, earlier="let_go"))


def test_a_quiet_trace_over_the_quantile_or_inside_the_share_is_kept() -> None:
    trace = QuietTrace("t", "agent", 10, error=False, flagged=False)
    assert keeps(Tail(share=0, slower_than_quantile=0.9), trace, slow_ms=9)
    assert not keeps(Tail(share=0, slower_than_quantile=0.9), trace, slow_ms=11)
    assert keeps(Tail(share=1), trace)


def test_labels_stay_and_content_goes() -> None:
    attributes = {
        "feature": "support",
        "gen_ai.request.temperature": 0.2,
        "retry": True,
        "input.value": "short",
        "gen_ai.prompt.0.content": "hi",
        "note": "x" * 101,
        "list": ["a"],
    }
    events = [{"name": "exception", "time_ns": 1, "attributes": {"exception.type": "Timeout"}}]
    labels = Labels(aliases()).of(a_span(attributes=attributes, events=events))
    assert labels == {
        "feature": "support",
        "gen_ai.request.temperature": 0.2,
        "retry": True,
        "exception.type": "Timeout",
    }


def test_the_door_drops_thins_and_counts() -> None:
    known = Known(a_policy({"name": "health", "match": {"name": "ping"}, "action": "drop"}, {**HALF, "rate": 0.0}))
    door = known.door()
    dropped = a_span(2, name="ping")
    spans = [a_span(1), dropped, a_span(3, kind="tool"), a_span(4, project="prj_b", name="ping")]
    score = Score("prj_a", "scr_1", "s", 1, "code", 1.0, trace_id=dropped.trace_id, span_id=dropped.span_id)
    facts = Facts(spans=spans, scores=[score])
    tally = door.admit(facts)
    assert known.counted == {}, "nothing is counted before it is stored"
    door.stored(tally, facts, project="prj_a", size=70)
    assert [span.thin and span.thin.fate for span in facts.spans] == ["sampled_out", None, None]
    assert (facts.scores, known.held) == ([], 0)
    assert known.counted == {
        ("prj_a", "drop:health"): 1,
        ("prj_a", "sampled_out"): 1,
        ("prj_a", "sample:half"): 1,
        ("prj_a", "spans"): 2,
        ("prj_b", "spans"): 1,
        ("prj_a", "bytes"): 70,
    }


def test_the_door_counts_what_the_sums_of_costs_will_lack() -> None:
    known = Known(a_policy({"name": "batch", "match": {"environment": "batch"}, "action": "drop"}))
    door = known.door()
    of = {"environment": "batch", "tokens": Tokens(90, output=10)}
    calls = [a_span(1, cost=0.25, **of), a_span(2, cost=None, **of), a_span(3, environment="batch", tokens=None)]
    facts = Facts(spans=[*calls, a_span(4, kind="agent", cost=0.5, **of)])  # its calls' sum
    tally = door.admit(facts)
    door.stored(tally, facts)
    assert facts.spans == []
    assert known.counted == {
        ("prj_a", "drop:batch"): 4,
        ("prj_a", "drop.calls:batch"): 2,
        ("prj_a", "drop.unknown:batch"): 1,
        ("prj_a", "drop.tokens:batch"): 200,
        ("prj_a", "drop.nano_usd:batch"): 250_000_000,
    }


def test_the_decider_hears_of_content_that_waits() -> None:
    known = Known(a_policy(tail={"share": 0.1}))
    facts = Facts(spans=[a_span()])
    door = known.door()
    door.stored(door.admit(facts), facts)
    assert known.held == 1
    assert facts.spans[0].thin is not None
    assert facts.spans[0].thin.fate == "waiting"


async def test_a_request_past_the_quota_is_refused_whole_and_our_own_spans_are_stored() -> None:
    known, store = Known(), MemoryStore()
    ingest = Ingest(store, Scrubber(), Prices(), admission=known.door())
    known.used_up = True
    with pytest.raises(RateLimited):
        await ingest.otlp("prj_a", protobuf(an_otlp_span()), PROTOBUF)
    await ingest.write(Facts(spans=[a_span()]))
    await ingest.close()
    assert len(store.spans) == 1
    assert known.counted == {("prj_a", "spans"): 1}


async def test_what_could_not_be_stored_is_not_counted() -> None:
    known, store = Known(), MemoryStore()
    store.failures.append(Busy(retry_after_s=1))
    ingest = Ingest(store, Scrubber(), Prices(), admission=known.door())
    with pytest.raises(Busy):
        await ingest.otlp("prj_a", protobuf(an_otlp_span()), PROTOBUF)
    body = protobuf(an_otlp_span())
    await ingest.otlp("prj_a", body, PROTOBUF)
    await ingest.close()
    assert known.counted == {("prj_a", "spans"): 1, ("prj_a", "bytes"): len(body)}


@pytest.mark.parametrize(
    ("rules", "tail", "field"),
    [
        ([{"name": "a", "match": {}, "action": "drop"}], None, "rules[0].match"),
        ([{"name": "a", "match": {"colour": "red"}, "action": "keep"}], None, "rules[0].match.colour"),
        ([{"name": "a", "match": {"kind": []}, "action": "keep"}], None, "rules[0].match.kind"),
        ([{"name": "a", "match": {}, "action": "sample"}], None, "rules[0].rate"),
        ([{"name": "a", "match": {}, "action": "keep", "rate": 1}], None, "rules[0].rate"),
        ([HALF, HALF], None, "rules"),
        ([{"name": "", "match": {}, "action": "keep"}], None, "rules[0].name"),
        ([], {"share": 2}, "tail.share"),
        ([], {"share": 0.1, "quiet_s": 60, "patience_s": 30}, "tail.patience_s"),
        ([], {"share": 0.1, "errors": "yes"}, "tail.errors"),
        ([], {"share": 0.1, "colour": 1}, "tail.colour"),
    ],
    ids=["drop-all", "field", "values", "no-rate", "rate", "twice", "name", "share", "patience", "flag", "unknown"],
)
def test_a_wrong_policy_names_the_field(rules: Any, tail: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(rules, tail)
    assert refused.value.field == field
    assert refused.value.fix


async def test_what_comes_twice_is_counted_once(tmp_path: Path) -> None:
    """An exporter that got no answer sends the same again: it is stored once, and so it was thinned out once."""
    known = Known(a_policy(HALF))
    store = await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(store, Scrubber(), Prices(), admission=known.door())
    for _ in range(2):
        await ingest.write(Facts([a_span(trace) for trace in range(1, 201)]))
    out = sum(fraction(f"{trace:032x}") >= 0.5 for trace in range(1, 201))
    assert known.counted["prj_a", "spans"] == 200
    assert known.counted["prj_a", "sampled_out"] == known.counted["prj_a", "sample:half"] == out
    await ingest.close()
    await store.close()
