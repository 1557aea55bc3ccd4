"""Lists of traces and spans, the trace page, facets: shapes, filters, cursors, sums."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import SpanFilter, TokenUse, TraceFilter, Traces
from assay_server.query.traces import traces as of_traces
from assay_server.store import GATEWAY, DuckStore, Limits

SECOND = 1_000_000_000
START = 1_795_248_000 * SECOND  # 2026-11-21T08:00:00Z


def span(trace: int, number: int, parent: int | None = None, project: str = "prj_a", **fields: Any) -> Span:
    start = fields.pop("start_ns", START + trace * SECOND + number)
    return Span(
        project=project,
        trace_id=f"{trace:032x}",
        span_id=f"{trace * 100 + number:016x}",
        parent_id=None if parent is None else f"{trace * 100 + parent:016x}",
        name=fields.pop("name", "call"),
        kind=fields.pop("kind", "span"),
        start_ns=start,
        end_ns=fields.pop("end_ns", start + SECOND),
        **fields,
    )


def score(trace: int, name: str, value: float | None, number: int = 0, **fields: Any) -> Score:
    return Score(
        "prj_a", f"scr_{trace}_{name}_{number}", name, START, "code", value, trace_id=f"{trace:032x}", **fields
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


@pytest.fixture
def traces(store: DuckStore) -> Traces:
    return Traces(store)


async def test_a_trace_row_has_every_field_of_the_contract(store: DuckStore, traces: Traces) -> None:
    await store.append(
        Facts(
            [
                span(1, 1, name="ask", kind="agent", service="shop", status="ok", input="q" * 400, output="a", user="u",
                     session="s", tags=["t"], environment="prod", feature="search", tenant="acme", cost_center="4711"),
                span(1, 2, 1, kind="llm", status="error", model="m1", tokens=Tokens(10, 5, None, 3, 2), cost=0.5,
                     release="rel_1", channel="production", canary="can_1", arm="candidate", pii=["US_SSN"]),
                span(1, 3, 1, kind="llm", model="m2", tokens=Tokens(7), pii=["EMAIL_ADDRESS", "US_SSN"],
                     end_ns=START + 4 * SECOND),
            ],
            [score(1, "q", 1.0), score(1, "q", 0.0, 1), score(1, "q", None, 2, error="x"),
             score(1, "z", None, error="y")],
        )
    )  # fmt: skip
    page = await traces.find("prj_a")
    assert page.items == [
        {
            "trace_id": f"{1:032x}",
            "root_span_id": f"{101:016x}",
            "name": "ask",
            "kind": "agent",
            "service": "shop",
            "start": "2026-11-21T08:00:01.000000Z",
            "latency_ms": pytest.approx(3000, rel=1e-6),
            "status": "error",
            "spans": 3,
            "errors": 1,
            "models": ["m1", "m2"],
            "user": "u",
            "session": "s",
            "feature": "search",
            "tenant": "acme",
            "cost_center": "4711",
            "release": "rel_1",
            "channel": "production",
            "canary": "can_1",
            "arm": "candidate",
            "run": None,
            "environment": "prod",
            "tags": ["t"],
            "tokens": {"input": 22, "output": 5},
            "cost": {"usd": 0.5, "unknown": 1},
            "input": "q" * 300,
            "output": "a",
            "scores": {"q": {"n": 2, "mean": 0.5}, "z": {"n": 0, "mean": None}},
            "pii": ["EMAIL_ADDRESS", "US_SSN"],
            "said_by": {"input": f"{101:016x}", "output": f"{101:016x}"},
            "let_go": 0,
        }
    ]
    assert (page.total, page.following) == (1, None)


async def test_nobody_sees_another_project(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(1, 1), span(1, 1, project="prj_b", model="m")]))
    assert [row["models"] for row in (await traces.find("prj_a")).items] == [[]]
    assert (await traces.find("prj_a", TraceFilter(model="m"))).total == 0
    assert (await traces.spans("prj_c")).total == 0
    assert await traces.facets("prj_a", "model") == {"items": [], "of": 0}
    with pytest.raises(NotFound):
        await traces.get("prj_c", f"{1:032x}")


async def test_unknown_tokens_and_costs_are_not_zero(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(1, 1, kind="llm", model="m")]))
    (row,) = (await traces.find("prj_a")).items
    assert (row["tokens"], row["cost"]) == ({"input": None, "output": None}, {"usd": None, "unknown": 0})


async def test_each_call_counts_once(store: DuckStore, traces: Traces) -> None:
    """The agent sums up its children, and the client's span stands around the gateway's of the same call."""
    used = {"tokens": Tokens(10, None, None, 1), "cost": 1.0}
    await store.append(
        Facts(
            [
                span(1, 1, kind="agent", **used),
                span(1, 2, 1, kind="llm", **used),
                span(1, 3, 2, kind="llm", **used),
                span(1, 4, 1, kind="embedding", tokens=Tokens(5)),
                span(2, 1, kind="agent", **used),  # a roll-up whose parts nobody sent
            ]
        )
    )
    second, first = (await traces.find("prj_a")).items
    assert (first["tokens"], first["cost"]) == ({"input": 15, "output": 1}, {"usd": 1.0, "unknown": 1})
    assert (second["tokens"], second["cost"]["usd"]) == ({"input": 10, "output": 1}, 1.0)
    assert (await traces.find("prj_a", TraceFilter(min_cost=1.5))).total == 0
    assert (await traces.find("prj_a", TraceFilter(min_cost=1.0))).total == 2


async def test_a_call_over_a_traced_http_library_counts_once_everywhere(store: DuckStore, traces: Traces) -> None:
    used = {"tokens": Tokens(10, None, None, 1), "kind": "llm"}
    client, http = span(1, 1, cost=0.5, service="shop", **used), span(1, 2, 1, name="POST", service="shop")
    gateway = span(1, 3, 2, cost=1.0, service=GATEWAY, **used)
    await store.append(Facts([client, http, gateway]))
    shown = [await traces.get("prj_a", gateway.trace_id), *(await traces.find("prj_a")).items]
    use = await TokenUse(store).trace("prj_a", gateway.trace_id)
    assert [(row["cost"]["usd"], row["tokens"]["input"]) for row in shown] == [(1.0, 10)] * 2
    assert ([call["span_id"] for call in use["calls"]], use["cost"]["usd"]) == ([gateway.span_id], 1.0)


async def test_pages_are_whole_and_stable_while_new_traces_arrive(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(n, 1, start_ns=START) for n in range(1, 8)]))  # all at the same time
    seen, after = [], None
    for _ in range(10):
        page = await traces.find("prj_a", limit=3, after=after)
        seen += [int(row["trace_id"], 16) for row in page.items]
        after = page.following
        if after is None:
            break
        await store.append(Facts([span(100 + len(seen), 1)]))
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_the_root_may_come_last(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(1, 2, 1, name="child")]))
    (before,) = (await traces.find("prj_a")).items
    await store.append(Facts([span(1, 1, name="root", start_ns=START)]))
    (after,) = (await traces.find("prj_a")).items
    assert (before["name"], after["name"], after["spans"]) == ("child", "root", 2)
    assert after["start"] == "2026-11-21T08:00:00.000000Z"


FILTERS = [
    ({"since_ns": START + 2 * SECOND}, {2, 3}),
    ({"until_ns": START + 2 * SECOND}, {1}),
    ({"model": "m1"}, {1}),
    ({"provider": "p2"}, {2}),
    ({"kind": "llm", "name": "chat"}, {1, 2}),
    ({"kind": "tool", "model": "m1"}, set()),  # not one and the same span
    ({"status": "error"}, {2}),
    ({"status": "ok"}, {1}),
    ({"status": "unset"}, {3}),
    ({"user": "u1"}, {1, 3}),
    ({"session": "s2"}, {2}),
    ({"user": "u1", "model": "m1"}, {1}),  # on different spans of one trace
    ({"release": "rel_1"}, {1}),
    ({"channel": "production"}, {1}),
    ({"canary": "can_1", "arm": "candidate"}, {1}),
    ({"run": "run_1"}, {2}),
    ({"environment": "prod"}, {1}),
    ({"prompt": "answer"}, {1, 2}),
    ({"prompt": "answer", "prompt_version": "2"}, {1}),
    ({"prompt": "answer", "prompt_version": "9"}, set()),  # the version of another prompt in that trace
    ({"prompt": "answer", "kind": "tool"}, {1}),  # on different spans of one trace
    ({"error_type": "timeout"}, {2}),
    ({"error_type": "timeout", "model": "m1"}, set()),
    ({"tag": "b"}, {2}),
    ({"text": "WARRANTY"}, {1}),
    ({"text": "100%_\\"}, {2}),
    ({"text": "1000_"}, set()),
    ({"min_latency_ms": 5000}, {2}),
    ({"max_latency_ms": 1500}, {1, 3}),
    ({"min_latency_ms": 1, "max_latency_ms": 1500}, {1, 3}),
    ({"min_cost": 0.2}, {1}),
    ({"scores": ("q:ge:0.5",)}, {1}),
    ({"scores": ("q:lt:0.5",)}, {2}),
    ({"scores": ("a:b:eq:1",)}, {2}),
    ({"scores": ("q:lt:0.5", "a:b:gt:0")}, {2}),
    ({"scores": ("q:ne:7",)}, {1, 2}),
    ({"scores": ("q:exists:",)}, {1, 2}),  # where it failed nobody has judged
    ({"scores": ("comment:exists:",)}, {1, 3}),
    ({"scores": ("comment:contains:too SLOW: twice",)}, {3}),
    ({"scores": ("tone:eq:friendly",)}, {1, 2}),
    ({"scores": ("tone:ne:friendly",)}, {2, 3}),  # one has another
    ({"scores": ("tone:contains:friend", "q:lt:0.4")}, {2}),
]


@pytest.mark.parametrize(("narrow", "expected"), FILTERS, ids=lambda value: str(value)[:60])
async def test_filters_find_what_they_say(
    store: DuckStore, traces: Traces, narrow: dict[str, Any], expected: set[int]
) -> None:
    await store.append(
        Facts(
            [
                span(1, 1, status="ok", user="u1", environment="prod", input="about the Warranty"),
                span(1, 2, 1, name="chat", kind="llm", model="m1", provider="p1", status="ok", cost=0.25,
                     release="rel_1", channel="production", canary="can_1", arm="candidate",
                     prompt="answer", prompt_version="2"),
                span(1, 3, 1, kind="tool", prompt="search", prompt_version="9"),
                span(2, 1, session="s2", tags=["a", "b"], run="run_1", output="100%_\\ sure",
                     end_ns=START + 9 * SECOND),
                span(2, 2, 1, name="chat", kind="llm", model="m2", provider="p2", status="error", cost=0.1,
                     status_message="timeout", prompt="answer", prompt_version="1"),
                span(3, 1, user="u1"),
            ],
            [score(1, "q", 0.5), score(2, "q", 0.25), score(2, "q", 0.5, 1), score(2, "a:b", 1.0),
             score(3, "q", None, error="e"),
             score(1, "comment", None, 7, reason="Good."), score(3, "comment", None, 8, reason="Much too slow: twice!"),
             score(1, "tone", None, 9, label="friendly"), score(2, "tone", None, 10, label="friendly"),
             score(2, "tone", None, 11, label="rude"), score(3, "tone", 0.5, 12, label="rude")],
        )
    )  # fmt: skip
    page = await traces.find("prj_a", TraceFilter(**narrow))
    assert {int(row["trace_id"], 16) for row in page.items} == expected
    assert page.total == len(expected)


@pytest.mark.parametrize("heads", ["as they came", "as of an older store"])
async def test_a_list_shows_the_beginning_of_the_roots_texts(store: DuckStore, traces: Traces, heads: str) -> None:
    await store.append(
        Facts(
            [
                Span("prj_a", "1" * 32, "1" * 16, None, "root", "agent", 1, 2, input="q" * 400, output="é" * 400),
                Span("prj_a", "1" * 32, "2" * 16, "1" * 16, "call", "llm", 1, 2, input="other", output="other"),
                Span("prj_a", "2" * 32, "3" * 16, None, "root", "agent", 3, 4),
                Span("prj_a", "3" * 32, "4" * 16, "f" * 16, "call", "llm", 5, 6, input="of no root"),
            ]
        )
    )
    if heads != "as they came":
        store._connection.execute("UPDATE spans SET input_head = NULL, output_head = NULL")
    found = await traces.find("prj_a")
    told = await traces.get("prj_a", "1" * 32, outline=True)
    shown = [(row["input"], row["output"]) for row in found.items]
    assert shown == [("of no root", None), (None, None), ("q" * 300, "é" * 300)]
    assert (told["input"], told["output"]) == shown[2]


@pytest.mark.parametrize(
    "narrow",
    [
        {"status": "bad"},
        *({"scores": (said,)} for said in ("q", "q:is:1", "q:lt:x", "q:contains:", "q:eq:", "q:exists:1")),
    ],
)
async def test_a_filter_that_cannot_be_read_is_refused(traces: Traces, narrow: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await traces.find("prj_a", TraceFilter(**narrow))
    assert refusal.value.field in {"status", "score"}
    assert refusal.value.fix


async def test_a_cursor_of_another_list_is_refused(traces: Traces) -> None:
    for after in (["not a time", "x"], [1], [1, 2]):
        with pytest.raises(InvalidInput) as refusal:
            await traces.find("prj_a", after=after)
        assert refusal.value.field == "cursor"


async def test_the_trace_page_has_its_spans_in_order_and_its_scores(store: DuckStore, traces: Traces) -> None:
    messages = '[{"role": "user", "content": "Hi"}]'
    await store.append(
        Facts(
            [
                span(
                    1, 2, 1, kind="llm", input=messages, output="plain", tokens=Tokens(1, 2, None, 4), ttft_ms=5.0,
                    attributes={"input.value": messages, "own": {"deep": [1]}}, resource={"service.name": "s"},
                    events=[{"name": "e", "time_ns": START, "attributes": {"k": 1}}],
                ),
                span(1, 1, kind="retriever", attributes={"retrieval.documents": [{"id": "d", "content": "c"}]}),
            ],
            [score(1, "q", 1.0, reason="good", metadata={"a": 1})],
        )
    )  # fmt: skip
    found = await traces.get("prj_a", f"{1:032x}")
    retriever, call = found["spans"]
    assert retriever["documents"] == [{"id": "d", "content": "c"}]
    assert call["input"] == [{"role": "user", "content": "Hi"}]
    assert call["output"] == "plain"
    assert call["attributes"] == {"input.value": messages, "own": {"deep": [1]}}
    assert call["tokens"] == {
        "fresh_input": 1, "cache_read": 2, "cache_write": None, "output": 4, "reasoning": None, "input_total": 3,
        "output_total": 4,
    }  # fmt: skip
    assert call["events"] == [{"name": "e", "time": "2026-11-21T08:00:00.000000Z", "attributes": {"k": 1}}]
    assert (call["start_ns"], call["latency_ms"], call["ttft_ms"]) == (str(START + SECOND + 2), 1000.0, 5.0)
    assert (call["resource"], call["links"], call["documents"], call["cost"]) == ({"service.name": "s"}, [], [], None)
    assert retriever["tokens"] is None
    assert [(s["name"], s["value"], s["reason"], s["metadata"]) for s in found["scores"]] == [
        ("q", 1.0, "good", {"a": 1})
    ]
    assert "project" not in call


async def test_a_trace_with_very_many_scores_shows_the_newest(store: DuckStore, traces: Traces) -> None:
    """Whoever holds the public key of scores made a trace unreadable: more than 20,000 rows were refused."""
    given = [replace(score(1, "thumbs", 1.0), id=f"s{k:05}", time_ns=START + k) for k in range(20_010)]
    await store.append(Facts([span(1, 1)], given))
    found = await traces.get("prj_a", f"{1:032x}")
    assert (len(found["scores"]), found["scores_left_out"]) == (5_000, 15_010)
    assert found["scores"][-1]["id"] == "s20009"


async def test_a_trace_too_long_for_one_answer_says_how_to_have_it(
    store: DuckStore, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_traces, "_WHOLE", 3)
    monkeypatch.setattr(of_traces, "_LARGEST_TRACE", Limits(rows=5))
    await store.append(Facts([span(1, n) for n in range(1, 4)]))
    assert len((await traces.get("prj_a", f"{1:032x}"))["spans"]) == 3
    await store.append(Facts([span(1, 4)]))
    with pytest.raises(TooLarge, match="4 spans") as refusal:
        await traces.get("prj_a", f"{1:032x}")
    assert refusal.value.fix == (
        f"ask with outline=true, or take its spans as a file: GET /api/v1/export/spans?trace_id={1:032x}"
    )
    assert len((await traces.get("prj_a", f"{1:032x}", outline=True))["spans"]) == 4
    await store.append(Facts([span(1, 5), span(1, 6)]))
    with pytest.raises(TooLarge, match="6 spans") as refusal:
        await traces.get("prj_a", f"{1:032x}", outline=True)
    assert str(refusal.value.fix).startswith("take its spans")
    await store.append(Facts([replace(span(2, n), project="prj_b") for n in range(1, 9)]))
    await store.append(Facts([span(2, 1)]))
    assert len((await traces.get("prj_a", f"{2:032x}"))["spans"]) == 1


async def test_scores_of_end_users_push_no_others_out_of_a_trace(store: DuckStore, traces: Traces) -> None:
    given = [
        replace(score(1, "thumbs", 1.0), id=f"s{k:05}", time_ns=START + k, source="end_user") for k in range(5_010)
    ]
    given[0] = replace(given[0], name="tool_loop", source="code")
    given[1] = replace(given[1], name="correct", source="human")
    await store.append(Facts([span(1, 1)], given))
    found = await traces.get("prj_a", f"{1:032x}")
    assert (len(found["scores"]), found["scores_left_out"]) == (5_000, 10)
    assert [each["name"] for each in found["scores"][:3]] == ["tool_loop", "correct", "thumbs"]


async def test_spans_are_filtered_and_paged_newest_first(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(1, n, kind="tool" if n % 2 else "llm", user="u") for n in range(1, 8)]))
    first = await traces.spans("prj_a", SpanFilter(kind="tool", user="u"), limit=3)
    second = await traces.spans("prj_a", SpanFilter(kind="tool", user="u"), limit=3, after=first.following)
    numbers = [int(item["span_id"], 16) % 100 for item in [*first.items, *second.items]]
    assert numbers == [7, 5, 3, 1]
    assert (first.total, second.total, second.following) == (4, 4, None)
    assert (await traces.spans("prj_a", SpanFilter(trace_id=f"{2:032x}"))).items == []


async def test_facets_count_spans_most_frequent_first(store: DuckStore, traces: Traces) -> None:
    await store.append(Facts([span(1, n, model=model, user="u") for n, model in enumerate(["b", "a", "b", None], 1)]))
    models = await traces.facets("prj_a", "model")
    assert models == {"items": [{"value": "b", "n": 2}, {"value": "a", "n": 1}], "of": 4}
    assert (await traces.facets("prj_a", "user"))["items"] == [{"value": "u", "n": 4}]
    with pytest.raises(InvalidInput) as refusal:
        await traces.facets("prj_a", "input")
    assert refusal.value.field == "field"


async def test_tags_scores_and_keys_of_attributes_have_facets(store: DuckStore, traces: Traces) -> None:
    told = [span(1, 1, tags=["a", "b"], attributes={"http.route": "/x", "n": 1}), span(2, 1, tags=["a"])]
    await store.append(Facts([*told, span(3, 1, project="prj_b", tags=["c"])], [score(1, "q", 1.0)]))
    found = {field: await traces.facets("prj_a", field) for field in ("tag", "score", "attribute")}
    assert found["tag"] == {"items": [{"value": "a", "n": 2}, {"value": "b", "n": 1}], "of": 2}
    assert found["score"] == {"items": [{"value": "q", "n": 1}], "of": 1}
    assert found["attribute"]["items"] == [{"value": "http.route", "n": 1}, {"value": "n", "n": 1}]


async def test_an_outline_leaves_out_texts_and_one_span_is_read_whole(store: DuckStore, traces: Traces) -> None:
    await store.append(
        Facts([span(1, 1, input="asked", output="told", attributes={"k": "v"}, tags=["t"]), span(1, 2, 1)])
    )
    found = await traces.get("prj_a", f"{1:032x}", outline=True)
    assert [one["span_id"] for one in found["spans"]] == [f"{101:016x}", f"{102:016x}"]
    first = found["spans"][0]
    assert (first["tags"], first["latency_ms"], first["tokens"]) == (["t"], 1000.0, None)
    assert not {"input", "output", "attributes", "resource", "events", "links", "documents"} & set(first)
    assert ("logs" in found, found["input"], found["scores"]) == (False, "asked", [])
    whole = await traces.span("prj_a", f"{1:032x}", f"{101:016x}")
    assert (whole["input"], whole["output"], whole["attributes"]) == ("asked", "told", {"k": "v"})


@pytest.mark.parametrize(
    ("project", "trace", "number"),
    [("prj_b", 1, 101), ("prj_a", 2, 101), ("prj_a", 1, 103)],
    ids=["project", "trace", "span"],
)
async def test_a_span_of_another_trace_or_project_is_not_found(
    store: DuckStore, traces: Traces, project: str, trace: int, number: int
) -> None:
    await store.append(Facts([span(1, 1), span(2, 3)]))
    with pytest.raises(NotFound) as missing:
        await traces.span(project, f"{trace:032x}", f"{number:016x}")
    assert missing.value.field == "span_id"
