"""Spans as Langfuse's newer clients send them over OTLP."""

from typing import Any

from tests.fakes.otlp_requests import a_span

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "11f7651916cd43dd8448eb211c80319c"
ROOT, CALL = "b7ad6b7169203331", "00000000000000cc"
UUID = "d9a1f0b6-6f0e-4f57-9f55-0e2a0d7f8c11"
START = 1_790_000_000_000_000_000


def root(trace_id: str = TRACE, name: str = "answer", at: int = 0, **attributes: Any) -> dict[str, Any]:
    said = {
        "user.id": "ada",
        "session.id": "s1",
        "langfuse.trace.tags": ["a", "b"],
        "langfuse.environment": "staging",
        "langfuse.release": "v7",
        "langfuse.version": "2",
        "langfuse.trace.metadata.team": "support",
        "langfuse.trace.metadata.size": "3",
        "langfuse.observation.type": "agent",
        "langfuse.observation.input": '{"question": "why?"}',
        "langfuse.observation.output": "because",
        **{key.replace("__", "."): value for key, value in attributes.items()},
    }
    start = START + at
    return a_span(
        trace_id=trace_id, span_id=ROOT, name=name, start_ns=start, end_ns=start + 2_000_000_000, attributes=said
    )


def call() -> dict[str, Any]:
    said = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o-mini-2024-07-18",
        "langfuse.observation.model.parameters": '{"temperature": 0}',
        "langfuse.observation.usage_details": '{"input": 100, "input_cached_tokens": 20, "output": 30}',
        "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}',
        "langfuse.observation.input": '[{"role": "user", "content": "why?"}]',
        "langfuse.observation.metadata.experiment": "exp",
        "langfuse.observation.prompt.name": "answer",
        "langfuse.observation.prompt.version": 3,
        "http.route": "/chat",
    }
    start = START + 500_000_000
    return a_span(
        trace_id=TRACE, span_id=CALL, parent_id=ROOT, name="chat", start_ns=start, end_ns=start + 10**9, attributes=said
    )
