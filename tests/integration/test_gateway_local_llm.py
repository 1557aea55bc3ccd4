"""The gateway with its real neighbours: a key, a channel, a release, a real model on the CPU, a span in the store."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, NotFoundError

from assay_server.api.chat import CHAT_PATHS, MODELS_PATHS, ChatApp, ModelsApp
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock
from assay_server.core.errors import Unavailable
from assay_server.gateway import Gateway
from assay_server.governance import Accounts, Audit
from assay_server.ingest import Ingest
from assay_server.ledger import Ledger
from assay_server.providers import HttpUpstream, LocalLlm, Prices
from assay_server.providers.local_llm import MODEL, CannotServe, weights
from assay_server.query import Traces
from assay_server.registry import Channels, Prompts, Providers, Releases, render
from assay_server.store import DuckStore
from tests.fakes.gateway import Door, served

KEY = f"sk_{secrets.token_hex(16)}"
MAIL = "ann.lee@example.org"


@dataclass
class House:
    """What the tests touch."""

    project: str
    url: str
    gateway: Gateway
    traces: Traces
    llm: LocalLlm


@pytest.fixture(scope="module")
def installed() -> Path:
    """Skips, saying what to install; in CI a missing model is a failure."""
    try:
        return weights()
    except CannotServe as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))


@pytest.fixture
async def house(installed: Path, tmp_path: Path) -> AsyncGenerator[House, None]:
    async with _house(tmp_path) as built:
        yield built


async def test_a_stream_through_a_channel_ends_up_in_the_store(house: House) -> None:
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0) as openai:
        stream: Any = await openai.chat.completions.create(
            model="channel:staging",
            messages=[],
            stream=True,
            user="u-1",
            extra_body={"assay": {"variables": {"question": f"I am {MAIL}. Say hello."}}},
        )
        chunks = [chunk async for chunk in stream]
        trace_id = stream.response.headers["x-assay-trace-id"]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said
    await house.gateway.flush()
    (span,) = (await house.traces.get(house.project, trace_id))["spans"]
    assert (span["kind"], span["status"], span["model"], span["provider"]) == ("llm", "ok", MODEL, "local")
    assert (span["channel"], span["prompt"], span["prompt_version"], span["user"]) == ("staging", "greet", "1", "u-1")
    assert span["release"].startswith("rel_")
    assert span["tokens"]["output_total"] > 0
    assert span["cost"] is None, "nobody listed a price for it: unknown, not free"
    assert MAIL not in json.dumps(span)
    assert "EMAIL_ADDRESS" in span["pii"]
    assert span["input"][0] == {"role": "system", "content": "Be brief."}


async def test_a_wrong_key_and_the_list_of_models(house: House) -> None:
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key="sk_wrong", max_retries=0) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.models.list()
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0) as openai:
        names = [model.id async for model in openai.models.list()]
    assert {"channel:staging", "release:greeting", f"local/{MODEL}"} <= set(names)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_name_that_is_not_its_own_is_refused_as_openai_does(house: House, stream: bool) -> None:
    """Its server answers under any name: a call of `local/gpt-5` looked as if there were one."""
    said: Any = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0) as openai:
        with pytest.raises(NotFoundError, match=f"ask for local/{MODEL}") as refused:
            await openai.chat.completions.create(model="local/gpt-5", stream=stream, **said)
        assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
        alias = MODEL.partition("@")[0]
        told = await openai.chat.completions.create(model=f"local/{alias}", **said)
    assert told.model == MODEL


async def test_the_model_ends_with_the_process_that_started_it(installed: Path) -> None:
    llm = LocalLlm()
    await llm.start()
    pid = llm.pid
    assert pid is not None
    assert llm.model == MODEL
    await llm.stop()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(Unavailable):
        _ = llm.base_url


async def test_a_taken_port_is_said(installed: Path) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable, match="port"):
            await LocalLlm(port=server.sockets[0].getsockname()[1]).start()


@asynccontextmanager
async def _house(folder: Path) -> AsyncGenerator[House, None]:
    async with AsyncExitStack() as stack:
        clock, scrubber = SystemClock(), Scrubber()

        def scrub(text: str, before: str = "") -> tuple[str, list[str]]:
            clean, types = scrubber.scrub(text, before)
            return clean, list(types)

        ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}")
        stack.push_async_callback(ledger.close)
        store = await DuckStore.open(folder / "facts")
        stack.push_async_callback(store.close)
        ingest = Ingest(store, scrubber, Prices())
        stack.push_async_callback(ingest.close)
        audit = Audit(ledger, clock, scrub)
        accounts = Accounts(ledger, audit, clock)
        project = (await accounts.bootstrap(KEY)).project
        common = (ledger, audit, clock)
        providers, releases, channels = Providers(*common), Releases(*common), Channels(*common, scrub)
        llm = await stack.enter_async_context(LocalLlm())
        await providers.put(project, "key:test", "local", kind="openai", base_url=llm.base_url)
        await _ship(project, Prompts(*common), releases, channels)
        gateway = Gateway(
            providers=providers,
            releases=releases,
            channels=channels,
            upstream=HttpUpstream(),
            sink=ingest,
            scrub=scrub,
            render=render,
            prices=Prices(),
        )
        gateway.only(llm.base_url, llm.models)
        stack.push_async_callback(gateway.close)
        chat, models = ChatApp(gateway, accounts.authenticate), ModelsApp(gateway, accounts.authenticate)
        plain: dict[str, Any] = dict.fromkeys(CHAT_PATHS, chat) | dict.fromkeys(MODELS_PATHS, models)
        url = await stack.enter_async_context(served(Door(chat, plain)))
        yield House(project, url, gateway, Traces(store), llm)


async def _ship(project: str, prompts: Prompts, releases: Releases, channels: Channels) -> None:
    """A release of the local model, live on a channel that asks for no gate."""
    actor = "key:test"
    template = {"system": "Be brief.", "user": "{question}"}
    prompt, _ = await prompts.create(project, actor, name="greet", template=template)
    release, _ = await releases.create(
        project,
        actor,
        name="greeting",
        prompts={"answer": prompt["id"]},
        model=f"local/{MODEL}",
        parameters={"max_tokens": 12, "temperature": 0},
    )
    await channels.put(project, actor, "staging", requires_gate=False)
    await channels.promote(project, actor, "staging", release=release["id"], reason="a test")
