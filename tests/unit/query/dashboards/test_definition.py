"""What people write becomes a dashboard or an error that names its place; YAML there and back changes nothing."""

from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.query.dashboards import from_yaml, ready_made, to_json, to_yaml
from assay_server.query.dashboards.definition import parse

PANEL = {"title": "Latency", "kind": "line", "metrics": [{"name": "latency", "quantile": 0.5}]}


def dashboard(**panel: Any) -> dict[str, Any]:
    return {"title": "T", "panels": [PANEL, {"title": "Second", "metrics": ["count"], **panel}]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "dashboard"),
        ({"panels": []}, "title"),
        ({"title": "T", "colour": "red"}, "colour"),
        ({"title": "T", "range": "3d"}, "range"),
        ({"title": "T", "variables": ["weather"]}, "variables[0]"),
        ({"title": "T", "panels": "none"}, "panels"),
        ({"title": "T", "panels": [PANEL, PANEL]}, "panels[1].id"),
        ({"title": "T", "panels": ["latency"]}, "panels[0]"),
        (dashboard(metrics=["sparkle"]), "panels[1].metrics[0].name"),
        (dashboard(metrics=[{"name": "latency", "quantile": 2}]), "panels[1].metrics[0].quantile"),
        (dashboard(metrics=[{"name": "count", "quantile": 0.5}]), "panels[1].metrics[0].quantile"),
        (dashboard(metrics=[{"name": "score"}]), "panels[1].metrics[0].score"),
        (dashboard(metrics=["slow_rate"]), "panels[1].metrics[0].threshold_ms"),
        (dashboard(metrics=["latency", "cost"]), "panels[1].metrics"),
        (dashboard(kind="pie"), "panels[1].kind"),
        (dashboard(kind="histogram", metrics=["users"]), "panels[1].metrics[0].name"),
        (dashboard(kind="histogram", metrics=["cost", "latency"]), "panels[1].metrics"),
        (dashboard(filter={"colour": "red"}), "panels[1].filter"),
        (dashboard(filter={"model": []}), "panels[1].filter.model"),
        (dashboard(group_by="search"), "panels[1].group_by"),
        (dashboard(top=0), "panels[1].top"),
        (dashboard(width=5), "panels[1].width"),
        (dashboard(id="Not Good"), "panels[1].id"),
        (dashboard(sql="SELECT 1"), "panels[1].metrics"),
        (dashboard(metrics=[]), "panels[1].metrics"),
        (dashboard(metrics=[], report={"name": "horoscope"}), "panels[1].report.name"),
        (dashboard(metrics=[], report={"name": "corrected_rate"}), "panels[1].report.score"),
        (dashboard(metrics=[], report={"name": "corrected_rate", "score": "s", "below": "x"}),
         "panels[1].report.below"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_place(given: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("mine", given)
    assert refused.value.field == field


def test_a_dashboard_needs_a_name_that_fits_an_address() -> None:
    with pytest.raises(InvalidInput, match="1 to 64"):
        parse("My Dashboard", dashboard())


def test_panels_of_different_units_may_stand_in_a_table() -> None:
    made = parse("mine", dashboard(kind="table", metrics=["latency", "cost"]))
    assert [metric.name for metric in made.panels[1].metrics] == ["latency", "cost"]


@pytest.mark.parametrize("name", ready_made())
def test_a_ready_made_one_survives_its_own_yaml_and_json(name: str) -> None:
    made = ready_made()[name]
    assert from_yaml("other", to_yaml(made)) == made
    assert parse(name, to_json(made)) == made
    assert made.description
    assert len(made.panels) >= 3


def test_a_fault_in_yaml_is_told_by_its_place_and_its_line() -> None:
    written = (
        "title: T\npanels:\n  - title: A\n    metrics: [latency]\n  - title: B\n    kind: pie\n    metrics: [latency]\n"
    )
    with pytest.raises(InvalidInput, match=r"It stands in line 6\.") as refusal:
        from_yaml("mine", written)
    assert refusal.value.field == "panels[1].kind"
    with pytest.raises(InvalidInput, match=r"It stands in line 2\.") as refusal:
        from_yaml("mine", "title: T\nrange: 5y\n")
    assert refusal.value.field == "range"


def test_broken_yaml_is_told_with_its_line() -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        from_yaml("mine", "title: T\npanels: [")
    with pytest.raises(InvalidInput):
        from_yaml("mine", "- 1\n- 2")
