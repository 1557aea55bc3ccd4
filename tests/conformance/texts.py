"""What the full text of every store must do, whether the index knows a row already or it is read plainly."""

from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Event, Facts, Span
from assay_server.store import Bounds, Doomed, Store
from tests.conformance.store import a_span

# Cut within an emoji, as it is sent: half of it is left. The second is JSON in JSON.
CUT = r'[{"role": "assistant", "content": "Gr\u00fc\u00dfe,\nMarta \ud83d"}]'
CUT_WITHIN = r'{"answer": "{\"cut\": \"G\u00e4rten\\nund H\u00e4user \ud83d\"}"}'
LONG = "This answer is longer than what counts as a short value, " * 2

TEXTS = {
    1: {"input": '[{"role": "user", "content": "May I have a refund under your policy? ' + LONG + '"}]'},
    2: {"output": "Refunds are late, our policy says. " + LONG},
    3: {"name": "look_up_order", "model": "gpt-4o-2024-11-20", "status_message": "upstream timed out"},
    4: {"attributes": {"http.route": "/v1/café", "note": "Crème brûlée, policy refund. " + LONG}},
    5: {"input": '{"order": 47110815, "note": "caf\\u00e9 del mar"}', "output": CUT, "tags": ["vip"]},
    6: {
        "input": "退款政策是什么",
        "events": [{"name": "exception", "time_ns": 1, "attributes": {"m": "Disk full"}}],
        "output": CUT_WITHIN,
    },
}

QUESTIONS = [
    ("refund", {1, 4}),
    ("refund*", {1, 2, 4}),
    ("policy refund", {1, 4}),
    ('"refund policy"', set()),
    ('"policy refund"', {4}),
    ("REFUND Policy", {1, 4}),
    ("cafe", {4, 5}),
    ("CAFÉ", {4, 5}),
    ("creme brulee", {4}),
    ("timed gpt-4o", {3}),
    ('"gpt 4o"', {3}),
    ("order", {3}),
    ("47110815", {5}),
    ("vip mar", {5}),
    ("退款", {6}),
    ("款退", set()),
    ("disk full", {6}),
    ("grüße marta", {5}),
    ("gärten und häuser", {6}),
    ("cut", set()),
    ("user", set()),  # a role is nobody's text
    ("nobody wrote this", set()),
    ("x" * 300, set()),
]


async def found(store: Store, text: str, bounds: Bounds = Bounds(), *, project: str = "prj_a", limit: int = 50) -> Any:
    answer = await store.texts.find(project, text, bounds, limit)
    return [int(trace_id, 16) for _, trace_id in answer.traces]


def spans() -> list[Span]:
    return [a_span(n, n, start_ns=1_000 * n, **fields) for n, fields in TEXTS.items()]


