"""The web interface is served from what was built, with a strict policy, and never stands in an API's place."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.web import Web


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the page")
    (folder / "assets" / "main-abc123.js").write_text("console.log(1)")
    (folder / "assets" / "main-abc123.js.gz").write_bytes(b"\x1f\x8bcompressed")
    (tmp_path / "secret.txt").write_text("not for anyone")
    return folder


@pytest.fixture
async def browser(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(built) as client:
        yield client


def _client(built: Path) -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/api/v1/info")
    async def info() -> dict[str, str]:
        return {"version": "1"}

    app.router.default = Web(built)
    headers = {"accept-encoding": "identity"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://assay", headers=headers)


@pytest.mark.parametrize("path", ["/", "/traces/abc?span=1", "/releases/support@1.2", "/datasets/a%2Fb", "/index.html"])
async def test_every_page_is_the_same_document_asked_for_anew(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>the page")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_policy_lets_nothing_in_from_elsewhere(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/traces")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "img-src 'self' data:; media-src 'self' data:;" in policy
    assert "http" not in policy
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


async def test_hashed_files_are_kept_for_ever_and_sent_compressed(browser: httpx.AsyncClient) -> None:
    plain = await browser.get("/assets/main-abc123.js")
    assert plain.text == "console.log(1)"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-encoding" not in plain.headers
    async with browser.stream("GET", "/assets/main-abc123.js", headers={"accept-encoding": "gzip, br"}) as packed:
        assert [part async for part in packed.aiter_raw()] == [b"\x1f\x8bcompressed"]
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert "javascript" in packed.headers["content-type"]


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/v1/nothing", "/openai/v1/nothing", "/assets/gone-000000.js"])
async def test_addresses_of_programs_never_answer_with_a_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await browser.post(path)).status_code == 404


async def test_routes_come_first(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/v1/info")).json() == {"version": "1"}
    wrong = await browser.post("/api/v1/info")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets/%2e%2e%2f%2e%2e%2fsecret.txt"]
)
async def test_no_path_leaves_the_folder(browser: httpx.AsyncClient, path: str) -> None:
    assert "not for anyone" not in (await browser.get(path)).text


async def test_pages_are_only_read(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/traces")).status_code == 405
    head = await browser.head("/traces")
    assert (head.status_code, head.content) == (200, b"")


async def test_without_a_built_interface_it_says_how_to_get_one(tmp_path: Path) -> None:
    async with _client(tmp_path / "nothing") as browser:
        answer = await browser.get("/")
    assert answer.status_code == 503
    assert "make ui" in answer.text
