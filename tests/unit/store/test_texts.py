"""The text of the DuckDB store: the conformance suite, and what is its own (broken files, both ways alike, lag)."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay_server.core.records import Facts
from assay_server.store import Bounds, Doomed, DuckStore, Store, words_of_attribute
from assay_server.store.text import feed, index, search, unread
from assay_server.store.text.index import TextIndex
from assay_server.store.text.texts import texts_of, words_in
from assay_server.store.text.words import NO_WORD, Phrase, holds, wanted, words_of
from tests.conformance.store import a_span
from tests.conformance.texts import TextsConformance, found, spans


class TestConformance(TextsConformance):
    async def reopen(self, path: Path) -> Store:
        return await DuckStore.open(path / "facts")


class TestFarBehind(TextsConformance):
    """The same where there is no room for texts in memory."""

    @pytest.fixture(autouse=True)
    def far_behind(self, no_room: None) -> None: ...

    async def reopen(self, path: Path) -> Store:
        return await DuckStore.open(path / "facts")


class TestWindows(TextsConformance):
    """The same where every word counts as common."""

    @pytest.fixture(autouse=True)
    def all_common(self, small_windows: None) -> None: ...

    async def reopen(self, path: Path) -> Store:
        return await DuckStore.open(path / "facts")


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_COMMON", -1)
    monkeypatch.setattr(index, "_FIRST_WINDOW_NS", 3)
    monkeypatch.setattr(index, "_LONGEST_WINDOW_NS", 300)


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MOST_PENDING", 0)


LONG = "x" * 200
"""Too long for a word."""


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", []),
        ("  ?! ", []),
        ("Late refund", [Phrase(("late",)), Phrase(("refund",))]),
        ('"late  Refund" x', [Phrase(("late", "refund")), Phrase(("x",))]),
        ("gpt-4o user@example.com", [Phrase(("gpt", "4o")), Phrase(("user", "example", "com"))]),
        ("refun* late-ref*", [Phrase(("refun",), open_end=True), Phrase(("late", "ref"), open_end=True)]),
        ('"never closed', [Phrase(("never", "closed"))]),
        ("a a A", [Phrase(("a",))]),
        ("cafe\u0301 STRASSE straße", [Phrase(("cafe",)), Phrase(("strasse",))]),
        ("退款", [Phrase(("退", "款"))]),
        (f'"late {LONG} old refund"', [Phrase(("late",)), Phrase(("old", "refund"))]),
        (f"late-{LONG}* late-{LONG}-ref*", [Phrase(("late",)), Phrase(("ref",), open_end=True)]),
        ("⑴ ⒛*", [Phrase(("1",)), Phrase(("20",), open_end=True)]),
    ],
)
def test_what_somebody_wants_is_read_and_nothing_is_a_mistake(text: str, phrases: list[Phrase]) -> None:
    assert list(wanted(text).phrases) == phrases


def test_half_of_a_surrogate_pair_is_no_word_and_no_mistake() -> None:
    assert words_of("a \ud83d b") == ("a", "b")


@pytest.mark.parametrize(("letter", "most"), [("x", 199), ("é", 99), ("\U0001d4d0", 49)])
def test_what_is_too_long_for_a_word_leaves_its_place(letter: str, most: int) -> None:
    kept, *_ = words_of(letter * most)
    assert words_of(f"a {letter * most} B") == ("a", kept, "b")
    assert words_of(f"a {letter * (most + 1)} B") == ("a", NO_WORD, "b")


_FOLDED = ("refund", "Refunds", "café", "CAFE", "4o", "gpt-4o", "退款", "straße", "a", "İ", "ﬁne", "\ud83d")
_EDGES = ("re_fund", "non-refund", "\n", "\xa6", "x" * 199, "x" * 200, "x" * 198 + "_x", "_", "ba a a", "a a")
_WORDS = st.sampled_from(_FOLDED + _EDGES)
_SPACED = st.lists(_WORDS, max_size=6).map(" ".join)
_SAID = st.one_of(_SPACED, st.text(max_size=30), _SPACED.map(lambda text: json.dumps([{"content": text}])))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(_SAID, min_size=1, max_size=8), asked=st.lists(st.one_of(_SPACED, st.text(max_size=12)), max_size=12)
)
@example(said=[json.dumps([{"content": f"refund {LONG} \ud83d"}])], asked=[])
@example(said=[f"late {LONG} refund", f"café {LONG} refund"], asked=[f"late {LONG} refund", f"café {LONG} refund"])
@example(said=[f"late {LONG} refund", f"café {LONG} refund"], asked=["late refund", "café refund"])
@example(said=["(1)", "⑴", "1."], asked=["⑴", "1", "⒈"])
async def test_the_index_finds_what_plain_reading_finds(
    tmp_path_factory: pytest.TempPathFactory, said: list[str], asked: list[str]
) -> None:
    store = await DuckStore.open(tmp_path_factory.mktemp("facts"))
    await store.append(Facts(spans=[a_span(n, n, start_ns=n, input=text) for n, text in enumerate(said, 1)]))
    questions = [*asked, *(f'"{text}"' for text in asked), *(f"{text}*" for text in asked), *said]
    remembered = [await found(store, text) for text in questions]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "_MOST_PENDING", 0)
        plainly = [await found(store, text) for text in questions]
    await store.texts.catch_up()
    indexed = [await found(store, text) for text in questions]
    await store.close()
    assert indexed == plainly == remembered


_VALUES = st.one_of(
    st.sampled_from(
        ["A 10", "case-3", "10", "1.5e3", "nan", "true", "[1]", "x" * 101, "a@b.c", "/v1/x", "a-", "é", "a  b"]
    ),
    st.text("aB1 ._:/@-é[{", min_size=1, max_size=12),
)


@settings(max_examples=300, deadline=None)
@given(
    key=st.sampled_from(["order", "role", "type", "a.b"]),
    value=_VALUES,
    others=st.dictionaries(st.sampled_from(["z", "y"]), st.one_of(_VALUES, st.lists(_VALUES), st.integers())),
)
def test_an_attribute_that_is_looked_for_by_its_words_is_among_the_texts(
    key: str, value: str, others: dict[str, object]
) -> None:
    words = words_of_attribute(key, value)
    row = {"shorts": ["chat"], "bodies": [None, None, json.dumps({**others, key: value}), None]}
    assert words is None or any(holds(words_in(text), wanted(words)) for text in texts_of(row))


@pytest.mark.parametrize(
    ("key", "value"), [("order", "10"), ("order", "1e3"), ("order", "true"), ("order", "[a]"), ("role", "user")]
)
def test_what_may_be_no_text_is_not_looked_for_by_its_words(key: str, value: str) -> None:
    assert words_of_attribute(key, value) is None
    assert words_of_attribute("order", "A-10") == '"A-10"'


@pytest.mark.parametrize("damage", ["meta.json", "all", "version"])
async def test_a_broken_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=spans()))
    await store.texts.catch_up()
    await store.close()
    folder = tmp_path / "text" / "v1"
    if damage == "version":
        folder.rename(tmp_path / "text" / "v0")
    for file in folder.glob("*" if damage == "all" else damage):
        file.write_bytes(b"broken")
    store = await DuckStore.open(tmp_path)
    answer = await found(store, "refund")
    await store.texts.catch_up()
    indexed, state = await found(store, "refund"), await store.texts.state("prj_a")
    await store.close()
    assert answer == indexed == [4, 1]
    assert state.rows == 0
    assert not (tmp_path / "text" / "v0").exists()


async def test_an_index_that_knows_more_than_the_facts_is_made_anew(tmp_path: Path) -> None:
    for folder, text in (("old", "refund"), ("new", "parcel")):
        store = await DuckStore.open(tmp_path / folder)
        await store.append(Facts(spans=[a_span(input=text)]))
        await store.texts.catch_up()
        await store.close()
    (tmp_path / "old" / "text").rename(tmp_path / "old" / "gone")
    (tmp_path / "new" / "text").rename(tmp_path / "old" / "text")  # the facts come from a backup, the index does not
    store = await DuckStore.open(tmp_path / "old")
    answers = await found(store, "refund"), await found(store, "parcel")
    await store.close()
    assert answers == ([1], [])


async def test_a_removal_that_a_kill_interrupted_is_made_good(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, 1, input="refund"), a_span(1, 2, input="parcel")]))
    await store.texts.catch_up()
    store.texts._removals.begin("prj_a", [f"{1:032x}"])
    store._connection.execute("DELETE FROM spans WHERE span_id = ?", [f"{1:016x}"])
    await store.close()  # without a word to the index
    store = await DuckStore.open(tmp_path)
    answers = await found(store, "refund"), await found(store, "parcel")
    await store.close()
    assert answers == ([], [1])


_INDEXER = """
import asyncio, sys
from assay_server.core.records import Facts
from assay_server.store import DuckStore
from tests.conformance.store import a_span
async def main():
    store = await DuckStore.open(sys.argv[1])
    for n in range(1, 10_000):
        await store.append(Facts(spans=[a_span(n, n, start_ns=n, input=f"refund w{n}")]))
        if n % 3 == 0:
            await store.texts.catch_up()
        print(n, flush=True)
