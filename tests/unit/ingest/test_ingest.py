"""The door for facts: encodings, limits, partial success, scrubbing, prices, group commit, back-pressure."""

import asyncio
import gzip
import json
import logging
import math
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Busy, InvalidInput, TooLarge, Unavailable, UnsupportedMedia
from assay_server.core.ports import Principal
from assay_server.core.records import Event, Facts, RunItem, Score, Span, Tokens
from assay_server.ingest import JSON, PROTOBUF, Ingest, Limits, ScoreInput
from assay_server.ingest.sampling.admission import Open, Tally
from assay_server.providers import Prices
from assay_server.store import DuckStore
from tests.fakes.memory_store import MemoryStore
from tests.fakes.otlp_requests import START_NS, TRACE_ID, a_span, as_json, json_span, protobuf

CALLER = Principal("prj_a", "key:key_1", "admin")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def ingest(store: MemoryStore) -> AsyncIterator[Ingest]:
    made = Ingest(store, Scrubber(), Prices(), salt=b"salt")
    yield made
    await made.close()


def span_of(**fields: object) -> Span:
    return Span("prj_a", TRACE_ID, "b7ad6b7169203331", None, "call", "llm", START_NS, START_NS + 1, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        (None, bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:10]) + gzip.compress(body[10:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
async def test_every_encoding_is_read(ingest: Ingest, store: MemoryStore, encoding: str | None, pack: object) -> None:
    for content_type, body in ((PROTOBUF, protobuf(a_span())), (JSON + "; charset=utf-8", as_json(a_span()))):
        accepted = await ingest.otlp("prj_a", pack(body), content_type, encoding)  # type: ignore[operator]
        assert (accepted.spans, accepted.rejected, accepted.message) == (1, 0, "")
    first, second = store.spans
    assert first == second
    assert (first.trace_id, first.start_ns, first.project) == (TRACE_ID, START_NS, "prj_a")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("body", [b"\x00 not packed at all", None])
async def test_a_body_that_is_not_packed_as_it_says_is_refused(
    ingest: Ingest, encoding: str, body: bytes | None
) -> None:
    if body is None:  # cut off
        pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
        body = pack(protobuf(a_span(name="x" * 3000)))[:-6]
    with pytest.raises(InvalidInput) as refusal:
        await ingest.otlp("prj_a", body, PROTOBUF, encoding)
    assert refusal.value.field in {"content-encoding", "body"}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_refused(store: MemoryStore, encoding: str) -> None:
    ingest = Ingest(store, Scrubber(), Prices(), limits=Limits(unpacked_bytes=1 << 20))
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
    with pytest.raises(TooLarge):
        await ingest.otlp("prj_a", pack(bytes(50 << 20)), PROTOBUF, encoding)
    assert store.batches == []
    await ingest.close()


async def test_what_nobody_reads_is_unsupported(ingest: Ingest) -> None:
    for content_type, encoding in (("text/plain", None), (None, None), (PROTOBUF, "br")):
        with pytest.raises(UnsupportedMedia) as refusal:
            await ingest.otlp("prj_a", b"", content_type, encoding)
        assert refusal.value.fix is not None


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(PROTOBUF, b"\xff\xff\xff"), (JSON, b"{"), (JSON, b"[]"), (JSON, b'{"resourceSpans": 1}'), (JSON, b"\xff")],
)
async def test_a_body_that_is_no_otlp_is_refused_whole(ingest: Ingest, content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await ingest.otlp("prj_a", body, content_type)
    assert refusal.value.field == "body"


async def test_an_empty_request_is_fine(ingest: Ingest, store: MemoryStore) -> None:
    assert (await ingest.otlp("prj_a", b"", PROTOBUF)).spans == 0
    assert (await ingest.otlp("prj_a", b"{}", JSON)).spans == 0
    assert store.batches == []


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
async def test_a_judgement_that_is_no_number_failed(ingest: Ingest, store: MemoryStore, value: float) -> None:
    """As libraries say that they could not judge; one NaN among the scores made every mean of them NaN."""
    said = {"gen_ai.evaluation.name": "faithfulness", "gen_ai.evaluation.score.value": value}
    event = {"name": "gen_ai.evaluation.result", "time_ns": 5, "attributes": said}
    await ingest.otlp("prj_a", protobuf(a_span(events=[event])), PROTOBUF)
    [score] = [score for batch in store.batches for score in batch.scores]
    assert (score.value, score.error) == (None, f"The value is {value}.")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"trace_id": "00" * 16}, "zeros"),
        ({"span_id": "00" * 8}, "zeros"),
        ({"trace_id": ""}, "missing"),
        ({"trace_id": "ab"}, "1 bytes, not 16"),
        ({"start_ns": 0}, "missing"),
        ({"start_ns": 2**63}, "out of range"),
        ({"end_ns": 2**63 - 1}, "out of range"),
        ({"attributes": {f"k{n}": n for n in range(5000)}}, "5000 attributes"),
    ],
)
@pytest.mark.parametrize("encoding", ["protobuf", "json"])
async def test_a_broken_span_is_told_and_the_others_are_stored(
    ingest: Ingest, store: MemoryStore, broken: dict[str, object], reason: str, encoding: str
) -> None:
    spans = [a_span(name="good"), a_span(name="bad", **broken), a_span(name="good too", span_id="00000000000000ff")]
    body, kind = (protobuf(*spans), PROTOBUF) if encoding == "protobuf" else (as_json(*spans), JSON)
    accepted = await ingest.otlp("prj_a", body, kind)
    assert (accepted.spans, accepted.rejected) == (2, 1)
    assert "'bad'" in accepted.message
    assert reason in accepted.message
    assert [span.name for span in store.spans] == ["good", "good too"]


