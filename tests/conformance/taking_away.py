"""What every store of facts must do when facts are taken away: the second half of `tests/conformance/store.py`."""

import asyncio
from pathlib import Path

import pytest

from assay_server.core.errors import TooLarge
from assay_server.core.records import Event, Facts, RunItem, Thin
from assay_server.store import Doomed, Priced, Store, Thinned
from tests.conformance.store import a_full_span, a_score, a_span, parts_against_spans

_TRACE = f"{1:032x}"


class TakingAwayConformance:
    """Tests of `erase`, `let_go`, `compact` and `copy`."""

    async def reopen(self, path: Path) -> Store:
        raise AssertionError("the implementation's test class overrides this")

    async def test_erased_rows_are_gone_and_counted(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        spans = [a_span(1, 1, user="u1"), a_span(1, 2), a_span(2, 3, user="u2")]
        facts = Facts(spans, [a_score()], [RunItem("prj_a", "run_1", "itm_1", 0, 1)], [Event("prj_a", "e", "log", 1)])
        await store.append(facts)
        doomed = [Doomed("spans", "trace_id = ?", (_TRACE,)), Doomed("scores", "true"), Doomed("events", "kind = 'x'")]
        removed = await store.erase("prj_a", doomed)
        rows = (await store.stats()).rows
        await store.close()
        assert removed == {"spans": 2, "traces": 1, "held": 0, "scores": 1, "events": 0}
        assert (rows["spans"], rows["traces"], rows["scores"], rows["run_items"], rows["events"]) == (1, 1, 0, 1, 1)

    async def test_erasing_touches_one_project(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(project="prj_a"), a_span(project="prj_b")]))
        removed = await store.erase("prj_a", [Doomed("spans", "true OR true")])
        left = await store.scan("SELECT project FROM spans UNION ALL SELECT project FROM traces")
        await store.close()
        assert removed["spans"] == 1
        assert left == [{"project": "prj_b"}, {"project": "prj_b"}]

    async def test_a_trace_that_keeps_spans_is_counted_anew(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, status="error"), a_span(1, 2, status="ok")]))
        await store.append(Facts(spans=[a_span(1, 3, status="ok")]))
        await store.erase("prj_a", [Doomed("spans", "status = 'error'")])
        parts = await store.scan("SELECT sum(spans) AS spans, sum(errors) AS errors, sum(oks) AS oks FROM trace_parts")
        told = await parts_against_spans(store)
        traces = await store.scan("SELECT trace_id FROM traces")
        await store.close()
        assert parts == [{"spans": 2, "errors": 0, "oks": 2}]
        assert told == (2, 2, 0)
        assert traces == [{"trace_id": _TRACE}]

    async def test_content_that_waits_goes_with_its_span(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, user="u1", input="secret", thin=Thin("waiting", {}))]))
        removed = await store.erase("prj_a", [Doomed("spans", "trace_id = ?", (_TRACE,))])
        left = await store.scan("SELECT count(*) AS n FROM held")
        await store.close()
        assert (removed["held"], left) == (1, [{"n": 0}])

    async def test_text_that_is_let_go_while_it_waits_does_not_come_back(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        waiting = [a_span(1, n, input="secret", thin=Thin("waiting", {})) for n in (1, 2)]
        await store.append(Facts(spans=waiting))
        key = (await store.scan("SELECT key FROM spans WHERE span_id = ?", [f"{1:016x}"]))[0]["key"]
        other = await store.let_go("prj_b", [Thinned("spans", key, {}, 1)], 76)
        changed = await store.let_go("prj_a", [Thinned("spans", key, {}, 1)], 77)
        held = await store.scan("SELECT span_id FROM held")
        await store.decide("prj_a", [_TRACE], [], 0)
        rows = await store.scan("SELECT input, content, let_go_ns FROM spans ORDER BY span_id")
        await store.close()
        assert (other, changed, held) == (0, 1, [{"span_id": f"{2:016x}"}])
        assert rows == [
            {"input": None, "content": None, "let_go_ns": 77},
            {"input": "secret", "content": "kept", "let_go_ns": None},
        ]

    async def test_what_was_erased_can_be_sent_again(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span()]))
        await store.erase("prj_a", [Doomed("spans", "true")])
        again = await store.append(Facts(spans=[a_span()]))
        rows = (await store.stats()).rows
        await store.close()
        assert (again.spans, rows["spans"], rows["traces"]) == (1, 1, 1)

    async def test_a_wrong_condition_erases_nothing(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span()], scores=[a_score()]))
        with pytest.raises(Exception, match="nothing_of_the_kind"):
            await store.erase("prj_a", [Doomed("scores", "true"), Doomed("spans", "nothing_of_the_kind = 1")])
        rows = (await store.stats()).rows
        again = await store.append(Facts(spans=[a_span(2, 2)]))
        await store.close()
        assert (rows["spans"], rows["scores"], again.spans) == (1, 1, 1)

    async def test_text_is_let_go_and_the_rest_stays(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_full_span(), a_span(1, 2, input="in 2")], scores=[a_score(reason="r")]))
        key = (await store.scan("SELECT key FROM spans WHERE span_id = ?", [f"{1:016x}"]))[0]["key"]
        thin = Thinned("spans", key, {"attributes": {"a": 1}, "events": [{"name": "e"}], "links": []}, 30)
        changed = [await store.let_go("prj_a", [thin], now_ns) for now_ns in (77, 78)]
        other = await store.let_go("prj_b", [thin], 79)
        first, second = await store.scan(
            'SELECT input, output, status_message, attributes::JSON::VARCHAR AS attributes, events, moved, "user",'
            " cost, output_tokens, let_go_ns, kept_days FROM spans ORDER BY span_id"
        )
        again = await store.append(Facts(spans=[a_full_span()]))
        await store.close()
        assert (changed, other, again.duplicates) == ([1, 0], 0, 1)
        assert first == {
            "input": None, "output": None, "status_message": None, "attributes": '{"a":1}', "events": '[{"name":"e"}]',
            "moved": None, "user": "u1", "cost": 0.25, "output_tokens": 4, "let_go_ns": 77, "kept_days": 30,
        }  # fmt: skip
        assert (second["input"], second["let_go_ns"]) == ("in 2", None)

    async def test_what_lists_show_of_a_text_goes_with_it(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, parent_id=None, input="in 1", output="out 1")]))
        keys = await store.scan("SELECT key FROM spans")
        shown = "SELECT input_head, output_head FROM spans"
        before = await store.scan(shown)
        await store.let_go("prj_a", [Thinned("spans", keys[0]["key"], {"attributes": {}}, 30)], 77)
        after = await store.scan(shown)
        await store.close()
        assert before == [{"input_head": "in 1", "output_head": "out 1"}]
        assert after == [{"input_head": "", "output_head": ""}]

    async def test_texts_of_scores_and_log_records_are_let_go(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        event = Event("prj_a", "evt_1", "log", 1, data={"body": "text", "name": "n"})
        await store.append(Facts(scores=[a_score(reason="because", metadata={"k": 1})], events=[event]))
        keys = await store.scan("SELECT key, 'scores' AS t FROM scores UNION ALL SELECT key, 'events' FROM events")
        by_table = {row["t"]: row["key"] for row in keys}
        await store.let_go("prj_a", [Thinned("scores", by_table["scores"], {"metadata": {"k": 1}}, 7)], 5)
        await store.let_go("prj_a", [Thinned("events", by_table["events"], {"data": {"name": "n"}}, 7)], 5)
        score = (await store.scan("SELECT value, reason, metadata, kept_days FROM scores"))[0]
        record = (await store.scan("SELECT data, let_go_ns FROM events"))[0]
        await store.close()
        assert score == {"value": 0.5, "reason": None, "metadata": '{"k":1}', "kept_days": 7}
        assert record == {"data": '{"name":"n"}', "let_go_ns": 5}

    async def test_compacting_goes_on_beside_appends_and_reads(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        for n in range(1, 21):
            await store.append(Facts(spans=[a_span(n, n)]))
        await store.erase("prj_a", [Doomed("spans", "span_id <= ?", (f"{5:016x}",))])
        compacting = asyncio.create_task(store.compact())
        n = 20
        while not compacting.done():
            n += 1
            await store.append(Facts(spans=[a_span(n, n)]))
            assert (await store.scan("SELECT count(*) AS n FROM spans"))[0]["n"] == n - 5
        report = await compacting
        await store.append(Facts(spans=[a_span(n + 1, n + 1)]))
        await store.reprice("prj_a", [Priced(f"{n:032x}", f"{n:016x}", 0.5, "project:prc_1")])
        twice = await store.append(Facts(spans=[a_span(20, 20), a_span(n, n)]))
        await store.close()
        store = await self.reopen(tmp_path)
        rows = await store.scan("SELECT count(*) AS spans, count(DISTINCT span_id) AS ids, sum(cost) AS usd FROM spans")
        traces = (await store.stats()).rows["traces"]
        await store.close()
        assert n > 20
        assert twice.duplicates == 2
        assert rows == [{"spans": n + 1 - 5, "ids": n + 1 - 5, "usd": 0.5}]
        assert traces == n + 1 - 5
        assert 15 <= report.rows["spans"] <= n - 5

    async def test_a_copy_is_a_store_as_it_was(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        facts = Facts(
            [a_full_span()], [a_score()], [RunItem("prj_a", "run_1", "itm_1", 0, 1)], [Event("p", "e", "", 1)]
        )
        await store.append(facts)
        rows = await store.copy(tmp_path / "copy" / "facts")
        await store.append(Facts(spans=[a_span(9, 9)]))
        still = (await store.stats()).rows
        await store.close()
        copied = await self.reopen(tmp_path / "copy")
        held = (await copied.stats()).rows
        again = await copied.append(facts)
        await copied.close()
        assert (rows["spans"], rows["traces"], rows["scores"], rows["run_items"], rows["events"]) == (1, 1, 1, 1, 1)
        assert (still["spans"], held["spans"], again.duplicates) == (2, 1, 4)

    async def test_a_scan_over_its_limit_lets_go_of_the_store(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, n) for n in range(1, 12)]))
        with pytest.raises(TooLarge):
            await store.scan("SELECT * FROM range(30000)")
        report = await store.compact()  # would wait for a reader that never ends
        await store.close()
        assert report.rows["spans"] == 11
