"""What the gateway does not speak is said so that the clients that ask for it show it."""

from typing import Any

import httpx
import openai
import pytest

from assay_server.api.chat import NOT_SPOKEN, NotSpoken


@pytest.mark.parametrize("path", NOT_SPOKEN)
async def test_it_names_what_there_is(path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(NotSpoken()), base_url="http://assay") as http:
        answer = await http.post(path, json={"model": "openai/gpt-4o"})
    told: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (404, "not_found")
    assert f"it has no {path}. Fix: client.chat.completions.create" in told["message"]


async def test_openais_client_shows_it() -> None:
    """It said `Error code: 404`, and nothing else."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(NotSpoken())) as http:
        client = openai.AsyncOpenAI(base_url="http://assay/v1", api_key="sk_x", http_client=http)
        with pytest.raises(openai.NotFoundError, match="it has no /v1/responses"):
            await client.responses.create(model="openai/gpt-4o", input="hi")
