"""Of many units, intervals come from random groups of traces: they say what those from single traces say."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Score, ScoreSource, Span
from assay_server.query import Sql
from assay_server.query.dashboards import Panels, parse_panel, series
from assay_server.stats import mean
from assay_server.store import DuckStore

HOUR = 3_600 * 10**9
START = 1_795_248_000 * 10**9
TRACES = 6_000


def spans() -> list[Span]:
    """Failures come together in some traces; guards never fail, and one kind always does."""
    rng = random.Random(4)
    found = []
    for number in range(TRACES):
        failing, start = rng.random() ** 4, START + rng.randrange(4 * HOUR)
        kinds = [*["tool"] * rng.randrange(1, 6), "guardrail", "reranker"]
        for at, kind in enumerate(kinds):
            fails = kind == "reranker" or (kind == "tool" and rng.random() < failing)
            found.append(
                Span(
                    "prj_a", f"{number:032x}", f"{number * 10 + at:016x}", None, "call", kind, start, start + 10**6,
                    "error" if fails else "ok",
                )
            )  # fmt: skip
    return found


@pytest.fixture
async def panels(tmp_path: Path) -> AsyncIterator[Panels]:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans()))
    sql = Sql(store)
    yield Panels(store, sql)
    await sql.close()
    await store.close()


async def shown(panels: Panels, kind: str) -> dict[str, dict[str, Any]]:
    panel = parse_panel({"title": "T", "kind": kind, "metrics": ["error_rate"], "group_by": "kind"})
    found = await panels.read("prj_a", panel, START, START + 4 * HOUR, {})
    return {each["group"]: each for each in found["series"]}


def width(total: dict[str, Any]) -> float:
    low, high = total["ci"]
    return float(high - low)


@pytest.mark.parametrize("kind", ["bar", "table"])
async def test_random_groups_say_what_traces_say(panels: Panels, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    single = await shown(panels, kind)
    monkeypatch.setattr(series, "_MANY", TRACES)
    grouped = await shown(panels, kind)
    assert grouped.keys() == single.keys() == {"tool", "guardrail", "reranker"}
    for name, expected in single.items():
        found = grouped[name]
        assert (found["n"], found["values"]) == (expected["n"], expected["values"])
        assert (found["total"]["value"], found["total"]["n"]) == (expected["total"]["value"], expected["total"]["n"])
        # One spread is known from 1,024 groups or from 256 a bin, and the number of traces by their smallest hashes.
        assert width(found["total"]) == pytest.approx(width(expected["total"]), rel=0.12), name
    assert width(grouped["tool"]["total"]) != width(single["tool"]["total"])


async def test_bins_have_intervals_from_their_own_groups(panels: Panels, monkeypatch: pytest.MonkeyPatch) -> None:
    single = await shown(panels, "line")
    monkeypatch.setattr(series, "_MANY", TRACES)
    grouped = await shown(panels, "line")
    for name, expected in single.items():
        found = grouped[name]
        widths = [
            [upper - lower for lower, upper in zip(each["lower"], each["upper"], strict=True) if lower is not None]
            for each in (found, expected)
        ]
        assert len(widths[0]) == len(widths[1]) > 10
        for mine, theirs in zip(*widths, strict=True):
            assert mine == pytest.approx(theirs, rel=0.5), name
        assert sum(widths[0]) == pytest.approx(sum(widths[1]), rel=0.1), name


async def test_a_trace_that_is_scored_in_several_bins_is_one_in_their_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge scores at once, a person days later, and both say much the same: the line took them for two traces, and
    its interval was too narrow."""
    rng, store = random.Random(5), await DuckStore.open(tmp_path / "facts")
    scores = []
    sources: tuple[ScoreSource, ScoreSource] = ("judge", "human")
    for number in range(600):
        trace_id, good = f"{number:032x}", rng.random()
        for at, source in enumerate(sources):
            scored_ns = START + at * 2 * HOUR + rng.randrange(HOUR)
            scores.append(Score("prj_a", f"{number}-{at}", "grounded", scored_ns, source, good, trace_id=trace_id))
    await store.append(Facts(spans(), scores=scores))
    panels = Panels(store, Sql(store))
    expected = mean([score.value or 0.0 for score in scores], [str(score.trace_id) for score in scores], limits=(0, 1))
    found = {}
    for many in (series._MANY, 100):
        monkeypatch.setattr(series, "_MANY", many)
        for kind in ("line", "table"):
            panel = parse_panel({"title": "T", "kind": kind, "metrics": [{"name": "score", "score": "grounded"}]})
            [one] = (await panels.read("prj_a", panel, START, START + 4 * HOUR, {}))["series"]
            found[kind, many] = one["total"]
    assert found["line", 200_000]["ci"] == pytest.approx(expected.ci) == found["table", 200_000]["ci"]
    assert width(found["line", 100]) == pytest.approx(width(found["table", 200_000]), rel=0.12)
    await store.close()
