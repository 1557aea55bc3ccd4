"""OTLP over HTTP: spans as LLM features send them, and how fast a server says that it has them.

A request to a feature is a trace of 8 spans (agent, retriever, reranker, guard, two tools, two model calls) with the
attributes of OpenTelemetry's GenAI conventions and of OpenInference, about 3.6 kB a span. All bodies are encoded
before the clock starts. `--texts prose` sends what `benchmarks.read_data` makes instead: conversations that repeat what
was said before, with order and case numbers in them, at which a scrubber has to look twice.

usage: python -m benchmarks.otlp_load URL [--spans N] [--batch N] [--concurrency N] [--seed N] [--texts words|prose]
    [--header NAME=VALUE]
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PROTOBUF = "application/x-protobuf"
_KINDS = ("AGENT", "RETRIEVER", "RERANKER", "GUARDRAIL", "TOOL", "TOOL", "LLM", "LLM")
TRACE = len(_KINDS)
_MODELS = ("gpt-4o-2024-11-20", "gpt-4o-mini-2024-07-18", "claude-sonnet-4-20250514")
_WORDS = [
    f"{start}{middle}{end}"
    for start in ("con", "pro", "re", "un", "de")
    for middle in ("tract", "port", "serv", "form", "duct", "mit")
    for end in ("", "ing", "ed", "s", "ion", "able")
]
_SECONDS = 600


@dataclass(slots=True)
class Told:
    """What the server answered: statuses, milliseconds to each answer, spans of the requests with 200."""

    status: Counter[int] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)
    accepted: int = 0
    retry_after: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        ms = sorted(self.ms)
        return {
            "accepted": self.accepted,
            "seconds": round(self.seconds, 2),
            "spans_per_s": round(self.accepted / self.seconds),
            "requests": len(ms),
            "status": dict(self.status),
            "p50_ms": round(ms[len(ms) // 2], 1),
            "p99_ms": round(ms[int(len(ms) * 0.99)], 1),
            "max_ms": round(ms[-1], 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", choices=("words", "prose"), default="words")
    parser.add_argument("--header", action="append", default=[])
    options = parser.parse_args()
    headers = dict(header.split("=", 1) for header in options.header)
    sent = bodies(options.spans, options.batch, options.seed, options.texts)
    told = asyncio.run(send(options.url, sent, options.concurrency, headers))
    print(json.dumps({**told.summary(), "retry_after": dict(told.retry_after)}))


def bodies(spans: int, batch: int, seed: int, texts: str = "words") -> list[tuple[bytes, int]]:
    """(body, how many spans it has) until there are `spans`, whole traces only."""
    rng = random.Random(seed)
    size = batch // TRACE * TRACE
    make = maker(texts)
    return [(make(rng, size), size) for _ in range(spans // size)]


def maker(texts: str) -> Callable[[random.Random, int], bytes]:
    """What makes bodies with such texts: `words` or `prose`."""
    return payload if texts == "words" else _prose


def _prose(rng: random.Random, spans: int) -> bytes:
    from benchmarks.read_data import traces
    from benchmarks.read_feed import body

    return body([span for trace in traces("load", spans // TRACE, rng) for span in trace.spans])


def payload(rng: random.Random, spans: int) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _put(resource_spans.resource, {"service.name": "load"})
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "load"
    for _ in range(spans // TRACE):
        _trace(rng, scope_spans)
    return request.SerializeToString()


async def send(
    url: str,
    sent: Sequence[tuple[bytes, int]],
    connections: int,
    headers: dict[str, str],
    *,
    patient: bool = False,
) -> Told:
    """All of `sent`, over so many connections, each sending the next body when the last was answered.

    `patient`: what is answered with a Retry-After is sent again after that time. A connection that breaks counts as
    status 0.
    """
    import aiohttp

    told, todo = Told(), iter(sent)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:

        async def post(body: bytes) -> tuple[int, str | None]:
            started = time.perf_counter()
            try:
                async with http.post(url, data=body, headers={"content-type": PROTOBUF, **headers}) as answer:
                    await answer.read()
            except aiohttp.ClientError:
                return 0, None
            told.ms.append((time.perf_counter() - started) * 1e3)
            return answer.status, answer.headers.get("retry-after")

        async def work() -> None:
            for body, spans in todo:
                while True:
                    status, retry_after = await post(body)
                    told.status[status] += 1
                    told.accepted += spans if status == HTTPStatus.OK else 0
                    if retry_after is None:
                        break
                    told.retry_after[retry_after] += 1
                    if not patient:
                        break
                    await asyncio.sleep(float(retry_after))

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(connections)))
        told.seconds = time.perf_counter() - started
    return told


def _trace(rng: random.Random, scope_spans: Any) -> None:
    trace, root = rng.randbytes(16), rng.randbytes(8)
    begun = time.time_ns() - rng.randrange(10**9, 6 * 10**11)
    for step, kind in enumerate(_KINDS):
        span: Span = scope_spans.spans.add(
            trace_id=trace,
            span_id=rng.randbytes(8) if step else root,
            parent_span_id=root if step else b"",
            name=kind.lower(),
            kind=1,
            start_time_unix_nano=begun + step * 10**7,
        )
        span.end_time_unix_nano = span.start_time_unix_nano + int(rng.lognormvariate(0, 1) * 4e8)
        failed = rng.random() < 0.02
        span.status.code = Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_OK
        people = {"session.id": f"s{rng.randrange(5000)}", "user.id": f"u{rng.randrange(2000)}"}
        said = _model_call(rng) if kind == "LLM" else {"input.value": _text(rng, 120), "output.value": _text(rng, 130)}
        _put(span, {"openinference.span.kind": kind, **people, **said})


def _model_call(rng: random.Random) -> dict[str, Any]:
    model, read, written = rng.choice(_MODELS), rng.randrange(200, 4000), rng.randrange(20, 800)
    question, answer = _text(rng, 190), _text(rng, 110)
    asked = [{"role": "user", "parts": [{"type": "text", "content": question}]}]
    said = [{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.output_tokens": written,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(said),
        "llm.model_name": model,
        "llm.token_count.prompt": read,
        "llm.token_count.completion": written,
        "input.value": question,
        "output.value": answer,
    }


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))


def _put(target: Any, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        pair = target.attributes.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
        else:
            pair.value.string_value = value


if __name__ == "__main__":
    main()
