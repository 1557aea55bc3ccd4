"""Sessions and users: whom a trace belongs to, sums that count each call once, order, pages."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import ORDERS_OF_SESSIONS, ORDERS_OF_USERS, Order, People, PeopleFilter, Rank, Traces
from assay_server.store import DuckStore

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_795_248_000 * SECOND  # 2026-11-21T08:00:00Z


def span(trace: int, number: int, at: int, parent: int | None = None, project: str = "prj_a", **fields: Any) -> Span:
    above = None if parent is None else f"{trace * 100 + parent:016x}"
    fields = {"kind": "span", **fields}
    return Span(project, f"{trace:032x}", f"{trace * 100 + number:016x}", above, "call", start_ns=START + at,
                end_ns=START + at + SECOND, **fields)  # fmt: skip


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(
        Facts(
            [
                # a conversation of two turns; only the root names the session, the agent repeats the cost of its call
                span(1, 1, 0, kind="agent", session="s/1", user="ada", input="q" * 400, output="a1", cost=0.5),
                span(1, 2, 1, 1, kind="llm", model="m1", cost=0.5, tokens=Tokens(10, 5, None, 3, 2)),
                span(2, 1, DAY, session="s/1", user="ada", input='[{"role":"user","content":"q2"}]', output="a2"),
                span(2, 2, DAY + 1, 1, kind="llm", model="m2", tokens=Tokens(7), status="error"),
                span(3, 1, 2 * SECOND, session="s2", user="bob", environment="prod", input="b"),
                span(4, 1, 3 * SECOND, user="ada", kind="llm", model="m1", cost=0.25),
                span(5, 1, 9 * DAY, project="prj_b", session="s/1", user="ada", cost=9.0, kind="llm"),
            ],
            [
                Score("prj_a", "1", "good", START, "human", 1.0, trace_id=f"{1:032x}"),
                Score("prj_a", "2", "good", START, "human", 0.0, trace_id=f"{3:032x}"),
                Score("prj_b", "3", "good", START, "human", 0.0, trace_id=f"{1:032x}"),
            ],
        )
    )
    yield People(store, Traces(store))
    await store.close()


@pytest.mark.parametrize(
    ("line", "sessions", "users"),
    [
        ("status:error", ["s/1"], ["ada"]),
        ("score.good<0.5", ["s2"], ["bob"]),
        ("-model:m1", ["s/1", "s2"], ["ada", "bob"]),
        ("a1", ["s/1"], ["ada"]),
        ("nobodysaidthis", [], []),
    ],
)
async def test_who_has_a_trace_that_a_line_finds(
    people: People, line: str, sessions: list[str], users: list[str]
) -> None:
    narrow = PeopleFilter(search=line)
    found = await people.sessions("prj_a", narrow)
    assert ([row["session"] for row in found.items], found.total) == (sessions, len(sessions))
    everybody = await people.users("prj_a", narrow)
    assert [row["user"] for row in everybody.items] == users
    by_cost = await people.ranked_users("prj_a", narrow, Order.read("cost:desc", ORDERS_OF_USERS))
    assert {row["user"] for row in by_cost.items} == set(users)
    ranked = await people.ranked_sessions("prj_a", narrow, Order.read("cost:desc", ORDERS_OF_SESSIONS))
    assert {row["session"] for row in ranked.items} == set(sessions)


async def test_a_user_s_sums_are_of_the_traces_that_are_found_and_a_session_s_of_the_whole(people: People) -> None:
    [ada] = (await people.users("prj_a", PeopleFilter(search="status:error"))).items
    assert (ada["traces"], ada["errors"], ada["first"]) == (1, 1, "2026-11-21T08:00:00.000000Z")
    [session] = (await people.sessions("prj_a", PeopleFilter(search="status:error"))).items
    assert (session["traces"], session["errors"]) == (2, 1)
    later = PeopleFilter(since_ns=START + DAY, search="model:m1")  # its trace is over by then
    assert (await people.sessions("prj_a", later)).items == []


@pytest.mark.parametrize("line", ["latency>soon", "a since:2d", "statu:error"])
async def test_a_line_that_cannot_be_read_is_told_with_its_field(people: People, line: str) -> None:
    for ask in (people.sessions, people.users):
        with pytest.raises(InvalidInput) as refused:
            await ask("prj_a", PeopleFilter(search=line))
        assert (refused.value.field, bool(refused.value.fix)) == ("search", True)


async def test_who_is_named_late_in_the_trace_of_another_has_a_page_and_no_traces(people: People) -> None:
    late = span(1, 9, SECOND, 1, user="eve", session="s9")
    await people._store.append(Facts([late]))
    user, session = await people.user("prj_a", "eve"), await people.session("prj_a", "s9")
    assert (user["traces"], user["first"], user["cost"]) == (
        0,
        "2026-11-21T08:00:01.000000Z",
        {"usd": None, "unknown": 0},
    )
    assert (session["traces"], session["user"], [turn["trace_id"] for turn in session["turns"]]) == (
        0,
        "eve",
        [f"{1:032x}"],
    )
    assert [row["user"] for row in (await people.users("prj_a")).items] == ["ada", "bob"]


async def test_sessions_are_listed_with_sums_over_whole_traces(people: People) -> None:
    page = await people.sessions("prj_a")
    assert (page.total, page.following, [row["session"] for row in page.items]) == (2, None, ["s/1", "s2"])
    assert page.items[0] == {
        "session": "s/1",
        "user": "ada",
        "environment": None,
        "start": "2026-11-21T08:00:00.000000Z",
        "last": "2026-11-22T08:00:00.000000Z",
        "traces": 2,
        "errors": 1,
        "tokens": {"input": 22, "output": 5},
        "cost": {"usd": 0.5, "unknown": 1},
        "input": "q" * 300,
        "output": "a2",
    }
    assert page.items[1]["cost"] == {"usd": None, "unknown": 0}


async def sorted_by(people: People, group: str, sort: str, narrow: PeopleFilter = PeopleFilter()) -> list[str]:
    """Page by page, one row each."""
    users = group == "user"
    ranked = people.ranked_users if users else people.ranked_sessions
    order = Order.read(sort, ORDERS_OF_USERS if users else ORDERS_OF_SESSIONS)
    names: list[str] = []
    after: Rank | None = None
    while True:
        page = await ranked("prj_a", narrow, order, limit=1, after=after)
        names += [row[group] for row in page.items]
        if page.following is None:
            return names
        after = Rank(*page.following)


async def test_people_are_sorted_by_what_their_rows_show(people: People) -> None:
    more = [
        span(6, 1, 4 * SECOND, user="cy", session="s3", kind="llm", model="m1", cost=0.6, tokens=Tokens(100)),
        span(7, 1, 5 * SECOND, user="cy", session="s3"),
        span(8, 1, 6 * SECOND, user="cy", session="s4", status="error"),
        span(9, 1, 7 * SECOND, user="cy", session="s4", status="error"),
    ]
    await people._store.append(Facts(more))
    for sort, users in {
        "traces:desc": ["cy", "ada", "bob"],
        "traces:asc": ["bob", "ada", "cy"],
        "errors:desc": ["cy", "ada", "bob"],
        "sessions:desc": ["cy", "ada", "bob"],  # ada and bob have one each: the last active first
        "tokens:desc": ["cy", "ada", "bob"],
        "tokens:asc": ["ada", "cy", "bob"],  # nobody knows bob's
        "cost:desc": ["ada", "cy", "bob"],
        "cost:asc": ["cy", "ada", "bob"],
        "last:asc": ["bob", "cy", "ada"],
    }.items():
        assert await sorted_by(people, "user", sort) == users, sort
    for sort, sessions in {
        "cost:desc": ["s3", "s/1", "s4", "s2"],
        "traces:asc": ["s2", "s/1", "s4", "s3"],
        "errors:desc": ["s4", "s/1", "s3", "s2"],
        "start:desc": ["s4", "s3", "s2", "s/1"],
        "last:asc": ["s2", "s3", "s4", "s/1"],
    }.items():
        assert await sorted_by(people, "session", sort) == sessions, sort


async def test_users_are_sorted_by_the_time_that_is_asked_for_and_sessions_as_a_whole(people: People) -> None:
    """As the rows are: what a user did in a time, and what a session that was active in it is."""
    await people._store.append(Facts([span(6, 1, DAY + 5, user="bob", session="s2", kind="llm", cost=0.1)]))
    later = PeopleFilter(since_ns=START + DAY)
    assert await sorted_by(people, "user", "cost:desc", later) == ["bob", "ada"]  # hers of that day is unknown
    assert await sorted_by(people, "session", "cost:desc", later) == ["s/1", "s2"]
    one = await people.ranked_sessions("prj_a", later, Order.read("cost:desc", ORDERS_OF_SESSIONS), limit=1)
    assert (one.total, one.items[0]["cost"]["usd"]) == (2, 0.5)


async def test_a_session_is_a_conversation_in_order(people: People) -> None:
    session = await people.session("prj_a", "s/1")
    assert [turn["input"] for turn in session["turns"]] == ["q" * 400, [{"role": "user", "content": "q2"}]]
    assert ([turn["output"] for turn in session["turns"]], session["more"]) == (["a1", "a2"], False)
    with pytest.raises(NotFound):
        await people.session("prj_a", "nobody")


async def test_what_was_said_of_a_session_as_a_whole_stands_with_it(people: People) -> None:
    said = [
        Score("prj_a", "4", "csat", START, "end_user", 4.0, session="s/1", reason="nice"),
        Score("prj_a", "5", "csat", START, "end_user", 1.0, session="s2"),
        Score("prj_b", "6", "csat", START, "end_user", 1.0, session="s/1"),
        Score("prj_a", "7", "good", START, "human", 1.0, session="s/1", trace_id=f"{1:032x}"),  # of its turn
    ]
    await people._store.append(Facts(scores=said))
    [score] = (await people.session("prj_a", "s/1"))["scores"]
    assert (score["id"], score["value"], score["reason"], score["session"]) == ("4", 4.0, "nice", "s/1")


async def test_users_are_listed_and_shown(people: People) -> None:
    page = await people.users("prj_a")
    assert [(row["user"], row["traces"], row["sessions"], row["cost"]["usd"]) for row in page.items] == [
        ("ada", 3, 1, 0.75),
        ("bob", 1, 1, None),
    ]
    ada = await people.user("prj_a", "ada")
    assert [(day["day"], day["traces"], day["errors"], day["cost"]["usd"]) for day in ada["days"]] == [
        ("2026-11-21", 2, 0, 0.75),
        ("2026-11-22", 1, 1, None),
    ]
    assert [(model["model"], model["calls"], model["cost"]) for model in ada["models"]] == [
        ("m1", 2, {"usd": 0.75, "unknown": 0}),
        ("m2", 1, {"usd": None, "unknown": 1}),
    ]
    assert ada["scores"] == [{"name": "good", "n": 1, "mean": 1.0}]
    assert [row["session"] for row in ada["recent"]] == ["s/1"]
    with pytest.raises(NotFound):
        await people.user("prj_b", "bob")


async def test_users_of_a_window_or_environment_are_told_with_what_they_did_there(people: People) -> None:
    """Not with all they ever did, which a page of the last day would show as of the last day."""
    staged = span(6, 1, 2 * DAY, kind="llm", user="bob", session="s8", environment="staging", cost=1.0)
    await people._store.append(Facts([staged]))

    async def users(**narrow: Any) -> list[tuple[Any, ...]]:
        rows = (await people.users("prj_a", PeopleFilter(**narrow))).items
        return [(row["user"], row["traces"], row["sessions"], row["errors"], row["cost"]) for row in rows]

    nothing, known = {"usd": None, "unknown": 1}, {"usd": 0.75, "unknown": 0}
    assert await users(since_ns=START + DAY, until_ns=START + 2 * DAY) == [("ada", 1, 1, 1, nothing)]
    assert await users(until_ns=START + DAY) == [
        ("ada", 2, 1, 0, known),
        ("bob", 1, 1, 0, {"usd": None, "unknown": 0}),
    ]
    assert await users(environment="staging") == [("bob", 1, 1, 0, {"usd": 1.0, "unknown": 0})]
    [bob] = (await people.users("prj_a", PeopleFilter(environment="staging"))).items
    assert (bob["first"], bob["last"]) == ("2026-11-21T08:00:02.000000Z", "2026-11-23T08:00:00.000000Z")
    [session] = (await people.sessions("prj_a", PeopleFilter(since_ns=START + DAY, until_ns=START + 2 * DAY))).items
    assert (session["traces"], session["cost"]) == (2, {"usd": 0.5, "unknown": 1})


async def test_filters_and_pages(people: People) -> None:
    async def sessions(**narrow: Any) -> list[str]:
        return [row["session"] for row in (await people.sessions("prj_a", PeopleFilter(**narrow))).items]

    assert await sessions(user="bob") == await sessions(environment="prod") == ["s2"]
    assert await sessions(since_ns=START + DAY) == ["s/1"]
    assert await sessions(until_ns=START + 1) == ["s/1"]
    assert await sessions(part="S/") == ["s/1"]
    assert await sessions(part="s%") == await sessions(part="S2", user="ann") == []
    found = await people.users("prj_a", PeopleFilter(part="OB"))
    assert ([row["user"] for row in found.items], found.total) == (["bob"], 1)
    assert (await people.users("prj_b", PeopleFilter(part="ob"))).items == []
    first = await people.sessions("prj_a", limit=1)
    second = await people.sessions("prj_a", limit=1, after=first.following)
    assert ([row["session"] for row in first.items + second.items], second.following) == (["s/1", "s2"], None)
    with pytest.raises(InvalidInput):
        await people.users("prj_a", after=["x", 1])


async def test_sessions_are_found_by_when_they_began_and_counted_by_pages(people: People) -> None:
    """One that went on the next day began on the first."""

    async def found(narrow: PeopleFilter = PeopleFilter(), **more: int) -> tuple[list[str], int]:
        page = await people.sessions("prj_a", narrow, **more)
        return [row["session"] for row in page.items], page.total

    assert await found(PeopleFilter(began_until_ns=START + SECOND)) == (["s/1"], 1)
    assert await found(PeopleFilter(began_since_ns=START + SECOND)) == (["s2"], 1)
    assert await found(PeopleFilter(began_since_ns=START, began_until_ns=START + DAY)) == (["s/1", "s2"], 2)
    assert await found(limit=1, skip=1) == (["s2"], 2)
    assert await found(limit=1, skip=2) == ([], 2)
    assert [row["environment"] for row in (await people.sessions("prj_a")).items] == [None, "prod"]
