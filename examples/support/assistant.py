"""The support assistant: find passages, let the model answer from them. Instrumented with the `assay` SDK.

It holds no prompt text and no model name. Both come with the release, and so does the way it retrieves.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

import assay
from examples.support.retriever import Passage, Retriever, Settings


class ModelFailed(RuntimeError):
    """The gateway did not answer with 200; the message says what it said."""


@dataclass(slots=True, frozen=True)
class Reply:
    """What the user gets, and what it rests on. `output` is the model's text as it came."""

    text: str
    output: str
    passages: list[Passage]
    trace_id: str | None
    release: str | None
    arm: str | None = None


class Assistant:
    """Answers questions with a release. One per process: it keeps the index and a connection pool."""

    def __init__(self, retriever: Retriever, http: aiohttp.ClientSession, url: str, key: str) -> None:
        self._retriever = retriever
        self._http = http
        self._chat = f"{url}/v1/chat/completions"
        self._authorization = {"authorization": f"Bearer {key}"}

    async def answer(self, question: str, channel: str | None = None, release_id: str | None = None) -> Reply:
        """With what is live on the channel for the current user, or with the release of that id. Raises ModelFailed."""
        with assay.span("answer", kind="chain") as root:
            root.input(question)
            release = await assay.arelease(channel, id=release_id)
            passages = await self._retrieve(question, release)
            variables = {"context": context_of(passages), "question": question}
            output = await self._call(release, variables)
            root.output(output)
            return Reply(spoken(output), output, passages, root.trace_id, release.id, release.arm)

    async def _retrieve(self, question: str, release: assay.Release) -> list[Passage]:
        with assay.span("retrieve", kind="retriever") as span:
            span.input(question)
            config = release.retrieval or {}
            passages = await asyncio.to_thread(self._retriever.find, question, Settings.read(config))
            span.set("assay.retrieval.config", f"{config['name']}@{config['version']}")
            span.set("assay.retrieval.index_version", config["index_version"])
            span.documents(documents_of(passages))
            return passages

    async def _call(self, release: assay.Release, variables: dict[str, str]) -> str:
        """The gateway renders the release's prompt, applies its parameters and schema, and calls its model."""
        prompt = release.prompt("answer")
        with assay.span("prompt", kind="chain") as span:
            span.set("assay.prompt.name", prompt.name).set("assay.prompt.version", str(prompt.version))
            body = {"model": release.model, "assay": {"prompt": "answer", "variables": variables}}
            headers = self._authorization | release.headers
            async with self._http.post(self._chat, json=body, headers=headers) as response:
                text = await response.text()
                if response.status != 200:
                    raise ModelFailed(f"the gateway answered {response.status}: {text[:300]}")
        output: str = json.loads(text)["choices"][0]["message"]["content"]
        return output


def context_of(passages: Sequence[Passage]) -> str:
    """The passages as the prompt shows them: `[id] title`, then the text."""
    return "\n\n".join(f"[{passage.id}] {passage.title}\n{passage.text}" for passage in passages)


def documents_of(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """The passages as a retriever span shows them."""
    return [
        {"id": passage.id, "content": passage.text, "score": passage.score, "metadata": {"title": passage.title}}
        for passage in passages
    ]


def spoken(output: str) -> str:
    """What is read to the user: the field `answer` where the model answered with an object, else the whole text."""
    try:
        value = json.loads(output)
    except ValueError:
        return output
    return str(value["answer"]) if isinstance(value, dict) and "answer" in value else output
