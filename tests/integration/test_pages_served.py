"""Every address of the interface opens, also when it is typed, sent to somebody or loaded anew."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from assay_server.api.build import rest
from assay_server.api.services import Services
from tests.fixtures.server import RunningServer

ROUTER = Path(__file__).parents[2] / "ui" / "src" / "router.tsx"
PAGES = [re.sub(r"\$\w*", "any", path) for path in re.findall(r"path: '([^']+)'", ROUTER.read_text())]
AS_A_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    async def ready() -> dict[str, str]:
        return {}

    app = rest(cast("Services", None), ready)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://assay") as client:
        yield client


def test_the_pages_are_found() -> None:
    assert {"/traces", "/runs", "/runs/compare", "/runs/any", "/settings"} <= set(PAGES)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_opens(served: httpx.AsyncClient, path: str) -> None:
    for answer in (await served.get(path, headers=AS_A_BROWSER), await served.head(path, headers=AS_A_BROWSER)):
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/html"), path


async def test_programs_hear_that_nothing_is_read_there(served: httpx.AsyncClient) -> None:
    answer = await served.get("/runs/any", headers={"accept": "application/json"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "PATCH")
    wrong = await served.get("/api/v1/sql", headers=AS_A_BROWSER)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(("path", "body"), [
    ("/api/v1/views/errors%2Fprod", {"page": "traces", "query": {}}),
    ("/api/v1/forwards/to%2Ftempo", {"endpoint": "http://127.0.0.1:9"}),
])  # fmt: skip
def test_a_name_with_a_slash_is_told_as_such(server: RunningServer, path: str, body: dict[str, object]) -> None:
    with server.client() as http:
        answer = http.put(path, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "name")
