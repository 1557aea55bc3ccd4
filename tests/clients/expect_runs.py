"""Opik's and LangSmith's clients, and what must be found of each."""

from typing import Any

import httpx

from tests.clients.bench import Trace, find_trace, texts
from tests.clients.expect_otlp import TOKENS, check_scrubbed, with_openai
from tests.clients.planted import EMAIL
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting, alone

OPENINFERENCE = ("openinference-instrumentation-langchain==0.1.80", "arize-phoenix-otel==0.17.2")


def opik(setting: Setting) -> dict[str, str]:
    return {
        "OPIK_URL_OVERRIDE": f"{setting.url}/api",
        "OPIK_API_KEY": setting.key,
        "OPIK_WORKSPACE": "default",
    }


def langsmith(setting: Setting) -> dict[str, str]:
    return {
        "LANGSMITH_ENDPOINT": setting.url,
        "LANGSMITH_API_KEY": setting.key,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_PROJECT": "support",
    }


def langsmith_otel(setting: Setting) -> dict[str, str]:
    """Over OTLP alone; `hybrid` would send everything twice."""
    return langsmith(setting) | {"LANGSMITH_TRACING_MODE": "otel"}


def langgraph_otel(setting: Setting) -> dict[str, str]:
    return langsmith_otel(setting) | with_openai(setting)


def langgraph(setting: Setting) -> dict[str, str]:
    return langsmith(setting) | with_openai(setting)


def check_opik(api: httpx.Client, session: str) -> None:
    """Opik's trace stands above the outermost span."""
    trace = find_trace(api, session=session)
    leaves = [("look_up", "tool", []), ("chat", "llm", [])]
    assert trace.tree() == [("answer", "span", [("answer", "span", leaves)])]
    assert trace.body["service"] == "support"
    solved = api.get("/api/v1/scores", params={"name": "solved"}).json()["items"]
    assert [one["value"] for one in solved if one["session"] == session] == [1.0]
    [correct] = [score for score in trace.body["scores"] if score["name"] == "correct"]
    assert (correct["value"], correct["span_id"]) == (1.0, trace.span("chat")["span_id"])
    _check(trace, session)
    _check_helpful(trace)


def check_langsmith(api: httpx.Client, session: str) -> None:
    _check_helpful(_check_langsmith(api, session))


def _check_langsmith(api: httpx.Client, session: str) -> Trace:
    trace = find_trace(api, session=session)
    leaves: list[Any] = [("look_up", "tool", []), ("search", "retriever", []), ("chat", "llm", [])]
    assert trace.tree() == [("answer", "chain", leaves)]
    assert (trace.body["user"], trace.body["service"]) == ("ada", "support")
    tool = trace.span("look_up")["attributes"]
    assert (tool["langsmith.metadata.langgraph_node"], tool["langsmith.metadata.langgraph_step"]) == ("tools", 2)
    assert trace.span("search")["documents"] == [{"content": "14 days", "metadata": {"shelf": 3}}]
    _check(trace, session)
    return trace


def check_langsmith_otel(api: httpx.Client, session: str) -> None:
    """Over OTLP its traces have ids of their own, which its feedback does not know: that stands alone."""
    _check_langsmith(api, session)
    given = api.get("/api/v1/scores", params={"name": "helpful"}).json()["items"]
    assert 0.75 in [one["value"] for one in given]
    assert EMAIL not in str(given)


def check_langgraph(api: httpx.Client, session: str) -> None:
    """The nodes of the graph are those of the application, and a file comes along."""
    trace = _check_langgraph(api, session)
    [note] = api.get(f"/api/v1/traces/{trace.body['trace_id']}/media").json()["items"]
    assert (note["field"], note["content_type"], note["span_id"]) == ("note", "text/plain", trace.body["root_span_id"])
    assert api.get(note["url"]).text == "as [EMAIL_ADDRESS] said"


def check_langgraph_otel(api: httpx.Client, session: str) -> None:
    """The same graph; over OTLP no file comes along."""
    _check_langgraph(api, session)


def _check_langgraph(api: httpx.Client, session: str) -> Trace:
    trace = find_trace(api, session=session, name="answer")
    nodes = {span["name"]: span["attributes"].get("langsmith.metadata.langgraph_node") for span in trace.spans}
    assert (nodes["agent"], nodes["tools"], nodes["look_up"]) == ("agent", "tools", "tools")
    asked, answered = sorted(trace.of_kind("llm"), key=lambda span: span["start_ns"])
    assert "look_up" in texts(asked["output"])
    assert (answered["model"], answered["provider"], answered["tokens"]) == (DATED, "openai", TOKENS)
    assert answered["output"] == [{"role": "assistant", "content": ANSWER}]
    assert [message["role"] for message in answered["input"]] == ["user", "assistant", "tool"]
    assert trace.body["tokens"] == {"input": 240, "output": 60}
    assert trace.body["cost"]["usd"] == asked["cost"] + answered["cost"]
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    graph = api.get(f"/api/v1/traces/{trace.body['trace_id']}/graph").json()
    calls = {node["name"]: node["calls"] for node in graph["nodes"]}
    assert (calls["agent"], calls["tools"]) == (2, 1)
    check_scrubbed(trace)
    return trace


