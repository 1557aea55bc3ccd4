"""Conditions over scores: whatever is asked is refused by its field, or finds exactly the traces that meet it."""

import asyncio
from collections.abc import Iterator
from statistics import fmean

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span
from assay_server.query import TraceFilter, Traces
from assay_server.query.filters.scores import read_score_condition
from assay_server.store import DuckStore

SAID: list[tuple[int, str, float | None, str | None, str | None, str | None]] = [
    # trace, name, value, label, reason, error
    (1, "q", 0.5, None, None, None), (1, "q", 1.0, "good", "Far too slow: twice", None),
    (2, "q", 0.5, "bad", None, None),
    (3, "q", None, "good", None, None), (4, "q", None, None, "slow\nand Élan", None),
    (5, "q", None, None, None, "broke"),
    (1, "a:b", -1.0, "x:y", None, None), (2, "a:b", 0.0, "'", "%_", None), (3, "", None, "5", None, None),
    (6, "q", 1e300, "nan", None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Traces]]:
    spans = [Span("prj_a", f"{n:032x}", f"{n:016x}", None, "call", "llm", n, n + 1) for n in range(1, 8)]
    scores = [
        Score("prj_a", f"s{at}", name, at, "code", value, label, error, reason, trace_id=f"{trace:032x}")
        for at, (trace, name, value, label, reason, error) in enumerate(SAID)
    ]
    with asyncio.Runner() as runner:
        store = runner.run(DuckStore.open(tmp_path_factory.mktemp("scores") / "facts"))
        runner.run(store.append(Facts(spans, scores)))
        yield runner, Traces(store)
        runner.run(store.close())


CONDITIONS = st.builds(
    "{}:{}:{}".format,
    st.sampled_from(["q", "a:b", "", "nothing", "'", "\x00", "q:eq"]) | st.text(max_size=3),
    st.sampled_from(["lt", "le", "gt", "ge", "eq", "ne", "<", ">=", "=", "contains", "exists", "like", ""]),
    st.sampled_from(
        ["", "0", "0.5", "-1", "1e300", "1e999", "nan", "inf", "good", "slow", "SLOW", "É", "%", "'", "x:y"]
    )
    | st.text(max_size=4),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=CONDITIONS | st.text(max_size=8))
@example("q:contains:slow: tw")
@example("q:ne:good")
@example("q:exists:")
def test_a_condition_finds_what_meets_it_or_is_refused(judged: tuple[asyncio.Runner, Traces], text: str) -> None:
    runner, traces = judged
    try:
        condition = read_score_condition(text)
    except InvalidInput as error:
        assert error.field == "score"
        return
    found = runner.run(traces.find("prj_a", TraceFilter(scores=(text,)), limit=100))
    left = runner.run(traces.find("prj_a", TraceFilter(exclude=(TraceFilter(scores=(text,)),)), limit=100))
    met = {trace for trace in range(1, 8) if _meets(trace, condition.name, condition.op, condition.value)}
    assert {int(row["trace_id"], 16) for row in found.items} == met
    assert {int(row["trace_id"], 16) for row in left.items} == set(range(1, 8)) - met


def _meets(trace: int, name: str, op: str, value: str | float) -> bool:
    mine = [each for each in SAID if each[0] == trace and each[1] == name]
    if op == "exists":
        return any(each[5] is None for each in mine)
    if op == "contains":
        texts = ["\n".join(part for part in (label, reason) if part) for _, _, _, label, reason, _ in mine]
        return any(str(value).lower() in text.lower() for text in texts)
    if isinstance(value, str):
        labels = [each[3] for each in mine if each[3] is not None]
        return value in labels if op == "eq" else any(label != value for label in labels)
    values = [each[2] for each in mine if each[2] is not None]
    if not values:
        return False
    mean = fmean(values)
    return {
        "lt": mean < value, "le": mean <= value, "gt": mean > value, "ge": mean >= value,
        "eq": mean == value, "ne": mean != value,
    }[op]  # fmt: skip
