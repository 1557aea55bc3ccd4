"""What every store of facts must do. The tests of an implementation subclass `StoreConformance` and give `reopen`."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from assay_server.core.errors import TooLarge, Unavailable
from assay_server.core.records import Event, Facts, RunItem, Score, Span, Thin, Tokens
from assay_server.store import Limits, Priced, Store

_THIN = "SELECT * REPLACE (attributes::JSON::VARCHAR AS attributes) FROM spans"
_CONTENTS = "SELECT content, input FROM spans ORDER BY trace_id, span_id"

_CALLS = """SELECT cost, fresh_input, "user", tags FROM counted_calls ORDER BY cost"""
_TRACE_SUMS = 'SELECT "user", usd, unknown, calls, input_tokens, output_tokens FROM trace_sums'


def a_span(trace: int = 1, span: int = 1, project: str = "prj_a", **fields: object) -> Span:
    made = Span(
        project=project,
        trace_id=f"{trace:032x}",
        span_id=f"{span:016x}",
        parent_id=None,
        name="call",
        kind="llm",
        start_ns=1_000_000 + span,
        end_ns=2_000_000 + span,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def a_full_span() -> Span:
    """Every column holds something."""
    return a_span(
        parent_id="00000000000000ff", status="error", status_message="no", service="shop", environment="test",
        scope="lib@1", session="s1", user="u1", tags=["a", "b"], input="in", output="out", model="gpt-4o-2024-11-20",
        provider="openai", tokens=Tokens(1, 2, 3, 4, 5), cost=0.25, cost_source="client", ttft_ms=12.5, prompt="p",
        prompt_version="3", release="rel_1", channel="production", canary="can_1", arm="candidate", run="run_1",
        item="itm_1", pii=["EMAIL_ADDRESS"], attributes={"a": 1, "b": {"c": [1.5, None, "ü"]}, "input.value": "in"},
        resource={"service.name": "shop"}, events=[{"name": "e", "time_ns": 1, "attributes": {}}],
        links=[{"trace_id": "1", "span_id": "2", "attributes": {}}],
    )  # fmt: skip


def a_score(id_: str = "scr_1", **fields: object) -> Score:
    made = Score(project="prj_a", id=id_, name="quality", time_ns=5, source="code", value=0.5)
    return replace(made, **fields)  # type: ignore[arg-type]


async def parts_against_spans(store: Store) -> tuple[int, int, int]:
    """(spans, spans that parts count, commits of spans that no part of their trace names)"""
    rows = await store.scan(
        "SELECT (SELECT count(*) FROM spans) AS spans, (SELECT sum(spans) FROM trace_parts) AS counted,"
        " (SELECT count(*) FROM spans ANTI JOIN trace_parts USING (project, trace_id, stored_ns)) AS missing"
    )
    return rows[0]["spans"], int(rows[0]["counted"] or 0), rows[0]["missing"]


class StoreConformance:
    """Tests of the promises in `assay_server.store.protocol`."""

    async def reopen(self, path: Path) -> Store:
        """Opens the store at `path`, new or as it was left."""
        raise AssertionError("the implementation's test class overrides this")

    async def test_an_empty_store_has_no_rows(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        stats = await store.stats()
        await store.close()
        assert stats.rows == {"spans": 0, "traces": 0, "scores": 0, "run_items": 0, "events": 0}

    async def test_what_is_appended_is_read_back(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        appended = await store.append(Facts(spans=[a_full_span()], scores=[a_score(reason="r", metadata={"k": 1})]))
        span = (await store.scan("SELECT * FROM spans"))[0]
        score = (await store.scan("SELECT * FROM scores"))[0]
        await store.close()
        assert (appended.spans, appended.scores, appended.duplicates) == (1, 1, 0)
        assert (span["user"], span["tags"], span["output_tokens"], span["cost"]) == ("u1", ["a", "b"], 4, 0.25)
        assert (span["arm"], span["pii"], span["start_ns"]) == ("candidate", ["EMAIL_ADDRESS"], 1_000_001)
        assert (score["value"], score["reason"], score["metadata"]) == (0.5, "r", '{"k":1}')

    async def test_unknown_stays_unknown(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span()]))
        row = (await store.scan("SELECT cost, fresh_input, model, input FROM spans"))[0]
        await store.close()
        assert row == {"cost": None, "fresh_input": None, "model": None, "input": None}

    async def test_a_span_sent_twice_is_stored_once(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        first = await store.append(Facts(spans=[a_span(1, 1), a_span(1, 1, name="again"), a_span(1, 2)]))
        second = await store.append(Facts(spans=[a_span(1, 2), a_span(1, 3)]))
        names = await store.scan("SELECT span_id, name FROM spans ORDER BY span_id")
        await store.close()
        assert (first.spans, first.duplicates) == (2, 1)
        assert ([span.span_id for span in second.stored.spans], second.duplicates) == ([f"{3:016x}"], 1)
        assert [row["name"] for row in names] == ["call", "call", "call"]

    async def test_the_same_ids_in_two_projects_are_two_spans(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        appended = await store.append(Facts(spans=[a_span(project="prj_a"), a_span(project="prj_b")]))
        await store.close()
        assert appended.spans == 2

    async def test_duplicates_are_known_after_reopening(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        item = RunItem("prj_a", "run_1", "itm_1", 0, 1)
        facts = Facts([a_span()], [a_score()], [item], [Event("prj_a", "evt_1", "deploy", 1)])
        await store.append(facts)
        await store.close()
        store = await self.reopen(tmp_path)
        again = await store.append(facts)
        other_repeat = await store.append(Facts(run_items=[replace(item, repeat=1)]))
        await store.close()
        assert (again.spans, again.scores, again.run_items, again.events, again.duplicates) == (0, 0, 0, 0, 4)
        assert other_repeat.run_items == 1

    async def test_a_trace_has_one_row_however_its_spans_arrive(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 5), a_span(1, 2), a_span(2, 9)]))
        await store.append(Facts(spans=[a_span(1, 1)]))
        rows = await store.scan("SELECT trace_id, start_ns FROM traces ORDER BY trace_id")
        await store.close()
        assert rows == [
            {"trace_id": f"{1:032x}", "start_ns": 1_000_002},
            {"trace_id": f"{2:032x}", "start_ns": 1_000_009},
        ]

    async def test_rows_know_when_they_were_stored_and_a_trace_is_no_newer_than_its_spans(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1)], events=[Event("prj_a", "evt_1", "log", 1)]))
        await store.append(Facts(spans=[a_span(1, 2), a_span(2, 3)]))
        await store.close()
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 4)], events=[Event("prj_a", "evt_2", "log", 1)]))
        spans = await store.scan("SELECT trace_id, stored_ns FROM spans ORDER BY span_id")
        traces = {row["trace_id"]: row["stored_ns"] for row in await store.scan("SELECT * FROM traces")}
        events = await store.scan("SELECT stored_ns FROM events ORDER BY id")
        await store.close()
        first, second, third, fourth = (row["stored_ns"] for row in spans)
        assert first < second == third < fourth
        assert traces == {f"{1:032x}": first, f"{2:032x}": third}
        assert [row["stored_ns"] for row in events] == [first, fourth]

    async def test_each_commit_leaves_one_part_of_a_trace(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, status="error"), a_span(1, 2, status="ok"), a_span(2, 3)]))
        await store.append(Facts(spans=[a_span(1, 2), a_span(1, 9, status="ok")]))  # the first is a duplicate
        await store.append(Facts(spans=[a_span(1, 1, project="prj_b")]))
        parts = await store.scan(
            "SELECT project, trace_id[-1] AS t, start_ns, end_ns, spans, errors, oks FROM trace_parts"
            " ORDER BY stored_ns, t"
        )
        keys = await store.scan("SELECT count(DISTINCT key) AS n FROM trace_parts")
        await store.close()
        assert [tuple(row.values()) for row in parts] == [
            ("prj_a", "1", 1_000_001, 2_000_002, 2, 1, 1),
            ("prj_a", "2", 1_000_003, 2_000_003, 1, 0, 0),
            ("prj_a", "1", 1_000_009, 2_000_009, 1, 0, 1),
            ("prj_b", "1", 1_000_001, 2_000_001, 1, 0, 0),
        ]
        assert keys == [{"n": 3}]

    async def test_a_batch_is_stored_whole_or_not_at_all(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        broken = a_score(value="not a number")
        with pytest.raises((ValueError, TypeError)):
            await store.append(Facts(spans=[a_span()], scores=[broken]))
        rows = (await store.stats()).rows
        retried = await store.append(Facts(spans=[a_span()], scores=[a_score()]))
        await store.close()
        assert rows["spans"] == rows["traces"] == 0
        assert (retried.spans, retried.scores, retried.duplicates) == (1, 1, 0)

    async def test_texts_that_are_no_unicode_are_stored_with_a_replacement(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(name="half \ud83d", attributes={"k": "\ud83d"}, tags=["\ud83d"])]))
        row = (await store.scan("SELECT name, tags FROM spans"))[0]
        await store.close()
        assert row == {"name": "half ?", "tags": ["?"]}

    async def test_appends_at_the_same_time_are_all_stored(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        batches = [Facts(spans=[a_span(trace, span) for span in range(1, 9)]) for trace in range(1, 21)]
        await asyncio.gather(*(store.append(batch) for batch in [*batches, *batches]))
        rows = (await store.stats()).rows
        await store.close()
        assert (rows["spans"], rows["traces"]) == (160, 20)

    async def test_a_scan_takes_parameters_and_gives_dictionaries(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        rows = await store.scan("SELECT ?::INTEGER + 1 AS n, ?::VARCHAR AS t", [1, "x'; DROP TABLE spans"])
        await store.close()
        assert rows == [{"n": 2, "t": "x'; DROP TABLE spans"}]

    async def test_a_scan_with_too_many_rows_is_refused(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, n) for n in range(1, 12)]))
        with pytest.raises(TooLarge):
            await store.scan("SELECT span_id FROM spans", limits=Limits(rows=10))
        exactly = await store.scan("SELECT span_id FROM spans LIMIT 10", limits=Limits(rows=10))
        await store.close()
        assert len(exactly) == 10

    async def test_columns_are_rows_put_the_other_way(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, cost=None), a_span(1, 2, cost=0.25), a_span(1, 3, cost=0.5)]))
        sql = "SELECT key, end_ns, cost FROM spans WHERE start_ns >= ? ORDER BY span_id"
        rows, columns = await store.scan(sql, [0]), await store.columns(sql, [0])
        nothing = await store.columns(sql, [2**62])
        with pytest.raises(TooLarge):
            await store.columns(sql, [0], limits=Limits(rows=2))
        await store.close()
        assert columns["key"].tolist() == [row["key"] for row in rows]
        assert columns["end_ns"].tolist() == [row["end_ns"] for row in rows]
        assert str(columns["cost"].tolist()) == "[nan, 0.25, 0.5]"
        assert [len(values) for values in nothing.values()] == [0, 0, 0]

    async def test_a_scan_over_its_time_is_stopped_and_the_store_goes_on(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        endless = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE (x * y) % 7 = 3"
        with pytest.raises(Unavailable):
            await store.scan(endless, limits=Limits(seconds=0.05))
        after = await store.scan("SELECT 1 AS one")
        await store.close()
        assert after == [{"one": 1}]

    async def test_compacting_changes_no_row(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        for n in range(1, 6):
            await store.append(Facts(spans=[a_span(n, n)]))
        before = await store.scan("SELECT * EXCLUDE (attributes) FROM spans ORDER BY span_id")
        await store.compact()
        after = await store.scan("SELECT * EXCLUDE (attributes) FROM spans ORDER BY span_id")
        await store.close()
        assert before == after
        assert len(after) == 5

    async def test_a_span_gets_another_price_and_keeps_it_when_it_is_sent_again(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        sent = Facts(spans=[a_span(1, 1), a_span(1, 2, cost=0.5, cost_source="prices:2026-11-20"), a_span(1, 3)])
        await store.append(sent)
        prices = [Priced(f"{1:032x}", f"{n:016x}", 0.25, "project:prc_1") for n in (1, 2, 9)]
        changed = await store.reprice("prj_a", prices)
        again = await store.reprice("prj_a", prices)
        await store.close()
        store = await self.reopen(tmp_path)
        duplicates = (await store.append(sent)).duplicates
        rows = await store.scan("SELECT cost, cost_source FROM spans ORDER BY span_id")
        await store.close()
        assert (changed, again, duplicates) == (2, 0, 3)
        priced = {"cost": 0.25, "cost_source": "project:prc_1"}
        assert rows == [priced, priced, {"cost": None, "cost_source": None}]

    async def test_calls_that_count_and_sums_of_traces_are_true_before_and_after_they_are_settled(
        self, tmp_path: Path
    ) -> None:
        store = await self.reopen(tmp_path)
        spans = [
            a_span(1, 1, parent_id=None, kind="agent", cost=0.75, user="ada", tags=["beta"]),
            a_span(1, 2, parent_id=f"{1:016x}", kind="llm", cost=0.5, tokens=Tokens(4, output=1)),
            a_span(1, 3, parent_id=f"{1:016x}", kind="llm", cost=None, tokens=Tokens(2, output=1), user="bob"),
        ]
        calls, traces = [], []
        for come in (spans[1:], spans[:1]):
            await store.append(Facts(spans=come))
            calls.append(await store.scan(_CALLS))
            traces.append(await store.scan(_TRACE_SUMS))
            await store.settle()
            calls.append(await store.scan(_CALLS))
            traces.append(await store.scan(_TRACE_SUMS))
        await store.close()
        unknown = {"cost": None, "fresh_input": 2, "user": "bob"}
        assert (
            calls[0]
            == calls[1]
            == [{"cost": 0.5, "fresh_input": 4, "user": "bob", "tags": None}, {**unknown, "tags": None}]
        )
        assert (
            calls[2]
            == calls[3]
            == [
                {"cost": 0.5, "fresh_input": 4, "user": "ada", "tags": ["beta"]},
                {**unknown, "tags": ["beta"]},
            ]
        )
        sums = {"usd": 0.5, "unknown": 1, "calls": 2, "input_tokens": 6, "output_tokens": 2}
        assert traces[0] == traces[1] == [{"user": "bob", **sums}]
        assert traces[2] == traces[3] == [{"user": "ada", **sums}]

    async def test_a_thin_span_keeps_its_row_and_loses_its_content(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        full = a_full_span()
        thin = replace(full, thin=Thin("sampled_out", {"a": 1}))
        stored = (await store.append(Facts(spans=[thin]))).stored.spans[0]
        row = (await store.scan(_THIN))[0]
        held = (await store.scan("SELECT count(*) AS n FROM held"))[0]["n"]
        await store.close()
        assert (stored.input, held) == ("in", 0), "those who listen see what came"
        assert (row["input"], row["output"], row["events"], row["moved"]) == (None, None, None, None)
        assert (row["content"], row["attributes"]) == ("sampled_out", '{"a":1}')
        assert (row["model"], row["cost"], row["output_tokens"], row["user"]) == ("gpt-4o-2024-11-20", 0.25, 4, "u1")

    async def test_what_lists_show_of_a_root_stands_beside_its_texts(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        long = "é" * 400
        spans = [
            a_span(1, 1, parent_id=None, input=long, output=None),
            a_span(1, 2, parent_id="00" * 8, input=long, output=long),
            a_span(2, 3, parent_id=None, input=long, thin=Thin("waiting", {})),
        ]
        await store.append(Facts(spans=spans))
        heads = "SELECT input_head, output_head FROM spans ORDER BY span_id"
        before = [tuple(row.values()) for row in await store.scan(heads)]
        await store.decide("prj_a", [spans[2].trace_id], [], 0)
        after = [tuple(row.values()) for row in await store.scan(heads)]
        await store.close()
        assert before == [(long[:300], ""), (None, None), ("", "")]
        assert after == [*before[:2], (long[:300], "")]

    async def test_content_that_waits_comes_back_or_goes(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        spans = [
            a_span(trace, n, input=f"in {trace} {n}", thin=Thin("waiting", {})) for trace in (1, 2) for n in (1, 2)
        ]
        await store.append(Facts(spans=[*spans, a_span(3, 1, input="in 3 1")]))
        await store.append(Facts(spans=[replace(spans[0], input="again")]))
        before = await store.scan(_CONTENTS)
        await store.close()
        store = await self.reopen(tmp_path)
        decided = [await store.decide("prj_a", [f"{1:032x}"], [f"{2:032x}"], 0) for _ in range(2)]
        after = await store.scan(_CONTENTS)
        held = (await store.scan("SELECT count(*) AS n FROM held"))[0]["n"]
        again = await store.append(Facts(spans=spans))
        parts = await parts_against_spans(store)
        await store.close()
        assert parts == (5, 5, 0)
        assert [row["content"] for row in before] == ["waiting"] * 4 + [None]
        assert [row["input"] for row in before] == [None] * 4 + ["in 3 1"]
        assert [(row["content"], row["input"]) for row in after] == [
            ("kept", "in 1 1"), ("kept", "in 1 2"), ("let_go", None), ("let_go", None), (None, "in 3 1"),
        ]  # fmt: skip
        assert (decided, held, again.duplicates) == ([2, 0], 0, 4)

    async def test_what_comes_back_is_as_it_was_sent_at_its_newest_price(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        full = replace(a_full_span(), cost_source="prices:2026-11-20")
        await store.append(Facts(spans=[replace(full, thin=Thin("waiting", {}))]))
        await store.reprice("prj_a", [Priced(full.trace_id, full.span_id, 0.75, "project:prc_1")])
        await store.decide("prj_a", [full.trace_id], [], full.start_ns)
        back = (await store.scan(_THIN))[0]
        await store.append(Facts(spans=[replace(full, span_id="aa" * 8)]))
        other = (await store.scan(_THIN + " WHERE span_id = ?", ["aa" * 8]))[0]
        await store.close()
        expected = {**other, "cost": 0.75, "cost_source": "project:prc_1", "content": "kept"}
        own = ("key", "span_id", "stored_ns")
        assert {k: v for k, v in back.items() if k not in own} == {k: v for k, v in expected.items() if k not in own}

    async def test_deciding_touches_one_project(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        spans = [a_span(project=project, input="in", thin=Thin("waiting", {})) for project in ("prj_a", "prj_b")]
        await store.append(Facts(spans=spans))
        await store.decide("prj_a", [spans[0].trace_id], [], 0)
        rows = await store.scan("SELECT content FROM spans ORDER BY project")
        await store.close()
        assert [row["content"] for row in rows] == ["kept", "waiting"]

    async def test_what_the_client_said_it_cost_and_other_projects_keep_their_price(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(cost=1.0, cost_source="client"), a_span(project="prj_b")]))
        changed = await store.reprice("prj_a", [Priced(f"{1:032x}", f"{1:016x}", 0.25, "project:prc_1")])
        rows = await store.scan("SELECT cost FROM spans ORDER BY project")
        await store.close()
        assert (changed, rows) == (0, [{"cost": 1.0}, {"cost": None}])

    async def test_a_price_can_become_unknown_again(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(cost=1.0, cost_source="project:prc_1")]))
        changed = await store.reprice("prj_a", [Priced(f"{1:032x}", f"{1:016x}", None, None)])
        rows = await store.scan("SELECT cost, cost_source FROM spans")
        await store.close()
        assert (changed, rows) == (1, [{"cost": None, "cost_source": None}])
