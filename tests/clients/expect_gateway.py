"""Clients that call models through the gateway, and what must be found of each."""

import httpx

from tests.clients.bench import Trace, find_trace, texts
from tests.clients.expect_otlp import check_call, check_scrubbed
from tests.clients.planted import PROVIDERS_KEY
from tests.clients.registered import Client, Setting


def helicone(setting: Setting) -> dict[str, str]:
    """As before, but for the base URL; the key of the provider still comes along in `Authorization`."""
    return {
        "OPENAI_BASE_URL": f"{setting.url}/v1",
        "HELICONE_API_KEY": setting.key,
        "OPENAI_API_KEY": PROVIDERS_KEY,
    }


def check_helicone(api: httpx.Client, session: str) -> None:
    """Each call is a trace of its own; what holds them together is the session."""
    asked, answered = (_call_on(api, session, path) for path in ("/plan", "/plan/answer"))
    assert "look_up" in texts(asked.spans[0]["output"])
    check_call(answered.spans[0])
    assert [message["role"] for message in answered.spans[0]["input"]] == ["system", "user", "assistant", "tool"]
    assert asked.spans[0]["attributes"]["helicone.prompt-id"] == "support"
    assert asked.spans[0]["attributes"]["helicone.request-id"] == "5f0b3f6e-9d0c-4d3e-8a51-2f7f2d6f0001"
    found = api.get("/api/v1/traces", params={"user": "ada", "attribute": "helicone.property.shop:eq:north"}).json()
    assert {asked.body["trace_id"], answered.body["trace_id"]} <= {one["trace_id"] for one in found["items"]}


def _call_on(api: httpx.Client, session: str, path: str) -> Trace:
    trace = find_trace(api, session=session, attribute=f"helicone.session-path:eq:{path}")
    assert trace.tree() == [("chat gpt-4o-mini", "llm", [])]
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    attributes = trace.spans[0]["attributes"]
    assert attributes["helicone.session-name"] == "Refunds"
    assert attributes["helicone.property.contact"] == "[EMAIL_ADDRESS]"
    assert attributes["helicone.cache-enabled"] == "true"
    assert not [name for name in attributes if "auth" in name]
    assert PROVIDERS_KEY not in trace.text
    check_scrubbed(trace)
    return trace


CLIENTS = [Client("helicone", "openai", helicone, check_helicone, "helicone_openai", provider="openai")]
