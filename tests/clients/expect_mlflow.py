"""MLflow's tracing client, and what must be found of it."""

from typing import Any

import httpx

from tests.clients.bench import Trace, find_trace, texts
from tests.clients.expect_otlp import NO_PARTS, TOKENS, check_call, check_scrubbed, with_openai
from tests.clients.planted import EMAIL
from tests.clients.registered import Client, Setting, alone

VERSION = "3.17.2"
OPENAI = "3.57.0"  # whose calls its autolog traces

EXPORTING = alone(
    "mlflow-tracing",
    VERSION,
    f"openai=={OPENAI}",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.1",
    "opentelemetry-exporter-otlp-proto-http==1.45.1",
)


def mlflow(setting: Setting) -> dict[str, str]:
    return with_openai(setting) | {"MLFLOW_TRACKING_URI": setting.url, "MLFLOW_TRACKING_TOKEN": setting.key}


def exporting(setting: Setting, endpoint: str) -> dict[str, str]:
    """With a tracking server beside it, or it does not start; nothing is sent there."""
    return with_openai(setting) | {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {setting.key}",
        "OTEL_SERVICE_NAME": "support",
        "MLFLOW_TRACKING_URI": setting.url,
    }


def mlflow_grpc(setting: Setting) -> dict[str, str]:
    """It picks gRPC where no protocol is said."""
    return exporting(setting, setting.grpc)


def mlflow_semconv(setting: Setting) -> dict[str, str]:
    return exporting(setting, f"{setting.url}/v1/traces") | {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "MLFLOW_ENABLE_OTEL_GENAI_SEMCONV": "true",
    }


def check_mlflow(api: httpx.Client, session: str) -> None:
    """User, session and tags come in a request of their own, and are on every span."""
    trace = find_trace(api, session=session)
    leaves = [("search", "retriever", []), ("look_up", "tool", []), ("Completions", "llm", [])]
    assert trace.tree() == [("answer", "agent", leaves)]
    call = trace.span("Completions")
    check_call(call, tokens=TOKENS | {"output": 30, "reasoning": None}, provider=None)  # it passes neither on
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    _check_picture(api, trace, call["input"][1])
    (document,) = trace.span("search")["documents"]
    assert document == {"id": "faq-1", "content": "14 days", "metadata": {"shelf": 3}}
    tool = trace.span("look_up")
    assert (texts(tool["input"]), tool["output"]) == ('{"topic":"refunds"}', "14 days")
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    assert all((span["user"], span["tags"]) == ("ada", ["experiment:support", "shop:north"]) for span in trace.spans)
    given = {score["name"]: score for score in trace.body["scores"]}
    assert {name: (score["value"], score["label"], score["source"]) for name, score in given.items()} == {
        "helpful": (0.75, None, "human"),
        "correct": (1.0, None, "code"),
        "tone": (None, "friendly", "code"),
        "days": (None, "14.0", "human"),
    }
    assert "said" in given["helpful"]["reason"]
    check_scrubbed(trace)


def _check_picture(api: httpx.Client, trace: Trace, asked: dict[str, Any]) -> None:
    """Its address stands where it was said; it came beside the trace, and says nothing of its author."""
    _, picture = asked["content"]
    [kept] = api.get(f"/api/v1/traces/{trace.body['trace_id']}/media").json()["items"]
    assert picture["image_url"]["url"].startswith(f"mlflow-attachment://{kept['id']}?content_type=image%2Fpng&")
    assert (kept["content_type"], kept["stored"]) == ("image/png", True)
    content = api.get(kept["url"]).content
    assert content[:4] == b"\x89PNG"
    assert EMAIL.encode() not in content


def check_exported(api: httpx.Client, session: str) -> None:
    """To a collector it sends each value as JSON, and nothing of what its API would tell."""
    trace = find_trace(api, session=session)
    leaves: list[Any] = [("search", "retriever", []), ("look_up", "tool", []), ("Completions", "llm", [])]
    assert trace.tree() == [("answer", "agent", leaves)]
    call = trace.span("Completions")
    check_call(call, tokens=TOKENS | {"output": 30, "reasoning": None}, provider=None)
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    (document,) = trace.span("search")["documents"]
    assert document == {"id": "faq-1", "content": "14 days", "metadata": {"shelf": 3}}
    _check_export(trace, session, "look_up")


def check_exported_semconv(api: httpx.Client, session: str) -> None:
    """In OpenTelemetry's names it tells less: of a retriever only that it was there, no tokens of a cache."""
    trace = find_trace(api, session=session)
    call = "chat gpt-4o-mini-2024-07-18"
    leaves: list[Any] = [("RETRIEVER", "retriever", []), ("execute_tool look_up", "tool", []), (call, "llm", [])]
    assert trace.tree() == [("invoke_agent answer", "agent", leaves)]
    check_call(trace.span(call), tokens=NO_PARTS, provider=None)
    assert [message["role"] for message in trace.span(call)["input"]] == ["system", "user"]
    _check_export(trace, session, "execute_tool look_up")


def _check_export(trace: Trace, session: str, tool: str) -> None:
    assert (texts(trace.span(tool)["input"]), trace.span(tool)["output"]) == ('{"topic": "refunds"}', "14 days")
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


CLIENTS = [
    Client(
        "mlflow",
        "mlflow-tracing",
        mlflow,
        check_mlflow,
        "mlflow_tracing",
        version=lambda: VERSION,
        command=(*alone("mlflow-tracing", VERSION, f"openai=={OPENAI}"), "mlflow_tracing.py"),
    ),
    Client(
        "mlflow_grpc",
        "mlflow-tracing",
        mlflow_grpc,
        check_exported,
        version=lambda: VERSION,
        command=(*EXPORTING, "mlflow_otlp.py"),
        over_grpc=True,
    ),
    Client(
        "mlflow_semconv",
        "mlflow-tracing",
        mlflow_semconv,
        check_exported_semconv,
        version=lambda: VERSION,
        command=(*EXPORTING, "mlflow_otlp.py"),
    ),
]
