"""Bodies in the dialects of other systems, and conditions over attributes: whatever comes is taken whole or refused."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span
from assay_server.query import TraceFilter, Traces, read_condition
from assay_server.query.filters.attributes import OPERATORS
from assay_server.store import DuckStore
from tests.fixtures.foreign_world import ODD, ForeignWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, ForeignWorld]]:
    with asyncio.Runner() as runner:
        made = runner.run(ForeignWorld.made(tmp_path_factory.mktemp("foreign")))
        yield runner, made
        runner.run(made.close())


def test_every_recorded_kind_is_taken_or_says_what_is_missing(world: tuple[asyncio.Runner, ForeignWorld]) -> None:
    """So that the test below is about more than refusals."""
    runner, server = world
    met = [runner.run(server.ask(*request)) for request in server.recorded]
    assert len(met) > 40
    assert {200, 201, 202, 204, 207} <= set(met) <= {200, 201, 202, 204, 207, 404}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.integers(0, 9999), max_size=14))
def test_a_changed_request_is_taken_whole_or_refused(
    world: tuple[asyncio.Runner, ForeignWorld], numbers: list[int]
) -> None:
    runner, server = world
    runner.run(server.send(numbers))


BROKEN: list[tuple[str, str, Any]] = [
    ("POST", "/api/v1/private/spans/batch", {"spans": [{"id": "s", "trace_id": "t", "input": {"\ud800": ["\ud800"]}}]}),
    ("POST", "/api/v1/private/traces/batch", {"traces": [{"id": "t", "start_time": 2**63}]}),
    ("POST", "/runs/batch", {"post": [{"id": "r", "start_time": "9999-12-31T23:59:59Z"}]}),
    ("POST", "/runs/batch", {"post": [{"id": "r", "outputs": {"x": float("nan"), "y": 1e999}}]}),
    ("POST", "/feedback", {"key": "k", "run_id": "r", "score": 10**400}),
    ("POST", "/api/public/scores", {"name": "k", "traceId": "t", "value": 10**400}),
    ("POST", "/api/public/scores", {"name": "k", "traceId": "t", "value": 1, "timestamp": "0001-01-01T00:00:00Z"}),
    ("POST", "/api/public/scores", {"name": "\ud800", "traceId": "t", "value": 1}),
    ("POST", "/api/public/dataset-items", {"datasetName": "d", "status": []}),
    ("POST", "/api/3.0/mlflow/traces/search", {"locations": [{"mlflow_experiment": 1.5}]}),
    ("POST", "/api/3.0/mlflow/traces/search", {"filter": 1.5}),
    ("POST", "/api/3.0/mlflow/traces/search", {"page_token": [1]}),
    ("POST", "/api/3.0/mlflow/traces/search", {"filter": "timestamp_ms > 1e300"}),
]
"""Each of them was answered with a 5xx, or taken and never became a fact."""


@pytest.mark.parametrize(("method", "path", "body"), BROKEN)
def test_what_once_broke_is_taken_or_refused(
    world: tuple[asyncio.Runner, ForeignWorld], method: str, path: str, body: Any
) -> None:
    runner, server = world
    runner.run(server.ask(method, path, {"content-type": "application/json"}, body))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Traces, list[Span]]]:
    """One span for each odd value, under the key `k`."""
    spans = [
        Span(
            "prj_a", f"{n + 1:032x}", f"{n + 1:016x}", None, "call", "llm", n, n + 1, attributes={"k": value, "a:b": n}
        )
        for n, value in enumerate(ODD)
    ]
    with asyncio.Runner() as runner:
        store = runner.run(DuckStore.open(tmp_path_factory.mktemp("attributes") / "facts"))
        runner.run(store.append(Facts(spans)))
        yield runner, Traces(store), spans
        runner.run(store.close())


CONDITIONS = st.builds(
    "{}:{}:{}".format,
    st.sampled_from(["k", "a:b", "", "nothing", "k.x", "'", "\x00"]) | st.text(max_size=4),
    st.sampled_from([*OPERATORS, "EQ", "like", ""]),
    st.sampled_from(["", "0", "1", "-1", "1.5", "x", "X", "e3", "nan", "inf", "1_0", " 1 ", "true", "null", "%", "'"])
    | st.text(max_size=5),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=CONDITIONS | st.text(max_size=8))
@example("k:eq:x")
@example("k:ge:1")
def test_a_condition_finds_the_same_before_and_after_it_is_stored(
    stored: tuple[asyncio.Runner, Traces, list[Span]], text: str
) -> None:
    runner, traces, spans = stored
    try:
        condition = read_condition(text)
    except InvalidInput as error:
        assert error.field == "attribute"
        return
    found = runner.run(traces.find("prj_a", TraceFilter(attributes=(text,)), limit=100))
    assert {row["trace_id"] for row in found.items} == {
        span.trace_id for span in spans if condition.holds(span.attributes)
    }