class TextsConformance:
    """Tests of `assay_server.store.Texts`."""

    async def reopen(self, path: Path) -> Store:
        """Opens the store at `path`, new or as it was left."""
        raise AssertionError("the implementation's test class overrides this")

    @pytest.mark.parametrize("indexed", [False, True], ids=["read-plainly", "indexed"])
    async def test_words_are_found(self, tmp_path: Path, indexed: bool) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=spans()))
        if indexed:
            await store.texts.catch_up()
        answers = {text: set(await found(store, text)) for text, _ in QUESTIONS}
        await store.close()
        assert answers == dict(QUESTIONS)

    @pytest.mark.parametrize("indexed", [0, 3, 6], ids=["read-plainly", "half", "indexed"])
    async def test_the_newest_come_first_within_bounds_and_the_rest_is_told(self, tmp_path: Path, indexed: int) -> None:
        store = await self.reopen(tmp_path)
        for n in range(1, 7):
            await store.append(Facts(spans=[a_span(n, n * 10 + k, start_ns=1_000 * n, input="refund") for k in (1, 2)]))
            if n == indexed:
                await store.texts.catch_up()
        first = await store.texts.find("prj_a", "refund", Bounds(), 4)
        rest = await store.texts.find("prj_a", "refund", Bounds(until_ns=3_000), 4)
        middle = await found(store, "refund", Bounds(since_ns=2_000, until_ns=4_000))
        within = await found(store, "refund", Bounds(within=(f"{2:032x}", f"{9:032x}")))
        await store.close()
        assert first.traces == [(1_000 * n, f"{n:032x}") for n in (6, 5, 4, 3)]
        assert (first.complete, rest.complete) == (False, True)
        assert (len(rest.traces), middle, within) == (2, [3, 2], [2])

    @pytest.mark.parametrize("indexed", [False, True], ids=["read-plainly", "indexed"])
    async def test_no_project_finds_another_s(self, tmp_path: Path, indexed: bool) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, input="refund"), a_span(1, 1, "prj_b", input="invoice")]))
        if indexed:
            await store.texts.catch_up()
        ours = [await found(store, text, project=f"prj_{of}") for text in ("refund", "invoice") for of in "ab"]
        await store.close()
        assert ours == [[1], [], [], [1]]

    @pytest.mark.parametrize("indexed", [False, True], ids=["read-plainly", "indexed"])
    async def test_what_stood_in_log_records_is_found_even_before_its_span(self, tmp_path: Path, indexed: bool) -> None:
        store = await self.reopen(tmp_path)
        said = {"input": '[{"role": "user", "content": "where is my parcel"}]'}
        records = [
            Event("prj_a", "evt_1", "content", 5, trace_id=f"{1:032x}", span_id="1", data=said),
            Event("prj_a", "evt_2", "log", 5, trace_id=f"{2:032x}", span_id="1", data={"body": "parcel lost"}),
            Event("prj_a", "evt_3", "metric", 5, trace_id=f"{3:032x}", span_id="1", data={"body": "parcel"}),
        ]
        await store.append(Facts(events=records))
        if indexed:
            await store.texts.catch_up()
        await store.append(Facts(spans=[a_span(1, 1, start_ns=9), a_span(2, 1, start_ns=8)]))
        answer = await found(store, "parcel")
        await store.close()
        assert sorted(answer) == [1, 2]

    async def test_the_index_is_found_again_and_made_anew_where_it_is_lost(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=spans()))
        before = await store.texts.state("prj_a")
        await store.texts.catch_up()
        after = await store.texts.state("prj_a")
        await store.close()
        store = await self.reopen(tmp_path)
        again, answer = await store.texts.state("prj_a"), await found(store, "refund")
        await store.texts.rebuild()
        anew, found_anew = await store.texts.state("prj_a"), await found(store, "refund")
        await store.append(Facts(spans=[a_span(9, 9, start_ns=9_000, input="refund")]))
        await store.texts.catch_up()
        later = await found(store, "refund")
        await store.close()
        assert (before.rows, after.rows, again.rows) == (6, 0, 0)
        assert (before.texts, after.texts, again.texts, anew.texts) == (0, again.texts, after.texts, after.texts)
        assert answer == found_anew == [4, 1]
        assert (anew.rows, later) == (0, [9, 4, 1])

    @pytest.mark.parametrize("indexed", [False, True], ids=["read-plainly", "indexed"])
    async def test_what_is_removed_is_found_no_more_and_what_is_left_of_a_trace_is(
        self, tmp_path: Path, indexed: bool
    ) -> None:
        store = await self.reopen(tmp_path)
        await store.append(Facts(spans=[a_span(1, 1, input="refund"), a_span(1, 2, output="parcel"), *spans()[1:]]))
        if indexed:
            await store.texts.catch_up()
        await store.erase("prj_a", [Doomed("spans", "span_id = ?", (f"{1:016x}",))])
        await store.texts.catch_up()
        answers = [await found(store, text) for text in ("refund", "parcel", "timed")]
        await store.compact()
        plainly = await found(store, "parcel")
        await store.close()
        assert answers == [[4], [1], [3]]
        assert plainly == [1]

    async def test_a_text_that_is_said_again_in_a_trace_is_indexed_once(self, tmp_path: Path) -> None:
        store = await self.reopen(tmp_path)
        said = '[{"role": "user", "content": "' + LONG + '"}]'
        await store.append(Facts(spans=[a_span(1, n, input=said, model=f"m{n}") for n in range(1, 6)]))
        await store.texts.catch_up()
        texts = (await store.texts.state("prj_a")).texts
        await store.close()
        assert texts == 6  # five times the short values, which differ, and one message
