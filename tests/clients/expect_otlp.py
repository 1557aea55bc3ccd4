"""Clients that speak OTLP, and what must be found of each."""

from collections.abc import Callable

import httpx

from tests.clients.bench import Trace, find_trace, js_version, node, texts
from tests.clients.planted import EMAIL
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting, alone
from tests.fixtures.server import free_port

JSON_EXPORTER = "0.66b1"
ROTEL = "0.0.1a15"
TOKENS = {
    "fresh_input": 100,
    "cache_read": 20,
    "cache_write": None,
    "output": 20,
    "reasoning": 10,
    "input_total": 120,
    "output_total": 30,
}

NO_PARTS = TOKENS | {"fresh_input": 120, "cache_read": None, "output": 30, "reasoning": None}
"""Of a client that does not pass on what was cached or thought."""


def otel(setting: Setting) -> dict[str, str]:
    """OpenTelemetry's own variables."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": setting.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {setting.key}",
    }


def check_call(span: dict, *, tokens: dict = TOKENS, provider: str | None = "openai") -> None:
    """A model call: model, messages, disjoint tokens, cost."""
    assert span["kind"] == "llm"
    assert span["model"] == DATED
    assert span["provider"] == provider
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


def otel_proto(setting: Setting) -> dict[str, str]:
    return otel(setting) | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def otel_json(setting: Setting) -> dict[str, str]:
    return otel(setting) | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}


def otel_grpc(setting: Setting) -> dict[str, str]:
    return otel(setting) | {"OTEL_EXPORTER_OTLP_ENDPOINT": setting.grpc, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


def rotel(setting: Setting, endpoint: str, protocol: str) -> dict[str, str]:
    """A collector that passes on to `endpoint`, and an SDK that knows nothing but the collector."""
    port = free_port()
    return {
        "COLLECTOR_LISTENS": f"127.0.0.1:{port}",
        "COLLECTOR_SENDS_TO": endpoint,
        "PROTOCOL": protocol,
        "ASSAY_KEY": setting.key,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": {"http": "http/protobuf"}.get(protocol, protocol),
    }


def rotel_http(setting: Setting) -> dict[str, str]:
    return rotel(setting, setting.url, "http")


def rotel_grpc(setting: Setting) -> dict[str, str]:
    return rotel(setting, setting.grpc, "grpc")


def with_openai(setting: Setting) -> dict[str, str]:
    return {"OPENAI_BASE_URL": setting.provider, "OPENAI_API_KEY": "none"}


def openai_v2(setting: Setting) -> dict[str, str]:
    """What was said comes in a log record, `gen_ai.client.inference.operation.details`, and nowhere else."""
    return (
        otel(setting)
        | with_openai(setting)
        | {
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY",
        }
    )


def check_openai_v2(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    assert trace.tree() == [("answer", "agent", [("chat gpt-4o-mini", "llm", [])])]
    call = trace.span("chat gpt-4o-mini")
    check_call(call, tokens=NO_PARTS)
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    assert not [key for key in call["attributes"] if key.endswith(".messages")]
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    (log,) = trace.body["logs"]
    assert (log["name"], log["span_id"]) == ("gen_ai.client.inference.operation.details", call["span_id"])
    check_scrubbed(trace)


def phoenix(setting: Setting) -> dict[str, str]:
    return with_openai(setting) | {"PHOENIX_COLLECTOR_ENDPOINT": setting.url, "PHOENIX_API_KEY": setting.key}


def phoenix_grpc(setting: Setting) -> dict[str, str]:
    """It picks gRPC where no protocol is said."""
    return phoenix(setting) | {"PHOENIX_GRPC_PORT": setting.grpc.rpartition(":")[2]}


def check_phoenix(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    leaves = [("search", "retriever", []), ("look_up", "tool", []), ("ChatCompletion", "llm", [])]
    assert trace.tree() == [("answer", "agent", leaves)]
    call = trace.span("ChatCompletion")
    check_call(call)
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    (document,) = trace.span("search")["documents"]
    assert document == {"id": "faq-1", "content": "14 days", "score": 0.9, "metadata": {"shelf": 3}}
    assert (trace.body["user"], trace.body["session"], trace.body["tags"]) == ("ada", session, ["shop"])
    check_scrubbed(trace)


def traceloop(setting: Setting) -> dict[str, str]:
    return with_openai(setting) | {"TRACELOOP_BASE_URL": setting.url, "TRACELOOP_API_KEY": setting.key}


def traceloop_grpc(setting: Setting) -> dict[str, str]:
    """Over gRPC by the scheme. There the header made of TRACELOOP_API_KEY has an illegal name, and metrics want TLS."""
    return with_openai(setting) | {
        "TRACELOOP_BASE_URL": setting.grpc.replace("http://", "grpc://"),
        "TRACELOOP_HEADERS": f"authorization=Bearer%20{setting.key}",
        "TRACELOOP_METRICS_ENABLED": "false",
    }


def check_traceloop(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    leaves = [("look_up.tool", "tool", []), ("openai.chat", "llm", [])]
    assert trace.tree() == [("answer.workflow", "chain", leaves)]
    call = trace.span("openai.chat")
    check_call(call)
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    check_scrubbed(trace)


def logfire(setting: Setting) -> dict[str, str]:
    return otel(setting) | with_openai(setting)


def check_pydantic_ai(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    call = ("chat gpt-4o-mini", "llm", [])
    run = ("invoke_agent support", "agent", [call, ("execute_tool look_up", "tool", []), call])
    assert trace.tree() == [("answer", "span", [run])]
    asked, answered = trace.of_kind("llm")
    assert asked["output"][0]["parts"][0]["name"] == "look_up"
    check_call(answered)
    assert [message["role"] for message in answered["input"]] == ["system", "user", "assistant", "user"]
    tool = trace.span("execute_tool look_up")
    assert (tool["input"], tool["output"]) == ('{"topic":"refunds"}', "refunds: 14 days")
    assert trace.body["tokens"] == {"input": 240, "output": 60}  # the agent's own sums are not added
    assert trace.body["cost"]["usd"] == asked["cost"] + answered["cost"]
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


def vercel(setting: Setting) -> dict[str, str]:
    return otel(setting) | with_openai(setting)


def check_vercel(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    call = ("ai.generateText.doGenerate", "llm", [])
    assert trace.tree() == [("ai.generateText", "chain", [call, ("ai.toolCall", "tool", []), call])]
    _check_vercel(trace, session)


def check_vercel_stream(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    call = ("ai.streamText.doStream", "llm", [])
    assert trace.tree() == [("ai.streamText", "chain", [call, ("ai.toolCall", "tool", []), call])]
    _check_vercel(trace, session)
    assert None not in [call["ttft_ms"] for call in trace.of_kind("llm")]


def _check_vercel(trace: Trace, session: str) -> None:
    [root] = [span for span in trace.spans if span["parent_id"] is None]
    assert [message["role"] for message in root["input"]] == ["system", "user"]
    asked, answered = trace.of_kind("llm")
    called = {"id": "call_1", "name": "look_up", "arguments": {"topic": "refunds"}}
    assert asked["output"] == [{"role": "assistant", "tool_calls": [called]}]
    check_call(answered, provider="openai.chat")
    assert answered["input"][2]["content"] == [{"type": "tool_call", **called}]
    [told] = answered["input"][3]["content"]
    assert told == {"type": "tool_call_response", "id": "call_1", "name": "look_up", "response": "refunds: 14 days"}
    assert trace.span("ai.toolCall")["output"] == "refunds: 14 days"
    assert (trace.body["tokens"], trace.body["tags"]) == ({"input": 240, "output": 60}, ["shop"])
    assert trace.body["cost"]["usd"] == asked["cost"] + answered["cost"]  # not the sums of the chain again
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


def check_vercel7(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    call, tool = ("chat gpt-4o-mini", "llm", []), ("execute_tool look_up", "tool", [])
    steps = [("step 1", "chain", [call, tool]), ("step 2", "chain", [call])]
    assert trace.tree() == [("invoke_agent gpt-4o-mini", "agent", steps)]
    asked, answered = trace.of_kind("llm")
    assert asked["output"][0]["parts"][0]["name"] == "look_up"
    check_call(answered, tokens=TOKENS | {"output": 30, "reasoning": None})
    assert [message["role"] for message in answered["input"]] == ["system", "user", "assistant", "tool"]
    assert trace.body["tokens"] == {"input": 240, "output": 60}
    assert trace.body["cost"]["usd"] == asked["cost"] + answered["cost"]  # not the sums of the agent again
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    check_scrubbed(trace)


def check_vercel7_stream(api: httpx.Client, session: str) -> None:
    check_vercel7(api, session)
    assert None not in [call["ttft_ms"] for call in find_trace(api, session=session).of_kind("llm")]


def through_rotel(name: str, environment: Callable[[Setting], dict[str, str]], *, over_grpc: bool = False) -> Client:
    """OpenTelemetry's SDK for Python with a released collector behind it."""
    exporter = "grpc" if over_grpc else "http"
    others = ("opentelemetry-sdk==1.45.1", f"opentelemetry-exporter-otlp-proto-{exporter}==1.45.1")
    return Client(
        name,
        "rotel",
        environment,
        check_otel_http,
        command=(*alone("rotel", ROTEL, *others), "through_rotel.py"),
        version=lambda: ROTEL,
        over_grpc=over_grpc,
    )


