"""The dashboards of the first day: what they answer, and that each of their panels finds it in traffic that says it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Sql
from assay_server.query.dashboards import Panels, parse_panel, ready_made
from assay_server.store import DuckStore

SECOND = 1_000_000_000
START = 1_795_248_000 * SECOND
UNTIL = START + 7200 * SECOND
TRACES = 24


def facts_of(number: int) -> tuple[list[Span], list[Score]]:
    """One request: an agent of a user, a tool, a call of a model, and what is said of it."""
    trace, at = f"{number + 1:032x}", START + number * 60 * SECOND
    own: dict[str, Any] = {"project": "prj_a", "trace_id": trace}
    attributes = {"gen_ai.request.temperature": 0.1 * (number % 5), "gen_ai.request.top_p": 0.5 + 0.1 * (number % 3)}
    spans = [
        Span(**own, span_id=f"{number:015x}1", parent_id=None, name="POST /ask", kind="agent", start_ns=at,
             end_ns=at + 9 * SECOND, user=f"u{number % 4}", session=f"s{number % 6}", feature="search",
             service="shop", input=f"Where is parcel {number % 3}?"),
        Span(**own, span_id=f"{number:015x}2", parent_id=f"{number:015x}1", name="lookup", kind="tool", start_ns=at,
             end_ns=at + SECOND),
        Span(**own, span_id=f"{number:015x}3", parent_id=f"{number:015x}1", name="chat", kind="llm", start_ns=at,
             end_ns=at + (1 + number) * SECOND, model="m", provider="p", ttft_ms=100.0 + number, cost=0.25,
             tokens=Tokens(90, cache_read=5, output=20), release="rel_1", attributes=attributes,
             status="error" if number % 5 == 0 else "ok", status_message="timeout" if number % 5 == 0 else None),
    ]  # fmt: skip
    values = {
        "groundedness": number % 2, "user_feedback": number % 2, "toxicity": 0.1, "schema_valid": number % 2,
        "tool_loop": 1.0, "confidence": 0.9, "our_own_measure": number / TRACES,
    }  # fmt: skip
    scores = [
        Score("prj_a", f"scr_{number}_{name}", name, at + SECOND, "code", float(value), trace_id=trace)
        for name, value in values.items()
    ]
    people = Score("prj_a", f"scr_{number}_p", "groundedness", at, "human", float(number % 2), trace_id=trace)
    return spans, [*scores, people]


@pytest.fixture
async def panels(tmp_path: Path) -> AsyncIterator[Panels]:
    store = await DuckStore.open(tmp_path / "facts")
    made = [facts_of(number) for number in range(TRACES)]
    await store.append(Facts([span for spans, _ in made for span in spans], [one for _, told in made for one in told]))
    sql = Sql(store)
    opened = Panels(store, sql)
    yield opened
    await opened.close()
    await sql.close()
    await store.close()


PROMISED = {
    "performance": [
        *({"name": "latency", "quantile": q} for q in (0.5, 0.95, 0.99)),
        *({"name": "ttft", "quantile": 0.95}, {"name": "tokens_per_second", "quantile": 0.5}),
        {"name": "errors", "by": "error_type"},
    ],
    "cost": [{"name": "cost"}, {"name": "cost", "by": "model"}, {"name": "cost", "by": "feature"}],
    "usage": [
        *({"name": "requests"}, {"name": "users"}, {"name": "sessions"}),
        *(
            {"name": "count", "by": "name", "of": "tool"},
            {"name": "requests", "by": "feature"},
            {"report": "questions"},
        ),
    ],
    "quality": [
        *({"name": "score", "by": "score"}, {"name": "score", "score": "user_feedback"}),
        *({"name": "score", "score": "toxicity"}, {"name": "score", "score": "groundedness"}),
        {"report": "corrected_rate"},
    ],
    "confidence": [{"name": "score", "score": "confidence", "kind": "histogram"}, {"report": "parameter"}],
}
"""The issue's own list: percentiles, errors by type, active users, top tools, scores over time, …"""


@pytest.mark.parametrize("name", PROMISED)
def test_they_answer_what_was_promised(name: str) -> None:
    shown = []
    for panel in ready_made()[name].panels:
        about = {"by": panel.group_by, "kind": panel.kind, "of": (panel.filter.get("kind") or (None,))[0]}
        shown += [{"report": panel.report.name}] if panel.report else []
        shown += [{"name": one.name, "quantile": one.quantile, "score": one.score, **about} for one in panel.metrics]
    for wanted in PROMISED[name]:
        assert any(wanted.items() <= each.items() for each in shown), wanted


@pytest.mark.parametrize("name", ready_made())
async def test_every_panel_finds_what_traffic_says(panels: Panels, name: str) -> None:
    for panel in ready_made()[name].panels:
        found = await panels.read("prj_a", panel, START, UNTIL, {})
        assert _holds_something(found), (panel.id, found)


async def test_scores_of_any_name_are_shown_over_time_with_their_intervals(panels: Panels) -> None:
    """Whoever calls theirs otherwise found an empty dashboard of quality."""
    panel = next(panel for panel in ready_made()["quality"].panels if panel.id == "scores")
    found = await panels.read("prj_a", panel, START, UNTIL, {})
    own = next(each for each in found["series"] if each["group"] == "our_own_measure")
    assert own["total"]["n"] == TRACES
    assert own["total"]["ci"][0] < own["total"]["value"] < own["total"]["ci"][1]
    assert any(lower is not None for lower in own["lower"])
    assert own["traces"] == {"score": ["our_own_measure:exists:"]}
    narrowed = await panels.read("prj_a", panel, START, UNTIL, {"model": ["m"], "user": ["u1"]})
    own = next(each for each in narrowed["series"] if each["group"] == "our_own_measure")
    assert own["total"]["n"] == TRACES / 4
    nobody = await panels.read("prj_a", panel, START, UNTIL, {"user": ["nobody"]})
    assert nobody["series"] == []


@pytest.mark.parametrize(
    ("metric", "group_by"),
    [({"name": "score", "score": "*"}, "model"), ({"name": "score", "score": "q"}, "score"), ("latency", "score")],
)
def test_scores_of_every_name_and_their_names_belong_together(metric: Any, group_by: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_panel({"title": "x", "metrics": [metric], "group_by": group_by})
    assert refused.value.field == "panel.metrics[0].score"


def _holds_something(found: dict[str, Any]) -> bool:
    if found["type"] == "series":
        return any(each["total"]["n"] for each in found["series"])
    if found["type"] == "histogram":
        return any(each["n"] for each in found["series"])
    return bool(found.get("clusters") or found.get("n") or found.get("points") or found.get("groups"))
