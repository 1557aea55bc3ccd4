"""Dashboards and panels over HTTP: the contract of docs/api/dashboards.md on the real rooms."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import dashboards
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score, Span
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.query import Dashboards, Panels, Sql
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import PROJECT

SECOND = 1_000_000_000
START = 1_795_248_000 * SECOND
RANGE = {"since": "2026-11-21T08:00:00Z", "until": "2026-11-21T09:00:00Z"}
MINE = {"title": "Mine", "panels": [{"title": "Calls", "metrics": ["count"], "group_by": "model"}]}


class Door:
    """Everybody is in the test's project, with the role their key names."""

    async def authenticate(self, headers: Any) -> Principal:
        return Principal(headers.get("x-project", PROJECT), "key:test", headers["x-api-key"])


def span(trace: int, **fields: Any) -> Span:
    at = START + trace * SECOND
    return Span(PROJECT, f"{trace:032x}", f"{trace:016x}", None, "chat", "llm", at, at + SECOND, **fields)


def judged(trace: int, source: Any, value: float) -> Score:
    at = START + trace * SECOND
    return Score(PROJECT, f"{source}{trace}", "grounded", at, source, value, trace_id=f"{trace:032x}")


def facts() -> Facts:
    """A hundred calls: 20 flagged by the judge, of each kind some labelled by people."""
    spans = [
        span(
            at,
            model=f"m{at % 2}",
            input=f"How long may I return shoes number {at}?" if at % 4 else f"Where is my order {at}?",
            user=f"u{at % 7}",
            attributes={"gen_ai.request.temperature": (at % 5) / 5},
        )
        for at in range(100)
    ]
    judge = [judged(at, "judge", 0.0 if at % 5 == 0 else 1.0) for at in range(100)]
    human = [judged(at, "human", 0.0 if at % 10 == 0 else 1.0) for at in range(50)]
    feedback = [
        Score(PROJECT, f"f{at}", "thumbs", START + at * SECOND, "end_user", float(at % 5 < 2), trace_id=f"{at:032x}")
        for at in range(100)
    ]
    return Facts(spans, [*judge, *human, *feedback])


