"""Other sides that hang, repeat what they hear, or take less than they are sent."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from google.rpc.status_pb2 import Status

from assay_server.core.records import Facts
from assay_server.outbound import posting
from tests.fakes.collector import Collector
from tests.fixtures.ledger import PROJECT
from tests.unit.outbound.test_forwards import World, spans, world  # noqa: F401 (the fixture)


async def put(world: World, name: str, url: str, **fields: Any) -> None:  # noqa: F811
    await world.forwards.put(PROJECT, "user:a", name, {"endpoint": url, **fields})


async def test_one_that_hangs_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(posting, "_ANSWER_S", 120.0)
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    await put(world, "silent", f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
    await put(world, "other", world.collector.url)
    for first in (1, 11):  # what comes while the first one still waits for its answer goes too
        await world.store.append(Facts(spans=spans(first, 3)))
        async with asyncio.timeout(60):
            while len(world.collector.taken) < (3 if first == 1 else 6):
                await world.forwards.begin()  # as every few seconds: what was sent before may not be noted yet
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
    silent.close()

    assert world.ids() == [1, 2, 3, 11, 12, 13]


async def test_what_is_too_large_together_goes_in_halves(world: World) -> None:  # noqa: F811
    class Narrow(Collector):
        async def _take(self, request: web.Request) -> web.StreamResponse:
            before = len(self.taken)
            answer = await super()._take(request)
            if len(self.taken) - before > 2:
                del self.taken[before:]
                return web.Response(status=413, text="two at most")
            return answer

    async with Narrow() as narrow:
        await put(world, "narrow", narrow.url)
        await world.store.append(Facts(spans=spans(1, 7)))
        assert await world.forwards.tick() == 7
        [state] = await world.forwards.list(PROJECT)

    assert sorted(int(span.span_id.hex(), 16) for span in narrow.taken) == list(range(1, 8))
    assert (state["sent"], state["rejected"], state["last_error"]) == (7, 0, None)


async def test_one_that_is_too_large_alone_is_counted_and_passed_over(world: World) -> None:  # noqa: F811
    world.collector.answers = [web.Response(status=413, text="no") for _ in range(2)]  # of both, and of the first
    await put(world, "other", world.collector.url)
    await world.store.append(Facts(spans=spans(1, 2)))
    await world.forwards.tick()
    state = await world.state()

    assert len(world.ids()) == 1
    assert (state["sent"], state["rejected"], state["last_error"]) == (1, 1, "HTTP 413: no")


@pytest.mark.parametrize("value", ["secret-token", "Bearer secret-token"])
async def test_a_secret_that_the_other_side_repeats_is_not_shown(world: World, value: str) -> None:  # noqa: F811
    world.environment["TOKEN"] = value
    world.collector.answers = [web.Response(status=401, text="'secret-token' is wrong") for _ in range(2)]
    await put(world, "other", world.collector.url, headers={"authorization": "env:TOKEN"})
    tested = await world.forwards.test(PROJECT, "other")
    await world.store.append(Facts(spans=spans(1, 1)))
    await world.forwards.tick()
    state = await world.state()

    assert tested["error"] == state["last_error"] == "HTTP 401: '…' is wrong"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (Status(code=16, message="Nobody knows this key.").SerializeToString(), "Nobody knows this key."),
        (b"Unknown host, and whatever else a proxy says", "Unknown host, and whatever else a proxy says"),
        (b'{"error": "no"}', '{"error": "no"}'),
        (b"<html>no</html>", "<html>no</html>"),
        (b"", ""),
    ],
)
async def test_a_refusal_is_told_in_words(world: World, body: bytes, said: str) -> None:  # noqa: F811
    """OTLP's own, as another Assay's, are protobuf: bytes that no page can show stood before the words."""
    world.collector.answers = [web.Response(status=401, body=body)]
    await put(world, "other", world.collector.url)
    assert (await world.forwards.test(PROJECT, "other"))["error"] == f"HTTP 401: {said}"


@pytest.mark.parametrize("value", ["a\nb", "a\rb"])
async def test_what_no_header_can_hold_is_told(world: World, value: str) -> None:  # noqa: F811
    world.environment["TOKEN"] = value
    await put(world, "other", world.collector.url, headers={"authorization": "env:TOKEN"})

    tested = await world.forwards.test(PROJECT, "other")

    assert (tested["ok"], tested["status"]) == (False, None)
    assert "header" in tested["error"].lower()


async def test_an_address_that_cannot_be_is_told(world: World) -> None:  # noqa: F811
    await put(world, "other", "http://127.0.0.1:99999")

    assert "Port out of range" in (await world.forwards.test(PROJECT, "other"))["error"]


async def test_a_secret_may_end_with_a_line(world: World) -> None:  # noqa: F811
    world.environment["TOKEN"] = "secret-token\n"
    await put(world, "other", world.collector.url, headers={"authorization": "env:TOKEN"})

    assert (await world.forwards.test(PROJECT, "other"))["ok"]
    assert world.collector.headers[0]["authorization"] == "secret-token"


async def test_one_that_is_ended_on_its_way_stops(world: World) -> None:  # noqa: F811
    await put(world, "other", world.collector.url)
    for first in range(10, 5010, 1000):
        await world.store.append(Facts(spans=spans(first, 1000)))

    async def end() -> None:
        while not world.collector.taken:
            await asyncio.sleep(0.001)
        await world.forwards.delete(PROJECT, "user:a", "other")

    await asyncio.gather(world.forwards.tick(), end())

    assert 0 < len(world.collector.taken) < 5000


async def test_spans_that_cannot_be_read_are_told_and_keep_no_other(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("name")

    monkeypatch.setattr("assay_server.outbound.forwards.encoded", broken)
    await put(world, "other", world.collector.url)
    await world.store.append(Facts(spans=spans(1, 1)))
    assert await world.forwards.tick() == 0
    state = await world.state()

    assert (state["state"], state["last_error"]) == (
        "retrying",
        "The spans could not be read; the server's log has why.",
    )