asyncio.run(main())
"""


async def test_a_kill_loses_no_text_and_the_index_is_not_made_anew(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", _INDEXER, str(tmp_path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert writer.stdout is not None
    for _ in range(10):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    rest = [line for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    stored = 10 + len(rest)
    store = await DuckStore.open(tmp_path)
    state = await store.texts.state("prj_a")
    answer = await found(store, "refund", limit=10_000)
    await store.texts.catch_up()
    again = await found(store, "refund", limit=10_000)
    await store.close()
    assert state.texts >= 9
    assert set(range(1, stored + 1)) <= set(answer)
    assert answer == again


class FullDisk:
    """A writer that takes texts and cannot keep them."""

    def add_document(self, document: object) -> None: ...

    def commit(self) -> None:
        raise OSError("No space left on device")

    def rollback(self) -> None: ...

    def wait_merging_threads(self) -> None: ...


async def test_what_a_full_disk_refused_is_indexed_later_and_read_plainly_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=spans()))
    await store.texts.state("prj_a")  # opens it
    with monkeypatch.context() as full:
        full.setattr(TextIndex, "_make_writer", lambda _self: FullDisk())
        with pytest.raises(OSError, match="No space"):
            await store.texts.catch_up()
        meanwhile, behind = await found(store, "refund"), (await store.texts.state("prj_a")).rows
    await store.texts.catch_up()
    after, left = await found(store, "refund"), (await store.texts.state("prj_a")).rows
    await store.close()
    assert (meanwhile, behind, after, left) == ([4, 1], 6, [4, 1], 0)


async def test_the_index_follows_by_itself(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    store.texts._every_s = 0.01
    await store.append(Facts(spans=spans()))
    for _ in range(2_000):
        if (await store.texts.state("prj_a")).rows == 0:
            break
    state = await store.texts.state("prj_a")
    await store.close()
    assert (state.rows, state.seconds, state.state) == (0, 0.0, "ready")


async def test_of_too_many_unread_rows_the_newest_are_read_and_the_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_room: None
) -> None:
    monkeypatch.setattr(search, "NEWEST_UNREAD", unread.NEWEST_UNREAD.replace(str(unread.MOST_READ), "2"))
    store = await DuckStore.open(tmp_path)
    for n in range(1, 5):
        await store.append(Facts(spans=[a_span(n, n, start_ns=n, input="refund")]))
    answer = await store.texts.find("prj_a", "refund", Bounds(), 9)
    await store.texts.catch_up()
    indexed = await store.texts.find("prj_a", "refund", Bounds(), 9)
    await store.close()
    assert ([start for start, _ in answer.traces], answer.complete) == ([4, 3], False)
    assert ([start for start, _ in indexed.traces], indexed.complete) == ([4, 3, 2, 1], True)


async def test_unread_rows_are_read_in_growing_chunks_and_each_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_room: None
) -> None:
    monkeypatch.setattr(unread, "_CHUNK", 1)
    monkeypatch.setattr(unread, "_LARGEST_CHUNK", 3)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(n, n, start_ns=n, input="refund") for n in range(1, 12)]))
    whole = await store.texts.find("prj_a", "refund", Bounds(), 11)
    some = await store.texts.find("prj_a", "refund", Bounds(), 5)
    await store.close()
    assert ([start for start, _ in whole.traces], whole.complete) == (list(range(11, 0, -1)), True)
    assert ([start for start, _ in some.traces], some.complete) == ([11, 10, 9, 8, 7], False)


async def test_traces_that_hold_a_word_in_many_texts_do_not_hide_the_others(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    many = [a_span(1, n, start_ns=9, input=f"refund {n} " + "said at length " * 9) for n in range(1, 41)]
    await store.append(Facts(spans=[*many, *(a_span(n, 90 + n, start_ns=n, input="refund") for n in (2, 3, 4))]))
    await store.texts.catch_up()
    answer = await store.texts.find("prj_a", "refund", Bounds(), 3)
    await store.close()
    assert ([start for start, _ in answer.traces], answer.complete) == ([9, 4, 3], False)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_common_words_are_found_alike_whatever_the_windows_are(
    tmp_path: Path, small_windows: None, monkeypatch: pytest.MonkeyPatch, common: bool, limit: int
) -> None:
    store = await DuckStore.open(tmp_path)
    starts = [1, 2, 2, 2, 30, 31, 90, 200, 200, 500, 501]
    said = [a_span(n, n, start_ns=start, input="refund policy") for n, start in enumerate(starts, 1)]
    await store.append(Facts(spans=said))
    await store.texts.catch_up()
    if not common:
        monkeypatch.setattr(index, "_COMMON", 99)
    answers = [
        await store.texts.find("prj_a", text, Bounds(since_ns, until_ns), limit)
        for text in ("refund", '"refund policy"', "refund pol*")
        for since_ns in (None, 2, 30)
        for until_ns in (None, 3, 201, 502)
    ]
    await store.close()
    everything = [(start, f"{n:032x}") for n, start in enumerate(starts, 1)]
    bounds = [(since_ns or 0, until_ns or 999) for since_ns in (None, 2, 30) for until_ns in (None, 3, 201, 502)] * 3
    expected = [sorted((p for p in everything if low <= p[0] < high), reverse=True) for low, high in bounds]
    assert [answer.traces for answer in answers] == [traces[:limit] for traces in expected]
    assert [answer.complete for answer in answers] == [len(traces) <= limit for traces in expected]


async def test_texts_are_counted_once_and_added_up(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)

    async def counted() -> list[int]:
        await store.texts.catch_up()
        return [(await store.texts.state(project)).texts for project in ("prj_a", "prj_b")]

    await store.append(Facts(spans=[a_span(1, 1, input="refund")]))
    counts = [await counted()]
    await store.append(Facts(spans=[a_span(2, 2, input="refund"), a_span(3, 3, "prj_b", input="refund")]))
    counts += [await counted()]
    await store.erase("prj_a", [Doomed("spans", "span_id = ?", (f"{1:016x}",))])
    counts += [await counted(), await counted()]
    await store.append(Facts(spans=[a_span(4, 4, input="refund")]))
    counts += [await counted()]
    await store.close()
    assert counts == [[1, 0], [2, 1], [1, 1], [1, 1], [2, 1]]


def test_the_index_rests_less_the_further_it_is_behind() -> None:
    assert search._rest(1) > search._rest(15) > search._rest(60) == 0


async def test_a_beginning_that_fits_too_much_is_found_or_told(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    many = " ".join(f"w{n:05d}" for n in range(20_000))
    await store.append(Facts(spans=[a_span(input=many)]))
    await store.texts.catch_up()
    answer = await store.texts.find("prj_a", "w*", Bounds(), 5)
    await store.close()
    assert len(answer.traces) == 1
