"""The Grafana dashboards are such: fields of Grafana's schema, and queries in PromQL over what /metrics tells."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import pytest_asyncio
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from assay_server.api.routes.metrics import quota_families
from assay_server.core.records import Facts, Score, Span, Tokens
from assay_server.query import Figures, exposition
from assay_server.store import DuckStore

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
QUERIES = {
    f"{name}: {panel['title']} {each['refId']}": each["expr"]
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for each in panel["targets"]
}
OF_PROMETHEUS = {"job", "le"}  # labels that a scrape and a histogram add


def unknown_to_grafana(document: dict[str, Any]) -> list[str]:
    """Fields and values that Grafana's generated types do not carry from reading to writing."""
    plugins.register_default_plugins()
    written = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(document)))
    return _lost(document, written, "")


def _lost(ours: Any, theirs: Any, at: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [each for key in ours for each in
                ([f"{at}.{key}"] if key not in theirs else _lost(ours[key], theirs[key], f"{at}.{key}"))]  # fmt: skip
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [each for i, pair in enumerate(zip(ours, theirs, strict=True)) for each in _lost(*pair, f"{at}[{i}]")]
    return [] if ours == theirs else [at]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_field_is_one_of_grafanas_schema(name: str) -> None:
    assert unknown_to_grafana(DASHBOARDS[name]) == []


def test_each_dashboard_is_told_apart() -> None:
    told = [(one["uid"], one["title"]) for one in DASHBOARDS.values()]
    assert len({uid for uid, _ in told}) == len({title for _, title in told}) == len(told) == 3
    for one in DASHBOARDS.values():
        assert len({panel["id"] for panel in one["panels"]}) == len(one["panels"])
        assert one["templating"] == DASHBOARDS["assay"]["templating"]


def test_a_wrong_field_would_be_found() -> None:
    wrong = json.loads((FOLDER / "assay.json").read_text())
    wrong["panels"][0]["colour"] = "red"
    wrong["panels"][1]["targets"][0]["expresion"] = "up"
    assert unknown_to_grafana(wrong) == [".panels[0].colour", ".panels[1].targets[0].expresion"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_lie_on_each_other(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARDS[name]["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} and {taken[x, y]}"
                taken[x, y] = panel["title"]
    assert max(x for x, _ in taken) == 23


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names that /metrics tells, each with its labels."""
    store = await DuckStore.open(tmp_path_factory.mktemp("told") / "facts")
    span = Span("prj_a", "a" * 32, "b" * 16, None, "c", "llm", 1, 2, model="m", provider="p", cost=1.0, ttft_ms=5)
    span.tokens = Tokens(1, output=1)
    await store.append(Facts([span], [Score("prj_a", "s", "good", 1, "human", 0.5)]))
    quota = {"quota": "spans_per_day", "used": 1, "limit": 10, "refused": 0}
    text = exposition([*await Figures(store).read("prj_a"), *quota_families([quota])])
    await store.close()
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.split("{")[0]: set(re.findall(r'(\w+)="', line)) for line in samples}


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_is_promql_over_what_is_told(name: str, told: dict[str, set[str]]) -> None:
    written = QUERIES[name].replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$job", ".+")
    promql_parser.parse(written)  # raises for what Prometheus would not read
    for metric, inside in re.findall(r"\b(assay_\w+)\{([^}]*)\}", written):
        assert metric in told
        labels = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', inside))
        assert labels <= told[metric] | OF_PROMETHEUS
        grouped = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", written) for label in by.split(",")}
        assert grouped <= told[metric] | OF_PROMETHEUS
    assert "assay_" in written
