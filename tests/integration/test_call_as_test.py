"""A model call taken along as a test: the file that the server writes is run, and knows a changed answer."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.provider import Behaviour, FakeProvider
from tests.fixtures.server import RunningServer

ASKED = [
    {"role": "system", "content": 'Answer "shortly".'},
    {"role": "user", "content": "How long may I return shoes?"},
]
TOOL = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("tool_call", [False, True], ids=["text", "tool"])
async def test_a_call_asked_again_passes_and_another_answer_does_not(
    server: RunningServer, tmp_path: Path, tool_call: bool
) -> None:
    model = f"as-test-{tool_call}"
    name = model.lower()  # a provider of its own: the gateway remembers an address for a second
    words = () if tool_call else ("Thirty days, ", "if they show no wear.")
    async with FakeProvider() as provider, httpx.AsyncClient(base_url=server.url, headers=server.headers) as http:
        provider.on(model, Behaviour(words=words, tool_call=tool_call))
        (await http.put(f"/api/v1/providers/{name}", json={"base_url": provider.base_url})).raise_for_status()
        body: dict[str, Any] = {"model": f"{name}/{model}", "messages": ASKED, "temperature": 0}
        body |= {"tools": [TOOL]} if tool_call else {}
        (await http.post("/v1/chat/completions", json=body)).raise_for_status()
        span = await _span(http, f"{name}/{model}")
        made = (await http.get(f"/api/v1/traces/{span['trace_id']}/spans/{span['span_id']}/test")).json()
        file = tmp_path / made["filename"]
        file.write_text(made["source"])
        passed, told = await _pytest(file, server)
        assert passed, told
        assert provider.requests[-1].body["messages"] == ASKED
        assert provider.requests[-1].body["temperature"] == 0
        assert provider.requests[-1].body.get("tools") == ([TOOL] if tool_call else None)
        provider.on(model, Behaviour(words=("I", " cannot", " say.")))
        passed, told = await _pytest(file, server)
        assert not passed
        assert "AssertionError" in told


async def _span(http: httpx.AsyncClient, asked: str) -> dict[str, Any]:
    """The span of the call; it is written behind the answer."""
    for _ in range(200):
        items = (await http.get("/api/v1/spans", params={"kind": "llm", "limit": 20})).json()["items"]
        for span in items:
            if span["attributes"].get("assay.model") == asked:
                found: dict[str, Any] = span
                return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no span of {asked} came")


async def _pytest(file: Path, server: RunningServer) -> tuple[bool, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(file)),
        env={**os.environ, "ASSAY_URL": server.url, "ASSAY_API_KEY": server.key},
        cwd=file.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode == 0, told.decode()
