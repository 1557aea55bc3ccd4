"""Clients that speak OTLP, and what must be found of each."""

import httpx

from tests.clients.bench import Trace, find_trace, texts
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting

EMAIL = "ada.lovelace@mail-box.org"
TOKENS = {
    "fresh_input": 100,
    "cache_read": 20,
    "cache_write": None,
    "output": 20,
    "reasoning": 10,
    "input_total": 120,
    "output_total": 30,
}


def otel(setting: Setting) -> dict[str, str]:
    """OpenTelemetry's own variables."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": setting.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {setting.key}",
    }


def check_call(span: dict, *, tokens: dict = TOKENS) -> None:
    """A model call: model, messages, disjoint tokens, cost."""
    assert span["kind"] == "llm"
    assert span["model"] == DATED
    assert span["provider"] == "openai"
    assert "How long do refunds take?" in texts(span["input"])
    assert ANSWER in texts(span["output"])
    assert span["tokens"] == tokens
    assert span["cost"] is not None
    assert span["cost"] > 0


def check_scrubbed(trace: Trace) -> None:
    assert EMAIL not in trace.text
    assert "EMAIL_ADDRESS" in trace.body["pii"]


def check_otel_http(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    tree = [(name, kind, sorted(below)) for name, kind, below in trace.tree()]
    leaves = [
        ("chat gpt-4o-mini", "llm", []),
        ("execute_tool look_up", "tool", []),
        ("search", "retriever", []),
        ("search", "retriever", []),
    ]
    assert tree == [("answer", "agent", leaves)]
    check_call(trace.span("chat gpt-4o-mini"))
    tool = trace.span("execute_tool look_up")
    assert (tool["input"], tool["output"]) == ('{"topic": "refunds"}', "14 days")
    assert all(
        span["documents"] == [{"id": "faq-1", "content": "14 days", "score": 0.9}]
        for span in trace.of_kind("retriever")
    )
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


CLIENTS = [
    Client("otel_http", "opentelemetry-exporter-otlp-proto-http", otel, check_otel_http),
]
