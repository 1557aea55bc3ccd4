"""A gateway with everything around it: real sockets on both sides, decisions and facts in memory."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from assay_server.api.chat import CHAT_PATHS, MODELS_PATHS, ChatApp, ModelsApp
from assay_server.api.door import Door
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import Busy, NotFound, Unauthenticated
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, Span
from assay_server.gateway import Gateway, Limits
from assay_server.providers import HttpUpstream, Prices
from assay_server.registry import render
from tests.fakes.provider import DATED, FakeProvider

PROJECT = "prj_test"
KEY = "sk_test"
PROMPT = {
    "id": "prv_1",
    "name": "support/answer",
    "version": 3,
    "template": {"system": "Be {tone}.", "user": "Question: {question}"},
    "variables": ["tone", "question"],
}
PLAIN_PROMPT = {
    "id": "prv_2",
    "name": "support/plain",
    "version": 1,
    "template": {"system": "Answer {{briefly}}."},
    "variables": [],
}


def release(name: str = "a", **changes: Any) -> dict[str, Any]:
    """A release in its REST shape, as far as the gateway reads it."""
    parts: dict[str, Any] = {
        "id": f"rel_{name}",
        "name": name,
        "version": 1,
        "prompts": {"answer": PROMPT},
        "model": f"fake/{DATED}",
        "parameters": {"temperature": 0.2},
        "output_schema": None,
        "guard_policy": None,
    }
    return parts | changes


class Providers:
    """`registry.Providers` in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    async def get(self, project: str, name: str) -> Mapping[str, Any]:
        return _found(self.rows, project, name)

    async def list(self, project: str) -> list[Mapping[str, Any]]:
        return list(self.rows.values()) if project == PROJECT else []


class Releases:
    """`registry.Releases` in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.looked_up = 0

    async def get(self, project: str, ref: str) -> Mapping[str, Any]:
        self.looked_up += 1
        return _found(self.rows, project, ref)

    async def names(self, project: str) -> list[str]:
        return sorted({row["name"] for row in self.rows.values()}) if project == PROJECT else []


class Channels:
    """`registry.Channels` in memory: each channel's answer is set by the test."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.units: list[str] = []

    async def resolve(self, project: str, channel: str, unit: str) -> Mapping[str, Any]:
        self.units.append(unit)
        return {"channel": channel, "unit": unit, "arm": None, "canary": None} | _found(self.rows, project, channel)

    async def names(self, project: str) -> list[str]:
        return sorted(self.rows) if project == PROJECT else []


class Registry:
    """All three."""

    def __init__(self) -> None:
        self.providers = Providers()
        self.releases = Releases()
        self.channels = Channels()

    def add_provider(self, name: str, base_url: str, key_env: str | None = None) -> None:
        self.providers.rows[name] = {"name": name, "kind": "openai", "base_url": base_url, "key_env": key_env}

    def add_release(self, parts: dict[str, Any]) -> str:
        self.releases.rows[parts["id"]] = parts
        return f"release:{parts['id']}"


def _found(rows: dict[str, dict[str, Any]], project: str, name: str) -> dict[str, Any]:
    if project != PROJECT or name not in rows:
        raise NotFound(f"There is no '{name}' here.", field="model", value=name)
    return rows[name]


class MemorySink:
    """Keeps what it is given; refuses while `busy`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.scores: list[Score] = []
        self.busy = False
        self.broken = False
        self.refusals = 0

    async def write(self, facts: Facts) -> None:
        if self.busy:
            self.refusals += 1
            raise Busy(retry_after_s=0.001)
        if self.broken:
            raise OSError("the disk is gone")
        self.spans += facts.spans
        self.scores += facts.scores


class World:
    """The gateway under test and its surroundings."""

    def __init__(self, provider: FakeProvider, limits: Limits | None = None) -> None:
        self.provider = provider
        self.registry = Registry()
        self.registry.add_provider("fake", provider.base_url)
        self.environment: dict[str, str] = {}
        self.sink = MemorySink()
        self.upstream = HttpUpstream(connect_s=5.0)
        self.gateway = Gateway(
            providers=self.registry.providers,
            releases=self.registry.releases,
            channels=self.registry.channels,
            upstream=self.upstream,
            sink=self.sink,
            scrub=Scrubber().scrub,
            render=render,
            prices=Prices(),
            environment=self.environment,
            limits=limits,
        )
        self.url = ""
        self.http = httpx.AsyncClient(verify=False)  # plain http: spares a certificate store per test

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        """A chat call by a caller whose key is right."""
        told = {"authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else None
        return await self.http.post(
            f"{self.url}/v1/chat/completions", content=content, json=None if content is not None else body, headers=told
        )

    async def span(self) -> Span:
        """The only span so far."""
        spans = await self.spans()
        assert len(spans) == 1
        return spans[0]

    async def spans(self) -> list[Span]:
        await self.gateway.flush()
        return self.sink.spans


async def authenticate(headers: Mapping[str, str]) -> Principal:
    """Knows one key, and one that may only read."""
    told = headers.get("authorization", "").removeprefix("Bearer ")
    if told not in (KEY, "sk_viewer"):
        raise Unauthenticated
    return Principal(PROJECT, f"key:{told}", "ingest" if told == KEY else "viewer")


@contextlib.asynccontextmanager
async def running(limits: Limits | None = None) -> AsyncGenerator[World, None]:
    """A world whose gateway listens on a real socket."""
    async with FakeProvider() as provider:
        world = World(provider, limits)
        chat, models = ChatApp(world.gateway, authenticate), ModelsApp(world.gateway, authenticate)
        plain: dict[str, ASGIApp] = dict.fromkeys(CHAT_PATHS, chat) | dict.fromkeys(MODELS_PATHS, models)
        async with served(Door(_nothing, plain)) as url:
            world.url = url
            yield world
            await world.http.aclose()
        await world.gateway.close()


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str, None]:
    """An application on a real uvicorn, in this event loop."""
    server = _Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The signals are the test runner's."""
        yield


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})
