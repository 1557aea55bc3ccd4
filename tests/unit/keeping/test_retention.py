"""Retention: rules with an hour to take them back, and passes that take what they say and nothing else."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import Conflict, Unavailable
from assay_server.core.records import Event, Facts, RunItem, Score
from assay_server.governance import Audit
from assay_server.ingest import Labels, MediaShelf, aliases
from assay_server.keeping import Passes, Retention
from assay_server.keeping import retention as retention_module
from assay_server.keeping.rules import parse, shortest_days
from assay_server.ledger import Ledger
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters
from tests.unit.keeping.conftest import DAY_S, NOW_NS, PROJECT, a_call, keep_media

HOUR_S = 3600


def ago(days: float) -> int:
    return NOW_NS - int(days * DAY_S * 1e9)


async def names(store: DuckStore) -> list[str]:
    return [row["span_id"].lstrip("0") for row in await store.scan("SELECT span_id FROM spans ORDER BY span_id")]


async def texts(store: DuckStore) -> dict[str, str | None]:
    rows = await store.scan("SELECT span_id, input FROM spans ORDER BY span_id")
    return {row["span_id"].lstrip("0"): row["input"] for row in rows}


async def test_without_rules_everything_is_kept(store: DuckStore, retention: Retention, passes: Passes) -> None:
    await store.append(Facts(spans=[a_call(1, days=9000)]))
    told, revision = await retention.get(PROJECT)
    await passes.work()
    assert (told["rules"], told["next"], told["last"], revision) == ([], None, None, 0)
    assert await names(store) == ["1"]


async def test_new_rules_wait_an_hour_and_can_be_taken_back(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    await store.append(Facts(spans=[a_call(1, days=40)]))
    _, first = await retention.put(PROJECT, "key:a", [{"metadata_days": 3}], reason="a slip")
    await passes.work()
    clock.advance(HOUR_S - 1)
    await passes.work()
    assert await names(store) == ["1"]
    with pytest.raises(Conflict) as refusal:
        await retention.put(PROJECT, "key:a", [], revision=first + 1)
    assert refusal.value.field == "If-Match"
    _, second = await retention.put(PROJECT, "key:a", [{"metadata_days": 30}], revision=first)
    clock.advance(2)
    await passes.work()
    assert await names(store) == ["1"]
    clock.advance(HOUR_S)
    await passes.work()
    assert (await names(store), second) == ([], first + 1)


async def test_a_pass_takes_what_the_rules_say_and_tells(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock, audit: Audit
) -> None:
    spans = [a_call(1, days=400), a_call(2, days=100), a_call(3, days=10)]
    scores = [Score(PROJECT, f"scr_{days}", "q", ago(days), "human", 1.0, reason="why") for days in (800, 100, 10)]
    events = [Event(PROJECT, f"evt_{days}", "log", ago(days), data={"body": "said"}) for days in (400, 100, 10)]
    events.append(Event(PROJECT, "evt_deploy", "deploy", ago(400), data={"body": "said"}))
    runs = [RunItem(PROJECT, "run_1", f"itm_{days}", 0, ago(days), input="asked") for days in (400, 10)]
    await store.append(Facts(spans, scores, runs, events))
    rules = [{"metadata_days": 365, "text_days": 30, "scores_days": 730}]
    expected = await passes.preview(PROJECT, parse(rules), NOW_NS)
    await retention.put(PROJECT, "key:a", rules)
    clock.advance(HOUR_S)
    await passes.work()
    told, _ = await retention.get(PROJECT)
    [event], _, _ = await audit.list(PROJECT, action="retention.pass")
    rows = (await store.stats()).rows

    counts = {"spans": 1, "texts": 1, "log_records": 1, "log_texts": 1, "scores": 1, "score_texts": 1}
    assert {name: expected[name] for name in counts} == counts
    assert told["last"]["removed"] == counts | {"traces": 1}
    assert (told["last"]["status"], event["after"]["removed"]) == ("done", counts | {"traces": 1})
    assert (rows["spans"], rows["traces"], rows["scores"], rows["events"], rows["run_items"]) == (2, 2, 2, 3, 2)
    assert await texts(store) == {"2": None, "3": "in 3"}
    reasons = await store.scan("SELECT id, reason FROM scores ORDER BY id")
    assert [row["reason"] for row in reasons] == ["why", None]
    bodies = await store.scan("SELECT id, data LIKE '%said%' AS said FROM events ORDER BY id")
    assert {row["id"]: row["said"] for row in bodies} == {"evt_10": True, "evt_100": False, "evt_deploy": True}


async def test_what_is_dated_ahead_goes_by_the_day_it_came(
    store: DuckStore, ledger: Ledger, audit: Audit, shelf: MediaShelf
) -> None:
    """A client whose clock was a year ahead had its texts kept for a year and a month under a rule of a month."""
    clock = FakeClock(time.time_ns())  # by which the store says when something came
    year_ahead = clock.now_ns() + 365 * DAY_S * 10**9
    ahead, staging, usual = (a_call(n, environment="staging" if n == 2 else None) for n in (1, 2, 3))
    dated = [replace(span, start_ns=year_ahead, end_ns=year_ahead + 1) for span in (ahead, staging)]
    spans = [*dated, replace(usual, start_ns=clock.now_ns(), end_ns=clock.now_ns() + 1)]
    record = Event(PROJECT, "evt_1", "log", year_ahead, data={"body": "said"})
    await store.append(Facts(spans=spans, events=[record]))
    retention = Retention(ledger, audit, clock)
    passes = Passes(store, retention, Labels(aliases()).is_label, shelf, NoCounters())
    rules = [{"metadata_days": 90, "text_days": 30}, {"environment": "staging", "metadata_days": 900}]
    await retention.put(PROJECT, "key:a", rules)

    async def after(days: int) -> tuple[dict[str, Any], dict[str, Any]]:
        clock.advance(days * DAY_S)
        expected = await passes.preview(PROJECT, parse(rules), clock.now_ns())
        await retention.ask(PROJECT, "key:a")
        await passes.work()
        logs = await store.scan("SELECT data LIKE '%said%' AS said FROM events")
        left = {**await texts(store), "log": [row["said"] for row in logs]}
        return {name: n for name, n in expected.items() if n and isinstance(n, int)}, left

    assert await after(29) == ({}, {"1": "in 1", "2": "in 2", "3": "in 3", "log": [True]})
    assert await after(2) == ({"texts": 2, "log_texts": 1}, {"1": None, "2": "in 2", "3": None, "log": [False]})
    assert await after(60) == ({"spans": 2, "log_records": 1}, {"2": "in 2", "log": []})


async def test_it_is_known_from_when_on_nothing_was_taken_away(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    """Also where the rules keep longer by now: what went is gone."""
    await store.append(Facts(spans=[a_call(1, days=40)]))
    await retention.put(PROJECT, "key:a", [{"text_days": 30, "scores_days": 60}])
    clock.advance(HOUR_S)
    assert await retention.whole_since_ns(PROJECT, "spans") == 0
    await passes.work()
    await retention.put(PROJECT, "key:a", [{"text_days": 300}])
    expected = [clock.now_ns() - 30 * DAY_S * 10**9] * 2
    assert [await retention.whole_since_ns(PROJECT, what) for what in ("spans", "scores")] == expected
    assert await retention.whole_since_ns("prj_other", "spans") == 0
    rules = parse([{"metadata_days": 90}, {"environment": "staging", "text_days": 7}])
    found = [shortest_days(rules, "spans", environment) for environment in (None, "staging", "production")]
    assert found == [7, 7, 90], "an environment goes by its own rule, or else by the project's"


async def test_a_second_pass_finds_nothing_and_leaves_no_row(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    await store.append(Facts(spans=[a_call(1, days=40)]))
    await retention.put(PROJECT, "key:a", [{"text_days": 30}])
    for _ in range(3):
        clock.advance(HOUR_S)
        await passes.work()
    found, total, following = await retention.passes(PROJECT)
    assert (len(found), total, following) == (1, 1, None)
    assert found[0]["removed"] == {"texts": 1}


async def test_an_environment_goes_by_its_own_rule(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    environments = ["staging", "production", None]
    spans = [a_call(n, days=20, environment=environments[n % 3]) for n in range(1, 7)]
    resource = {"deployment.environment.name": "staging"}
    events = [
        Event(PROJECT, "evt_1", "log", ago(20), data={"body": "x", "resource": resource}),
        Event(PROJECT, "evt_2", "log", ago(20), data={"body": "x", "resource": {}}),
    ]
    await store.append(Facts(spans=spans, events=events))
    await retention.put(
        PROJECT, "key:a", [{"metadata_days": 30, "text_days": 10}, {"environment": "staging", "metadata_days": 7}]
    )
    clock.advance(HOUR_S)
    await passes.work()
    left = await store.scan("SELECT environment, input FROM spans ORDER BY span_id")
    logs = await store.scan("SELECT id, let_go_ns IS NULL AS whole FROM events")
    assert left == [{"environment": name, "input": None} for name in ("production", None, "production", None)]
    assert logs == [{"id": "evt_2", "whole": False}]


async def test_a_trace_goes_as_a_whole(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    """Its last span is younger than the rule, its first is not."""
    await store.append(
        Facts(spans=[a_call(1, days=30.01, trace=1), a_call(2, days=29.99, trace=1), a_call(3, days=29.99)])
    )
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(1)
    await retention.ask(PROJECT, "key:a")
    await passes.work()
    assert await names(store) == ["3"]


async def test_another_project_keeps_its_own(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    await store.append(Facts(spans=[a_call(1, days=40), a_call(2, days=40, project="prj_other")]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(HOUR_S)
    await passes.work()
    assert await names(store) == ["2"]


async def test_asking_does_not_wait_and_wants_rules(store: DuckStore, retention: Retention, passes: Passes) -> None:
    await store.append(Facts(spans=[a_call(1, days=40)]))
    with pytest.raises(Conflict):
        await retention.ask(PROJECT, "key:a")
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    asked = await retention.ask(PROJECT, "key:a")
    await passes.work()
    [told], _, _ = await retention.passes(PROJECT)
    assert (asked["status"], told["status"], told["id"]) == ("running", "done", asked["id"])
    assert await names(store) == []


async def test_who_asks_again_before_it_is_done_is_told_the_same_pass(
    store: DuckStore, retention: Retention, passes: Passes
) -> None:
    """One for each time that somebody asked was made after the other, all of them over the same days."""
    await store.append(Facts(spans=[a_call(1, days=40)]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    asked = [await retention.ask(PROJECT, "key:a") for _ in range(3)]
    await retention.put(PROJECT, "key:a", [{"metadata_days": 20}])
    others = await retention.ask(PROJECT, "key:a")
    assert len({each["id"] for each in asked}) == 1
    assert others["id"] != asked[0]["id"]
    await passes.work()
    _, total, _ = await retention.passes(PROJECT)
    assert total == 1, "the other one found nothing left"


async def test_a_pass_that_was_killed_goes_on(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    await store.append(Facts(spans=[a_call(1, days=40), a_call(2, days=31)]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(HOUR_S)
    [begun] = await retention.due()  # and nobody made it
    clock.advance(5 * DAY_S)
    await passes.work()
    [told], _, _ = await retention.passes(PROJECT)
    assert (told["id"], told["as_of"], told["removed"]["spans"]) == (begun.id, told["started_at"], 2)


class Refusing:
    """A store whose disk is full."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def erase(self, *_: Any) -> dict[str, int]:
        raise Unavailable("The disk refuses.")


