"""The most common questions are the same whenever somebody looks."""

from pathlib import Path
from typing import Any

from assay_server.core.records import Facts, Span
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
