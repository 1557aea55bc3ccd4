"""Log records go on with the spans they name: once each, whichever came first, and none of a span that stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Event, Facts, Thin
from assay_server.ledger import Ledger
from assay_server.outbound.forward_definition import parse
from assay_server.outbound.otlp_parts import FORWARDED_BY
from assay_server.store import DuckStore
from tests.fakes.collector import Collector
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.outbound.test_forwards import SERVER, World, spans

BOTH = ["traces", "logs"]


@pytest.fixture
async def world(ledger: Ledger, tmp_path: Path) -> AsyncIterator[World]:
    store = await DuckStore.open(tmp_path / "facts")
    async with Collector() as collector:
        made = World(ledger, store, collector)
        yield made
        await made.forwards.close()
    await store.close()


def record(n: int, of: int | None, project: str = PROJECT, kind: str = "content", **data: Any) -> Event:
    ids = (None, None) if of is None else (f"{of:032x}", f"{of:016x}")
    said = {"name": f"r{n}", "body": f"text {n}"} | data
    return Event(project, f"evt_{n}", kind, 10**18 + n, *ids, data=said)


def names(world: World) -> list[str]:
    return [one.event_name for one in world.collector.records]


async def test_records_stay_unless_they_are_asked_for(world: World) -> None:
    assert (await world.put())["signals"] == ["traces"]
    await world.store.append(Facts(spans=spans(1, 1), events=[record(1, 1)]))
    assert await world.forwards.tick() == 1
    assert world.collector.records == []


async def test_a_record_goes_once_whether_it_came_before_its_span_or_with_it_or_after_it(world: World) -> None:
    assert (await world.put(signals=BOTH))["signals"] == BOTH
    await world.store.append(Facts(events=[record(1, 1), record(2, 2)]))
    assert (await world.forwards.tick(), names(world)) == (0, [])  # nobody knows yet whether they are wanted
    await world.store.append(Facts(spans=spans(1, 1), events=[record(3, 1)]))
    assert (await world.forwards.tick(), sorted(names(world))) == (3, ["r1", "r3"])
    await world.store.append(Facts(events=[record(4, 1)]))
    assert (await world.forwards.tick(), names(world)[2:]) == (1, ["r4"])
    await world.store.append(Facts(spans=spans(2, 1)))
    assert (await world.forwards.tick(), names(world)[3:]) == (2, ["r2"])
    assert (world.ids(), (await world.state())["sent"]) == ([1, 2], 6)
    assert await world.forwards.tick() == 0


async def test_a_record_arrives_as_its_sender_said_it(world: World) -> None:
    await world.put(signals=BOTH)
    said = {
        "name": "gen_ai.client.inference.operation.details",
        "severity": "9",
        "body": {"text": "hi", "parts": [1, 2.5, True, None]},
        "attributes": {"gen_ai.input.messages": "[…]", "n": 3},
        "scope": "openai@2.0",
        "resource": {"service.name": "shop"},
    }
    worded = record(2, 1, severity="WARN", resource={"service.name": "shop"}, scope="openai@2.0")
    await world.store.append(Facts(spans=spans(1, 1), events=[record(1, 1, **said), worded]))
    await world.forwards.tick()
    [of_resource] = world.collector.logs
    [of_scope] = of_resource.scope_logs
    first, second = of_scope.log_records
    resource = {one.key: one.value for one in of_resource.resource.attributes}
    assert resource["service.name"].string_value == "shop"
    assert [one.string_value for one in resource[FORWARDED_BY].array_value.values] == [SERVER]
    assert (of_scope.scope.name, of_scope.scope.version) == ("openai", "2.0")
    assert (first.trace_id.hex(), first.span_id.hex(), first.time_unix_nano) == (f"{1:032x}", f"{1:016x}", 10**18 + 1)
    assert (first.event_name, first.severity_number, first.severity_text) == (said["name"], 9, "")
    body = {one.key: one.value for one in first.body.kvlist_value.values}
    assert body["text"].string_value == "hi"
    assert [one.WhichOneof("value") for one in body["parts"].array_value.values] == [
        "int_value", "double_value", "bool_value", None,
    ]  # fmt: skip
    assert {one.key for one in first.attributes} == {"gen_ai.input.messages", "n"}
    assert (second.severity_number, second.severity_text, second.body.string_value) == (0, "WARN", "text 2")


async def test_only_records_of_spans_that_are_wanted_go(world: World) -> None:
    await world.put(signals=BOTH, filter={"name": "s2"})
    await world.store.append(Facts(spans=spans(1, 3), events=[record(n, n) for n in (1, 2)]))
    await world.store.append(Facts(events=[record(4, 3), record(5, 2), record(6, None, kind="log"), record(7, 9)]))
    await world.forwards.tick()
    assert (world.ids(), sorted(names(world))) == ([2], ["r2", "r5"])


async def test_what_names_no_span_goes_where_everything_goes(world: World) -> None:
    await world.put(signals=BOTH)
    other = [record(2, None, OTHER_PROJECT, "log"), record(3, None, kind="deployment")]
    await world.store.append(Facts(events=[record(1, None, kind="log"), *other]))
    assert (await world.forwards.tick(), names(world)) == (1, ["r1"])
    assert world.collector.records[0].trace_id == b""


async def test_what_sampling_holds_back_waits_with_its_span(world: World) -> None:
    await world.put(signals=BOTH)
    [held] = spans(1, 1, thin=Thin("waiting", {}))
    await world.store.append(Facts(spans=[held], events=[record(1, 1)]))
    assert (await world.forwards.tick(), names(world)) == (0, [])
    await world.store.decide(PROJECT, [held.trace_id], [], 0)
    assert (await world.forwards.tick(), names(world)) == (2, ["r1"])


async def test_nothing_goes_in_circles(world: World) -> None:
    await world.put(signals=BOTH)
    before = {FORWARDED_BY: ["another", SERVER]}
    events = [record(1, 1, resource=before), record(2, 1, resource={FORWARDED_BY: "another"})]
    await world.store.append(Facts(spans=spans(1, 1), events=events))
    await world.forwards.tick()
    assert names(world) == ["r2"]


async def test_trouble_with_records_is_waited_out_and_what_is_refused_is_counted(world: World) -> None:
    await world.put(signals=BOTH)
    await world.store.append(Facts(spans=spans(1, 1), events=[record(1, 1)]))
    world.collector.answers = [web.Response(), web.Response(status=404)]  # spans taken, no such path for records
    assert await world.forwards.tick() == 0
    assert "404" in (await world.state())["last_error"]
    world.clock.advance(2)
    assert await world.forwards.tick() == 2
    assert (world.ids(), names(world)) == (
        [1],
        ["r1"],
    )  # the first time the collector kept nothing
    await world.store.append(Facts(events=[record(n, 1) for n in (2, 3)]))
    world.collector.rejects = 1
    await world.forwards.tick()
    state = await world.state()
    assert (state["sent"], state["rejected"]) == (3, 1)


async def test_a_test_asks_for_both(world: World) -> None:
    await world.put(signals=BOTH)
    assert (await world.forwards.test(PROJECT, "other"))["ok"]
    world.collector.answers = [web.Response(), web.Response(status=404, text="no logs")]
    told = await world.forwards.test(PROJECT, "other")
    assert (told["ok"], told["status"], told["error"]) == (False, 404, "HTTP 404: no logs")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://x:4318", "http://x:4318/v1/logs"),
        ("http://x:4318/", "http://x:4318/v1/logs"),
        ("https://x/otel/v1/traces", "https://x/otel/v1/logs"),
    ],
)
def test_records_are_posted_beside_spans(endpoint: str, url: str) -> None:
    assert parse("other", {"endpoint": endpoint, "signals": BOTH}).logs_url == url


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"signals": ["logs"]}, "signals"),
        ({"signals": ["traces", "metrics"]}, "signals"),
        ({"signals": "logs"}, "signals"),
        ({"signals": BOTH, "endpoint": "https://x/api/otel"}, "endpoint"),
        ({"signals": BOTH, "endpoint": "https://x/v1/traces?key=1"}, "endpoint"),
    ],
)
def test_what_cannot_be_forwarded_names_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("other", {"endpoint": "http://x:4318", **fields})
    assert refused.value.field == field


async def test_many_records_go_in_pages(world: World) -> None:
    await world.put(signals=BOTH)
    await world.store.append(Facts(spans=spans(1, 2)))
    await world.forwards.tick()
    await world.store.append(Facts(events=[record(n, 1 + n % 2) for n in range(600)]))
    assert await world.forwards.tick() == 600
    assert len(set(names(world))) == 600