async def test_media_go_with_the_longest_text(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock, shelf: MediaShelf, tmp_path: Path
) -> None:
    await keep_media(shelf, "a", b"an image", 1)
    rules = [{"text_days": 7}, {"environment": "staging", "text_days": 30}]
    await retention.put(PROJECT, "key:a", rules)
    for days, left in ((29, 1), (2, 0)):
        clock.advance(days * DAY_S)
        await passes.work()  # after so long a pause it waits an hour: the clock may be wrong
        clock.advance(HOUR_S)
        seen = await passes.preview(PROJECT, parse(rules), clock.now_ns())
        await passes.work()
        assert seen["media"] == 1 - left
        assert sum(path.is_file() for path in (tmp_path / "media").rglob("*")) == left


async def test_a_pass_that_fails_is_told_and_made_again(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock, shelf: MediaShelf
) -> None:
    await store.append(Facts(spans=[a_call(1, days=40)]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(HOUR_S)
    await Passes(Refusing(store), retention, lambda *_: True, shelf, NoCounters()).work()
    clock.advance(HOUR_S)
    await passes.work()
    newest, failed = (await retention.passes(PROJECT))[0]
    assert (failed["status"], failed["error"]) == ("failed", "The disk refuses.")
    assert (newest["status"], await names(store)) == ("done", [])


async def test_a_clock_set_back_does_not_put_the_next_pass_off(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    """And takes from new rules no minute of the hour in which they can be taken back."""
    await store.append(Facts(spans=[a_call(1, days=4000)]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(-365 * DAY_S)
    await passes.work()
    clock.advance(HOUR_S - 1)
    await passes.work()
    assert await names(store) == ["1"]
    clock.advance(1)
    await passes.work()
    assert await names(store) == []


async def test_a_clock_that_leaps_ahead_takes_nothing_with_it(
    store: DuckStore, retention: Retention, passes: Passes, clock: FakeClock
) -> None:
    await store.append(Facts(spans=[a_call(1, days=1), a_call(2, days=40)]))
    await retention.put(PROJECT, "key:a", [{"metadata_days": 30}])
    clock.advance(365 * DAY_S)
    await passes.work()
    assert await names(store) == ["1", "2"]
    clock.advance(HOUR_S - 1 - 365 * DAY_S)  # somebody set it right within the hour
    await passes.work()
    assert await names(store) == ["1", "2"]
    clock.advance(HOUR_S)
    await passes.work()
    assert await names(store) == ["1"]


async def test_environments_that_readers_make_up_are_not_remembered_for_ever(
    retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "_MOST_REMEMBERED", 10)
    for n in range(100):
        assert await retention.spans_gone_before_ns(PROJECT, f"env-{n}") == 0
    assert len(retention._gone[PROJECT]) <= 10
