"""What Prometheus was told stays told, whatever goes from the facts, and after a restart."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.core.records import Facts, Score, Span
from assay_server.query import Figures, ToldFigures, exposition
from assay_server.query.figures import Row, families
from assay_server.query.figures_told import advanced, shown
from assay_server.store import Doomed, DuckStore
from tests.fakes.clock import FakeClock

PROJECT = "prj_test"
SECOND = 10**9
SPANS = 'assay_spans_total{kind="llm",status="unset"}'


def span(number: int, seconds: float = 1.0, **fields: Any) -> Span:
    end = 5 * SECOND + int(seconds * SECOND)
    said: dict[str, Any] = {"kind": "llm", "model": "m", "provider": "p", "cost": 0.5, **fields}
    return Span(PROJECT, f"{number:032x}", f"{number:016x}", None, "call", start_ns=5 * SECOND, end_ns=end, **said)


def score(number: int, value: float) -> Score:
    return Score(PROJECT, f"{number:016x}", "mood", number, "code", value)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


async def told(figures: ToldFigures) -> dict[str, float]:
    lines = [line for line in exposition(await figures.read(PROJECT)).splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


async def test_no_counter_falls_when_facts_go_and_what_comes_is_counted(store: DuckStore, any_ledger: Any) -> None:
    figures = ToldFigures(Figures(store), any_ledger, FakeClock())
    await store.append(Facts([span(n) for n in range(4)] + [span(9, model="old")], [score(n, -0.5) for n in range(4)]))
    before = await told(figures)
    await store.erase(PROJECT, [
        Doomed("spans", "model = 'old' OR trace_id = ?", (f"{0:032x}",)),
        Doomed("scores", "trace_id IS NOT NULL"),
    ])  # fmt: skip
    assert await told(figures) == before
    again = ToldFigures(Figures(store), any_ledger, FakeClock())  # after a restart
    assert await told(again) == before
    await store.append(Facts([span(20, seconds=100)], [score(20, 1.0), score(21, -0.5)]))
    after = await told(again)
    grew = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grew == {
        SPANS: 1,
        'assay_span_duration_seconds_bucket{kind="llm",status="unset",le="+Inf"}': 1,
        'assay_span_duration_seconds_sum{kind="llm",status="unset"}': 100,
        'assay_span_duration_seconds_count{kind="llm",status="unset"}': 1,
        'assay_calls_total{provider="p",model="m"}': 1,
        'assay_cost_usd_total{provider="p",model="m"}': 0.5,
        'assay_scores_total{name="mood",source="code"}': 2,
        'assay_score_value_sum{name="mood",source="code"}': 0.5,
    }


async def test_what_comes_between_two_scrapes_is_not_held_against_what_goes(store: DuckStore, any_ledger: Any) -> None:
    figures = ToldFigures(Figures(store), any_ledger, FakeClock())
    await store.append(Facts([span(n) for n in range(4)]))
    await figures.look(PROJECT)  # nobody scrapes it yet: nothing is kept
    await store.erase(PROJECT, [Doomed("spans", "trace_id = ?", (f"{3:032x}",))])
    assert (await told(figures))[SPANS] == 3
    await store.append(Facts([span(10)]))
    await figures.look(PROJECT)
    await store.erase(PROJECT, [Doomed("spans", "start_ns < ? AND trace_id < ?", (10**18, f"{10:032x}"))])
    await figures.look(PROJECT)
    await store.append(Facts([span(11)]))
    assert (await told(figures))[SPANS] == 5
    await store.erase(PROJECT, [Doomed("spans", "start_ns > ?", (0,))])
    await figures.look(PROJECT)
    await store.append(Facts([span(12)]))
    assert (await told(figures))[SPANS] == 6, "of nothing that was left, too"


def with_their_sum(numbers: dict[str, float]) -> dict[str, float]:
    """As they are read: `n` is what the bins hold together, and nothing without any."""
    return {**numbers, "n": sum(value for name, value in numbers.items() if name.startswith("bin"))}


counts = st.dictionaries(
    st.sampled_from(["seconds", *(f"bin{at}" for at in range(10))]), st.integers(0, 9).map(float)
).map(with_their_sum)


@given(st.lists(st.dictionaries(st.sampled_from(["llm", "tool"]), counts), max_size=6))
def test_whatever_is_read_no_number_falls_and_buckets_hold_each_other(reads: list[dict[str, dict[str, float]]]) -> None:
    state: Any = {}
    before: dict[str, float] = {}
    for read in reads:
        spans = [Row((kind, "ok"), {"seconds": 0.0, **numbers}) for kind, numbers in read.items()]
        state, _ = advanced(state, {"spans": spans, "used": [], "called": [], "scores": []})
        samples = {
            f"{family.name}{suffix}{labels}": value
            for family in families(shown(state))
            for suffix, labels, value in family.samples
        }
        assert all(samples.get(name, 0) >= value for name, value in before.items())
        before = samples
        for family in families(shown(state)):
            within = [value for suffix, labels, value in family.samples if suffix == "_bucket"]
            assert all(sorted(within[at : at + 10]) == within[at : at + 10] for at in range(0, len(within), 10))


async def test_a_ledger_that_cannot_be_written_hides_nothing(store: DuckStore, any_ledger: Any) -> None:
    figures = ToldFigures(Figures(store), any_ledger, FakeClock())
    await store.append(Facts([span(1)]))
    await told(figures)
    await any_ledger.close()
    await store.append(Facts([span(2)]))
    clock = figures._clock
    assert isinstance(clock, FakeClock)
    clock.advance(61)
    assert (await told(figures))[SPANS] == 2
