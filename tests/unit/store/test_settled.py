"""What is settled, held against a plain reading of the spans: after every step of a random life of a store."""

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span, SpanKind, Thin, Tokens
from assay_server.gateway import span
from assay_server.query import Traces
from assay_server.store import TRACE_WIDE, Doomed, DuckStore, Settings, counting, settled
from assay_server.store.changes import Priced
from tests.conformance.store import a_span

PROJECTS = ("prj_a", "prj_b")
KINDS = ("llm", "llm", "agent", "chain", "tool", "embedding", "span")
WIDE = (*TRACE_WIDE, "endpoint")
BUCKETS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")
OWN = ("kind", "name", "status", "start_ns", "end_ns", "model", "provider", "service", "cost", "cost_source", *BUCKETS)


class Life:
    """Spans come late, twice, in two projects with the same ids; they are priced, erased, held and let go."""

    def __init__(self, store: DuckStore, seed: int) -> None:
        self.store, self.rng, self.clock = store, random.Random(seed), 0
        self.known: list[Span] = []

    async def step(self) -> None:
        act = self.rng.choice(
            (self.come, self.come, self.come, self.settle, self.erase, self.price, self.decide, self.fold)
        )
        await act()

    async def come(self) -> None:
        spans = [self.span() for _ in range(self.rng.randrange(1, 12))]
        spans += [self.beside(span) for span in spans if span.tokens and self.rng.random() < 0.4]
        self.known += spans
        again = self.rng.sample(self.known, min(len(self.known), 2))
        await self.store.append(Facts(spans + again))

    def span(self) -> Span:
        rng = self.rng
        self.clock += 1
        trace, number = rng.randrange(9), self.clock
        parents = [f"{n:016x}" for n in range(max(1, number - 25), number)]
        said = {name: f"{name}{rng.randrange(3)}" for name in TRACE_WIDE if rng.random() < 0.15}
        begin = 1_000 + (self.clock * 7919) % 1009 * 2000 + self.clock  # in no order, and none twice
        return Span(
            rng.choice(PROJECTS),
            f"{trace:032x}",
            f"{number:016x}",
            (rng.choice(parents[-3:] if rng.random() < 0.5 else parents)) if parents and rng.random() < 0.8 else None,
            f"step {rng.randrange(3)}",
            rng.choice(KINDS),  # type: ignore[arg-type]
            begin,
            5_000_000 + rng.randrange(1_000) if rng.random() < 0.7 else begin + 900_000,
            "error" if rng.random() < 0.2 else "ok",
            model=rng.choice((None, "small", "large")),
            service=rng.choice((None, "shop", "assay-gateway")),
            scope=rng.choice((None, "client", "wrapper")),
            tokens=rng.choice((None, Tokens(rng.randrange(3), output=1), Tokens(cache_read=2, reasoning=3))),
            cost=rng.choice((None, None, 0.25, 0.5)),
            cost_source=rng.choice((None, "client", "project")),
            tags=rng.sample(["a", "b", "c"], rng.randrange(3)),
            attributes={"http.route": f"/{rng.randrange(2)}"} if rng.random() < 0.2 else {},
            thin=Thin("waiting", {}) if rng.random() < 0.1 else None,
            **said,  # type: ignore[arg-type]
        )

    def beside(self, ours: Span) -> Span:
        """What another instrument may tell of a call."""
        ours.kind = "llm"
        same = {"project": ours.project, "trace_id": ours.trace_id, "parent_id": ours.parent_id, "tokens": ours.tokens}
        same["model"] = ours.model
        return replace(self.span(), kind="llm", **same)  # type: ignore[arg-type]

    async def settle(self) -> None:
        await self.store._settle()

    async def erase(self) -> None:
        if self.known:
            one = self.rng.choice(self.known)
            where = self.rng.choice(
                (("trace_id = ?", one.trace_id), ("span_id = ?", one.span_id), ('"user" = ?', "user1"))
            )
            await self.store.erase(one.project, [Doomed("spans", where[0], (where[1],))])

    async def price(self) -> None:
        for project in PROJECTS:
            some = [span for span in self.rng.sample(self.known, len(self.known) // 3) if span.project == project]
            prices = [Priced(s.trace_id, s.span_id, self.rng.choice((None, 1.0, 2.0)), "project") for s in some]
            await self.store.reprice(project, prices)

    async def decide(self) -> None:
        kept, let_go = [f"{n:032x}" for n in range(5)], [f"{n:032x}" for n in range(5, 9)]
        await self.store.decide(self.rng.choice(PROJECTS), kept, let_go, 0)

    async def fold(self) -> None:
        if self.rng.random() < 0.2:
            await self.store.compact()


class LongLife(Life):
    """Of a few traces that get more and more: mostly added to, and settled in between. Parents come before or after."""

    def __init__(self, store: DuckStore, seed: int) -> None:
        super().__init__(store, seed)
        self.dull = 0.6 if seed % 4 == 3 else 0.05  # how many roll up, and how many have nothing to count

    async def step(self) -> None:
        acts = (*[self.come] * 6, *[self.settle] * 4, self.erase, self.price, self.decide, self.fold)
        await self.rng.choice(acts)()

    def span(self) -> Span:
        span, rng, number = super().span(), self.rng, self.clock
        span = replace(span, project="prj_a" if rng.random() < 0.9 else "prj_b", trace_id=f"{rng.randrange(2):032x}")
        span.kind = rng.choice(("llm", "llm", "tool")) if rng.random() < 0.8 else span.kind
        # What comes after a call that is the same one finds a long trace added to already.
        span.service = span.scope = None
        if rng.random() < self.dull:
            span.kind = "agent"  # roll-ups count until the first part comes
        if rng.random() < self.dull:
            span.cost = span.tokens = None
        if rng.random() < 0.7:
            span.parent_id = f"{rng.randrange(max(1, number - 12), number + 12):016x}"
        return span

    async def price(self) -> None:
        some = [span for span in self.rng.sample(self.known, min(3, len(self.known))) if span.tokens is not None]
        await self.store.reprice("prj_a", [Priced(s.trace_id, s.span_id, 4.0, "project") for s in some])


async def counted(store: DuckStore) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    """(calls by key, sums and what they say of traces by project and id), of the spans alone."""
    rows = await store.scan(
        "SELECT * EXCLUDE (attributes), variant_extract(attributes, 'http.route')::VARCHAR AS route FROM spans"
    )
    traces: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        row["endpoint"] = row["route"] or (row["name"] if row["parent_id"] is None else None)
        traces[row["project"], row["trace_id"]].append(row)
    calls, sums, told = {}, {}, {}
    for identity, spans in traces.items():
        spans.sort(key=lambda span: span["start_ns"])
        has = [s for s in spans if any(s[name] is not None for name in ("cost", *BUCKETS))]
        requests = {s["span_id"]: s["parent_id"] for s in spans if s["kind"] == "span" and s not in has}
        beside = told_beside([s for s in has if s["kind"] == "llm" and s["parent_id"] is not None])
        above = {above_it(s, requests, beside) for s in has if s["kind"] == "llm"}
        parts = any(s["kind"] not in {"agent", "chain"} for s in has)
        above = above if parts else {s["parent_id"] for s in has}
        mine = [s for s in has if s["span_id"] not in above and not (parts and s["kind"] in {"agent", "chain"})]
        first = {name: next((s[name] for s in spans if s[name] is not None), None) for name in WIDE}
        tags = {tag for s in spans for tag in s["tags"] or []}
        services = {s["span_id"]: s["service"] for s in spans}
        for call in mine:
            if call["service"] == "assay-gateway" and call["kind"] == "llm":
                call["service"] = services.get(call["parent_id"]) or call["service"]
            nearest = {name: call[name] if call[name] is not None else first[name] for name in WIDE}
            calls[call["key"]] = {name: call[name] for name in OWN} | nearest | {"tags": tags}
        named = next((s for s in spans if s["parent_id"] is None), spans[0])
        told[identity] = {
            "start_ns": spans[0]["start_ns"],
            "last_ns": spans[-1]["start_ns"],
            "name": named["name"],
            "begun_ns": named["start_ns"],
            **first,
            "tags": list(dict.fromkeys(tag for s in spans for tag in s["tags"] or [])) or None,
        }
        sums[identity] = {
            "start_ns": spans[0]["start_ns"],
            "last_ns": spans[-1]["start_ns"],
            "end_ns": max(s["end_ns"] for s in spans),
            "stored_ns": min(s["stored_ns"] for s in spans),
            "failed": any(s["status"] == "error" for s in spans),
            **{name: first[name] for name in ("user", "session", "environment")},
            "calls": len(mine),
            "usd": added(mine, "cost"),
            "unknown": sum(s["cost"] is None for s in mine) if mine else None,
            "input_tokens": added(mine, *BUCKETS[:3]),
            "output_tokens": added(mine, *BUCKETS[3:]),
        }
    return calls, sums, told


def above_it(call: dict[str, Any], requests: dict[str, str | None], beside: dict[str, str]) -> str | None:
    """What a call stands under; the gateway's own, under what the client's HTTP request stands under, or under the
    client's span beside it."""
    over_http = requests.get(call["parent_id"]) if call["service"] == "assay-gateway" else None
    return over_http or beside.get(call["span_id"]) or call["parent_id"]


def told_beside(calls: list[dict[str, Any]]) -> dict[str, str]:
    """By a call, the one of another instrument that it stands for: the nth with the nth of those that sent as much from
    under one span, the gateway's innermost, then whoever began last."""

    def who(call: dict[str, Any]) -> str:
        return "" if call["service"] == "assay-gateway" else call["scope"] or "-"

    def alike(one: dict[str, Any]) -> Any:
        return one["parent_id"], added([one], *BUCKETS[:3])

    calls = sorted(calls, key=lambda call: (call["start_ns"], call["span_id"]))
    calls = [call for call in calls if added([call], *BUCKETS[:3]) is not None]
    place = {c["span_id"]: [o for o in calls if alike(o) == alike(c) and who(o) == who(c)].index(c) for c in calls}
    found = {}
    for call in calls:
        chain = [o for o in calls if alike(o) == alike(call) and place[o["span_id"]] == place[call["span_id"]]]
        chain.sort(key=lambda one: (who(one) != "", -one["start_ns"]))
        told = dict(itertools.pairwise([one["span_id"] for one in chain])).get(call["span_id"])
        if told is not None:
            other = next(one for one in chain if one["span_id"] == told)
            same = call["model"] == other["model"] is not None or added([call], *BUCKETS[3:]) == added(
                [other], *BUCKETS[3:]
            )
            if same and other["start_ns"] <= call["end_ns"] and call["start_ns"] <= other["end_ns"]:
                found[call["span_id"]] = told
    return found


def added(spans: list[dict[str, Any]], *names: str) -> Any:
    values = [s[name] for s in spans for name in names if s[name] is not None]
    return sum(values) if values else None


async def viewed(store: DuckStore) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    rows = await store.scan("SELECT * FROM counted_calls")
    calls = {row["key"]: {name: row[name] for name in (*OWN, *WIDE)} | {"tags": set(row["tags"] or [])} for row in rows}
    assert len(calls) == len(rows)
    return calls, await by_trace(store, "trace_sums"), await by_trace(store, "trace_said")


async def by_trace(store: DuckStore, view: str) -> dict[Any, Any]:
    rows = await store.scan(f"SELECT * FROM {view}")
    traces = {(row.pop("project"), row.pop("trace_id")): row for row in rows if row.pop("key")}
    assert len(traces) == len(rows)
    return traces


async def holds(store: DuckStore) -> None:
    calls, sums, said = await counted(store)
    shown, added_up, told = await viewed(store)
    assert shown == calls
    for row in (*added_up.values(), *sums.values()):
        row["usd"] = None if row["usd"] is None else round(row["usd"], 9)
    assert added_up == sums
    assert in_no_order(told) == in_no_order(said)


def in_no_order(traces: dict[Any, Any]) -> dict[Any, Any]:
    """The order of tags is not exact in long traces."""
    return {identity: {**row, "tags": set(row["tags"] or [])} for identity, row in traces.items()}


async def rows(store: DuckStore, table: str) -> int:
    return int((await store.scan(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


async def live(life: Life, path: Path, moments: int) -> int:
    """At how many of its moments a trace was a long one."""
    long = 0
    for number in range(moments):
        await life.step()
        await holds(life.store)
        long += await rows(life.store, "long_traces") > 0
        if number % 13 == 12:
            await life.store.close()
            life.store = await DuckStore.open(path)
            await holds(life.store)
    await life.store.settle()
    await holds(life.store)
    assert len(life.known) > moments // 2
    await life.store.close()
    return long


def lives(quick: Set[int]) -> list[Any]:
    """(seed, moments). A life takes seconds: whole ones, and all of them, are lived by `make soak`."""
    return [*((seed, 18) for seed in quick), *(pytest.param(seed, 36, marks=pytest.mark.soak) for seed in range(4))]


@pytest.mark.parametrize(("seed", "moments"), lives({0, 1}))
async def test_at_every_moment_of_a_stores_life_the_views_say_what_the_spans_say(
    tmp_path: Path, seed: int, moments: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_ROUND_SPANS", 10)
    monkeypatch.setattr(settled, "_ROUND_TRACES", 2)
    monkeypatch.setattr(settled, "_REDEFINED", 1 + 15 * (seed % 2))
    assert await live(Life(await DuckStore.open(tmp_path / "facts"), seed), tmp_path / "facts", moments) == 0


@pytest.mark.parametrize(("seed", "moments"), lives({1, 2}))
async def test_at_every_moment_of_long_traces_the_views_say_what_the_spans_say(
    tmp_path: Path, seed: int, moments: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_ROUND_SPANS", 10 + 20 * (seed // 2))
    monkeypatch.setattr(settled, "_ROUND_TRACES", 1)
    monkeypatch.setattr(settled, "_REDEFINED", 1 + 49 * (seed % 2))
    monkeypatch.setattr(settled, "_LONG", (1, 4, 9, 4)[seed])
    life = LongLife(await DuckStore.open(tmp_path / "facts"), seed)
    assert await live(life, tmp_path / "facts", moments) > moments // 4


async def test_of_roots_that_began_at_once_the_first_by_its_id_gives_the_name(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    roots = [replace(called(n), name=f"root {n}", start_ns=7) for n in (3, 1, 2)]
    await store.append(Facts([replace(called(0, 9), name="a child", start_ns=7), *roots]))
    for _ in range(2):
        named = await store.scan("SELECT name, begun_ns, start_ns FROM trace_said")
        assert named == [{"name": "root 1", "begun_ns": 7, "start_ns": 7}]
        await store.settle()
    await store.close()


async def test_what_came_last_is_settled_on_its_own(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    life = Life(store, 1)
    await life.come()
    expected = (await store.scan("SELECT max(stored_ns) AS n FROM spans"))[0]["n"]
    for _ in range(100):
        if (await store.scan("SELECT max(stored_ns) AS n FROM settled"))[0]["n"] == expected:
            break
        await asyncio.sleep(0.1)
    else:
        pytest.fail("nothing was settled in ten seconds")
    assert await rows(store, "settled_traces") > 0
    await holds(store)
    await store.close()


@pytest.mark.parametrize("long", [1, 1_000])
async def test_a_copy_and_a_rewritten_store_are_as_settled_as_the_original(
    tmp_path: Path, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_LONG", long)
    store = await DuckStore.open(tmp_path / "facts")
    life = Life(store, 2)
    await life.come()
    await store.settle()
    await life.come()
    await store.copy(tmp_path / "copy")
    copied = await DuckStore.open(tmp_path / "copy")
    await store.compact()
    for each in (copied, store):
        assert await rows(each, "long_traces" if long == 1 else "settled_traces") > 0
        await holds(each)
        await each.close()


@pytest.mark.parametrize("long", [1, 1_000])
async def test_erased_people_are_not_in_what_is_settled_either(
    tmp_path: Path, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_LONG", long)
    store = await DuckStore.open(tmp_path / "facts")
    life = Life(store, 3)
    for _ in range(5):
        await life.come()
    await store.settle()
    for project in PROJECTS:
        await store.erase(project, [Doomed("spans", '"user" = ?', ("user1",))])
    for table in ("settled_calls", "settled_traces", "long_calls", "long_traces"):
        assert await store.scan(f'SELECT 1 FROM {table} WHERE "user" = ?', ["user1"]) == []
    await holds(store)
    await store.close()


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A round that ends in an error before it is done."""
    with monkeypatch.context() as patched:
        patched.setattr(settled, "_spans_between", lambda *anything: 1 / 0)
        yield


async def test_a_round_that_fails_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    life = Life(store, 4)
    await life.come()
    with failing(monkeypatch), pytest.raises(ZeroDivisionError):
        await store.settle()
    assert await rows(store, "settled_traces") == 0
    await holds(store)
    await store.settle()
    await holds(store)
    await store.close()


async def test_a_long_trace_is_added_to_and_not_settled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "_LONG", 100)
    store = await DuckStore.open(tmp_path / "facts")
    life, known = Life(store, 6), "SELECT key FROM long_calls ORDER BY rowid"
    before: list[dict[str, Any]] = []
    for n in range(9):
        spans = [replace(life.span(), project="prj_a", trace_id=f"{1:032x}", thin=None) for _ in range(60)]
        if n > 1:  # none before them stops counting
            spans = [replace(span, parent_id=None) for span in spans]
        await store.append(Facts(spans))
        await holds(store)
        await store.settle()
        await holds(store)
        after = await store.scan(known)
        assert n < 2 or after[: len(before)] == before
        assert len(after) > len(before) or n == 0
        before = after
    assert await rows(store, "settled_calls") == await rows(store, "settled_traces") == 0
    await store.close()


def called(number: int, parent: int | None = None, kind: SpanKind = "llm", **fields: Any) -> Span:
    parent_id = None if parent is None else f"{parent:016x}"
    own: dict[str, Any] = {
        "start_ns": 1_000 * number,
        "end_ns": 9_000_000,
        "cost": 0.5,
        "cost_source": "project",
        "tokens": Tokens(1),
    }
    return Span("prj_a", f"{1:032x}", f"{number:016x}", parent_id, "step", kind, **own | fields)


async def comes(store: DuckStore, come: list[Span], calls: int) -> None:
    """Spans of the one trace; so many calls count then, before they are settled and after it."""
    await store.append(Facts(come))
    await holds(store)
    await store.settle()
    await holds(store)
    assert (await store.scan("SELECT calls FROM trace_sums")) == [{"calls": calls}]


async def test_what_is_known_of_a_long_trace_decides_over_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_LONG", 1)
    store = await DuckStore.open(tmp_path / "facts")
    for come, calls in (
        ([called(50, kind="tool", cost=None, tokens=None)], 0),
        ([called(51, kind="agent", user="late")], 1),  # no part has come that counts
        ([called(52, 60, user="later")], 1),  # one has, and the roll-up is none any more
        ([called(53, kind="chain", cost=None)], 1),
        ([called(60, 61), called(54, 54)], 1),  # above a call that is known, and above itself
        ([called(55), called(56, user="first", start_ns=1)], 3),
        ([called(57, 55), called(58, 56, kind="tool")], 4),  # a tool takes nobody's place
        ([called(61)], 4),
        ([called(62, cost=None, tokens=Tokens(output=1), user="last")], 5),
    ):
        await comes(store, come, calls)
    await store.reprice("prj_a", [Priced(f"{1:032x}", f"{57:016x}", 7.0, "project")])
    await holds(store)
    await store.settle()
    await holds(store)
    assert await rows(store, "long_traces") == 1
    await store.close()


async def test_of_roll_ups_inside_each_other_the_innermost_counts_in_a_long_trace_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_LONG", 1)
    store = await DuckStore.open(tmp_path / "facts")
    for come, calls in (
        ([called(50, kind="tool", cost=None, tokens=None)], 0),
        ([called(52, 51, kind="agent")], 1),
        ([called(51, 49, kind="chain")], 1),  # it stands above one that is known
        ([called(53, 52, kind="agent")], 1),  # and this below
        ([called(54, 51, kind="agent")], 2),
        ([called(55, 50)], 1),  # a call, and roll-ups are none any more
    ):
        await comes(store, come, calls)
    await store.close()


@pytest.mark.parametrize(
    ("service", "kind", "calls"), [("assay-gateway", "span", 1), ("shop", "span", 2), ("assay-gateway", "tool", 2)]
)
async def test_a_call_and_its_http_request_and_the_gateways_call_are_one(
    tmp_path: Path, service: str, kind: SpanKind, calls: int
) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    nothing: dict[str, Any] = {"cost": None, "tokens": None, "cost_source": None}
    await store.append(Facts([called(3, 2, service=service)]))  # the gateway's is there first
    await store.settle()
    await store.append(Facts([called(1, cost=0.25), called(2, 1, kind, service="shop", **nothing)]))
    for _ in range(2):
        assert (await store.scan("SELECT calls FROM trace_sums")) == [{"calls": calls}]
        (whole,) = await store.scan(f"SELECT count(*) AS calls, sum(cost) AS usd FROM ({counting.counted('spans')})")
        assert whole == {"calls": calls, "usd": 0.25 * (calls - 1) + 0.5}
        assert await store.scan("SELECT count(*) AS calls, sum(cost) AS usd FROM counted_calls") == [whole]
        await store.settle()
    await store.close()


@pytest.mark.parametrize("over_http", [True, False])
async def test_the_gateways_call_is_of_the_service_that_made_it(tmp_path: Path, over_http: bool) -> None:
    """Of several services in the trace the one that called; the gateway's own where the trace says nobody."""
    store = await DuckStore.open(tmp_path / "facts")
    nothing: dict[str, Any] = {"cost": None, "tokens": None, "cost_source": None, "kind": "span"}
    root = replace(called(1), service="shop", **nothing)
    caller = replace(called(2, 1), service="pricing", **nothing | {"kind": "span" if over_http else "tool"})
    await store.append(Facts([called(3, 2, service="assay-gateway"), called(4, 9, service="assay-gateway")]))
    await store.settle()
    assert await _services(store) == [("assay-gateway", 2)]
    await store.append(Facts([root, caller]))
    for _ in range(2):
        assert await _services(store) == [("assay-gateway", 1), ("pricing", 1)]
        await holds(store)
        await store.settle()
    await store.close()


async def _services(store: DuckStore) -> list[tuple[str, int]]:
    sql = "SELECT service, count(*) AS n FROM counted_calls GROUP BY service ORDER BY service"
    return [(row["service"], row["n"]) for row in await store.scan(sql)]


SAME = {"tokens": Tokens(100, output=30), "start_ns": 1_000, "end_ns": 2_000, "model": "m-2026", "scope": "client"}


@pytest.mark.parametrize("inner", [{"service": "assay-gateway"}, {"scope": "itself"}])
@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        ({}, 1),
        ({"model": "alias"}, 1),
        ({"tokens": Tokens(70, 30, None, 31)}, 1),  # a stream whose first count was added to its last
        ({"tokens": Tokens(70, 30, None, 31), "model": "alias"}, 2),
        ({"tokens": Tokens(99, None, None, 30)}, 2),
        ({"parent_id": None}, 2),
        ({"start_ns": 9_000, "end_ns": 9_500}, 2),
        ({"kind": "tool"}, 2),
    ],
)
async def test_two_instruments_that_tell_of_a_call_side_by_side_tell_of_one(
    tmp_path: Path, changes: dict[str, Any], calls: int, inner: dict[str, Any]
) -> None:
    """A client that traces itself, and an instrumentation of it; or headers that were made before the span began."""
    store = await DuckStore.open(tmp_path / "facts")
    around = replace(called(1), kind="agent", tokens=None, cost=None, cost_source=None)
    ours = replace(called(2, 1), **{**SAME, "tokens": Tokens(80, 20, None, 20, 10), "start_ns": 1_500, **inner})
    theirs = replace(called(3, 1), **{**SAME, **changes})
    await store.append(Facts([around, ours, theirs]))
    for _ in range(2):
        assert (await store.scan("SELECT calls FROM trace_sums")) == [{"calls": calls}]
        whole = await store.scan(f"SELECT count(*) AS calls, sum(cost) AS usd FROM ({counting.counted('spans')})")
        assert whole == [{"calls": calls, "usd": 0.5 * calls}]
        assert await store.scan("SELECT count(*) AS calls, sum(cost) AS usd FROM counted_calls") == whole
        assert (await store.scan("SELECT max(key) AS key FROM counted_calls WHERE start_ns = 1500")) != [{"key": None}]
        shown = (await Traces(store).find("prj_a")).items
        assert [row["cost"]["usd"] for row in shown] == [0.5 * calls]
        await store.settle()
    await store.close()


async def test_calls_of_one_instrument_side_by_side_are_two(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    around = replace(called(1), kind="agent", tokens=None, cost=None, cost_source=None)
    await store.append(Facts([around, *(replace(called(n, 1), **SAME) for n in (2, 3))]))
    assert (await store.scan("SELECT calls FROM trace_sums")) == [{"calls": 2}]
    assert [row["cost"]["usd"] for row in (await Traces(store).find("prj_a")).items] == [1.0]
    await store.close()


async def test_as_many_of_the_clients_spans_go_as_the_gateway_has_calls(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    around = replace(called(1), kind="agent", tokens=None, cost=None, cost_source=None)
    used: dict[str, Any] = {"tokens": Tokens(9, output=1), "start_ns": 1_000, "end_ns": 2_000}
    ours = [replace(called(n, 1, service="assay-gateway"), **used) for n in (2, 3)]
    theirs = [replace(called(n, 1, service="shop"), **used) for n in (4, 5, 6)]
    await store.append(Facts([around, *ours, *theirs]))
    for _ in range(2):
        assert (await store.scan("SELECT calls FROM trace_sums")) == [{"calls": 3}]
        await store.settle()
    await store.close()


def test_the_gateway_is_known_by_the_name_it_gives_its_spans() -> None:
    assert counting.GATEWAY == span.SERVICE


async def test_a_trace_that_becomes_long_when_it_is_settled_anew_is_shown_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_REDEFINED", 1)
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts([called(n) for n in range(1, 9)]))
    await store.settle()
    monkeypatch.setattr(settled, "_REDEFINED", 1_000)
    monkeypatch.setattr(settled, "_LONG", 5)
    await store.erase("prj_a", [Doomed("spans", "span_id = ?", (f"{3:016x}",))])
    await store.settle()
    assert await rows(store, "long_calls") == 7
    await holds(store)
    await store.close()


async def test_many_tagged_spans_of_one_trace_take_little_memory(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts", Settings(memory_limit="150MB"))
    life = Life(store, 5)
    spans = [replace(life.span(), project="prj_a", trace_id=f"{1:032x}", thin=None) for _ in range(9_000)]
    spans = [replace(span, tags=[f"tag{n % 3}"], cost=0.25) for n, span in enumerate(spans)]
    await store.append(Facts(spans))
    for _ in range(2):
        tags = await store.scan("SELECT DISTINCT list_sort(tags) AS tags FROM counted_calls")
        assert tags == [{"tags": ["tag0", "tag1", "tag2"]}]
        await store.settle()
    await store.close()


async def test_a_trace_of_very_many_tags_stops_no_round(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts", Settings(memory_limit="150MB"))
    await store.append(Facts([called(n, tags=[f"order:{n}"]) for n in range(1, 5_001)]))
    await store.settle()
    sums = await store.scan("SELECT count(*) AS calls, sum(cost) AS usd FROM counted_calls")
    assert sums == await store.scan("SELECT calls, usd FROM trace_sums") == [{"calls": 5_000, "usd": 2_500.0}]
    await store.close()


@pytest.mark.parametrize("long", [2, 10_000])
@pytest.mark.parametrize("absurd", [Tokens(2**62, None, None, 2**62), Tokens(2**62, 2**62, 2**62, 2**62, 2**62)])
async def test_counts_from_before_there_was_a_limit_hold_up_no_others(
    tmp_path: Path, long: int, absurd: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door lets no such number in any more; one that is there made every round fail, for all projects."""
    monkeypatch.setattr(settled, "_LONG", long)
    store = await DuckStore.open(tmp_path / "facts")
    spans = [Span("prj_a", f"{1:032x}", f"{n:016x}", None, "call", "llm", n, n + 1, tokens=absurd) for n in range(1, 4)]
    fine = Span("prj_b", f"{2:032x}", f"{9:016x}", None, "call", "llm", 1, 2, tokens=Tokens(3, None, None, 4))
    await store.append(Facts([*spans, fine]))
    while await store._settle():
        pass
    found = await store.scan("SELECT project, calls, input_tokens FROM trace_sums ORDER BY project")
    assert [tuple(row.values()) for row in found] == [("prj_a", 3, None), ("prj_b", 1, 3)]
    await store.close()


async def test_what_comes_after_a_clock_was_set_back_is_settled_though_the_newest_was_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits were counted on from what was left, and those up to where all had been settled counted as settled."""
    monkeypatch.setattr("time.time_ns", lambda: 2_000)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1, tokens=Tokens(1))]))
    await store.settle()
    await store.erase("prj_a", [Doomed("spans", "true")])
    await store.close()
    monkeypatch.setattr("time.time_ns", lambda: 1_000)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(2, 2, tokens=Tokens(1))]))
    await store.settle()
    counted = await store.scan("SELECT count(*) AS n FROM counted_calls")
    await store.close()
    assert counted == [{"n": 1}]
