"""Langfuse's media: announced with a key, put without one, shown to who may read, never as a page."""

import base64
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from assay_server.checks.pii import Scrubber
from assay_server.ingest import MediaShelf, MediaTickets
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fixtures.ledger import PROJECT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TEXT = b"as ada@mail-box.org said"


@pytest.fixture
async def http(tmp_path: Path, ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    clock = FakeClock()
    shelf = MediaShelf(ledger, tmp_path / "media", Scrubber().scrub, clock, 1000)
    rooms: dict[str, Any] = {"media": shelf, "media_tickets": MediaTickets(b"s", clock)}
    async with dialects(tmp_path, project=PROJECT, public_url="https://test", **rooms) as (client, _):
        yield client


def told(content: bytes = TEXT, kind: str = "text/plain", **fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "observationId": SPAN,
        "contentType": kind,
        "contentLength": len(content),
        "sha256Hash": base64.b64encode(sha256(content).digest()).decode(),
        "field": "input",
        **fields,
    }


async def announced(http: httpx.AsyncClient, **fields: Any) -> SimpleNamespace:
    answer = await http.post("/api/public/media", json=told(**fields))
    assert answer.status_code == 200, answer.text
    return SimpleNamespace(id=answer.json()["mediaId"], url=answer.json()["uploadUrl"])


def path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_media_are_put_and_fetched_without_a_key(http: httpx.AsyncClient) -> None:
    media = await announced(http)
    assert media.id == told()["sha256Hash"].replace("+", "-").replace("/", "_")[:22]
    assert media.url.startswith("https://test/api/public/media/"), "behind a proxy the public address knows the scheme"
    nobody = {"x-api-key": ""}
    assert (await http.put(path(media.url), content=TEXT, headers=nobody)).status_code == 200
    assert (await http.patch(f"/api/public/media/{media.id}", json={"uploadHttpStatus": 200})).status_code == 204
    found = (await http.get(f"/api/public/media/{media.id}")).json()
    assert (found["contentType"], found["contentLength"]) == ("text/plain", len(b"as [EMAIL_ADDRESS] said"))
    assert (await http.get(path(found["url"]), headers=nobody)).content == b"as [EMAIL_ADDRESS] said"
    again = await announced(http, observationId=None)
    assert (again.id, again.url) == (media.id, None)
    items = (await http.get(f"/api/v1/traces/{TRACE}/media")).json()["items"]
    assert [(one["span_id"], one["field"], one["stored"]) for one in items] == [
        (None, "input", True),
        (SPAN, "input", True),
    ]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "image/png+xml", "audio/x+xml", "video/x+xml"])
async def test_what_a_browser_could_run_is_a_download(http: httpx.AsyncClient, kind: str) -> None:
    page = b"<script>1</script>"
    media = await announced(http, content=page, kind=kind)
    await http.put(path(media.url), content=page)
    answer = await http.get(f"/api/v1/media/{media.id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_what_has_not_come_is_not_there(http: httpx.AsyncClient) -> None:
    media = await announced(http)
    assert (await http.get(f"/api/v1/media/{media.id}")).status_code == 404
    assert (await http.get("/api/v1/media/nothing")).status_code == 404
    assert (await http.patch("/api/public/media/nothing", json={})).status_code == 404


async def test_a_ticket_of_another_file_opens_nothing(http: httpx.AsyncClient) -> None:
    media = await announced(http)
    ticket = urlsplit(media.url).query
    for address in (f"/api/public/media/other/content?{ticket}", f"/api/public/media/{media.id}/content?ticket=x"):
        assert (await http.put(address, content=TEXT)).status_code == 404
        assert (await http.get(address)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"sha256Hash": "short"}, 400),
        ({"sha256Hash": ""}, 400),
        ({"contentLength": 1001}, 413),
        ({"contentLength": None}, 400),
        ({"contentLength": 0}, 400),
        ({"contentLength": "12"}, 400),
        ({"contentLength": True}, 400),
        ({"contentType": "text/html\r\nx: y"}, 400),
    ],
)
async def test_what_cannot_be_kept_is_refused(http: httpx.AsyncClient, fields: dict[str, Any], status: int) -> None:
    assert (await http.post("/api/public/media", json={**told(), **fields})).status_code == status


async def test_media_of_a_datasets_item_belong_to_no_trace(http: httpx.AsyncClient) -> None:
    media = await announced(http, traceId=None, observationId=None)
    assert media.url is not None
    assert (await http.get(f"/api/v1/traces/{TRACE}/media")).json() == {"items": []}
