"""Anthropic's SDK, which traces itself, and what must be found of it."""

import httpx

from tests.clients.bench import find_trace, texts
from tests.clients.expect_otlp import TOKENS, check_scrubbed, otel
from tests.clients.provider import ANSWER, CLAUDE
from tests.clients.registered import Client, Setting, alone

VERSION = "2.14.0"
CLAUDES_TOKENS = TOKENS | {"cache_write": 5, "output": 30, "reasoning": None, "input_total": 125}


def anthropic(setting: Setting) -> dict[str, str]:
    return otel(setting) | {
        "ANTHROPIC_BASE_URL": setting.provider.removesuffix("/v1"),
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content",
    }


def check_anthropic(api: httpx.Client, session: str) -> None:
    """Each call is told twice, side by side, and counted once."""
    trace = find_trace(api, session=session)
    twice = [("anthropic.chat", "llm", []), ("anthropic.messages.create", "llm", [])]
    assert trace.tree() == [("POST /ask", "span", [*twice, *twice])]
    for span in trace.of_kind("llm"):
        assert (span["model"], span["provider"]) == (CLAUDE, "anthropic")
        assert "How long do refunds take?" in texts(span["input"])
        assert ANSWER in texts(span["output"])
        assert (span["tokens"]["fresh_input"], span["tokens"]["cache_read"]) == (100, 20)
    itself = [span for span in trace.spans if span["name"] == "anthropic.messages.create"]
    assert [span["tokens"] for span in itself] == [CLAUDES_TOKENS] * 2
    assert trace.body["tokens"] == {"input": 250, "output": 60}
    assert trace.body["cost"]["usd"] == sum(span["cost"] for span in itself) > 0
    costs = api.get("/api/v1/costs", params={"group_by": "endpoint", "session": session}).json()
    assert [(one["value"], one["calls"]) for one in costs["items"]] == [("/ask", 2)]
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


CLIENTS = [
    Client(
        "anthropic_itself",
        "anthropic",
        anthropic,
        check_anthropic,
        version=lambda: VERSION,
        command=(
            *alone(
                "anthropic",
                VERSION,
                "opentelemetry-instrumentation-anthropic==0.62.4",
                "opentelemetry-exporter-otlp-proto-http==1.45.2",
            ),
            "anthropic_itself.py",
        ),
    ),
]