def check_langgraph_parallel(api: httpx.Client, session: str) -> None:
    """Branches that ran beside each other are beside each other, and each try of one is a span of its own."""
    trace = find_trace(api, session=session)
    assert (trace.body["name"], trace.body["user"], trace.body["service"]) == ("desk", "ada", "support")
    [desk] = [span for span in trace.spans if span["parent_id"] is None]
    nodes = [span for span in trace.spans if span["parent_id"] == desk["span_id"]]
    assert sorted(span["name"] for span in nodes) == ["handbook", "orders", "orders", "summary", "write"]
    failed, tried = sorted(
        (span for span in nodes if span["name"] == "orders"), key=lambda span: span["status"] != "error"
    )
    assert failed["status_message"].startswith("ConnectionError('the orders of [EMAIL_ADDRESS] cannot be reached')")
    assert (trace.body["errors"], tried["status_message"], tried["output"]) == (1, None, '{"notes":["no order"]}')
    [document] = trace.span("Handbook")["documents"]
    assert (document["content"], document["metadata"]) == ("14 days", {"shelf": 3})
    calls = trace.of_kind("llm")
    assert [(call["model"], call["tokens"]) for call in calls] == [(DATED, TOKENS)] * 2
    assert [call["output"] for call in calls] == [[{"role": "assistant", "content": ANSWER}]] * 2
    assert None not in [call["ttft_ms"] for call in calls]
    assert trace.body["cost"]["usd"] == sum(call["cost"] for call in calls)
    check_scrubbed(trace)


def check_langgraph_openinference(api: httpx.Client, session: str) -> None:
    """The same application through OpenInference: the spans of the nodes are the nodes of the graph."""
    trace = find_trace(api, session=session)
    agent = ("agent", "agent", [("ChatOpenAI", "llm", []), ("tools_condition", "chain", [])])
    assert trace.tree() == [("answer", "chain", [agent, ("tools", "chain", [("look_up", "tool", [])]), agent])]
    asked, answered = sorted(trace.of_kind("llm"), key=lambda span: span["start_ns"])
    assert "look_up" in texts(asked["output"])
    assert (answered["model"], answered["tokens"]) == (DATED, TOKENS)
    assert ANSWER in texts(answered["output"])
    assert "How long do refunds take?" in texts(answered["input"])
    assert "refunds" in texts(trace.span("look_up")["input"])
    assert trace.body["tokens"] == {"input": 240, "output": 60}
    assert trace.body["cost"]["usd"] == asked["cost"] + answered["cost"]
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    assert trace.body["tags"] == ["bench"]
    graph = api.get(f"/api/v1/traces/{trace.body['trace_id']}/graph").json()
    named = {node["id"]: node["name"] for node in graph["nodes"]}
    assert {node["name"]: node["calls"] for node in graph["nodes"]} == {"answer": 1, "agent": 2, "tools": 1}
    assert {(named[edge["from"]], named[edge["to"]], edge["count"]) for edge in graph["edges"]} == {
        ("answer", "agent", 1),
        ("agent", "tools", 1),
        ("tools", "agent", 1),
    }
    check_scrubbed(trace)


def langgraph_phoenix(setting: Setting) -> dict[str, str]:
    return with_openai(setting) | {"PHOENIX_COLLECTOR_ENDPOINT": setting.url, "PHOENIX_API_KEY": setting.key}


def _check(trace: Trace, session: str) -> None:
    call = trace.span("chat")
    assert (call["model"], call["provider"], call["tokens"]) == (DATED, "openai", TOKENS)
    assert call["cost"] > 0
    assert "How long do refunds take?" in texts(call["input"])
    assert ANSWER in texts(call["output"])
    assert "14 days" in texts(trace.span("look_up")["output"])
    assert trace.body["session"] == session
    assert all(span["tags"] == ["bench"] for span in trace.spans)
    check_scrubbed(trace)


def _check_helpful(trace: Trace) -> None:
    [score] = [score for score in trace.body["scores"] if score["name"] == "helpful"]
    assert (score["value"], score["span_id"]) == (0.75, None)
    assert "said" in score["reason"]


CLIENTS = [
    Client(
        "langgraph",
        "langgraph",
        langgraph,
        check_langgraph,
        version=lambda: "1.2.24",
        command=(
            *alone("langgraph", "1.2.24", "langchain-openai==1.7.4", "langsmith==0.15.1"),
            "langgraph_app.py",
        ),
    ),
    Client(
        "langgraph_parallel",
        "langgraph",
        langgraph,
        check_langgraph_parallel,
        version=lambda: "1.2.24",
        command=(
            *alone("langgraph", "1.2.24", "langchain-openai==1.7.4", "langsmith==0.15.1"),
            "langgraph_parallel.py",
        ),
    ),
    Client(
        "langgraph_openinference",
        "openinference-instrumentation-langchain",
        langgraph_phoenix,
        check_langgraph_openinference,
        version=lambda: "0.1.80",
        command=(
            *alone("langgraph", "1.2.24", "langchain-openai==1.7.4", *OPENINFERENCE),
            "langgraph_openinference.py",
        ),
    ),
    Client(
        "opik",
        "opik",
        opik,
        check_opik,
        version=lambda: "2.2.122",
        command=(*alone("opik", "2.2.122"), "opik_tracing.py"),
    ),
    Client(
        "langsmith",
        "langsmith",
        langsmith,
        check_langsmith,
        version=lambda: "0.14.17",
        command=(*alone("langsmith", "0.14.17"), "langsmith_tracing.py"),
    ),
    Client(
        "langsmith_otel",
        "langsmith",
        langsmith_otel,
        check_langsmith_otel,
        version=lambda: "0.15.1",
        command=(*alone("langsmith[otel]", "0.15.1"), "langsmith_tracing.py"),
    ),
    Client(
        "langgraph_otel",
        "langgraph",
        langgraph_otel,
        check_langgraph_otel,
        version=lambda: "1.2.24",
        command=(
            *alone("langgraph", "1.2.24", "langchain-openai==1.7.4", "langsmith[otel]==0.15.1"),
            "langgraph_app.py",
        ),
    ),
]
