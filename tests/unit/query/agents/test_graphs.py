"""The graph as read from the store: LangGraph's node wherever a client puts it, counted once, by project and name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import NotFound
from assay_server.core.records import Facts, Span, Tokens
from assay_server.query import Graphs
from assay_server.store import DuckStore

MS = 1_000_000


def span(trace: str, number: int, name: str, begin: int, kind: str = "chain", **fields: Any) -> Span:
    parent = None if number == 0 else "s0"
    made = Span("prj_a", trace, f"s{number}", parent, name, kind, begin * MS, (begin + 10) * MS)  # type: ignore[arg-type]
    for field, value in fields.items():
        setattr(made, field, value)
    return made


@pytest.fixture
async def graphs(tmp_path: Path) -> AsyncIterator[Graphs]:
    store = await DuckStore.open(tmp_path / "facts")
    counted = {"tokens": Tokens(100, None, None, 10), "cost": 0.5}
    places = [
        {"langsmith.metadata.langgraph_node": "one"},
        {"metadata": '{"langgraph_step": 2, "langgraph_node": "two"}'},
        {"langfuse.trace.metadata": {"langgraph_node": "three"}},
        {"langfuse.observation.metadata.langgraph_node": '"four"'},
        {"metadata": {"langgraph_node": "", "langgraph_step": "none"}},
    ]
    await store.append(
        Facts(
            [
                span("t1", 0, "graph", 0, **counted),
                *(span("t1", n, "step", n * 20, attributes=told) for n, told in enumerate(places, 1)),
                span("t1", 6, "think", 120, "llm", **counted),
                *(span(f"n{n}", 0, "many", n * 1000, "agent") for n in range(5)),
                *(span(f"n{n}", 1, "find", n * 1000, "tool", output="[]") for n in range(5)),
            ]
        )
    )
    yield Graphs(store)
    await store.close()


async def test_langgraph_nodes_are_found_under_every_name(graphs: Graphs) -> None:
    found = await graphs.trace("prj_a", "t1")
    assert [node["name"] for node in found["nodes"]] == [
        *("graph", "one", "two", "three", "four", "step", "think"),
    ]
    assert (found["traces"], found["spans"], len(found["edges"])) == (1, 7, 6)


async def test_a_roll_up_is_not_counted_beside_its_parts(graphs: Graphs) -> None:
    nodes = {node["name"]: node for node in (await graphs.trace("prj_a", "t1"))["nodes"]}
    assert nodes["graph"]["cost"] == {"usd": None, "unknown": 0}
    assert (nodes["think"]["cost"]["usd"], nodes["think"]["tokens"]["input_total"]) == (0.5, 100)


async def test_the_newest_traces_of_a_kind_add_up(graphs: Graphs) -> None:
    found = await graphs.kind("prj_a", "many", 1000 * MS, 5000 * MS, 3)
    assert (found["traces"], found["matching"], found["spans"]) == (3, 4, 6)
    assert [(node["name"], node["calls"], node["empty_results"]) for node in found["nodes"]] == [
        ("many", 3, None),
        ("find", 3, 3),
    ]
    assert found["edges"] == [{"from": "n1", "to": "n2", "kind": "call", "count": 3}]


async def test_nothing_is_found_of_another_project_name_or_time(graphs: Graphs) -> None:
    with pytest.raises(NotFound):
        await graphs.trace("prj_b", "t1")
    for project, name, until in (("prj_b", "many", 5000), ("prj_a", "few", 5000), ("prj_a", "many", 0)):
        found = await graphs.kind(project, name, 0, until * MS, 50)
        assert (found["traces"], found["matching"], found["nodes"], found["edges"]) == (0, 0, [], [])