@pytest.mark.parametrize(
    "broken",
    [
        {"traceId": 5},
        {"traceId": "zz" * 16},
        {"startTimeUnixNano": "soon"},
        {"attributes": [{"key": "a", "value": {"intValue": "x"}}]},
        {"attributes": [{"key": "a", "value": {"intValue": "99999999999999999999"}}]},
        {"attributes": {"a": 1}},
        {"events": [{"timeUnixNano": "never"}]},
    ],
)
async def test_a_span_that_is_broken_as_json_only_takes_itself_along(
    ingest: Ingest, store: MemoryStore, broken: dict[str, object]
) -> None:
    request = json.loads(as_json(a_span(name="good")))
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].append({**json_span(a_span(name="bad")), **broken})
    accepted = await ingest.otlp("prj_a", json.dumps(request).encode(), JSON)
    assert (accepted.spans, accepted.rejected) == (1, 1)
    assert accepted.message
    assert [span.name for span in store.spans] == ["good"]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
async def test_what_is_nested_too_deeply_is_refused(ingest: Ingest, store: MemoryStore, encoding: str) -> None:
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    make, kind = (protobuf, PROTOBUF) if encoding == "protobuf" else (as_json, JSON)
    in_span = await ingest.otlp("prj_a", make(a_span(attributes={"deep": deep})), kind)
    in_resource = await ingest.otlp("prj_a", make(a_span(), a_span(), resource={"deep": deep}), kind)
    assert (in_span.spans, in_span.rejected) == (0, 1)
    assert (in_resource.spans, in_resource.rejected) == (0, 2)
    assert "deep" in in_span.message
    assert "deep" in in_resource.message
    assert store.batches == []


async def test_names_of_enums_and_numbers_as_numbers_are_read_in_json(ingest: Ingest, store: MemoryStore) -> None:
    request = json.loads(as_json(a_span()))
    span = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span |= {"startTimeUnixNano": START_NS, "status": {"code": "STATUS_CODE_ERROR"}, "kind": "SPAN_KIND_CLIENT"}
    span["attributes"] = [
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "least", "value": {"doubleValue": "-Infinity"}},
        {"key": "n", "value": {"intValue": 7}},
        {"key": "bytes", "value": {"bytesValue": "AQI="}},
        {"key": "none"},
    ]
    await ingest.otlp("prj_a", json.dumps(request).encode(), JSON)
    (stored,) = store.spans
    assert stored.status == "error"
    assert stored.attributes["n"] == 7
    assert (stored.attributes["nan"], stored.attributes["least"]) == ("NaN", "-Infinity")
    assert (stored.attributes["bytes"], stored.attributes["none"]) == ("AQI=", None)


