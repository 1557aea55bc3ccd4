"""Runs over an endpoint, a release and recorded answers: what is asked, stored, counted and resumed."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.evals.items import parse_item
from assay_server.evals.targets import prompt_inputs
from tests.fakes.evals import MemoryFacts, answer, endpoint
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.evals.conftest import Room, golden_items


async def right(body: dict[str, Any], _: web.Request) -> web.Response:
    """Answers what can be answered, and refuses the rest."""
    number = int(body["input"].split()[1])
    if number % 4 == 3:
        return answer("The context does not hold the answer.", [{"id": "doc-other", "text": "other"}])
    return answer(f"fact {number}", [{"id": f"doc-{number}", "text": f"fact {number}", "score": 0.9}])


async def test_a_run_over_an_endpoint(room: Room) -> None:
    async with endpoint(right) as url:
        run = await room.run(dataset="golden", endpoint=url, concurrency=4)

    assert run["status"] == "done"
    assert run["progress"] == {"done": 40, "total": 40, "errors": 0}
    scores = run["scores"]
    assert (scores["exact_match"]["n"], scores["exact_match"]["skipped"], scores["exact_match"]["mean"]) == (
        30,
        10,
        1.0,
    )
    assert (scores["refusal"]["n"], scores["refusal"]["mean"], scores["refusal"]["clusters"]) == (40, 1.0, 20)
    assert scores["refusal"]["ci"][0] == pytest.approx(0.025 ** (1 / 20))  # not 1: only twenty clusters were seen
    assert (scores["groundedness"]["n"], scores["hit_rate"]["mean"]) == (30, 1.0)
    assert (scores["schema_valid"]["n"], scores["schema_valid"]["skipped"], scores["schema_valid"]["mean"]) == (
        0,
        40,
        None,
    )
    assert run["cost"] == {"usd": None, "unknown": 40}
    assert run["latency_ms"]["p50"] > 0


async def test_what_the_endpoint_is_sent(room: Room) -> None:
    seen: list[tuple[dict[str, Any], str, str]] = []

    async def look(body: dict[str, Any], request: web.Request) -> web.Response:
        seen.append((body, request.headers["traceparent"], request.headers["x-assay-item"]))
        return answer("x")

    release = await room.releases.add(PROJECT, "rel_1")
    async with endpoint(look) as url:
        run = await room.run(dataset="golden@1", release=release, endpoint=url, metrics=["refusal"])

    body, traceparent, item = seen[0]
    assert body == {"input": "question 0", "release": "rel_1", "run": run["id"], "item": "itm_0"}
    assert item == "itm_0"
    traces = {row.trace_id: row.item for row in room.facts.run_items.values()}
    assert traces[traceparent.split("-")[1]] == "itm_0"
    roots = {span.trace_id: span for span in room.facts.spans}
    root = roots[traceparent.split("-")[1]]
    assert (root.span_id, root.item, root.run, root.release) == (traceparent.split("-")[2], "itm_0", run["id"], "rel_1")


async def test_failures_are_errors_of_every_metric_never_zeros(room: Room) -> None:
    async def flaky(body: dict[str, Any], request: web.Request) -> web.Response:
        number = int(body["input"].split()[1])
        if number == 0:
            return web.Response(status=400, text="bad question")
        if number == 1:
            return web.Response(text="no json")
        return await right(body, request)

    async with endpoint(flaky) as url:
        run = await room.run(dataset="golden", endpoint=url, metrics=["refusal", "exact_match"])

    assert run["status"] == "done"
    assert run["progress"]["errors"] == 2
    assert (run["scores"]["refusal"]["n"], run["scores"]["refusal"]["errors"]) == (38, 2)
    assert run["scores"]["refusal"]["mean"] == 1.0
    items = {row["item"]: row for row in await room.runs.items(PROJECT, run["id"])}
    assert items["itm_0"]["error"] == "The endpoint answered 400: bad question"
    assert items["itm_0"]["scores"]["refusal"]["value"] is None
    assert "no answer" in items["itm_0"]["scores"]["refusal"]["error"]


async def test_a_busy_endpoint_is_asked_again_and_a_refusing_one_is_not(room: Room) -> None:
    asked: Counter[str] = Counter()

    async def busy(body: dict[str, Any], request: web.Request) -> web.Response:
        asked[body["item"]] += 1
        if body["item"] == "itm_0" and asked["itm_0"] < 3:
            return web.Response(status=503, headers={"Retry-After": "0"})
        if body["item"] == "itm_1":
            return web.Response(status=422)
        return await right(body, request)

    async with endpoint(busy) as url:
        run = await room.run(dataset="golden", endpoint=url, metrics=["refusal"])

    assert (asked["itm_0"], asked["itm_1"], asked["itm_2"]) == (3, 1, 1)
    assert run["progress"]["errors"] == 1


async def test_repeats_are_averaged_before_items_are_compared(room: Room) -> None:
    asked: Counter[str] = Counter()

    async def moody(body: dict[str, Any], request: web.Request) -> web.Response:
        asked[body["item"]] += 1
        return await right(body, request) if asked[body["item"]] % 2 else answer("nonsense")

    async with endpoint(moody) as url:
        run = await room.run(dataset="golden", endpoint=url, metrics=["exact_match"], repeats=2)

    assert run["progress"] == {"done": 80, "total": 80, "errors": 0}
    assert run["scores"]["exact_match"]["n"] == 30  # items, not answers
    assert run["scores"]["exact_match"]["mean"] == 0.5


async def test_a_full_door_is_waited_for(make_room: Any) -> None:
    room: Room = make_room(facts=MemoryFacts(refuse=5))
    await room.datasets.add(PROJECT, "golden", golden_items())
    async with endpoint(right) as url:
        run = await room.run(dataset="golden", endpoint=url, metrics=["refusal"])
    assert run["scores"]["refusal"]["n"] == 40


async def test_a_release_is_called_through_the_gateway_with_the_items_fields(make_room: Any) -> None:
    room: Room = make_room(reply=lambda request: f"fact {request.variables['question'].split()[1]}")
    await room.datasets.add(PROJECT, "golden", golden_items())
    await room.releases.add(PROJECT, "rel_1", variables=["question"])
    run = await room.run(dataset="golden", release="rel_1", metrics=["exact_match"])

    assert run["scores"]["exact_match"]["mean"] == 1.0
    request = room.complete.requests[0]
    assert (request.model, request.project, request.run) == ("release:rel_1", PROJECT, run["id"])
    assert request.variables == {"question": "question 0"}
    assert request.traceparent is not None


def release(*variables: str, **template: str) -> dict[str, Any]:
    return {"prompts": {"answer": {"variables": list(variables), "template": template}}}


def test_a_conversation_is_asked_as_it_was_with_the_instructions_of_the_release() -> None:
    turns = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    told = [{"role": "system", "content": "as it was"}, *turns[:2], {**turns[2], "content": "and then?"}]
    talk = parse_item({"id": "1", "input": {"messages": told}})
    assert prompt_inputs({"prompts": {}}, talk) == (told, None)
    assert prompt_inputs(release(user="Answer."), talk) == (told, None)
    assert prompt_inputs(release(system="Be kind."), talk) == (told[1:], None)
    assert prompt_inputs(release("question"), talk) == ([], {"question": "and then?"})


@pytest.mark.parametrize("odd", [{"messages": "hi"}, {"messages": []}, {"messages": [{"text": "hi"}]}])
def test_an_object_whose_messages_are_none_is_sent_as_text(odd: Any) -> None:
    [sent], _ = prompt_inputs(release(), parse_item({"id": "1", "input": odd}))
    assert json.loads(sent["content"]) == odd


def test_prompt_variables_come_from_the_item() -> None:
    text = parse_item({"id": "1", "input": "why?", "contexts": ["a", {"id": "d", "text": "b"}]})
    fields = parse_item({"id": "2", "input": {"question": "why?", "count": 3}})
    assert prompt_inputs(release(), text) == ([{"role": "user", "content": "why?"}], None)
    assert prompt_inputs(release("question", "context"), text) == ([], {"question": "why?", "context": "a\n\nb"})
    assert prompt_inputs(release("input"), text) == ([], {"input": "why?"})
    assert prompt_inputs(release("question", "count"), fields) == ([], {"question": "why?", "count": "3"})
    with pytest.raises(InvalidInput) as caught:
        prompt_inputs(release("question", "tone"), fields)
    assert caught.value.value == "tone"


async def test_recorded_answers_are_scored_without_asking(room: Room) -> None:
    recorded = [{"item": "itm_0", "output": "fact 0", "latency_ms": 12.0}, {"item": "itm_1", "output": "wrong"}]
    run = await room.run(dataset="golden", recorded=recorded, metrics=["exact_match", "latency_ms"])
    assert run["progress"] == {"done": 2, "total": 2, "errors": 0}
    assert run["scores"]["exact_match"]["mean"] == 0.5
    assert (run["scores"]["latency_ms"]["n"], run["scores"]["latency_ms"]["skipped"]) == (1, 1)


async def test_recorded_answers_that_do_not_fit_are_named_all_at_once(room: Room) -> None:
    recorded = [
        {"item": "itm_0", "output": "x"},
        {"item": "itm_0", "output": "y"},
        {"item": "nope", "output": "x"},
        {"item": "itm_1"},
    ]
    with pytest.raises(InvalidInput) as caught:
        await room.runs.start(PROJECT, "key:test", {"dataset": "golden", "recorded": recorded})
    for fault in ("recorded[1]", "recorded[2]", "recorded[3]"):
        assert fault in caught.value.message


async def test_a_cancelled_run_keeps_what_it_has_and_does_not_come_back(room: Room) -> None:
    reached = asyncio.Event()

    async def stuck(body: dict[str, Any], request: web.Request) -> web.Response:
        if int(body["input"].split()[1]) >= 10:
            reached.set()
            await asyncio.Event().wait()
        return await right(body, request)

    async with endpoint(stuck) as url:
        started = await room.runs.start(
            PROJECT, "key:test", {"dataset": "golden", "endpoint": url, "concurrency": 1, "metrics": ["refusal"]}
        )
        await asyncio.wait_for(reached.wait(), 20)
        assert (await room.runs.get(PROJECT, started["id"]))["progress"]["done"] == 10
        run = await room.runs.cancel(PROJECT, started["id"], actor="key:me", reason="enough")

    assert (run["status"], run["progress"]["done"], run["scores"]["refusal"]["n"]) == ("cancelled", 10, 10)
    assert [(e["action"], e["subject"], e["reason"]) for e in room.audit.events] == [
        ("run.cancel", run["id"], "enough")
    ]
    await room.runs.resume()
    assert (await room.runs.get(PROJECT, run["id"]))["status"] == "cancelled"
    with pytest.raises(Conflict):
        await room.runs.cancel(PROJECT, run["id"], actor="key:me", reason="enough")


async def test_an_interrupted_run_goes_on_without_asking_answered_items_again(make_room: Any) -> None:
    asked: Counter[str] = Counter()
    reached = asyncio.Event()
    hold = True

    async def counting(body: dict[str, Any], request: web.Request) -> web.Response:
        if hold and int(body["input"].split()[1]) >= 25:
            reached.set()
            await asyncio.Event().wait()
        asked[body["item"]] += 1
        return await right(body, request)

    first: Room = make_room()
    await first.datasets.add(PROJECT, "golden", golden_items())
    async with endpoint(counting) as url:
        started = await first.runs.start(PROJECT, "key:test", {"dataset": "golden", "endpoint": url, "concurrency": 1})
        await asyncio.wait_for(reached.wait(), 20)
        await first.jobs.cancel(started["id"])  # as a shutdown does: the run's row stays open
        assert (await first.runs.get(PROJECT, started["id"]))["status"] == "running"

        hold = False
        second: Room = make_room(facts=first.facts)
        second.datasets._versions = first.datasets._versions
        await second.runs.resume()
        await second.jobs.finished(started["id"])

    run = await second.runs.get(PROJECT, started["id"])
    assert (run["status"], run["progress"]["done"]) == ("done", 40)
    assert sorted(asked.values()) == [1] * 40


async def test_a_run_that_breaks_says_why(room: Room) -> None:
    await room.releases.add(PROJECT, "rel_1", variables=["question", "tone"])
    run = await room.run(dataset="golden", release="rel_1", metrics=["refusal"])
    assert run["progress"]["errors"] == 40  # every item lacks the field: forty errors, said with each item

    async def broken(*_: Any) -> Any:
        raise RuntimeError("the store is gone")

    room.facts.answered = broken  # type: ignore[method-assign]
    failed = await room.run(dataset="golden", release="rel_1", metrics=["refusal"])
    assert (failed["status"], failed["error"]) == ("failed", "RuntimeError: the store is gone")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"endpoint": "http://x"}, "dataset"),
        ({"dataset": "golden"}, "release"),
        ({"dataset": "golden", "endpoint": "ftp://x"}, "endpoint"),
        ({"dataset": "golden", "endpoint": "http://x", "recorded": [{"item": "a", "output": "b"}]}, "endpoint"),
        ({"dataset": "golden", "endpoint": "http://x", "metrics": ["exct_match"]}, "metrics"),
        ({"dataset": "golden", "endpoint": "http://x", "repeats": 0}, "repeats"),
        ({"dataset": "golden", "endpoint": "http://x", "concurrency": True}, "concurrency"),
        ({"dataset": "golden", "recorded": []}, "recorded"),
    ],
)
async def test_unclear_requests_are_refused(room: Room, body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await room.runs.start(PROJECT, "key:test", body)
    assert caught.value.field == field


async def test_runs_belong_to_their_project(room: Room) -> None:
    run = await room.run(dataset="golden", recorded=[{"item": "itm_0", "output": "x"}])
    with pytest.raises(NotFound):
        await room.runs.get(OTHER_PROJECT, run["id"])
    with pytest.raises(NotFound):
        await room.runs.items(OTHER_PROJECT, run["id"])
    assert await room.runs.list(OTHER_PROJECT, limit=5) == ([], 0, None)


async def test_runs_are_listed_newest_first_in_pages(room: Room) -> None:
    made = [(await room.run(dataset="golden", recorded=[{"item": "itm_0", "output": "x"}]))["id"] for _ in range(3)]
    first, total, following = await room.runs.list(PROJECT, limit=2)
    rest, _, end = await room.runs.list(PROJECT, limit=2, after=following)
    assert [run["id"] for run in [*first, *rest]] == made[::-1]
    assert (total, end) == (3, None)


async def test_two_runs_side_by_side_differences_first(room: Room) -> None:
    async def worse(body: dict[str, Any], request: web.Request) -> web.Response:
        return answer("nonsense") if body["item"] == "itm_20" else await right(body, request)

    async with endpoint(right) as url:
        a = await room.run(dataset="golden", endpoint=url)
    async with endpoint(worse) as url:
        b = await room.run(dataset="golden", endpoint=url)

    found = await room.runs.compare(PROJECT, a["id"], b["id"])
    exact = found["metrics"]["exact_match"]
    assert (exact["n"], exact["better"], exact["worse"], exact["same"]) == (30, 0, 1, 29)
    assert exact["difference"] == pytest.approx(-1 / 30)
    assert exact["ci"][0] < exact["difference"] < exact["ci"][1]
    assert found["items"][0]["item"] == "itm_20"
    assert found["items"][0]["differences"]["exact_match"] == -1.0
    assert (found["items"][0]["a"]["output"], found["items"][0]["b"]["output"]) == ("fact 20", "nonsense")
    assert len(found["items"]) == 40


async def test_cost_is_what_the_traces_came_to(room: Room) -> None:
    from assay_server.core.records import Facts, Span

    async def spends(body: dict[str, Any], request: web.Request) -> web.Response:
        _, trace, parent, _ = request.headers["traceparent"].split("-")
        cost = None if body["item"] == "itm_0" else 0.5
        span = Span(
            PROJECT, trace, parent[::-1], parent, "chat", "llm", 0, 1, cost=cost, run=body["run"], item=body["item"]
        )
        await room.facts.write(Facts(spans=[span]))
        return answer("x")

    async with endpoint(spends) as url:
        run = await room.run(dataset="golden", endpoint=url, metrics=["cost_usd"])
    assert run["cost"] == {"usd": 19.5, "unknown": 1}
    assert (run["scores"]["cost_usd"]["n"], run["scores"]["cost_usd"]["skipped"]) == (39, 1)
