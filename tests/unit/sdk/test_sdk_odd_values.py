"""What an application hands over is told as far as it can be, and costs neither a crash nor other spans."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import assay
from assay._capture import LIMIT, as_text
from assay._outbox import Outage, Outbox, Undeliverable
from tests.fakes.rest import FakeServer, problem

HALF = "half \ud83d"  # of an emoji, as a streamed answer may leave it


def test_half_an_emoji_anywhere_is_sent(connected: FakeServer) -> None:
    def fail() -> None:
        with assay.span(f"name {HALF}", **{f"key {HALF}": HALF}) as span:
            span.input({"text": HALF}).output("\ud83d\ude00").set("large", 10**30)
            raise ValueError(HALF)

    with pytest.raises(ValueError, match="half"):
        fail()
    with assay.span("nameless", odd=HALF) as span:
        span.otel.update_name(None)  # type: ignore[arg-type]
    with assay.context(user=HALF), assay.span("after"):
        assay.headers()
    assert assay.flush(10)
    first, nameless, after = connected.spans()
    assert (nameless.name, nameless.attributes["odd"]) == ("", "half �")
    assert first.name == "name half �"
    assert first.attributes["key half �"] == "half �"
    assert first.attributes["assay.input"] == '{"text": "half �"}'
    assert first.attributes["assay.output"] == "😀"
    assert first.attributes["large"] == str(10**30)
    assert (first.status, first.events) == (2, ["exception"])
    assert after.attributes["user.id"] == "half �"


def test_a_span_that_cannot_be_written_costs_no_others(connected: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    with assay.span("before"):
        pass
    with assay.span("bad") as span:
        span.otel.update_name(object())  # type: ignore[arg-type]
    with assay.span("after"):
        pass
    assert assay.flush(10)
    assert [sent.name for sent in connected.spans()] == ["before", "after"]
    assert "a span cannot be written" in caplog.text


def test_what_is_too_large_at_once_is_sent_in_parts(connected: FakeServer) -> None:
    from tests.fakes.rest import Answer

    def at_most(seen: Any) -> Answer:
        return problem(413, "too large") if len(seen.body) > 5_000 else Answer(b"")

    connected.on("POST", "/v1/traces", at_most)
    for n in range(9):
        with assay.span(f"span {n}") as span:
            span.output("x" * 1_000)
    assert assay.flush(10)
    taken = [seen for seen in connected.calls("POST", "/v1/traces") if len(seen.body) <= 5_000]
    assert sum(seen.body.count(b"span ") for seen in taken) == 9


def test_batches_are_bounded_by_their_text() -> None:
    sent: list[int] = []
    box = Outbox("texts", lambda batch: sent.append(len(batch)), Outage("http://x"), linger_s=0.2, size=len)
    for _ in range(9):
        box.put("x" * 1_000_000)
    assert box.flush(10)
    assert sum(sent) == 9
    assert max(sent) == 4
    box.close(1)


def test_what_waits_is_bounded_by_its_text() -> None:
    gate = threading.Event()
    box = Outbox("texts", lambda _: bool(gate.wait(60)) and None, Outage("http://x"), linger_s=0, size=len)
    for _ in range(3):  # the first may be in hand
        box.put("x" * 40_000_000)
    assert box.lost in {1, 2}
    gate.set()
    box.close(1)


def test_what_is_refused_for_one_of_its_items_costs_no_others() -> None:
    sent: list[int] = []

    def send(batch: Sequence[int]) -> None:
        if 3 in batch:
            raise Undeliverable("no three", parts=True)
        sent.extend(batch)

    box = Outbox("numbers", send, Outage("http://x"), linger_s=0.2)
    for n in range(8):
        box.put(n)
    assert box.flush(10)
    assert (sent, box.lost) == ([0, 1, 2, 4, 5, 6, 7], 1)
    box.close(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "good"])
def test_what_is_no_score_is_refused_where_it_is_given(value: Any) -> None:
    with pytest.raises(assay.InvalidInput, match="A score is a finite number"):
        assay.score("x", value, trace_id="1" * 32)


def test_a_score_says_when_it_was_given(connected: FakeServer) -> None:
    given = datetime(2026, 11, 3, 1, tzinfo=timezone(timedelta(hours=1)))
    assay.score("judged", 1, trace_id="1" * 32, time=given)
    assert assay.flush(10)
    [sent] = [request.json for request in connected.seen if request.path == "/api/v1/scores"]
    assert sent[0]["time"] == "2026-11-03T00:00:00+00:00"
    with pytest.raises(assay.InvalidInput, match="without a zone"):
        assay.score("judged", 1, trace_id="1" * 32, time=datetime(2026, 11, 3, tzinfo=UTC).replace(tzinfo=None))


def test_ids_may_be_numbers_and_tags_one_text(connected: FakeServer) -> None:
    with assay.context(user=42, session=7, tags="beta"), assay.span("numbers"):  # type: ignore[arg-type]
        sent = assay.headers()
    assert (sent["x-assay-user"], sent["x-assay-session"], sent["x-assay-tags"]) == ("42", "7", "beta")
    assert assay.flush(10)
    [span] = connected.spans()
    assert (span.attributes["user.id"], span.attributes["assay.tags"]) == ("42", ["beta"])


def test_a_long_value_keeps_its_name() -> None:
    told = json.loads(as_text({"role": "user", "content": "x" * (LIMIT + 10), "more": 1}))
    assert list(told)[:2] == ["role", "content"]
    assert len(told["content"]) == LIMIT - len("roleusercontent") + 1


def test_numbers_are_numbers_whoever_made_them() -> None:
    made = {
        "score": np.float32(0.5),
        "n": np.int64(3),
        "flag": np.bool_(True),
        "one": np.array(2.5),
        "none": np.float32("nan"),
    }
    assert json.loads(as_text(made)) == {"score": 0.5, "n": 3, "flag": True, "one": 2.5, "none": "nan"}
    assert as_text(10**5000) == '"<a number of 16610 bits>"'
    assert "1.10" in as_text(Decimal("1.10"))


def test_a_long_conversation_keeps_all_its_messages() -> None:
    said = [{"role": "user", "content": f"message {n}"} for n in range(300)]
    assert json.loads(as_text(said)) == said


@dataclass
class Document:
    page_content: str
    metadata: dict[str, Any] = field(default_factory=dict)


def test_documents_of_any_kind_are_kept_all_with_score_and_date(connected: FakeServer) -> None:
    with assay.span("objects", kind="retriever") as span:
        span.documents(
            [Document("a", {"updated_at": "2026-01-01"}), (Document("b"), np.float32(0.5)), {"page_content": "c"}]
        )
    with assay.span("long", kind="retriever") as span:
        span.documents([{"text": "x" * 20_000, "score": 1 / (n + 1), "updated_at": "2026-01-01"} for n in range(60)])
    with assay.span("none", kind="retriever") as span:
        span.documents(None)  # type: ignore[arg-type]
    assert assay.flush(10)
    objects, long, none = (json.loads(sent.attributes.get("retrieval.documents", "null")) for sent in connected.spans())
    assert [(one["content"], one["score"]) for one in objects] == [("a", None), ("b", 0.5), ("c", None)]
    assert objects[0]["metadata"] == {"updated_at": "2026-01-01"}
    assert [one["score"] for one in long] == [1 / (n + 1) for n in range(60)]
    assert {one["metadata"]["updated_at"] for one in long} == {"2026-01-01"}
    assert {len(one["content"]) > 4_000 for one in long} == {True}
    assert none is None


def test_an_object_that_fails_when_asked_what_it_is_costs_no_call(connected: FakeServer) -> None:
    class Odd:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("no class")

    @assay.observe(name="odd")
    def same(value: Any) -> Any:
        assay.current_span().set("mine", value)
        return value

    assert type(same(Odd())) is Odd
    assay.flush()
    assert json.loads(connected.span("odd").attributes["assay.output"]) == "<Odd: RuntimeError>"
