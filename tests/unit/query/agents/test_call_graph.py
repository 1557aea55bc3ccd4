"""The graph of an agent: steps, what came after what, loops, branches, retries, LangGraph's nodes."""

from typing import Any

from assay_server.query.agents.call_graph import call_graph

MS = 1_000_000
Row = dict[str, Any]


def row(number: int, name: str, begin: int, end: int, parent: int | None = 0, kind: str = "tool", **more: Any) -> Row:
    counted = dict.fromkeys(("cost", "fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning", "step"))
    return {
        "trace_id": "t1",
        "span_id": f"s{number}",
        "parent_id": None if parent is None else f"s{parent}",
        "kind": kind,
        "name": name,
        "status": "ok",
        "start_ns": begin * MS,
        "end_ns": end * MS,
        "counts": False,
        "empty": False,
        **counted,
        **more,
    }


def drawn(*rows: Row) -> dict[tuple[str, str, str], int]:
    """Edges by the names of their ends."""
    graph = call_graph([sorted(rows, key=lambda one: (one["start_ns"], -one["end_ns"]))], ids=True)
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    return {(names[edge["from"]], edge["kind"], names[edge["to"]]): edge["count"] for edge in graph["edges"]}


def nodes(*rows: Row) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in call_graph([rows], ids=True)["nodes"]}


AGENT = row(0, "agent", 0, 100, None, "agent")


def test_one_thing_after_another_is_a_chain() -> None:
    rows = AGENT, row(1, "plan", 0, 10), row(2, "search", 10, 30), row(3, "answer", 35, 90)
    assert drawn(*rows) == {
        ("agent", "call", "plan"): 1,
        ("plan", "then", "search"): 1,
        ("search", "then", "answer"): 1,
    }


def test_branches_side_by_side_leave_from_one_node_and_meet_in_one() -> None:
    rows = AGENT, row(1, "plan", 0, 10), row(2, "web", 11, 40), row(3, "files", 12, 30), row(4, "answer", 41, 90)
    assert drawn(*rows) == {
        ("agent", "call", "plan"): 1,
        ("plan", "then", "web"): 1,
        ("plan", "then", "files"): 1,
        ("web", "then", "answer"): 1,
        ("files", "then", "answer"): 1,
    }


def test_a_loop_is_an_edge_back_and_a_repetition_an_edge_to_itself() -> None:
    turns = [
        (1, "think", 0, 10),
        (2, "search", 10, 20),
        (3, "think", 20, 30),
        (4, "search", 30, 40),
        (5, "search", 40, 50),
    ]
    assert drawn(AGENT, *(row(*turn) for turn in turns)) == {
        ("agent", "call", "think"): 1,
        ("think", "then", "search"): 2,
        ("search", "then", "think"): 1,
        ("search", "then", "search"): 1,
    }


def test_calls_that_took_no_time_are_side_by_side() -> None:
    assert drawn(AGENT, row(1, "a", 5, 5), row(2, "b", 5, 5)) == {("agent", "call", "a"): 1, ("agent", "call", "b"): 1}


def test_recursion_is_a_call_of_itself() -> None:
    assert drawn(AGENT, row(1, "agent", 10, 50, 0, "agent")) == {("agent", "call", "agent"): 1}


def test_own_time_leaves_out_what_calls_inside_cover_once() -> None:
    found = nodes(AGENT, row(1, "a", 10, 40), row(2, "b", 20, 60), row(3, "c", 90, 130))
    assert found["agent"]["time_ms"] == 100
    assert found["agent"]["own_ms"] == 40  # without 10–60 and 90–100
    assert found["c"]["own_ms"] == 40


def test_a_call_behind_an_error_of_the_same_step_is_a_retry() -> None:
    failed = {"status": "error"}
    found = nodes(
        AGENT, row(1, "a", 0, 10, **failed), row(2, "a", 10, 20, **failed), row(3, "a", 20, 30), row(4, "a", 30, 40)
    )
    assert (found["a"]["calls"], found["a"]["errors"], found["a"]["retries"]) == (4, 2, 2)
    assert nodes(AGENT, row(1, "a", 0, 10, **failed), row(2, "a", 5, 20))["a"]["retries"] == 0  # side by side


