"""Figures for Prometheus: each call once, unknown is not told, and any label is written safely."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Figures, exposition
from assay_server.store import DuckStore

SECOND = 1_000_000_000


def span(number: int, project: str = "prj_a", seconds: float = 1.0, parent: int | None = None, **fields: Any) -> Span:
    fields = {"kind": "llm", "model": "m", "provider": "p", **fields}
    above = None if parent is None else f"{parent:016x}"
    end = 5 * SECOND + int(seconds * SECOND)
    return Span(project, "a" * 32, f"{number:016x}", above, "call", start_ns=5 * SECOND, end_ns=end, **fields)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def text(store: DuckStore) -> str:
    return exposition(await Figures(store).read("prj_a"))


async def test_what_is_told(store: DuckStore) -> None:
    facts = Facts(
        [
            span(1, kind="agent", cost=0.75, model=None),  # repeats the sum of its calls
            span(2, parent=1, cost=0.5, tokens=Tokens(10, None, None, 4), seconds=0.2, ttft_ms=300),
            span(3, parent=1, cost=0.25, status="error", seconds=100),
            span(4, parent=1, model='odd"\\\n', tokens=Tokens(1)),
            span(5, "prj_b", cost=9.0, model="theirs"),
        ],
        [Score("prj_a", "s", "good", 1, "human", 0.5), Score("prj_a", "t", "good", 1, "human", error="no")],
    )
    await store.append(facts)
    told = (await text(store)).splitlines()
    for line in (
        'assay_spans_total{kind="agent",status="unset"} 1',
        'assay_cost_usd_total{provider="p",model="m"} 0.75',
        'assay_calls_total{provider="p",model="odd\\"\\\\\\n"} 1',
        'assay_calls_unpriced_total{provider="p",model="odd\\"\\\\\\n"} 1',
        'assay_tokens_total{model="m",provider="p",bucket="fresh_input"} 10',
        'assay_tokens_total{model="m",provider="p",bucket="output"} 4',
        'assay_span_duration_seconds_bucket{kind="llm",status="error",le="60"} 0',
        'assay_span_duration_seconds_bucket{kind="llm",status="error",le="+Inf"} 1',
        'assay_span_duration_seconds_sum{kind="llm",status="error"} 100',
        'assay_span_duration_seconds_bucket{kind="llm",status="unset",le="0.25"} 1',
        'assay_calls_failed_total{provider="p",model="m"} 1',
        'assay_time_to_first_token_seconds_bucket{provider="p",model="m",le="0.25"} 0',
        'assay_time_to_first_token_seconds_bucket{provider="p",model="m",le="0.5"} 1',
        'assay_time_to_first_token_seconds_sum{provider="p",model="m"} 0.3',
        'assay_time_to_first_token_seconds_count{provider="p",model="m"} 1',
        'assay_scores_total{name="good",source="human"} 1',
        'assay_score_value_sum{name="good",source="human"} 0.5',
        'assay_score_errors_total{name="good",source="human"} 1',
    ):
        assert line in told
    assert not [line for line in told if "theirs" in line or ("odd" in line and "cost" in line)]


async def test_a_name_with_nul_does_not_end_the_text(store: DuckStore) -> None:
    await store.append(Facts([span(1, model="a\0b", tokens=Tokens(1))]))
    told = await text(store)
    assert "\0" not in told
    assert 'assay_calls_total{provider="p",model="a\ufffdb"} 1' in told.splitlines()


async def test_a_call_that_names_no_model_is_on_the_bill(store: DuckStore) -> None:
    unnamed = {"model": None, "provider": None}
    failed = span(3, status="error", **unnamed)
    await store.append(Facts([span(1, cost=0.5), span(2, cost=0.25, tokens=Tokens(7), **unnamed), failed]))
    told = (await text(store)).splitlines()
    for line in (
        'assay_cost_usd_total{provider="",model=""} 0.25',
        'assay_calls_total{provider="",model=""} 1',
        'assay_tokens_total{model="",provider="",bucket="fresh_input"} 7',
        'assay_calls_failed_total{provider="",model=""} 1',
    ):
        assert line in told


async def test_sums_are_exact_so_that_no_counter_ever_falls(store: DuckStore) -> None:
    """Those of floats depend on the order in which threads add them up."""
    costs = [0.1] * 10
    await store.append(Facts([span(n, cost=cost, ttft_ms=0.1) for n, cost in enumerate(costs)]))
    told = (await text(store)).splitlines()
    assert 'assay_cost_usd_total{provider="p",model="m"} 1' in told
    assert 'assay_time_to_first_token_seconds_sum{provider="p",model="m"} 0.001' in told


async def test_an_empty_project_tells_its_names(store: DuckStore) -> None:
    told = (await text(store)).splitlines()
    assert told
    assert all(line.startswith("# ") for line in told)
