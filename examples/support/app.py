"""The support service: what users ask, and what the evaluation asks.

    python -m examples.support.app --url http://127.0.0.1:4600 --key sk_…

`POST /ask {"question", "user", "session", "channel"?, "via"?}` for users; `via` chooses how the call is instrumented
(`sdk`, `opentelemetry`, `client`, `small`). `POST /eval {"input", "release", "run", "item"}` is the endpoint under
test: the same code, with the release that is being evaluated.
"""

import argparse
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from openai import AsyncOpenAI, OpenAIError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import assay
from examples.support.assistant import Assistant, ModelFailed, Reply
from examples.support.embeddings import MiniLm, VectorCache
from examples.support.retriever import Retriever, Settings
from examples.support.serving import serve
from examples.support.variants import ClientVariant, OpenTelemetryVariant, SmallModelVariant

CHANNEL = "production"
_CONNECTIONS = 64


class Service:
    """The handlers, over what they need for the life of the process."""

    def __init__(self, retriever: Retriever, url: str, key: str) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS))
        self._client = AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._sdk = Assistant(retriever, self._http, url, key)
        self._opentelemetry = OpenTelemetryVariant(retriever, self._client, url, key)
        self._plain = ClientVariant(retriever, self._client)
        self._small = SmallModelVariant(retriever, self._client)

    async def ask(self, request: Request) -> JSONResponse:
        """A user's question. 400 for a broken request, 502 when the model could not be called."""
        body = await request.json()
        faults = [name for name in ("question", "user", "session") if not isinstance(body.get(name), str)]
        if faults:
            return JSONResponse({"error": f"missing: {', '.join(faults)}"}, 400)
        with assay.context(headers=request.headers, user=body["user"], session=body["session"]):
            try:
                reply = await self._reply(body)
            except (ModelFailed, OpenAIError) as error:
                return JSONResponse({"error": str(error)}, 502)
        return JSONResponse(_shown(reply))

    async def evaluate(self, request: Request) -> JSONResponse:
        """The endpoint under test."""
        body = await request.json()
        with assay.context(headers=request.headers, run=body["run"], item=body["item"]):
            try:
                reply = await self._sdk.answer(body["input"]["question"], release_id=body["release"])
            except ModelFailed as error:
                return JSONResponse({"error": str(error)}, 502)
        contexts = [{"id": found.id, "text": found.text, "score": found.score} for found in reply.passages]
        return JSONResponse({"output": reply.output, "contexts": contexts})

    async def close(self) -> None:
        """Send what is still waiting, and hang up."""
        self._opentelemetry.provider.shutdown()
        await self._client.close()
        await self._http.close()

    async def _reply(self, body: dict[str, Any]) -> Reply:
        question, user, session = body["question"], body["user"], body["session"]
        channel, via = body.get("channel") or CHANNEL, body.get("via", "sdk")
        if via == "sdk":
            return await self._sdk.answer(question, channel)
        settings = Settings.read((await assay.arelease(channel)).retrieval or {})
        if via == "small":
            return await self._small.answer(question, settings)
        variant = self._opentelemetry if via == "opentelemetry" else self._plain
        return await variant.answer(question, user, session, channel, settings)


def application(retriever: Retriever, url: str, key: str) -> Starlette:
    """The ASGI application. `assay.init` is the caller's."""
    handlers: dict[str, Service] = {}

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        handlers["service"] = Service(retriever, url, key)
        try:
            yield
        finally:
            await handlers["service"].close()

    async def ask(request: Request) -> JSONResponse:
        return await handlers["service"].ask(request)

    async def evaluate(request: Request) -> JSONResponse:
        return await handlers["service"].evaluate(request)

    routes = [Route("/ask", ask, methods=["POST"]), Route("/eval", evaluate, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="The support service of the example.")
    parser.add_argument("--url", default=os.environ.get("ASSAY_URL", "http://127.0.0.1:4600"), help="Assay's address")
    parser.add_argument("--key", default=os.environ.get("ASSAY_API_KEY"), help="an API key (default: ASSAY_API_KEY)")
    parser.add_argument("--port", type=int, default=0, help="0: any free one (the default)")
    parser.add_argument("--cache", type=Path, help="file that keeps the vectors of texts seen before")
    arguments = parser.parse_args()
    if not arguments.key:
        parser.error("--key or ASSAY_API_KEY is needed")
    assay.init(arguments.url, arguments.key, service="support", environment="tour")
    vectors = VectorCache(MiniLm(), arguments.cache)

    def at_end() -> None:
        assay.shutdown()
        vectors.save()

    serve(application(Retriever(vectors), arguments.url, arguments.key), arguments.port, at_end=at_end)


def _shown(reply: Reply) -> dict[str, Any]:
    return {
        "answer": reply.text,
        "documents": [found.id for found in reply.passages],
        "trace_id": reply.trace_id,
        "release": reply.release,
        "arm": reply.arm,
    }


if __name__ == "__main__":
    main()
