"""An application of two services, traced by OpenTelemetry's own SDK and by ours, that asks models in parallel.

usage: python -m tests.integration.propagation_app URL KEY     prints the trace id

"web" is traced by OpenTelemetry's SDK and calls "answer" as one service calls another, with `traceparent`. "answer" is
traced by Assay's SDK and asks the gateway through openai's client: from two threads, and from two tasks.
"""

import asyncio
import sys

import openai
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import assay

MODEL = "bench/gpt-4o-mini"


def ask(client: openai.OpenAI, question: str) -> None:
    with assay.span(f"branch {question}"):
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": question}], extra_headers=assay.headers()
        )


async def ask_later(client: openai.AsyncOpenAI, question: str) -> None:
    with assay.span(f"task {question}"):
        await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": question}], extra_headers=assay.headers()
        )


def answer(url: str, key: str, headers: dict[str, str]) -> None:
    """The second service: it knows of the first what came in the headers."""

    async def tasks() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key) as client:
            await asyncio.gather(ask_later(client, "three"), ask_later(client, "four"))

    with (
        assay.context(headers=headers, user="ada", session="parallel"),
        assay.span("answer"),
        openai.OpenAI(base_url=f"{url}/v1", api_key=key) as client,
    ):
        with assay.executor(2) as threads:
            list(threads.map(lambda question: ask(client, question), ("one", "two")))
        asyncio.run(tasks())


def main(url: str, key: str) -> None:
    assay.init(url=url, api_key=key, service="support")
    web = TracerProvider(resource=Resource.create({"service.name": "web"}))
    exporter = OTLPSpanExporter(f"{url}/v1/traces", headers={"authorization": f"Bearer {key}"})
    web.add_span_processor(BatchSpanProcessor(exporter))
    headers: dict[str, str] = {}
    with web.get_tracer("shop").start_as_current_span("web") as root:
        propagate.inject(headers)
        token = trace.format_trace_id(root.get_span_context().trace_id)
    answer(url, key, headers)
    assay.flush()
    web.shutdown()
    sys.stdout.write(token)


if __name__ == "__main__":
    main(*sys.argv[1:])