def test_tokens_and_costs_count_once_and_unknown_stays_unknown() -> None:
    counted = {"kind": "llm", "counts": True, "fresh_input": 100, "output_tokens": 5}
    found = nodes(
        AGENT | {"cost": 9.0}, row(1, "think", 0, 10, cost=0.5, **counted), row(2, "think", 10, 20, **counted)
    )
    assert found["agent"]["cost"] == {"usd": None, "unknown": 0}
    assert found["think"]["cost"] == {"usd": 0.5, "unknown": 1}
    assert (found["think"]["tokens"]["input_total"], found["think"]["tokens"]["cache_read"]) == (200, None)


def test_empty_results_are_those_of_tools() -> None:
    found = nodes(AGENT, row(1, "search", 0, 10, empty=True), row(2, "search", 10, 20))
    assert (found["search"]["empty_results"], found["agent"]["empty_results"]) == (1, None)
    assert nodes(row(1, "search", 0, 10, empty=None))["search"]["empty_results"] is None


def test_a_visit_of_a_langgraph_node_is_one_call_with_all_inside() -> None:
    inside = {"step": "agent"}
    rows = (
        row(0, "LangGraph", 0, 100, None, "chain"),
        row(1, "agent", 0, 30, 0, "chain", **inside),
        row(2, "ChatOpenAI", 1, 29, 1, "llm", counts=True, fresh_input=7, **inside),
        row(3, "http", 2, 3, 2, "span"),
        row(4, "tools", 30, 40, 0, "chain", step="tools"),
        row(5, "search", 31, 39, 4, "tool", step="tools", empty=True),
        row(6, "agent", 40, 60, 0, "chain", **inside),
    )
    assert drawn(*rows) == {
        ("LangGraph", "call", "agent"): 1,
        ("agent", "then", "tools"): 1,
        ("tools", "then", "agent"): 1,
    }
    found = nodes(*rows)
    assert (found["agent"]["calls"], found["agent"]["span_ids"]) == (2, ["s1", "s2", "s3", "s6"])
    assert (found["agent"]["tokens"]["input_total"], found["tools"]["empty_results"]) == (7, 1)


def test_circles_of_parents_and_missing_parents_are_roots() -> None:
    found = nodes(row(1, "a", 0, 10, 2), row(2, "b", 5, 9, 1), row(3, "c", 10, 20, 77))
    assert {name: node["calls"] for name, node in found.items()} == {"a": 1, "b": 1, "c": 1}
    assert drawn(row(1, "a", 0, 10, 2), row(2, "b", 5, 9, 1), row(3, "c", 10, 20, 77)) == {
        ("a", "call", "b"): 1,
        ("a", "then", "c"): 1,
    }


def test_more_than_a_hundred_steps_are_folded_the_quickest_first() -> None:
    many = [row(n, f"step {n}", n * 10, n * 10 + 1 + n % 7) for n in range(1, 151)]
    found = nodes(row(0, "agent", 0, 2000, None, "agent"), *many)
    assert len(found) == 100
    assert (found["others"]["names"], found["others"]["calls"], found["others"]["kind"]) == (52, 52, "tool")
    assert sum(node["calls"] for node in found.values()) == 151


def test_several_traces_add_up() -> None:
    one = [AGENT, row(1, "a", 0, 10)]
    other = [each | {"trace_id": "t2"} for each in one]
    graph = call_graph([one, other], ids=False)
    assert [(node["name"], node["calls"], node["traces"], node["span_ids"]) for node in graph["nodes"]] == [
        ("agent", 2, 2, []),
        ("a", 2, 2, []),
    ]
    assert [edge["count"] for edge in graph["edges"]] == [2]
    assert call_graph([], ids=True) == {"nodes": [], "edges": []}


def test_ten_thousand_calls_of_many_shapes_are_counted_all() -> None:
    wide = [row(n, f"tool {n % 9}", 0, 50) for n in range(1, 5000)]
    later = [row(n, f"tool {n % 7}", 60, 90) for n in range(5000, 10_000)]
    graph = call_graph([[AGENT, *wide, *later]], ids=True)
    assert sum(node["calls"] for node in graph["nodes"]) == 10_000
    assert sum(edge["count"] for edge in graph["edges"] if edge["kind"] == "call") == 4999
    assert max(len(node["span_ids"]) for node in graph["nodes"]) == 1000
