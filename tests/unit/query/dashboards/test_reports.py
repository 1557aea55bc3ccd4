"""The reports of panels: which judgements and which calls they are made of, whenever these came."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Score, Span
from assay_server.query import Sql
from assay_server.query.dashboards import Panels, parse_panel
from assay_server.store import DuckStore

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_795_248_000 * SECOND  # 2026-11-21T08:00:00Z


def call(trace: int, at_ns: int, temperature: Any) -> Span:
    attributes = {"gen_ai.request.temperature": temperature}
    return Span("prj_a", f"{trace:032x}", f"{trace:016x}", None, "chat", "llm", at_ns, at_ns, attributes=attributes)


def score(trace: int, at_ns: int, source: Any, value: float, name: str = "quality") -> Score:
    return Score("prj_a", f"{source}{trace}", name, at_ns, source, value, trace_id=f"{trace:032x}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def shown(store: DuckStore, report: dict[str, Any]) -> dict[str, Any]:
    """The hour from START on."""
    sql = Sql(store)
    panel = parse_panel({"title": "T", "report": report})
    found = await Panels(store, sql).read("prj_a", panel, START, START + 3600 * SECOND, {})
    await sql.close()
    return found


async def test_a_parameter_that_clients_write_as_1_and_as_1_0_is_one_value(store: DuckStore) -> None:
    said = [1, 1.0, "1.0", 0, 0.0, 0.5, 123456789, 123456788]
    spans = [call(at, START, temperature) for at, temperature in enumerate(said)]
    await store.append(Facts(spans, [score(at, START + SECOND, "end_user", 1.0) for at in range(len(said))]))
    found = await shown(store, {"name": "parameter", "parameter": "temperature", "score": "quality"})
    assert [(row["value"], row["n"]) for row in found["rows"]] == [
        ("0", 2), ("0.5", 1), ("1", 3), ("123456788", 1), ("123456789", 1),
    ]  # fmt: skip


async def test_a_parameter_is_found_however_long_before_its_score_the_call_was_made(store: DuckStore) -> None:
    await store.append(Facts([call(1, START - 30 * DAY, 0.5), call(2, START - 30 * DAY, 0.5)]))
    await store.append(Facts([call(3, START, 0.7)], [score(1, START, "end_user", 1.0), score(3, START, "end_user", 0)]))
    found = await shown(store, {"name": "parameter", "parameter": "temperature", "score": "quality"})
    assert [(row["value"], row["n"], row["mean"]) for row in found["rows"]] == [("0.5", 1, 1.0), ("0.7", 1, 0.0)]


async def test_what_people_said_before_the_range_corrects_a_judge_that_came_later(store: DuckStore) -> None:
    labels = [score(at, START - 30 * DAY, "human", float(at > 2)) for at in range(8)]
    older = [score(9, START - DAY, "judge", 0.0)]
    verdicts = [score(at, START + SECOND, "judge", float(at % 4 != 0)) for at in range(8)]
    await store.append(Facts([call(at, START, 0.5) for at in range(10)], [*labels, *older, *verdicts]))
    found = await shown(store, {"name": "corrected_rate", "score": "quality", "below": 0.5})
    assert found["flagged"] == {"judged": 2, "labelled": 2, "bad": 1}
    assert found["unflagged"] == {"judged": 6, "labelled": 6, "bad": 2}
    assert found["rate"]["value"] == pytest.approx(3 / 8)
