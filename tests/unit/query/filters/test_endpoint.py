"""Whose endpoint is what: routes, names of roots, and routes of providers, which are none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Facts, Span
from assay_server.query import TraceFilter, Traces
from assay_server.query.dimensions import dimension
from assay_server.query.key_sets import OF_PROVIDERS
from assay_server.query.metrics.asked import Asked, Range, knowing
from assay_server.store import DuckStore


def span(trace: int, number: int, parent: int | None, name: str, kind: str, **attributes: Any) -> Span:
    above = None if parent is None else f"{trace * 100 + parent:016x}"
    start = trace * 1000 + number
    own = Span("prj_a", f"{trace:032x}", f"{trace * 100 + number:016x}", above, name, kind, start, start + 5)
    own.attributes = {key.replace("_", "."): value for key, value in attributes.items()}
    return own


FACTS = [
    span(1, 1, None, "ask", "chain"),
    span(1, 2, 1, "call", "llm", http_route="/v1/messages", span_kind="client"),
    span(2, 1, None, "POST /ask", "span", http_route="/ask", span_kind="server"),
    span(2, 2, 1, "call", "llm", http_route="/mine", span_kind="server"),
    span(3, 1, None, "alone", "llm", http_route="/v1/messages", span_kind="client"),
    span(4, 1, None, "/ask", "chain", order="1"),
    span(5, 1, None, "/ask", "chain", http_route="/other"),
    span(6, 1, 9, "/ask", "chain"),  # of a root that is not here
]
FOUND = {
    "ask": {1},
    "/ask": {2, 4},
    "/mine": {2},
    "alone": {3},
    "/other": {5},
    "/v1/messages": set[int](),
    "call": set(),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path)
    await opened.append(Facts(FACTS))
    yield opened
    await opened.close()


@pytest.mark.parametrize("endpoint", FOUND)
async def test_traces_are_found_and_left_out_by_it(store: DuckStore, endpoint: str) -> None:
    traces = Traces(store)
    kept = await traces.find("prj_a", TraceFilter(endpoint=endpoint))
    others = await traces.find("prj_a", TraceFilter(exclude=(TraceFilter(endpoint=endpoint),)))
    assert {int(row["trace_id"], 16) for row in kept.items} == FOUND[endpoint]
    assert {int(row["trace_id"], 16) for row in others.items} == set(range(1, 7)) - FOUND[endpoint]


async def test_the_kind_is_read_only_of_spans_whose_route_may_be_a_providers(store: DuckStore) -> None:
    """Read of every span it was a second for a million, and panels asked for it a dozen times."""
    asked = await knowing(store, Asked("prj_a", Range(0, 10**6), (), "endpoint"))
    known = dimension("endpoint", asked.key_sets)
    dear = dimension("endpoint")
    sql = "SELECT span_id, {} AS own FROM spans WHERE project = 'prj_a' ORDER BY span_id"
    assert await store.scan(sql.format(known.own), known.params) == await store.scan(sql.format(dear.own), dear.params)
    rows = await store.scan("SELECT count(*) AS n FROM spans WHERE key_set IN (SELECT unnest(?::UBIGINT[]))",
                            [list(asked.key_sets[OF_PROVIDERS])])  # fmt: skip
    assert rows[0]["n"] == 4
    assert OF_PROVIDERS in asked.few
    assert "endpoint" not in asked.few