async def test_an_end_before_the_start_becomes_the_start(ingest: Ingest, store: MemoryStore) -> None:
    await ingest.otlp("prj_a", protobuf(a_span(end_ns=5)), PROTOBUF)
    assert store.spans[0].end_ns == START_NS


async def test_a_body_over_its_limit_is_too_large(store: MemoryStore) -> None:
    ingest = Ingest(store, Scrubber(), Prices(), limits=Limits(body_bytes=1000))
    with pytest.raises(TooLarge):
        await ingest.otlp("prj_a", protobuf(a_span(name="x" * 1001)), PROTOBUF)
    await ingest.close()


async def test_too_many_spans_are_too_large(store: MemoryStore) -> None:
    ingest = Ingest(store, Scrubber(), Prices(), limits=Limits(spans=2))
    with pytest.raises(TooLarge):
        await ingest.otlp("prj_a", protobuf(*[a_span()] * 3), PROTOBUF)
    await ingest.close()


MAIL, CARD = "ann@example.org", "4111 1111 1111 1111"


async def test_nothing_personal_passes_the_door_of_otlp(ingest: Ingest, store: MemoryStore) -> None:
    span = a_span(
        name=f"mail {MAIL}",
        status=2,
        status_message=f"no such user {MAIL}",
        attributes={
            "input.value": json.dumps([{"role": "user", "content": f"card {CARD}"}]),
            "gen_ai.output.messages": [{"role": "assistant", "parts": [{"content": MAIL}]}],
            "custom": {"nested": [MAIL], MAIL: 1},
            "db.password": "hunter2",
            "user.id": MAIL,
            "session.id": "s1",
        },
        events=[{"name": "exception", "time_ns": 1, "attributes": {"exception.message": MAIL}}],
    )
    for body, kind in (
        (protobuf(span, resource={"owner": MAIL}), PROTOBUF),
        (as_json(span, resource={"owner": MAIL}), JSON),
    ):
        await ingest.otlp("prj_a", body, kind)
        stored = store.spans[-1]
        assert not any(secret in repr(stored) for secret in (MAIL, CARD, "hunter2"))
        assert stored.pii == ["CREDIT_CARD", "EMAIL_ADDRESS", "SECRET"]
        assert json.loads(stored.input) == [{"role": "user", "content": "card [CREDIT_CARD]"}]
        assert stored.resource == {"owner": "[EMAIL_ADDRESS]"}
        assert stored.session == "s1"


async def test_a_person_who_is_named_by_mail_stays_one_person(ingest: Ingest, store: MemoryStore) -> None:
    for mail in (MAIL, "bob@example.org", MAIL):
        await ingest.otlp("prj_a", protobuf(a_span(attributes={"user.id": mail})), PROTOBUF)
    ann, bob, again = (span.user for span in store.spans)
    assert ann == again != bob
    assert ann.startswith("[EMAIL_ADDRESS:")
    assert store.spans[0].attributes["user.id"] == ann


async def test_what_a_client_puts_into_json_is_scrubbed_as_the_text_it_is(ingest: Ingest, store: MemoryStore) -> None:
    hidden = MAIL.replace("@", r"\u0040")
    for scope, user in (("shop", MAIL), ("mlflow.tracing.provider", f'"{MAIL}"'), ("mlflow", f'"{hidden}"')):
        span = a_span(attributes={"user.id": user, "mlflow.spanOutputs": user})
        await ingest.otlp("prj_a", protobuf(span, scope=scope), PROTOBUF)
    assert {(span.user, span.attributes["user.id"]) for span in store.spans} == {(store.spans[0].user,) * 2}
    assert [span.output for span in store.spans[1:]] == ["[EMAIL_ADDRESS]"] * 2


