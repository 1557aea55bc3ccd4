"""Spans on their way to another collector: all of them, at least once, and nothing that should stay."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from assay_server.core.beat import Beat
from assay_server.core.errors import Forbidden, InvalidInput, NotFound
from assay_server.core.records import Facts, Span, Thin, Tokens
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.outbound import Forwards
from assay_server.outbound.otlp_parts import FORWARDED_BY
from assay_server.providers import HttpUpstream
from assay_server.query import Stored
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fakes.collector import Collector
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

SERVER = "ab" * 8


class World:
    """A store, a ledger, forwards over them and a collector."""

    def __init__(self, ledger: Ledger, store: DuckStore, collector: Collector) -> None:
        self.ledger, self.store, self.collector = ledger, store, collector
        self.clock = FakeClock()
        self.may_leave = True
        self.environment = {"TOKEN": "secret-token"}
        self.forwards = self.opened()

    def opened(self) -> Forwards:
        """As after a start."""
        return Forwards(
            self.ledger,
            Stored(self.store),
            HttpUpstream(),
            Audit(self.ledger, self.clock, lambda text: (text, [])),
            self.clock,
            server=SERVER,
            may_name=lambda project, name: name == "TOKEN",
            environment=self.environment,
            may_leave=lambda: self.may_leave,
        )

    async def put(self, **fields: Any) -> dict[str, Any]:
        return await self.forwards.put(PROJECT, "user:a", "other", {"endpoint": self.collector.url, **fields})

    async def state(self) -> dict[str, Any]:
        [state] = await self.forwards.list(PROJECT)
        return dict(state)

    def ids(self) -> list[int]:
        return sorted(int(span.span_id.hex(), 16) for span in self.collector.taken)


@pytest.fixture
async def world(ledger: Ledger, tmp_path: Path) -> AsyncIterator[World]:
    store = await DuckStore.open(tmp_path / "facts")
    async with Collector() as collector:
        made = World(ledger, store, collector)
        yield made
        await made.forwards.close()
    await store.close()


def spans(first: int, count: int, **fields: Any) -> list[Span]:
    return [
        replace(
            Span(PROJECT, f"{n:032x}", f"{n:016x}", None, f"s{n}", "llm", 10**18 + n, 10**18 + n + 5),
            **fields,
        )
        for n in range(first, first + count)
    ]


async def test_what_is_stored_from_now_on_arrives_in_batches(world: World) -> None:
    await world.store.append(Facts(spans=spans(1, 3)))
    await world.put()
    for first in range(10, 1510, 500):
        await world.store.append(Facts(spans=spans(first, 500)))
    before = await world.state()
    assert await world.forwards.tick() == 1500
    after = await world.state()
    assert world.ids() == list(range(10, 1510))
    assert world.collector.requests == 6
    assert (before["waiting"], before["state"]) == (1500, "ok")
    assert (after["waiting"], after["sent"], after["oldest_at"]) == (0, 1500, None)
    assert await world.forwards.tick() == 0


async def test_after_a_restore_nothing_is_sent_on_until_somebody_says_so(world: World) -> None:
    await world.put()
    await world.store.append(Facts(spans=spans(1, 3)))
    world.may_leave = False
    assert (await world.forwards.tick(), world.collector.requests) == (0, 0)
    world.may_leave = True
    assert await world.forwards.tick() == 3


async def test_what_kind_of_span_it_was_and_what_its_links_say_goes_along(world: World) -> None:
    await world.put()
    link = {"trace_id": f"{7:032x}", "span_id": f"{8:016x}", "attributes": {"why": "retry"}}
    await world.store.append(Facts(spans=spans(1, 1, attributes={"span.kind": "client", "a": 1}, links=[link])))
    await world.forwards.tick()
    [sent] = world.collector.taken
    assert (sent.kind, "span.kind" in {pair.key for pair in sent.attributes}) == (3, False)
    [linked] = sent.links
    assert [(pair.key, pair.value.string_value) for pair in linked.attributes] == [("why", "retry")]


async def test_what_stood_beside_attributes_stands_there_again(world: World) -> None:
    await world.put()
    told = {
        "otel.scope.flavour": "plain",
        "otel.scope.schema_url": "https://two",
        "otel.resource.schema_url": "https://one",
        "otel.resource.entity_refs": [{"type": "service", "id_keys": ["service.name"]}],
    }
    beside = {"w3c.tracestate": "v=1", "otel.dropped_events_count": 2, "otel.flags": 0x301}
    of_link = {"w3c.tracestate": "v=2", "otel.flags": 0x300}
    link = {"trace_id": f"{7:032x}", "span_id": f"{8:016x}", "attributes": of_link}
    resource = {"service.name": "shop", **told}
    await world.store.append(
        Facts(spans=spans(1, 1, scope="lib@1", resource=resource, attributes=beside, links=[link]))
    )
    await world.forwards.tick()
    [of_scope], [sent], [resource] = world.collector.scopes, world.collector.taken, world.collector.resources
    assert (of_scope.schema_url, of_scope.scope.name, set(resource)) == (
        "https://two",
        "lib",
        {"service.name", FORWARDED_BY},
    )
    assert [(pair.key, pair.value.string_value) for pair in of_scope.scope.attributes] == [("flavour", "plain")]
    assert (sent.trace_state, sent.dropped_events_count, sent.links[0].trace_state) == ("v=1", 2, "v=2")
    assert (sent.flags, sent.links[0].flags) == (0x301, 0x300)
    assert (len(sent.attributes), len(sent.links[0].attributes)) == (1, 0)  # what Assay says itself: the kind
    [entity] = world.collector.entities
    assert (entity.type, list(entity.id_keys)) == ("service", ["service.name"])


async def test_an_attribute_that_has_the_name_of_entity_references_is_sent_on_as_it_is(world: World) -> None:
    await world.put()
    resource = {"otel.resource.entity_refs": [{"type": 5, "mine": True}]}
    await world.store.append(Facts(spans=spans(1, 1, resource=resource)))
    await world.forwards.tick()
    [sent] = world.collector.resources
    assert set(sent) == {"otel.resource.entity_refs", FORWARDED_BY}


async def test_what_is_stored_wakes_nobody_while_nothing_is_forwarded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Beat] = []

    def wake(beat: Beat) -> None:
        woken.append(beat)

    monkeypatch.setattr(Beat, "wake", wake)
    await world.forwards.tick()
    await world.forwards.heard(Facts(spans=spans(1, 1)))
    assert woken == []
    await world.put()
    assert len(woken) == 1, "a new one is looked for at once"
    await world.forwards.tick()
    await world.forwards.heard(Facts(spans=spans(2, 1)))
    assert len(woken) == 2


async def test_a_span_arrives_as_the_sender_said_it(world: World) -> None:
    await world.put()
    said = {"custom": [1, 2.5, {"a": None}], "flag": True, "input.value": "hi", "big": 2**70}
    [span] = spans(
        7, 1, attributes=said, input="hi", output="ho", model="m-1", tokens=Tokens(1, 2, None, 3, None), status="error",
        status_message="no", resource={"service.name": "shop"}, scope="lib@2", parent_id=f"{9:016x}", user="u1",
        events=[{"name": "e", "time_ns": 5, "attributes": {"k": 1}}],
        links=[{"trace_id": f"{1:032x}", "span_id": f"{2:016x}", "attributes": {}}],
    )  # fmt: skip
    await world.store.append(Facts(spans=[span]))
    await world.forwards.tick()
    [sent] = world.collector.taken
    attributes = {one.key: one.value for one in sent.attributes}
    assert (sent.trace_id.hex(), sent.span_id.hex(), sent.parent_span_id.hex()) == (
        span.trace_id, span.span_id, span.parent_id,
    )  # fmt: skip
    assert (sent.start_time_unix_nano, sent.end_time_unix_nano) == (span.start_ns, span.end_ns)
    assert (sent.status.code, sent.status.message, sent.name) == (2, "no", "s7")
    assert attributes["custom"].array_value.values[2].kvlist_value.values[0].key == "a"
    assert (attributes["flag"].bool_value, attributes["input.value"].string_value) == (True, "hi")
    assert (attributes["output.value"].string_value, attributes["gen_ai.request.model"].string_value) == ("ho", "m-1")
    assert (attributes["gen_ai.usage.input_tokens"].int_value, attributes["user.id"].string_value) == (3, "u1")
    assert (sent.events[0].time_unix_nano, len(sent.links)) == (5, 1)
    [resource] = world.collector.resources
    assert resource["service.name"].string_value == "shop"
    assert [one.string_value for one in resource[FORWARDED_BY].array_value.values] == [SERVER]


@pytest.mark.parametrize(
    "trouble", [web.Response(status=503), web.Response(status=401), None], ids=["503", "401", "hung-up"]
)
async def test_trouble_is_waited_out_and_nothing_is_lost(world: World, trouble: web.Response | None) -> None:
    await world.put()
    await world.store.append(Facts(spans=spans(1, 10)))
    world.collector.answers = [trouble]
    assert await world.forwards.tick() == 0
    state = await world.state()
    assert await world.forwards.tick() == 0, "not before its time"
    world.clock.advance(1.1)
    await world.forwards.close()
    world.forwards = world.opened()  # a kill in between
    assert await world.forwards.tick() == 10
    assert (state["state"], state["waiting"], bool(state["last_error"])) == ("retrying", 10, True)
    assert (await world.state())["last_error"] is None
    assert world.ids() == list(range(1, 11))


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "a date"])
async def test_it_comes_back_when_the_other_side_says_so(world: World, as_date: bool) -> None:
    await world.put()
    await world.store.append(Facts(spans=spans(1, 1)))
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    world.collector.answers = [web.Response(status=429, headers={"retry-after": date if as_date else "60"})]
    await world.forwards.tick()
    world.clock.advance(40 if as_date else 59)  # a date has whole seconds, and the machine may be slow
    assert await world.forwards.tick() == 0
    world.clock.advance(21)
    assert await world.forwards.tick() == 1


async def test_a_clock_that_is_set_back_holds_nothing_back(world: World) -> None:
    await world.put()
    await world.store.append(Facts(spans=spans(1, 1)))
    world.collector.answers = [web.Response(status=503)]
    world.clock.advance(86_400)
    assert await world.forwards.tick() == 0
    world.clock.advance(-86_400)
    assert await world.forwards.tick() == 1


async def test_what_is_refused_for_good_is_counted_and_passed_over(world: World) -> None:
    await world.put()
    await world.store.append(Facts(spans=spans(1, 4)))
    world.collector.answers = [web.Response(status=400, text="no")]
    assert await world.forwards.tick() == 0
    world.collector.rejects = 1
    await world.store.append(Facts(spans=spans(5, 4)))
    assert await world.forwards.tick() == 3
    state = await world.state()
    assert (state["sent"], state["rejected"], state["waiting"]) == (3, 5, 0)


async def test_only_what_is_wanted_is_sent(world: World) -> None:
    await world.put(filter={"kind": "llm", "name": ["s1*"]}, share=0.5)
    await world.store.append(Facts(spans=[*spans(1, 200), *spans(1000, 5, kind="tool")]))
    await world.forwards.tick()
    named = {n for n in range(1, 200) if str(n).startswith("1")}
    assert set(world.ids()) < named
    assert 30 < len(world.ids()) < 80
    assert (await world.state())["waiting"] == 0


async def test_what_is_left_out_is_not_sent(world: World) -> None:
    await world.put(filter={"-kind": "tool", "-name": ["s1*"], "-user": "nobody"})
    await world.store.append(Facts(spans=[*spans(1, 30), *spans(1000, 5, kind="tool")]))
    await world.forwards.tick()
    assert set(world.ids()) == {n for n in range(1, 31) if not str(n).startswith("1")}


async def test_what_sampling_holds_back_is_sent_when_it_is_kept(world: World) -> None:
    await world.put()
    waiting = spans(1, 2, thin=Thin("waiting", {}), input="text")
    await world.store.append(Facts(spans=[*waiting, *spans(5, 1, thin=Thin("sampled_out", {}))]))
    assert await world.forwards.tick() == 0
    await world.store.decide(PROJECT, [waiting[0].trace_id], [waiting[1].trace_id], 0)
    await world.forwards.tick()
    assert world.ids() == [1]


async def test_nothing_goes_in_circles_and_nothing_of_another_project_goes(world: World) -> None:
    await world.put()
    sent_before = {FORWARDED_BY: ["0" * 16, SERVER]}
    from_another = {FORWARDED_BY: ["0" * 16]}
    facts = [*spans(1, 1, resource=sent_before), *spans(2, 1, resource=from_another)]
    await world.store.append(Facts(spans=[*facts, *spans(3, 1, project=OTHER_PROJECT)]))
    await world.forwards.tick()
    assert world.ids() == [2]
    [resource] = world.collector.resources
    assert [one.string_value for one in resource[FORWARDED_BY].array_value.values] == ["0" * 16, SERVER]


async def test_secrets_come_from_the_environment_and_are_never_shown(world: World) -> None:
    made = await world.put(headers={"Authorization": "env:TOKEN"})
    await world.store.append(Facts(spans=spans(1, 1)))
    await world.forwards.tick()
    tested = await world.forwards.test(PROJECT, "other")
    assert world.collector.headers[0]["authorization"] == "secret-token"
    assert made["headers"] == {"authorization": "env:TOKEN"}
    assert tested == {"ok": True, "status": 200, "error": None}
    assert "secret-token" not in json.dumps([made, await world.state()])


async def test_a_missing_variable_is_told_and_waited_for(world: World) -> None:
    await world.put(headers={"authorization": "env:TOKEN"})
    world.environment.clear()
    await world.store.append(Facts(spans=spans(1, 1)))
    await world.forwards.tick()
    assert "has no TOKEN" in (await world.state())["last_error"]


async def test_it_is_switched_off_and_ended(world: World) -> None:
    await world.put()
    await world.put(enabled=False)
    await world.store.append(Facts(spans=spans(1, 1)))
    assert await world.forwards.tick() == 0
    assert (await world.state())["state"] == "off"
    await world.put()
    assert await world.forwards.tick() == 1, "what was stored meanwhile is sent"
    await world.forwards.delete(PROJECT, "user:a", "other")
    with pytest.raises(NotFound):
        await world.forwards.test(PROJECT, "other")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"endpoint": "http://user:pass@x"}, "endpoint"),
        ({"endpoint": "http://[::1"}, "endpoint"),
        ({"endpoint": "http://x\u0001/y"}, "endpoint"),
        ({"headers": {"authorization": "Bearer abc"}}, "headers.authorization"),
        ({"headers": {"authorization": "env:ASSAY_BOOTSTRAP_KEY"}}, "headers.authorization"),
        ({"headers": {"a b": "env:TOKEN"}}, "headers"),
        ({"share": 0}, "share"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"kind": "LLM"}}, "filter.kind"),
    ],
    ids=["scheme", "password", "bracket", "control", "clear", "ours", "header", "share", "filter", "kind"],
)
async def test_a_wrong_field_is_named(world: World, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.put(**fields)
    assert refused.value.field == field
    assert "pass" not in str(refused.value.value)


async def test_a_name_that_a_forward_cannot_have_is_told_with_what_it_may(world: World) -> None:
    with pytest.raises(InvalidInput, match="1 to 100 of a-z, 0-9") as refused:
        await world.forwards.put(PROJECT, "user:a", "An der Börse", {"endpoint": world.collector.url})
    assert (refused.value.field, refused.value.value) == ("name", "An der Börse")


async def test_a_project_may_not_name_every_variable(world: World) -> None:
    with pytest.raises(Forbidden):
        await world.put(headers={"authorization": "env:OPENAI_API_KEY"})
