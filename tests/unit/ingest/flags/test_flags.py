"""Checks on live traffic: only where asked for, with what the trace retrieved, and in bounded room."""

from collections import Counter
from typing import Any

import pytest

from assay_server import checks
from assay_server.core.errors import Busy
from assay_server.core.records import Facts, Score, Span, SpanKind
from assay_server.governance import DROPPED, SCORED, SKIPPED, Flagging, fraction
from assay_server.ingest import FlagWatch
from assay_server.ingest.flags.answers import answer_of

RUDE = "You are a stupid idiot and your question is worthless."
BOTH = Flagging(("toxicity", "groundedness"))


class Policies:
    def __init__(self, **of: Flagging) -> None:
        self._of = of
        self.counted: Counter[str] = Counter()

    def of(self, project: str) -> Flagging:
        return self._of.get(project, Flagging())

    def count(self, project: str, what: str, n: int) -> None:
        self.counted[what] += n


class KeepingSink:
    def __init__(self, busy: bool = False) -> None:
        self.scores: list[Score] = []
        self.busy = busy

    async def write(self, facts: Facts) -> None:
        if self.busy:
            raise Busy
        self.scores += facts.scores


def span(number: int = 1, kind: SpanKind = "llm", output: str | None = RUDE, **more: Any) -> Span:
    given = {"project": "prj_a", "trace_id": "a" * 32, **more}
    given = {"parent_id": None, "start_ns": 1, "end_ns": 2, **given}
    return Span(span_id=f"{number:016x}", name="x", kind=kind, output=output, **given)


async def judged(sink: KeepingSink, policies: Policies, *spans: Span) -> dict[str, Score]:
    watch = FlagWatch(sink, policies, checks.get)
    watch.start()
    await watch.heard(Facts(spans=list(spans)))
    await watch.settled()
    await watch.close()
    return {score.name: score for score in sink.scores}


async def test_an_answer_is_scored_against_what_its_trace_retrieved() -> None:
    documents = [{"id": "returns", "content": "Unused goods may be returned within 30 days."}]
    found = span(2, "retriever", None, attributes={"retrieval.documents": documents})
    policies = Policies(prj_a=BOTH)
    scores = await judged(KeepingSink(), policies, span(output="Unused goods may be returned within 60 days."), found)
    grounded = scores["groundedness"]
    assert (grounded.source, grounded.author, grounded.version) == ("code", "groundedness", "1")
    assert (grounded.trace_id, grounded.span_id) == ("a" * 32, f"{1:016x}")
    assert grounded.value is not None
    assert 0 < grounded.value < 1
    assert grounded.reason == "not in the contexts: 60"
    assert scores["toxicity"].value is not None
    assert scores["toxicity"].value < 0.5
    assert policies.counted == {SCORED: 2}


async def test_without_documents_groundedness_is_skipped_and_counted() -> None:
    policies = Policies(prj_a=BOTH)
    scores = await judged(KeepingSink(), policies, span())
    assert set(scores) == {"toxicity"}
    assert policies.counted == {SCORED: 1, SKIPPED: 1}


async def test_only_answers_of_projects_that_ask_and_not_of_runs() -> None:
    others = [span(2, "tool"), span(3, project="prj_b"), span(4, run="run_1"), span(5, output=None)]
    sink = KeepingSink()
    await judged(sink, Policies(prj_a=BOTH), *others)
    assert sink.scores == []


async def test_a_share_takes_whole_traces() -> None:
    ids = [f"{number:032x}" for number in range(50)]
    sink = KeepingSink()
    spans = [span(n, trace_id=trace_id) for trace_id in ids for n in (1, 2)]
    await judged(sink, Policies(prj_a=Flagging(("toxicity",), 0.4)), *spans)
    wanted = Counter({trace_id: 2 for trace_id in ids if fraction(trace_id) < 0.4})
    assert 0 < len(wanted) < 50
    assert Counter(score.trace_id for score in sink.scores) == wanted


async def test_what_has_no_room_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay_server.ingest.flags.flags._ROOM", 3)
    policies, sink = Policies(prj_a=Flagging(("toxicity",))), KeepingSink()
    await judged(sink, policies, *(span(number) for number in range(5)))
    assert len(sink.scores) == 3
    assert policies.counted == {SCORED: 3, DROPPED: 2}


async def test_scores_that_cannot_be_written_are_dropped_and_the_next_ones_are_not() -> None:
    sink, policies = KeepingSink(busy=True), Policies(prj_a=Flagging(("toxicity",)))
    watch = FlagWatch(sink, policies, checks.get)
    watch.start()
    await watch.heard(Facts(spans=[span(1)]))
    await watch.settled()
    sink.busy = False
    await watch.heard(Facts(spans=[span(2)]))
    await watch.settled()
    await watch.close()
    assert [score.span_id for score in sink.scores] == [f"{2:016x}"]
    assert policies.counted == {DROPPED: 1, SCORED: 1}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("plain", "plain"),
        ("[sic] plain", "[sic] plain"),
        ('[{"role": "assistant", "content": "a"}]', "a"),
        ('[{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image", "text": "b"}]}]', "a"),
        ('[{"role": "assistant", "parts": [{"type": "text", "content": "a"}]}]', "a"),
        ('[{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}]', None),
        ("[" * 100_000, "[" * 100_000),
        ("7", "7"),
    ],
)
def test_an_answer_is_what_was_said_in_words(output: str, said: str | None) -> None:
    assert answer_of(output) == said


@pytest.mark.parametrize("inner", [{"service": "assay-gateway"}, {"scope": "itself"}])
@pytest.mark.parametrize("turned", [False, True])
async def test_two_instruments_that_tell_of_a_call_side_by_side_tell_of_one(
    inner: dict[str, str], turned: bool
) -> None:
    """Headers that were made before the client's span began; a client that traces itself, and an instrumentation."""
    outer = span(1, parent_id="e" * 16, start_ns=10, end_ns=50, service="shop", scope="wrapper")
    both = [outer, span(2, parent_id="e" * 16, start_ns=20, end_ns=40, **inner)]
    policies = Policies(prj_a=Flagging(("toxicity",)))
    await judged(KeepingSink(), policies, *(reversed(both) if turned else both))
    assert policies.counted == {SCORED: 1}


async def test_a_call_that_client_and_gateway_tell_of_is_judged_once() -> None:
    clients = span(1, start_ns=10, end_ns=50)
    gateways = span(2, parent_id=clients.span_id, start_ns=20, end_ns=40)
    again = span(3, parent_id=clients.parent_id, start_ns=60, end_ns=70)
    beside = span(4, parent_id=clients.parent_id, start_ns=61, end_ns=69)
    for order in ((clients, gateways), (gateways, clients)):
        policies = Policies(prj_a=Flagging(("toxicity",)))
        await judged(KeepingSink(), policies, *order, again, beside)
        assert policies.counted == {SCORED: 3}, "what was said again later, or side by side, is judged too"