async def test_nothing_personal_passes_the_door_for_our_own_facts(ingest: Ingest, store: MemoryStore) -> None:
    await ingest.write(
        Facts(
            [span_of(input=MAIL, output=MAIL, user=MAIL, resource={"x": MAIL}, tags=[MAIL])],
            [Score("prj_a", "scr_1", "q", 1, "human", value=1.0, reason=MAIL, metadata={"m": MAIL})],
            [RunItem("prj_a", "r", "i", 0, 1, input=MAIL, output=MAIL, expected=MAIL, contexts=[{"text": MAIL}])],
            [Event("prj_a", "evt_1", "k", 1, data={"m": [MAIL]})],
        )
    )
    (batch,) = store.batches
    assert MAIL not in repr(batch)
    assert batch.spans[0].pii == ["EMAIL_ADDRESS"]
    assert batch.run_items[0].contexts == [{"text": "[EMAIL_ADDRESS]"}]


@pytest.mark.parametrize(
    ("said", "charged"),
    [
        ({}, (None, None, None)),
        ({"attributes": {"tenant": "acme", "assay.feature": "search"}}, ("search", "acme", None)),
        ({"attributes": {"tenant": "acme"}, "tags": ["x", "tenant=tagged", "tenant:later"]}, (None, "tagged", None)),
        ({"attributes": {"tenant": "acme"}, "resource": {"assay.tenant": "all"}}, (None, "acme", None)),
        ({"resource": {"assay.cost_center": 4711}}, (None, None, "4711")),
        ({"tags": ["tenant:", "cost_center:" + 2000 * "x"]}, (None, None, 1000 * "x")),
        ({"tags": [f"tenant:{MAIL}"]}, (None, "[EMAIL_ADDRESS]", None)),
    ],
)
async def test_who_is_charged_is_read_from_tags_attributes_and_resource(
    ingest: Ingest, store: MemoryStore, said: dict[str, object], charged: tuple[str | None, ...]
) -> None:
    await ingest.write(Facts([span_of(**said)]))
    tags = {"tag.tags": said["tags"]} if "tags" in said else {}
    sent = a_span(attributes={**said.get("attributes", {}), **tags})  # type: ignore[dict-item]
    await ingest.otlp("prj_a", protobuf(sent, resource=said.get("resource", {})), PROTOBUF)  # type: ignore[arg-type]
    assert [(span.feature, span.tenant, span.cost_center) for span in store.spans] == [charged, charged]


async def test_calls_are_priced_where_a_price_is_known(ingest: Ingest, store: MemoryStore) -> None:
    known = {"model": "gpt-4o-2024-11-20", "provider": "openai", "tokens": Tokens(1_000_000, None, None, 100_000)}
    await ingest.write(
        Facts(
            spans=[
                span_of(**known),
                span_of(**{**known, "model": "our-own-model"}),
                span_of(**known, cost=7.0, cost_source="client"),
                span_of(model="gpt-4o-2024-11-20", provider="openai"),
            ]
        )
    )
    priced, unknown, client, uncounted = store.spans
    assert (priced.cost, priced.cost_source) == (pytest.approx(3.5), "prices:2026-11-21")
    assert (unknown.cost, unknown.cost_source) == (None, None)
    assert (client.cost, client.cost_source) == (7.0, "client")
    assert uncounted.cost is None


async def test_a_roll_up_is_not_priced_because_its_parts_are(ingest: Ingest, store: MemoryStore) -> None:
    usage = {
        "gen_ai.request.model": "gpt-4o-2024-11-20",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 10,
    }
    agent = a_span(attributes={"gen_ai.operation.name": "invoke_agent", **usage})
    call = a_span(attributes={"gen_ai.operation.name": "chat", **usage})
    await ingest.otlp("prj_a", protobuf(agent, call), PROTOBUF)
    assert [span.cost is None for span in store.spans] == [True, False]


async def test_requests_that_wait_go_to_disk_together(ingest: Ingest, store: MemoryStore) -> None:
    store.gate.clear()
    requests = [asyncio.create_task(ingest.otlp("prj_a", protobuf(a_span(name=str(n))), PROTOBUF)) for n in range(10)]
    await asyncio.sleep(0)
    assert not any(request.done() for request in requests)
    store.gate.set()
    await asyncio.gather(*requests)
    assert len(store.spans) == 10
    assert len(store.batches) <= 2


