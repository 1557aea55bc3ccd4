"""LangGraph's agents, traced by clients that put LangChain's messages into their spans, and what must be found."""

from typing import Any

import httpx

from tests.clients.bench import Trace, find_trace, texts
from tests.clients.expect_langfuse import langfuse
from tests.clients.expect_mlflow import mlflow
from tests.clients.expect_otlp import NO_PARTS, TOKENS, check_scrubbed, with_openai
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting, alone

LANGCHAIN = ("langgraph==1.2.24", "langchain-openai==1.7.4", "langchain==1.5.2")


def langgraph_langfuse(setting: Setting) -> dict[str, str]:
    return langfuse(setting) | with_openai(setting)


def check_langfuse(api: httpx.Client, session: str) -> None:
    """Its handler has the tools that were offered among the messages."""
    trace = find_trace(api, session=session)
    assert (trace.body["user"], trace.body["tags"]) == ("ada", ["bench"])
    [_, answered] = _check(api, trace, "agent")
    assert (answered["model"], answered["tokens"]) == (DATED, TOKENS)


def check_mlflow(api: httpx.Client, session: str) -> None:
    """It tells no reasoning."""
    trace = find_trace(api, session=session)
    assert trace.body["service"] == "support"
    [_, answered] = _check(api, trace, "chain")
    assert answered["provider"] == "openai"
    assert answered["tokens"] == TOKENS | {"output": NO_PARTS["output"], "reasoning": None}


def _check(api: httpx.Client, trace: Trace, node: str) -> list[dict[str, Any]]:
    """On chains and agents the messages are a chat, as on the calls; what a tool answered is that alone."""
    agent = ("agent", node, [("ChatOpenAI", "llm", []), ("tools_condition", "chain", [])])
    tools = ("tools", "chain", [("look_up", "tool", [])])
    assert trace.tree() == [("LangGraph", "chain", [agent, tools, agent])]
    whole = trace.span("LangGraph")
    assert [message["role"] for message in whole["input"]] == ["user"]
    assert [message["role"] for message in whole["output"]] == ["user", "assistant", "tool", "assistant"]
    assert whole["output"][1]["tool_calls"] == [{"id": "call_1", "name": "look_up", "arguments": {"topic": "refunds"}}]
    assert whole["output"][3]["content"] == ANSWER
    assert trace.span("look_up")["output"] == "14 days"
    calls = sorted(trace.of_kind("llm"), key=lambda span: span["start_ns"])
    assert [message["role"] for message in calls[0]["input"]] == ["user"]
    assert [message["role"] for message in calls[1]["input"]] == ["user", "assistant", "tool"]
    for call in calls:
        offered = call["attributes"].get("gen_ai.tool.definitions") or call["attributes"]["mlflow.chat.tools"]
        assert "What the handbook says" in str(offered)
    assert ANSWER in texts(calls[1]["output"])
    assert trace.body["tokens"] == {"input": 240, "output": 60}
    assert trace.body["cost"]["usd"] == calls[0]["cost"] + calls[1]["cost"]
    graph = api.get(f"/api/v1/traces/{trace.body['trace_id']}/graph").json()
    assert {node["name"]: node["calls"] for node in graph["nodes"]} == {"LangGraph": 1, "agent": 2, "tools": 1}
    check_scrubbed(trace)
    return calls


CLIENTS = [
    Client(
        "langgraph_langfuse",
        "langfuse",
        langgraph_langfuse,
        check_langfuse,
        version=lambda: "5.0.4",
        command=(*alone("langfuse", "5.0.4", *LANGCHAIN), "langgraph_langfuse.py"),
    ),
    Client(
        "langgraph_mlflow",
        "mlflow-tracing",
        mlflow,
        check_mlflow,
        version=lambda: "3.17.2",
        command=(*alone("mlflow-tracing", "3.17.2", *LANGCHAIN), "langgraph_mlflow.py"),
    ),
]
