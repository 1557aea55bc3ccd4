"""The same assistant as other teams would have built it: without the `assay` SDK.

`OpenTelemetryVariant` is traced by the plain OpenTelemetry SDK with the attributes of OpenInference and of OTel's GenAI
conventions, and calls the model with OpenAI's client. `ClientVariant` is not traced at all: OpenAI's client points at
the gateway, which is enough for a span per call. `SmallModelVariant` asks the real small LLM and streams.
"""

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import assay
from examples.support.assistant import Reply, context_of, documents_of, spoken
from examples.support.retriever import Passage, Retriever, Settings

SMALL_MODEL_PROMPT = "support/small"


class OpenTelemetryVariant:
    """Knows OpenTelemetry and OpenAI, and nothing of Assay but two addresses and a key."""

    def __init__(self, retriever: Retriever, client: AsyncOpenAI, url: str, key: str) -> None:
        self._retriever = retriever
        self._client = client
        resource = Resource.create({"service.name": "support-opentelemetry", "deployment.environment.name": "tour"})
        self.provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers={"authorization": f"Bearer {key}"})
        self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        self._tracer = self.provider.get_tracer("examples.support")

    async def answer(self, question: str, user: str, session: str, channel: str, settings: Settings) -> Reply:
        """A GenAI agent span around an OpenInference retriever span and the gateway's own span of the call."""
        who = {"user.id": user, "session.id": session, "gen_ai.conversation.id": session}
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support", "input.value": question}
        with self._tracer.start_as_current_span("invoke_agent support", attributes={**agent, **who}) as root:
            passages = await self._retrieve(question, settings, who)
            carrier: dict[str, str] = {"x-assay-session": session}
            inject(carrier)
            reply = await _complete(self._client, question, passages, user, channel, carrier)
            root.set_attribute("output.value", reply.output)
            return reply

    async def _retrieve(self, question: str, settings: Settings, who: dict[str, str]) -> list[Passage]:
        attributes = {"openinference.span.kind": "RETRIEVER", "input.value": question, **who}
        with self._tracer.start_as_current_span("retrieve", attributes=attributes) as span:
            passages = await asyncio.to_thread(self._retriever.find, question, settings)
            for number, found in enumerate(documents_of(passages)):
                prefix = f"retrieval.documents.{number}.document"
                span.set_attribute(f"{prefix}.id", found["id"])
                span.set_attribute(f"{prefix}.content", found["content"])
                span.set_attribute(f"{prefix}.score", found["score"])
                span.set_attribute(f"{prefix}.metadata", json.dumps(found["metadata"]))
            return passages


class ClientVariant:
    """OpenAI's client, pointed at the gateway. No tracing of its own."""

    def __init__(self, retriever: Retriever, client: AsyncOpenAI) -> None:
        self._retriever = retriever
        self._client = client

    async def answer(self, question: str, user: str, session: str, channel: str, settings: Settings) -> Reply:
        """One call; its trace is one span, made by the gateway."""
        passages = await asyncio.to_thread(self._retriever.find, question, settings)
        return await _complete(self._client, question, passages, user, channel, {"x-assay-session": session})


class SmallModelVariant:
    """A real language model of 135 million parameters, streamed. It answers badly, which is worth seeing."""

    def __init__(self, retriever: Retriever, client: AsyncOpenAI) -> None:
        self._retriever = retriever
        self._client = client

    async def answer(self, question: str, settings: Settings) -> Reply:
        """Retrieved, prompted by the newest version of the registry's prompt, streamed through the gateway."""
        with assay.span("answer", kind="chain") as root:
            root.input(question)
            with assay.span("retrieve", kind="retriever") as span:
                passages = await asyncio.to_thread(self._retriever.find, question, settings)
                span.input(question).documents(documents_of(passages))
            prompt = await assay.aprompt(SMALL_MODEL_PROMPT)
            asked = f"{context_of(passages[:1])}\n\nQuestion: {question}"
            with assay.span("prompt", kind="chain"):
                messages = [*prompt.render(), {"role": "user", "content": asked}]
                output = await self._stream(prompt, messages)
            root.output(output)
            return Reply(output, output, passages, root.trace_id, None)

    async def _stream(self, prompt: assay.Prompt, messages: Any) -> str:
        stream = await self._client.chat.completions.create(
            model=str(prompt.model),
            messages=messages,
            stream=True,
            extra_headers=assay.headers(),
            extra_body=dict(prompt.parameters),
        )
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return "".join(parts)


async def _complete(
    client: AsyncOpenAI, question: str, passages: list[Passage], user: str, channel: str, headers: dict[str, str]
) -> Reply:
    """The gateway resolves the channel, renders its prompt, and says in headers which release and trace it was."""
    variables = {"context": context_of(passages), "question": question}
    answered = await client.chat.completions.with_raw_response.create(
        model=f"channel:{channel}",
        messages=[],
        user=user,
        extra_headers=headers,
        extra_body={"assay": {"prompt": "answer", "variables": variables}},
    )
    output = answered.parse().choices[0].message.content or ""
    told = answered.headers
    return Reply(spoken(output), output, passages, told.get("x-assay-trace-id"), told.get("x-assay-release"))
