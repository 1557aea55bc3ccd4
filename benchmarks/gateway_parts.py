"""The servers that `benchmarks.gateway` measures: a provider, a bare proxy, the gateway with and without its store."""

import asyncio
import gc
import json
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from assay_server.api.chat import CHAT_PATHS, ChatApp
from assay_server.api.door import Door
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.core.ports import Sink
from assay_server.core.records import Facts
from assay_server.gateway import Gateway
from assay_server.governance import Accounts, Audit
from assay_server.ingest import Ingest
from assay_server.ledger import Ledger
from assay_server.providers import HttpUpstream, Prices
from assay_server.registry import Channels, Providers, Releases, render
from assay_server.store import DuckStore

KEY = "sk_benchmark_bootstrap_key"
MODEL = "gpt-4o-mini-2024-07-18"

_TEXT = "Your parcel left our warehouse this morning and should arrive within two days [shipping-3]. " * 4


def serve(part: str, upstream: str) -> None:
    """Runs a part until SIGTERM. Prints `{"port"}` when it listens, and what it has to say when it ends."""
    if sys.platform != "win32":
        import uvloop

        uvloop.run(_serve(part, upstream))


async def _serve(part: str, upstream: str) -> None:
    async with AsyncExitStack() as stack:
        app = _upstream_app() if part == "upstream" else None
        if part == "bare":
            app = _bare_app(await stack.enter_async_context(aiohttp.ClientSession()), upstream)
        elif app is None:
            app = await stack.enter_async_context(_assay_app(upstream, stored=part == "assay"))
        config = uvicorn.Config(app, port=0, http="httptools", lifespan="off", log_level="error", access_log=False)
        server = uvicorn.Server(config)
        _freeze()
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"port": port}), flush=True)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, server, "should_exit", True)
        await task
        gc.unfreeze()


def _freeze() -> None:
    """What start-up made stays until the end: the collector need not look at it again. All parts alike."""
    gc.collect()
    gc.freeze()


def _upstream_app() -> ASGIApp:
    """A provider that has its answer ready."""
    usage = {"prompt_tokens": 250, "completion_tokens": 90, "total_tokens": 340}
    head: dict[str, Any] = {"id": "chatcmpl-1", "created": 1, "model": MODEL}
    message = {"role": "assistant", "content": _TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    words: list[dict[str, Any]] = [{"delta": {"content": f"{word} "}, "finish_reason": None} for word in _TEXT.split()]
    choices = [[{"index": 0, **word}] for word in [*words, {"delta": {}, "finish_reason": "stop"}]]
    chunks: list[dict[str, Any]] = [{**head, "object": "chat.completion.chunk", "choices": some} for some in choices]
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    last = json.dumps({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads(await _body(receive))
        kind = b"text/event-stream" if body.get("stream") else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        if not body.get("stream"):
            await send({"type": "http.response.body", "body": whole})
            return
        for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        if (body.get("stream_options") or {}).get("include_usage"):
            await send({"type": "http.response.body", "body": b"data: " + last + b"\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    return app


def _bare_app(session: aiohttp.ClientSession, upstream: str) -> ASGIApp:
    """The least a proxy can do: bytes in, bytes out."""
    url = f"{upstream}/chat/completions"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
            kind = response.headers["Content-Type"].encode()
            headers = [(b"content-type", kind)]
            if kind == b"application/json":
                whole = await response.read()
                headers.append((b"content-length", b"%d" % len(whole)))
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                await send({"type": "http.response.body", "body": whole})
                return
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    return app


@asynccontextmanager
async def _assay_app(upstream: str, *, stored: bool) -> AsyncGenerator[ASGIApp, None]:
    """The real rooms around the gateway; at the end, how many spans there are and how many have a price."""
    clock, scrubber = SystemClock(), Scrubber()
    with tempfile.TemporaryDirectory() as folder:
        ledger = await Ledger.open(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        store = await DuckStore.open(Path(folder) / "facts")
        ingest = Ingest(store, scrubber, Prices())
        audit = Audit(ledger, clock, lambda text: (text, []))
        accounts, common = Accounts(ledger, audit, clock), (ledger, audit, clock)
        project = (await accounts.bootstrap(KEY)).project
        providers = Providers(*common)
        await providers.put(project, "key:benchmark", "openai", kind="openai", base_url=upstream)
        gateway = Gateway(
            providers=providers,
            releases=Releases(*common),
            channels=Channels(*common, lambda text: (text, [])),
            upstream=HttpUpstream(),
            sink=ingest if stored else _Dropped(),
            scrub=scrubber.scrub,
            render=render,
            prices=Prices(),
        )
        chat = ChatApp(gateway, accounts.authenticate)
        yield Door(chat, dict.fromkeys(CHAT_PATHS, chat))
        await gateway.close()
        await ingest.close()
        print(json.dumps((await store.scan("SELECT count(*) AS spans, count(cost) AS priced FROM spans", []))[0]))
        await store.close()
        await ledger.close()


class _Dropped(Sink):
    async def write(self, facts: Facts) -> None:
        """Nothing is kept."""


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
