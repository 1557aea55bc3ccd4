"""The most common questions are the same whenever somebody looks."""

from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span
from assay_server.query.dashboards.likeness import clusters_of
from assay_server.query.dashboards.questions import Questions
from assay_server.query.dashboards.source import Asked, Range
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