async def test_nobody_hears_200_before_the_commit(ingest: Ingest, store: MemoryStore) -> None:
    store.gate.clear()
    request = asyncio.create_task(ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not request.done()
    assert ingest.waiting == 1
    store.gate.set()
    await request
    assert ingest.waiting == 0


async def test_a_full_queue_says_when_to_come_back(store: MemoryStore) -> None:
    ingest = Ingest(store, Scrubber(), Prices(), limits=Limits(waiting_records=3))
    store.gate.clear()
    first = asyncio.create_task(ingest.write(Facts(spans=[span_of(), span_of()])))
    await asyncio.sleep(0)
    with pytest.raises(Busy) as refusal:
        await ingest.write(Facts(spans=[span_of(), span_of()]))
    assert refusal.value.retry_after_s == 1
    store.gate.set()
    await first
    await ingest.write(Facts(spans=[span_of(), span_of()]))
    assert len(store.spans) == 4
    await ingest.close()


async def test_too_many_bytes_at_once_say_when_to_come_back(store: MemoryStore) -> None:
    body = protobuf(a_span())
    ingest = Ingest(store, Scrubber(), Prices(), limits=Limits(waiting_bytes=len(body) + 1))
    store.gate.clear()
    first = asyncio.create_task(ingest.otlp("prj_a", body, PROTOBUF))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await ingest.otlp("prj_a", body, PROTOBUF)
    store.gate.set()
    await first
    assert (await ingest.otlp("prj_a", body, PROTOBUF)).spans == 1
    await ingest.close()


async def test_a_disk_that_refuses_is_told_and_the_next_request_is_served(ingest: Ingest, store: MemoryStore) -> None:
    store.failures = [Unavailable("disk full", retry_after_s=5)]
    with pytest.raises(Unavailable):
        await ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF)
    await ingest.otlp("prj_a", protobuf(a_span()), PROTOBUF)
    assert len(store.spans) == 1
    assert ingest.waiting == 0


async def test_one_request_the_store_cannot_take_does_not_take_the_others_along(
    ingest: Ingest, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.refuses = "poison"
    store.gate.clear()
    names = ["a", "b", "poison", "c"]
    requests = [asyncio.create_task(ingest.write(Facts(spans=[replace_name(name)]))) for name in names]
    await asyncio.sleep(0)
    store.gate.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, False, True, False]
    assert sorted(span.name for span in store.spans) == ["a", "b", "c"]
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def replace_name(name: str) -> Span:
    span = span_of()
    span.name = name
    return span


