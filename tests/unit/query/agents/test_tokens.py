"""Token bleed of one trace, and the steps over all traces of a kind."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import NotFound
from assay_server.core.records import Facts, Span, Thin, Tokens
from assay_server.query import Graphs, TokenUse
from assay_server.query.agents import tokens as cost_tokens
from assay_server.store import DuckStore

START = 1_795_219_200_000_000_000
MS = 1_000_000
DOCUMENT = "d" * 400
SYSTEM = {"role": "system", "content": "s" * 200}
QUESTION = {"role": "user", "content": "u" * 200}
FOUND = {"role": "tool", "content": DOCUMENT}


def span(number: int, kind: str, name: str, begin: int, end: int, **fields: Any) -> Span:
    trace, parent = fields.pop("trace", "t1"), fields.pop("parent", "s0")
    made = Span("prj_a", trace, f"s{number}", parent, name, kind, START + begin * MS, START + end * MS)  # type: ignore[arg-type]
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def asked(number: int, begin: int, messages: list[Any], tokens: int, **fields: Any) -> Span:
    given = {"input": json.dumps(messages), "tokens": Tokens(tokens, None, None, 10), "model": "m", **fields}
    return span(number, "llm", "think", begin, begin + 30, **given)


@pytest.fixture
async def use(tmp_path: Path) -> AsyncIterator[TokenUse]:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(
        Facts(
            [
                span(0, "agent", "answer", 0, 100, parent=None, cost=9.0, tokens=Tokens(1200, None, None, 20)),
                asked(1, 0, [SYSTEM, QUESTION], 400, cost=0.41),
                span(2, "tool", "search", 30, 60, output=DOCUMENT),
                span(3, "tool", "search", 35, 65, output="[]", status="error"),
                asked(4, 70, [SYSTEM, QUESTION, FOUND], 800, cost=0.81),
            ]
        )
    )
    yield TokenUse(store)
    await store.close()


async def test_each_call_tells_what_it_added_and_what_it_sent_again(use: TokenUse) -> None:
    found = await use.trace("prj_a", "t1")
    first, second = found["calls"]
    assert (first["added_tokens"], first["resent_tokens"]) == (400, 0)
    assert (second["input_tokens"], second["added_tokens"], second["resent_tokens"]) == (800, 400, 400)
    assert [(one["role"], one["tokens"], one["from"]) for one in second["added"]] == [
        ("tool", 400, {"kind": "tool", "name": "search", "span_id": "s2"})
    ]
    assert (found["resent_tokens"], found["resent_share"]) == (400, pytest.approx(1 / 3))
    assert found["empty_tool_results"] == 1


async def test_what_is_sent_again_and_again_is_named(use: TokenUse) -> None:
    found = await use.trace("prj_a", "t1")
    told = {(one["role"], one["times"], one["tokens_each"], one["tokens_wasted"]) for one in found["repeated"]}
    assert told == {("system", 2, 200, 200), ("user", 2, 200, 200)}
    assert found["repeated"][0]["usd"] == pytest.approx(0.81 * 200 / 810)


async def test_sections_and_nodes_add_up_to_the_calls(use: TokenUse) -> None:
    found = await use.trace("prj_a", "t1")
    assert {one["section"]: (one["messages"], one["tokens"]) for one in found["sections"]} == {
        "system": (2, 400), "user": (1, 200), "history": (1, 200), "tool results": (1, 400),
    }  # fmt: skip
    assert [(node["kind"], node["name"], node["calls"], node["cost"]["usd"]) for node in found["nodes"]] == [
        ("llm", "think", 2, pytest.approx(1.22))
    ]
    assert (found["tokens"]["input_total"], found["cost"]["usd"]) == (1200, pytest.approx(1.22))


async def test_sections_tell_documents_tools_and_history_apart(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "sections")
    found = [{"content": "f" * 60}, {"content": "f" * 60}, {"content": "short"}]
    tools = '[{"function": "search"}]' + " " * 76
    asked_before = [{"role": "user", "content": "u" * 50}, {"role": "assistant", "content": "a" * 50}]
    question = {"role": "user", "content": "Context: " + "f" * 60 + "?" * 31}
    call = asked(2, 20, [SYSTEM, *asked_before, question], 500, trace="t3", parent="s1")
    call.attributes = {"gen_ai.tool.definitions": tools}
    retriever = span(1, "retriever", "find", 0, 10, trace="t3", parent=None, attributes={"retrieval.documents": found})
    await store.append(Facts([retriever, call]))
    use = await TokenUse(store).trace("prj_a", "t3")
    await store.close()
    assert {one["section"]: (one["messages"], one["tokens"]) for one in use["sections"]} == {
        "system": (1, 200), "tool definitions": (1, 100), "history": (2, 100), "documents": (1, 60), "user": (1, 40),
    }  # fmt: skip
    assert sum(one["share"] for one in use["sections"]) == pytest.approx(1)


@pytest.mark.parametrize(
    "result",
    [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": DOCUMENT}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": DOCUMENT}]},
        {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": DOCUMENT}]}]},
    ],
    ids=["opentelemetry", "anthropic", "anthropic in parts"],
)
async def test_what_a_tool_answered_is_known_in_every_convention(tmp_path: Path, result: dict[str, Any]) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    if result["role"] == "user":  # the user says more in the same message
        result = {**result, "content": [*result["content"], {"type": "text", "text": "u" * 200}]}
    found = span(2, "tool", "search", 30, 60, output=DOCUMENT)
    await store.append(
        Facts([span(0, "agent", "answer", 0, 100, parent=None), found, asked(4, 70, [SYSTEM, result], 800)])
    )
    told = await TokenUse(store).trace("prj_a", "t1")
    [call] = told["calls"]
    added = next(one for one in call["added"] if one["role"] == "tool")
    assert added["from"] == {"kind": "tool", "name": "search", "span_id": "s2"}
    sections = {one["section"]: one["tokens"] for one in told["sections"]}
    assert sections["tool results"] == added["tokens"] == (400 if result["role"] == "user" else 533)
    assert sections.get("user", 0) == (200 if result["role"] == "user" else 0)
    await store.close()


async def test_each_output_is_read_once_however_many_calls_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(cost_tokens, "body_json", lambda text: read.append(text) or text)
    store = await DuckStore.open(tmp_path / "facts")
    calls = [asked(2 * n, n, [{"role": "user", "content": f"question {n}, answer {n - 1}"}], 10) for n in range(1, 500)]
    tools = [span(2 * n + 1, "tool", "search", n, n + 1, output=f"answer {n}") for n in range(500)]
    await store.append(Facts([span(0, "agent", "answer", 0, 900, parent=None), *calls, *tools]))
    told = (await TokenUse(store).trace("prj_a", "t1"))["calls"]
    assert len(read) < 2 * (len(calls) + len(tools))
    assert [call["added"][0]["from"]["span_id"] for call in told[50:55]] == [f"s{2 * n + 1}" for n in range(50, 55)]
    await store.close()


async def test_a_picture_is_not_counted_by_its_letters(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "pictures")
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    words = {"role": "user", "content": [{"type": "text", "text": "w" * 188}, shown]}  # 200 with "[image_url]"
    await store.append(Facts([asked(1, 0, [SYSTEM, words], 400, trace="t4", parent=None)]))
    use = await TokenUse(store).trace("prj_a", "t4")
    await store.close()
    assert {one["section"]: one["tokens"] for one in use["sections"]} == {"system": 200, "user": 200}
    assert use["calls"][0]["added"][1]["preview"].endswith("[image_url]")


async def test_the_sentence_names_what_is_dearest(use: TokenUse) -> None:
    assert (await use.trace("prj_a", "t1"))["sentence"] == (
        "33 % of the input of 2 model calls had been sent before."
        " Most of that: a system text, 2 times, 200 tokens, $0.20 at most. 1 of 2 tool results were empty."
    )


async def test_large_numbers_in_the_sentence_have_their_commas(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "many")
    calls = [asked(n, n, [SYSTEM], 100, trace="t5", parent=None) for n in range(1200)]
    await store.append(Facts([*calls, span(1200, "tool", "search", 0, 1, trace="t5", parent=None, output="[]")]))
    told = (await TokenUse(store).trace("prj_a", "t5"))["sentence"]
    await store.close()
    assert "of the input of 1,200 model calls" in told
    assert "a system text, 1,200 times" in told


async def test_an_unknown_trace_and_another_projects_are_not_found(use: TokenUse) -> None:
    for project, trace in [("prj_a", "t9"), ("prj_b", "t1")]:
        with pytest.raises(NotFound):
            await use.trace(project, trace)


async def test_calls_nobody_counted_are_unknown(use: TokenUse, tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "others")
    uncounted = asked(1, 0, [QUESTION], 0, trace="t2", parent=None)
    uncounted.tokens = None
    await store.append(Facts([uncounted]))
    found = await TokenUse(store).trace("prj_a", "t2")
    await store.close()
    assert (found["calls"][0]["input_tokens"], found["calls"][0]["added_tokens"]) == (None, None)
    assert (found["calls"][0]["added"][0]["tokens"], found["resent_share"]) == (None, None)


async def test_steps_know_their_own_time_and_the_bottleneck(use: TokenUse) -> None:
    found = await use.steps("prj_a", "answer", START, START + 1000 * MS)
    steps = {step["name"]: step for step in found["items"]}
    assert (found["traces"], found["latency_ms"]["p50"]) == (1, 100.0)
    assert steps["answer"]["own_ms"]["p50"] == 5.0  # 100 less 0–30, 30–65 (overlapping tools once) and 70–100
    assert (steps["search"]["calls"], steps["search"]["errors"], steps["search"]["empty_results"]) == (2, 1, 1)
    assert (steps["think"]["tokens"]["input_total"], steps["think"]["tokens_per_call"]["p50"]) == (1200, 610)
    assert [step["name"] for step in found["items"] if step["bottleneck"]] == [found["items"][0]["name"]]
    assert sum(step["time_share"] for step in found["items"]) == pytest.approx(1)
    slowest = steps["search"]["slowest"]
    assert {(one["trace_id"], one["span_id"], one["latency_ms"]) for one in slowest} == {
        ("t1", "s2", 30.0), ("t1", "s3", 30.0),
    }  # fmt: skip
    assert found["names"] == [{"name": "answer", "traces": 1}]
    assert found["sentence"] == (
        "think takes 48 % of the time of one trace: 30 ms a call by itself at p50, 30 ms at p95."
        " search fails most: 1 of 2 calls. search found nothing in 1 of 2 calls."
    )


async def test_what_an_agent_repeats_is_no_step_of_its_own(use: TokenUse) -> None:
    """The bill and the graph of the trace do not count it either."""
    steps = {step["name"]: step for step in (await use.steps("prj_a", None, START, START + 1000 * MS))["items"]}
    assert steps["answer"]["cost"] == {"usd": None, "unknown": 0}
    assert (steps["answer"]["tokens"]["input_total"], steps["answer"]["tokens_per_call"]["p50"]) == (None, None)
    assert steps["think"]["cost"] == {"usd": pytest.approx(1.22), "unknown": 0}


async def test_a_step_s_share_is_of_all_steps_however_many_are_shown(use: TokenUse) -> None:
    whole = await use.steps("prj_a", None, START, START + 1000 * MS)
    first = await use.steps("prj_a", None, START, START + 1000 * MS, limit=1)
    assert [step["time_share"] for step in first["items"]] == [whole["items"][0]["time_share"]]
    assert (first["total"], whole["total"]) == (3, 3)


async def test_a_call_seen_by_the_client_and_by_the_gateway_is_sent_once(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    client = asked(1, 0, [SYSTEM, QUESTION], 400, parent=None, cost=0.41)
    await store.append(Facts([client, asked(2, 1, [SYSTEM, QUESTION], 400, parent="s1", cost=0.41)]))
    found = await TokenUse(store).trace("prj_a", "t1")
    await store.close()
    assert [call["span_id"] for call in found["calls"]] == ["s2"]
    assert (found["llm_calls"], found["resent_tokens"], found["repeated"]) == (1, 0, [])
    assert found["tokens"]["input_total"] == sum(call["input_tokens"] for call in found["calls"])


async def test_results_that_are_not_kept_are_not_known_to_be_something(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    thin = Thin("sampled_out", {})
    await store.append(Facts([
        span(1, "tool", "search", 0, 30, parent=None, output="[]", thin=thin),
        span(2, "tool", "fetch", 30, 60, parent=None, output="[]", thin=thin, trace="t2"),
        span(3, "tool", "fetch", 30, 60, parent=None, output="found", trace="t3"),
    ]))  # fmt: skip
    items = (await TokenUse(store).steps("prj_a", None, START, START + 1000 * MS))["items"]
    await store.close()
    assert {item["name"]: item["empty_results"] for item in items} == {"search": None, "fetch": 0}


async def test_steps_of_other_kinds_times_and_projects_are_left_out(use: TokenUse) -> None:
    later = START + 500 * MS
    assert (await use.steps("prj_a", "other", START, later))["items"] == []
    assert (await use.steps("prj_a", "answer", later, later + 1))["traces"] == 0
    assert (await use.steps("prj_b", None, START, later))["items"] == []
    assert len((await use.steps("prj_a", None, START, later))["items"]) == 3


async def test_traces_whose_caller_sent_no_span_have_steps_too(use: TokenUse) -> None:
    """They stand in the list of traces, by the name of their first span; of two roots the first names the trace."""
    spans = [
        span(1, "chain", "serve", 0, 50, trace="t2", parent="elsewhere"),
        span(2, "tool", "search", 10, 20, trace="t2", parent="s1"),
        span(1, "agent", "first", 0, 50, trace="t3", parent=None),
        span(2, "agent", "answer", 60, 70, trace="t3", parent=None),
    ]
    await use._store.append(Facts(spans))
    window = ("prj_a", START, START + 1000 * MS)
    every = await use.steps(window[0], None, *window[1:])
    assert every["traces"] == 3
    assert every["names"] == [{"name": name, "traces": 1} for name in ("answer", "first", "serve")]
    served = await use.steps(window[0], "serve", *window[1:])
    assert (served["traces"], [step["name"] for step in served["items"]]) == (1, ["serve", "search"])
    assert (await use.steps(window[0], "answer", *window[1:]))["traces"] == 1
    graph = await Graphs(use._store).kind(window[0], "serve", *window[1:], 50)
    assert (graph["traces"], graph["matching"], graph["spans"]) == (1, 1, 2)


async def test_of_very_many_spans_one_trace_in_some_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    spans = [
        Span(
            "prj_a", f"{n:032x}", f"{n:016x}", None, "answer" if n % 4 else "other", "agent", START + n, START + n + MS
        )
        for n in range(2_000)
    ]
    await store.append(Facts(spans))
    use, until = TokenUse(store), START + 10_000
    whole = await use.steps("prj_a", "answer", START, until)
    monkeypatch.setattr(cost_tokens, "_MOST_SPANS", 500)
    some = await use.steps("prj_a", "answer", START, until)
    every = await use.steps("prj_a", None, START, until)
    few = await use.steps("prj_a", "nobody", START, until)
    await store.close()
    assert (whole["traces"], whole["one_in"]) == (1_500, 1)
    assert (some["one_in"], every["one_in"], few["one_in"]) == (3, 4, 1)
    assert some["traces"] == some["items"][0]["calls"] == pytest.approx(500, rel=0.2)
    assert every["traces"] == pytest.approx(500, rel=0.2)
    assert "one trace in 3 is looked at" in some["sentence"]
    assert "one trace in" not in whole["sentence"]


async def test_counts_from_before_there_was_a_limit_spoil_no_steps(use: TokenUse, tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "others")
    absurd = Tokens(2**62, 2**62, None, 2**62, 2**62)
    calls = [span(n, "llm", "think", n, n + 1, tokens=absurd, trace=f"t{n}", parent=None) for n in range(4)]
    await store.append(Facts(calls))
    found = await TokenUse(store).steps("prj_a", None, START, START + 1000 * MS)
    await store.close()
    assert [step["calls"] for step in found["items"]] == [4]