@pytest.fixture
async def http(ledger: Ledger, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    clock = FakeClock()
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(facts())
    sql = Sql(store)
    audit = Audit(ledger, clock, lambda text: (text, []))
    app = FastAPI()
    app.state.services = SimpleNamespace(
        accounts=Door(), dashboards=Dashboards(ledger, audit, clock), panels=Panels(store, sql), audit=audit
    )
    problems.install(app)
    app.include_router(dashboards.router, prefix="/api/v1")
    transport = httpx.ASGITransport(app)
    headers = {"x-api-key": "editor"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1", headers=headers) as client:
        client.app = app  # type: ignore[attr-defined]
        yield client
    await sql.close()
    await store.close()


async def asked(http: httpx.AsyncClient, panel: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await http.post("/panels/query", json={"panel": {"title": "T", **panel}, **RANGE, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_one_that_was_deleted_or_made_anew_is_not_overwritten(http: httpx.AsyncClient) -> None:
    """Both were saved once, so who had read the first took the second one for it."""
    seen = (await http.put("/dashboards/mine", json=MINE)).headers["etag"]
    await http.delete("/dashboards/mine")
    gone = await http.put("/dashboards/mine", json=MINE, headers={"If-Match": seen})
    assert (gone.status_code, gone.json()["detail"]) == (409, "This dashboard was deleted since you read it.")
    await http.put("/dashboards/mine", json={**MINE, "title": "Theirs"})
    refused = await http.put("/dashboards/mine", json=MINE, headers={"If-Match": seen})
    assert (refused.status_code, refused.json()["field"]) == (409, "If-Match")
    assert (await http.get("/dashboards/mine")).json()["title"] == "Theirs"


async def test_saved_changed_and_deleted_with_their_etags(http: httpx.AsyncClient) -> None:
    made = await http.put("/dashboards/mine", json=MINE)
    assert (made.status_code, made.headers["etag"], made.json()["revision"]) == (200, '"1"', 1)
    assert "title: Mine" in made.json()["yaml"]
    stale = await http.put("/dashboards/mine", json=MINE, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["field"]) == (409, "If-Match")
    fresh = await http.put("/dashboards/mine", json={**MINE, "title": "Ours"}, headers={"If-Match": '"1"'})
    assert fresh.json()["title"] == "Ours"
    listed = (await http.get("/dashboards")).json()["items"]
    assert [(one["name"], one["panels"]) for one in listed if not one["ready_made"]] == [("mine", 1)]
    assert (await http.delete("/dashboards/mine", headers={"If-Match": '"1"'})).status_code == 409
    assert (await http.delete("/dashboards/mine")).status_code == 204
    gone = await http.get("/dashboards/mine")
    assert (gone.status_code, gone.json()["value"]) == (404, "mine")
    audit = await http.app.state.services.audit.list(PROJECT)  # type: ignore[attr-defined]
    assert [event["action"] for event in audit[0]] == ["dashboard.delete", "dashboard.put", "dashboard.put"]


async def test_ones_own_stands_in_the_place_of_a_ready_made_one(http: httpx.AsyncClient) -> None:
    ready = (await http.get("/dashboards/performance")).json()
    assert (ready["ready_made"], ready["revision"]) == (True, 0)
    await http.put("/dashboards/performance", json=MINE, headers={"If-Match": '"0"'})
    assert (await http.get("/dashboards/performance")).json()["title"] == "Mine"
    await http.delete("/dashboards/performance")
    assert (await http.get("/dashboards/performance")).json() == ready
    assert (await http.delete("/dashboards/performance")).status_code == 404


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("DROP TABLE spans", "This is no SELECT."),
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv may not be used here"),
        ("SELECT * FROM nope", "There is no table nope here."),
        ("SELECT start, nope FROM spans", '"nope" not found'),
    ],
)
async def test_sql_that_could_never_run_is_not_saved(http: httpx.AsyncClient, sql: str, said: str) -> None:
    fine = "SELECT time_bucket({bin}, start) AS time, count(*) AS n FROM spans WHERE start >= {since} GROUP BY ALL"
    panels = [{"title": "Fine", "kind": "line", "sql": fine}, {"title": "X", "kind": "line", "sql": sql}]
    for answer in (
        await http.put("/dashboards/mine", json={"title": "T", "panels": panels}),
        await http.post("/dashboards/parse", json={"yaml": json.dumps({"title": "T", "panels": panels})}),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, "panels[1].sql")
        assert said in answer.json()["detail"]
    assert (await http.get("/dashboards/mine")).status_code == 404
    assert (await http.put("/dashboards/mine", json={"title": "T", "panels": panels[:1]})).status_code == 200


async def test_sql_names_no_variable_that_nobody_can_set(http: httpx.AsyncClient) -> None:
    sql = "SELECT count(*) AS n FROM spans WHERE {user} IS NULL OR user = {user}"
    body = {"title": "T", "panels": [{"title": "X", "kind": "number", "sql": sql}]}
    refused = await http.put("/dashboards/mine", json=body)
    assert (refused.status_code, refused.json()["field"]) == (400, "panels[0].sql")
    assert refused.json()["fix"] == "add 'user' to the dashboard's variables"
    assert (await http.put("/dashboards/mine", json={**body, "variables": ["user"]})).status_code == 200


async def test_sql_that_cannot_be_read_is_told_with_the_line_of_its_panel(http: httpx.AsyncClient) -> None:
    written = "title: T\npanels:\n  - title: A\n    kind: table\n    sql: SELECT nothing FROM nowhere\n"
    answer = await http.post("/dashboards/parse", json={"name": "mine", "yaml": written})
    assert (answer.status_code, answer.json()["field"]) == (400, "panels[0].sql")
    assert answer.json()["detail"].endswith("It stands in line 5.")


async def test_a_field_that_yaml_says_twice_is_told_with_its_line(http: httpx.AsyncClient) -> None:
    """As a merge in git may leave it; of two lists of panels one would be gone."""
    written = "title: T\npanels: []\n# theirs\npanels:\n- {title: A, metrics: [count]}\n"
    answer = await http.post("/dashboards/parse", json={"name": "mine", "yaml": written})
    assert (answer.status_code, answer.json()["field"]) == (400, "yaml")
    assert answer.json()["detail"] == "This is no YAML in line 4, column 1: 'panels' is said twice."


@pytest.mark.parametrize("written", ["title: T\nname: theirs\npanels: []", json.dumps({**MINE, "name": "theirs"})])
async def test_a_text_of_another_name_than_it_is_saved_as_is_refused(http: httpx.AsyncClient, written: str) -> None:
    asked = {"yaml": written, "saved_as": "mine"}
    answer = await http.post("/dashboards/parse", json=asked)
    told = answer.json()
    assert (answer.status_code, told["field"], told["value"]) == (400, "name", "theirs")
    assert told["detail"].startswith("This dashboard calls itself 'theirs', and would be saved as 'mine'.")
    assert "assay dashboard apply" in told["fix"]
    unnamed = await http.post("/dashboards/parse", json={**asked, "yaml": "title: T\npanels: []", "name": "mine"})
    assert (unnamed.status_code, unnamed.json()["name"]) == (200, "mine")


async def test_a_definition_may_repeat_its_name_and_say_no_other(http: httpx.AsyncClient) -> None:
    answer = await http.put("/dashboards/mine", json={**MINE, "name": "theirs"})
    assert (answer.status_code, answer.json()["field"], answer.json()["value"]) == (400, "name", "theirs")
    assert (await http.get("/dashboards/mine")).status_code == 404
    assert (await http.put("/dashboards/mine", json={**MINE, "name": "mine"})).json()["name"] == "mine"


async def test_a_fault_names_its_place_and_a_viewer_saves_nothing(http: httpx.AsyncClient) -> None:
    wrong = {**MINE, "panels": [*MINE["panels"], {"title": "X", "metrics": ["sparkle"]}]}
    answer = await http.put("/dashboards/mine", json=wrong)
    assert (answer.status_code, answer.json()["field"]) == (400, "panels[1].metrics[0].name")
    empty = {**MINE, "panels": [{"title": "X", "metrics": ["count"], "kind": "number", "filter": {"kind": "LLM"}}]}
    told = (await http.put("/dashboards/mine", json=empty)).json()
    assert (told["field"], told["value"]) == ("panels[0].filter.kind", "LLM")
    assert told["fix"].startswith("use llm, agent, tool")
    assert (await http.put("/dashboards/mine", json=MINE, headers={"x-api-key": "viewer"})).status_code == 403
    yaml = await http.post("/dashboards/parse", json={"yaml": "name: x\ntitle: T\npanels: []"})
    assert (yaml.json()["name"], yaml.json()["range"]) == ("x", "24h")
    assert (await http.post("/dashboards/parse", json={"yaml": "title: ["})).json()["field"] == "yaml"


@pytest.mark.parametrize("name", ["performance", "cost", "usage", "quality", "confidence"])
async def test_every_panel_of_a_ready_made_one_answers(http: httpx.AsyncClient, name: str) -> None:
    for panel in (await http.get(f"/dashboards/{name}")).json()["panels"]:
        for project in (PROJECT, "prj_empty"):
            body = {"panel": panel, **RANGE, "compare": True, "filter": {"environment": "prod"}}
            answer = await http.post("/panels/query", json=body, headers={"x-project": project})
            assert answer.status_code == 200, f"{panel['id']}: {answer.text}"
    assert (await asked(http, {"metrics": ["count"]}))["series"][0]["total"]["value"] == 100


async def test_another_project_sees_nothing_of_it(http: httpx.AsyncClient) -> None:
    body = {"panel": {"title": "T", "metrics": ["count"], "kind": "number"}, **RANGE}
    found = (await http.post("/panels/query", json=body, headers={"x-project": "prj_b"})).json()
    assert [one["total"] for one in found["series"]] == [{"value": 0.0, "n": 0, "unknown": 0, "ci": None}]


async def test_a_corrected_rate_says_what_the_judge_alone_says_too(http: httpx.AsyncClient) -> None:
    found = await asked(http, {"report": {"name": "corrected_rate", "score": "grounded", "below": 0.5}})
    assert found["flagged"] == {"judged": 20, "labelled": 10, "bad": 5}
    assert found["unflagged"] == {"judged": 80, "labelled": 40, "bad": 0}
    assert found["rate"]["value"] == pytest.approx(0.2 * 0.5)
    assert found["rate"]["ci"][0] < 0.1 < found["rate"]["ci"][1]
    assert (found["uncorrected"]["value"], found["labels"]) == (0.2, 50)
    assert "10 % are bad" in found["sentence"]
    assert sum(found["n"]) == 100
    assert found["traces"] == {"score": ["grounded:lt:0.5"]}


async def test_without_labels_a_rate_is_called_uncorrected(http: httpx.AsyncClient) -> None:
    late = {"since": "2026-11-21T08:00:50Z", "until": "2026-11-21T09:00:00Z"}
    found = await asked(http, {"report": {"name": "corrected_rate", "score": "grounded"}}, **late)
    assert (found["rate"], found["labels"], found["uncorrected"]["n"]) == (None, 0, 50)
    assert found["sentence"].startswith("Uncorrected, 0 labels: the judge alone flags 20 % of 50")
    nothing = await asked(http, {"report": {"name": "corrected_rate", "score": "no such score"}})
    assert nothing["sentence"] == "Nothing was judged in this time."


async def test_questions_are_grouped_and_counted(http: httpx.AsyncClient) -> None:
    found = await asked(http, {"report": "questions"})
    assert (found["n"], found["sampled"], found["read"]) == (100, 100, 100)
    assert [(one["n"], one["words"][0] in one["label"].lower()) for one in found["clusters"]] == [
        (75, True),
        (25, True),
    ]
    assert found["clusters"][0]["label"].startswith("How long may I return shoes")
    assert found["clusters"][0]["ci"][0] < 0.75 < found["clusters"][0]["ci"][1]
    assert found["others"] == 0


async def test_a_parameter_goes_with_feedback_or_not(http: httpx.AsyncClient) -> None:
    found = await asked(http, {"report": {"name": "parameter", "score": "thumbs"}})
    assert [(row["value"], row["n"], row["mean"]) for row in found["rows"]] == [
        ("0", 20, 1.0), ("0.2", 20, 1.0), ("0.4", 20, 0.0), ("0.6", 20, 0.0), ("0.8", 20, 0.0),
    ]  # fmt: skip
    assert found["correlation"]["value"] < -0.8
    assert found["correlation"]["ci"][1] < 0
    assert found["sentence"].startswith("Higher temperature goes with lower thumbs")
    assert "causes" in found["sentence"]
    nobodys = await asked(http, {"report": {"name": "parameter", "parameter": "top_p", "score": "thumbs"}})
    assert (nobodys["n"], nobodys["rows"], nobodys["correlation"]) == (0, [], None)
    assert nobodys["sentence"] == "No trace of this time has both top_p and thumbs."


async def test_the_words_of_the_editor_are_the_words_of_the_parser(http: httpx.AsyncClient) -> None:
    words = (await http.get("/panels/words")).json()
    settings = {"threshold_ms": 100, "score": "thumbs", "quantile": 0.5, "below": 0.5}
    for metric in words["metrics"]:
        given = {name: settings[name] for name in metric["settings"] if name in settings}
        await asked(http, {"metrics": [{"name": metric["name"], **given}], "kind": "number"})
    for group in words["groups"]:
        metric: Any = {"name": "score", "score": "*"} if group == "score" else "count"
        await asked(http, {"metrics": [metric], "kind": "table", "group_by": group.replace("<key>", "k")})