async def test_listeners_hear_of_what_is_stored_and_cannot_break_it(
    ingest: Ingest, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []

    async def faulty(facts: Facts) -> None:
        raise RuntimeError("listener")

    async def listener(facts: Facts) -> None:
        assert store.batches  # it is on disk already
        heard.append(len(facts.spans))

    ingest.listen(faulty)
    ingest.listen(listener)
    await ingest.write(Facts(spans=[span_of()]))
    await ingest.close()
    assert heard == [1]
    assert "listener failed" in caplog.text


async def test_a_quota_hears_of_spans_that_are_stored_and_of_none_twice(tmp_path: Path) -> None:
    """A client that heard no answer sends again, and what it sends beside is new. Requests may share a commit."""

    class Door(Open):
        def __init__(self) -> None:
            self.counted: list[int] = []

        def stored(self, tally: Tally, facts: Facts, *, project: str | None = None, size: int = 0) -> None:
            self.counted.append(len(facts.spans))

    door, store = Door(), await DuckStore.open(tmp_path / "facts")
    ingest = Ingest(store, Scrubber(), Prices(), admission=door)
    first, second, third = (as_json(a_span(span_id=f"{n:016x}")) for n in (1, 2, 3))
    await ingest.otlp("prj_a", first, JSON)
    await ingest.otlp("prj_a", first, JSON)
    assert door.counted == [1, 0]
    await asyncio.gather(*(ingest.otlp("prj_a", body, JSON) for body in (first, second, second, third)))
    await ingest.close()
    stored = await store.scan("SELECT count(*) AS n FROM spans", [])
    await store.close()
    assert sum(door.counted) == stored[0]["n"] == 3


async def test_a_slow_listener_holds_up_no_commit_and_hears_of_all_in_order(ingest: Ingest, store: MemoryStore) -> None:
    heard: list[str] = []
    ready = asyncio.Event()

    async def slow(facts: Facts) -> None:
        await ready.wait()
        heard.extend(span.name for span in facts.spans)

    ingest.listen(slow)
    await ingest.write(Facts(spans=[replace_name("first")]))
    await asyncio.wait_for(ingest.write(Facts(spans=[replace_name("second")])), timeout=5)
    assert (len(store.spans), heard) == (2, [])
    ready.set()
    await ingest.close()
    assert heard == ["first", "second"]


async def test_closing_commits_what_waits_and_refuses_what_comes_later(ingest: Ingest, store: MemoryStore) -> None:
    store.gate.clear()
    waiting = asyncio.create_task(ingest.write(Facts(spans=[span_of()])))
    await asyncio.sleep(0)
    closing = asyncio.create_task(ingest.close())
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(waiting, closing)
    assert len(store.spans) == 1
    with pytest.raises(Unavailable):
        await ingest.write(Facts(spans=[span_of()]))


async def test_scores_are_stored_in_the_callers_name(ingest: Ingest, store: MemoryStore) -> None:
    given = ScoreInput("user_feedback", value=1.0, trace_id=TRACE_ID.upper(), reason=f"thanks, {MAIL}")
    (score,) = await ingest.scores(CALLER, [given])
    assert store.batches[0].scores == [score]
    assert (score.project, score.author, score.source, score.trace_id) == ("prj_a", "key:key_1", "code", TRACE_ID)
    assert score.id.startswith("scr_")
    assert score.reason == "thanks, [EMAIL_ADDRESS]"


async def test_a_key_that_can_only_score_speaks_for_end_users(ingest: Ingest) -> None:
    given = ScoreInput("f", value=1.0, session="s", source="human")
    (by_key,) = await ingest.scores(Principal("prj_a", "key:k", "score"), [given])
    (by_person,) = await ingest.scores(Principal("prj_a", "user:u", "editor"), [ScoreInput("f", value=0.0, run="r")])
    assert (by_key.source, by_person.source) == ("end_user", "human")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " ", "value": 1.0}, "name"),
        ({"name": "q"}, "value"),
        ({"name": "q", "value": 1.0, "error": "x"}, "value"),
        ({"name": "q", "value": float("nan")}, "value"),
        ({"name": "q", "value": 1.0, "source": "oracle"}, "source"),
        ({"name": "q", "value": 1.0, "trace_id": None}, "trace_id"),
        ({"name": "q", "value": 1.0, "trace_id": "feedback-1"}, "trace_id"),
        ({"name": "q", "value": 1.0, "label": "x" * 201}, "label"),
        ({"name": "q", "value": 1e308}, "value"),
    ],
)
async def test_a_score_that_cannot_be_is_refused_with_its_field(
    ingest: Ingest, store: MemoryStore, given: dict[str, object], field: str
) -> None:
    good = ScoreInput("q", value=1.0, trace_id=TRACE_ID)
    with pytest.raises(InvalidInput) as refusal:
        await ingest.scores(CALLER, [ScoreInput(**{"trace_id": TRACE_ID, **given})])  # type: ignore[arg-type]
    assert refusal.value.field == field
    with pytest.raises(InvalidInput) as refusal:
        await ingest.scores(CALLER, [good, ScoreInput(**{"trace_id": TRACE_ID, **given})])  # type: ignore[arg-type]
    assert refusal.value.field == f"1.{field}", "which of several"
    assert store.batches == []  # all or none


async def test_an_id_with_nul_is_stored_as_one_that_can_be_asked_for(ingest: Ingest, store: MemoryStore) -> None:
    """PostgreSQL's text cannot hold it: a deletion of the person or a monitor by user would end there."""
    await ingest.write(Facts([span_of(user="a\0b", session="c\0")]))
    sent = a_span(span_id="b7ad6b7169203332", attributes={"user.id": "a\0b", "session.id": "c\0"})
    await ingest.otlp("prj_a", as_json(sent), JSON)
    stored = [span for batch in store.batches for span in batch.spans]
    assert [(span.user, span.session) for span in stored] == [("a\ufffdb", "c\ufffd")] * 2
