"""The most common questions are the same whenever somebody looks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts, Span
from assay_server.query.dashboards.likeness import clusters_of
from assay_server.query.dashboards.questions import Questions
from assay_server.query.metrics.asked import Asked, Range
from assay_server.store import DuckStore

START = 1_795_248_000 * 10**9
ASKED = ("where is my refund", "refund where is it", "cancel the order", "please cancel my order", "an unrelated thing")


def span(number: int) -> Span:
    text = ASKED[number % len(ASKED)]
    return Span("prj_a", f"{number:032x}", f"{number:016x}", None, "chat", "llm", START, START + 1, input=text)


async def read(folder: Path, numbers: list[int]) -> dict[str, Any]:
    store = await DuckStore.open(folder)
    for number in numbers:
        await store.append(Facts([span(number)]))
    found = await Questions(store).read(Asked("prj_a", Range(START, START + 1), [], None))
    await store.close()
    return found


async def test_the_order_in_which_spans_came_says_nothing(tmp_path: Path) -> None:
    numbers = list(range(1, 41))
    found = await read(tmp_path / "a", numbers)
    assert [each["n"] for each in found["clusters"]] == [16, 16, 8]
    assert await read(tmp_path / "b", numbers[::-1]) == found


@pytest.mark.parametrize(
    "groups",
    [
        (["我怎么退货？", "怎么退货呢", "我想退货"], ["我的包裹在哪里？", "包裹在哪里", "请问包裹到哪了"]),
        (["返品の方法を教えてください", "返品したいのですが"], ["荷物はどこですか", "私の荷物はどこにありますか"]),
        (["ฉันจะคืนสินค้าได้อย่างไร", "คืนสินค้าอย่างไร"], ["พัสดุของฉันอยู่ที่ไหน", "พัสดุอยู่ไหน"]),
    ],
)
def test_questions_without_spaces_between_their_words_are_alike_too(groups: tuple[list[str], list[str]]) -> None:
    texts = [text for group in groups for text in group]
    assert sorted(sorted(texts[at] for at in found) for found in clusters_of(texts)) == sorted(map(sorted, groups))


MEANINGS = {"refund": 0, "money": 0, "cancel": 1, "stop": 1}
WAYS = ("where is my refund", "you still have the money of mine", "cancel it", "please stop my order", "wo bleibt es")


class Model:
    """Knows what some words mean, and no German."""

    name = "a model"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fault: Unavailable | None = None

    async def embed(self, texts: Sequence[str]) -> Any:
        self.asked.append(list(texts))
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(0)
        return np.array([self._vector(text) for text in texts], np.float32)

    def _vector(self, text: str) -> list[float]:
        place = next((place for word, place in MEANINGS.items() if word in text), None)
        return [np.nan] * 2 if place is None else [float(place == at) for at in range(2)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    spans = [
        Span("prj_a", f"{at:032x}", f"{at:016x}", None, "chat", "llm", START, START + 1, input=WAYS[at % len(WAYS)])
        for at in range(1, 11)
    ]
    await opened.append(Facts(spans))
    yield opened
    await opened.close()


EVERYTHING = Asked("prj_a", Range(START, START + 1), [], None)


async def settled(questions: Questions) -> dict[str, Any]:
    for _ in range(500):
        found = await questions.read(EVERYTHING)
        if not found["coming"]:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("no meanings came")


@pytest.mark.parametrize(("days", "fresh"), [(7, 0), (1 / 24, 10)], ids=["a week", "an hour"])
async def test_a_week_that_moves_with_the_clock_is_not_another_one_each_minute(
    store: DuckStore, days: float, fresh: int
) -> None:
    minute, width = 60 * 10**9, int(days * 86_400 * 10**9)
    end = START // (20 * minute) * 20 * minute + 2 * width
    questions = Questions(store)
    await questions.read(Asked("prj_a", Range(end - width, end), [], None))
    await store.append(Facts([replace(span(at), trace_id=f"{90 + at:032x}", start_ns=end - at) for at in range(1, 11)]))
    found = await questions.read(Asked("prj_a", Range(end + 3 * minute - width, end + 3 * minute), [], None))
    assert found["read"] == fresh


async def test_words_tell_at_once_and_meanings_a_little_later(store: DuckStore) -> None:
    model = Model()
    questions = Questions(store, model)
    first = await questions.read(EVERYTHING)
    assert first["coming"]
    assert sorted(each["n"] for each in first["clusters"]) == [2, 2, 2, 2, 2]
    then = await settled(questions)
    assert [each["n"] for each in then["clusters"]] == [4, 4, 2]
    assert "meaning (a model)" in then["method"]
    assert {example["text"] for each in then["clusters"] for example in each["examples"]} == set(WAYS)
    assert len(model.asked) == 1
    await questions.close()


async def test_where_the_model_cannot_be_run_words_stay(store: DuckStore, caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    model.fault = Unavailable("The weights are not the ones that were published.")
    questions = Questions(store, model)
    await questions.read(EVERYTHING)
    found = await settled(questions)
    assert found["method"].startswith("words")
    assert "questions stay grouped by words: The weights" in caplog.text
    await questions.close()


async def test_whoever_closes_waits_for_no_meanings(store: DuckStore) -> None:
    class Slow(Model):
        async def embed(self, texts: Sequence[str]) -> Any:
            await asyncio.sleep(60)

    questions = Questions(store, Slow())
    assert (await questions.read(EVERYTHING))["coming"]
    await asyncio.wait_for(questions.close(), 5)