def in_javascript(
    name: str, package: str, environment: Callable[[Setting], dict[str, str]], *, over_grpc: bool = False
) -> Client:
    """OpenTelemetry's SDK for JavaScript with one of its exporters."""
    return Client(
        name,
        package,
        environment,
        check_otel_http,
        command=node("otel.mjs"),
        version=lambda: js_version(package),
        over_grpc=over_grpc,
    )


CLIENTS = [
    Client("otel_http", "opentelemetry-exporter-otlp-proto-http", otel, check_otel_http),
    Client(
        "otel_grpc", "opentelemetry-exporter-otlp-proto-grpc", otel_grpc, check_otel_http, "otel_http", over_grpc=True
    ),
    Client("openai_v2", "opentelemetry-instrumentation-openai-v2", openai_v2, check_openai_v2),
    Client("openinference_phoenix", "arize-phoenix-otel", phoenix, check_phoenix),
    Client(
        "openinference_phoenix_grpc",
        "arize-phoenix-otel",
        phoenix_grpc,
        check_phoenix,
        "openinference_phoenix",
        over_grpc=True,
    ),
    Client("traceloop_sdk", "traceloop-sdk", traceloop, check_traceloop),
    Client("traceloop_sdk_grpc", "traceloop-sdk", traceloop_grpc, check_traceloop, "traceloop_sdk", over_grpc=True),
    Client(
        "otel_python_json",
        "opentelemetry-exporter-otlp-json-http",
        otel_json,
        check_otel_http,
        version=lambda: JSON_EXPORTER,
        command=(
            *alone("opentelemetry-exporter-otlp-json-http", JSON_EXPORTER, "opentelemetry-sdk==1.45.1"),
            "otel_http.py",
        ),
    ),
    in_javascript("otel_json", "@opentelemetry/exporter-trace-otlp-http", otel),
    in_javascript("otel_js_proto", "@opentelemetry/exporter-trace-otlp-proto", otel_proto),
    in_javascript("otel_js_grpc", "@opentelemetry/exporter-trace-otlp-grpc", otel_grpc, over_grpc=True),
    through_rotel("rotel_http", rotel_http),
    through_rotel("rotel_grpc", rotel_grpc, over_grpc=True),
    Client("vercel_ai", "ai", vercel, check_vercel, command=node("vercel_ai.mjs"), version=lambda: js_version("ai")),
    Client(
        "vercel_ai_stream",
        "ai",
        vercel,
        check_vercel_stream,
        command=node("vercel_ai_stream.mjs"),
        version=lambda: js_version("ai"),
    ),
    Client(
        "vercel_ai7",
        "ai",
        vercel,
        check_vercel7,
        command=node("vercel_ai7.mjs"),
        version=lambda: js_version("ai7"),
    ),
    Client(
        "vercel_ai7_stream",
        "ai",
        vercel,
        check_vercel7_stream,
        command=node("vercel_ai7_stream.mjs"),
        version=lambda: js_version("ai7"),
    ),
    Client("pydantic_ai_logfire", "pydantic-ai-slim", logfire, check_pydantic_ai),
]
