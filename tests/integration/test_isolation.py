"""Two projects on one server: what one holds, a key of the other neither sees nor touches, on any route."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer
from tests.integration.isolation_world import MARK, TRACE, fill

LISTS = """
    GET /metrics
    GET /api/v1/audit
    GET /api/v1/canaries
    GET /api/v1/channels
    GET /api/v1/costs?group_by=model
    GET /api/v1/costs/chargeback?group_by=user&since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z
    GET /api/v1/dashboards
    GET /api/v1/datasets
    GET /api/v1/deletions
    GET /api/v1/export/scores?format=jsonl
    GET /api/v1/export/spans?format=jsonl
    GET /api/v1/export/traces?format=csv
    GET /api/v1/facets?field=model
    GET /api/v1/facets?field=user
    GET /api/v1/incidents
    GET /api/v1/keys
    GET /api/v1/keys/names
    GET /api/v1/marks?since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z
    GET /api/v1/models/unpriced
    GET /api/v1/monitors
    GET /api/v1/notification-channels
    GET /api/v1/notifications
    GET /api/v1/prices
    GET /api/v1/prompts
    GET /api/v1/providers
    GET /api/v1/releases
    GET /api/v1/repricings
    GET /api/v1/retention
    GET /api/v1/retrieval-configs
    GET /api/v1/runs
    GET /api/v1/scores
    GET /api/v1/sessions
    GET /api/v1/silences
    GET /api/v1/spans
    GET /api/v1/suites
    GET /api/v1/traces
    GET /api/v1/users
    GET /api/v1/verdicts
    GET /api/v1/views
    GET /api/v1/sampling
    GET /api/v1/exports
    GET /api/v1/forwards
    GET /api/3.0/mlflow/traces/batchGet?trace_ids=51515151515151515151515151515151
    GET /api/v1/traces/51515151515151515151515151515151/media
    GET /api/public/metrics/daily
    GET /api/public/observations
    GET /api/public/scores
    GET /api/public/sessions
    GET /api/public/traces
    GET /api/public/v2/scores
    GET /api/public/v3/scores
    GET /api/public/v2/observations?fields=basic,io
    GET /v1/models
    GET /openai/v1/models
"""
"""The first project finds its mark in each of them, the second does not."""

ONES = """
    GET /api/public/dataset-items?datasetName={dataset}
    GET /api/public/media/{media}
    GET /api/public/observations/{span}
    GET /api/public/scores/{score}
    GET /api/public/sessions/{session}
    GET /api/public/traces/{trace}
    GET /api/public/v2/scores/{score}
    GET /api/public/v2/datasets/{dataset}
    GET /api/public/v2/prompts/{prompt_name}
    GET /api/v1/media/{media}
    GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=quokka-experiment
    GET /api/2.0/mlflow/experiments/get?experiment_id={experiment}
    GET /api/2.0/mlflow-artifacts/artifacts/{trace}/attachments/{media}
    GET /api/3.0/mlflow/traces/get?trace_id=tr-{trace}
    GET /api/3.0/mlflow/traces/{trace}
    GET /api/3.0/mlflow/traces/{trace}/assessments/{score}
    GET /api/v1/canaries/{canary}
    GET /api/v1/channels/{channel}
    GET /api/v1/channels/{channel}/resolve?unit=u
    GET /api/v1/dashboards/{dashboard}
    GET /api/v1/datasets/{dataset}
    GET /api/v1/datasets/{dataset}/items
    GET /api/v1/deletions/{deletion}
    GET /api/v1/deletions/{deletion}/proof
    GET /api/v1/incidents/{incident}
    GET /api/v1/exports/{export}
    GET /api/v1/exports/{export}/runs
    GET /api/v1/monitors/{monitor}
    GET /api/v1/monitors/{monitor}/evaluations
    GET /api/v1/monitors/{monitor}/past
    GET /api/v1/prompt-diff?from={prompt}&to={prompt2}
    GET /api/v1/prompt-versions/{prompt}
    GET /api/v1/prompts/{prompt_name}
    GET /api/v1/prompts/{prompt}/diff?to={prompt2}
    GET /api/v1/releases/{release}
    GET /api/v1/releases/{release}/diff?to={release2}
    GET /api/v1/retrieval-configs/{retrieval}
    GET /api/v1/runs/{run}
    GET /api/v1/runs/{run}/compare/{run2}
    GET /api/v1/runs/{run}/items
    GET /api/v1/sessions/one?id={session}
    GET /api/v1/sessions/{session}
    GET /api/v1/traces/{trace}
    GET /api/v1/traces/{trace}/compare/{trace}
    GET /api/v1/traces/{trace}/graph
    GET /api/v1/traces/{trace}/spans/{span}
    GET /api/v1/traces/{trace}/spans/{span}/item
    GET /api/v1/traces/{trace}/spans/{span}/request
    GET /api/v1/traces/{trace}/spans/{span}/test
    GET /api/v1/traces/{trace}/tokens
    GET /api/v1/users/one?id={user}
    GET /api/v1/users/{user}
    GET /api/v1/verdicts/{verdict}
"""
"""The first project is answered, the second is told that there is no such thing."""

NOT_A_PROJECTS = """
    GET /healthz
    GET /readyz
    HEAD /healthz
    HEAD /readyz
    GET /info
    GET /api/v1/info
    GET /api/public/health
    GET /project/{project}/traces/{trace_id}
    GET /trace/{trace_id}
    GET /api/public/projects
    GET /api/public/metrics
    GET /api/public/v2/metrics
    GET /api/is-alive/ping
    GET /api/v1/session/redirect/projects/
    GET /version
    GET /arize_phoenix_version
    GET /v1/projects/{name}/spans
    GET /api/public/media/{media_id}/content
    GET /api/v1/traces/{trace_id}/media
    GET /v1/projects/{name}/span_annotations
    GET /api/v1/audit/verify
    GET /api/v1/checks
    GET /api/v1/connect
    GET /api/v1/projects
    GET /api/v1/panels/words
    GET /api/v1/sql/schema
    GET /api/v1/tail
    GET /api/v1/costs/forecast
    GET /api/v1/costs/savings
    GET /api/v1/costs/why
    GET /api/v1/prices/lookup
    GET /api/v1/backups
    GET /api/v1/backups/{backup}
    GET /api/v1/compactions
    GET /api/v1/outgoing
    GET /api/v1/retention/passes
    GET /api/v1/search/parse
    GET /api/v1/search/state
    GET /api/v1/steps
    GET /api/v1/quotas
    GET /api/v1/quotas/days
    GET /api/v1/sampling/counts
    GET /api/v1/flags
    GET /api/v1/graph
"""
"""The server's own, or told apart in a test of their own below."""

WRITES: dict[str, Any] = {
    "POST /api/v1/canaries/{canary}/abort": {"reason": "not mine"},
    "POST /api/v1/canaries/{canary}/promote": {"reason": "not mine"},
    "POST /api/v1/canaries/{canary}/rollback": {"reason": "not mine"},
    "POST /api/v1/datasets/{dataset}/items": {"items": [{"input": "not mine"}]},
    "POST /api/public/dataset-items": {"datasetName": "{dataset}", "input": "not mine"},
    "POST /api/public/dataset-run-items": {"runName": "not mine", "datasetItemId": "i0", "traceId": "{trace}"},
    "PATCH /api/public/v2/prompts/{prompt_name}/versions/1": {"newLabels": ["latest"]},
    "POST /api/v1/channels/{channel}/promote": {"release": "{release2}", "reason": "not mine"},
    "POST /api/v1/channels/{channel}/rollback": {"reason": "not mine"},
    "POST /api/v1/incidents/{incident}/acknowledge": {"reason": "not mine"},
    "POST /api/v1/incidents/{incident}/resolve": {"reason": "not mine"},
    "POST /api/v1/runs/{run}/cancel": {},
    "POST /api/v1/runs": {
        "dataset": "{dataset_id}",
        "recorded": [{"item": "i0", "output": "mine"}],
        "metrics": ["exact_match"],
    },
    "POST /api/v1/verdicts": {"run": "{run}", "suite": "golden"},
    "POST /api/v1/releases": {"name": "mine", "prompts": {"answer": "{prompt}"}, "model": "quokka/m-2026-01-01"},
    "POST /api/v1/monitors/{monitor}/silence": {"reason": "not mine"},
    "POST /api/v1/monitors/{monitor}/test": None,
    "POST /api/v1/notification-channels/{notification_channel}/test": None,
    "PUT /api/v1/notification-channels/{notification_channel}": {"enabled": False},
    "DELETE /api/v1/notification-channels/{notification_channel}": None,
    "DELETE /api/v1/monitors/{monitor}": None,
    "DELETE /api/v1/silences/{silence}": None,
    "DELETE /api/public/traces/{trace}": None,
    "DELETE /api/public/traces": {"traceIds": ["{trace}"]},
    "POST /api/2.0/mlflow/traces/delete-traces": {"experiment_id": "{experiment}", "request_ids": ["{trace}"]},
    "DELETE /api/v1/keys/{key}": None,
    "DELETE /api/v1/prices/{price}": None,
    "DELETE /api/v1/providers/quokka": None,
    "DELETE /api/v1/views/quokka-view": None,
    "DELETE /api/v1/scores/{score}": None,
    "DELETE /api/public/scores/{score}": None,
    "DELETE /api/3.0/mlflow/traces/tr-{trace}/assessments/{score}": None,
    "POST /api/v1/exports/{export}/run": {},
    "PUT /api/v1/exports/{export}": {"name": "mine", "what": "spans", "target": {"folder": "mine"}},
    "DELETE /api/v1/exports/{export}": None,
    "POST /api/v1/forwards/quokka-forward/test": None,
    "DELETE /api/v1/forwards/quokka-forward": None,
    "DELETE /api/v1/dashboards/{dashboard}": None,
}

COMPUTED = ("/api/v1/costs/forecast", "/api/v1/costs/savings", "/api/v1/costs/why", "/api/v1/costs")


def _lines(routes: str) -> list[str]:
    return [line.strip() for line in routes.strip().splitlines()]


class Two:
    """The first project full, the second without anything, the ids of the first's things."""

    def __init__(self, first: httpx.Client, second: httpx.Client) -> None:
        self.first, self.second = first, second
        self.before = {address: _told(second.get(address)) for address in COMPUTED}
        self.ids = fill(first)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("isolation")
    running = RunningServer(folder / "data", hurried=True, ASSAY_EXPORT_DIR=str(folder / "exports")).start()
    with running.client() as first, running.client() as second:
        made = first.post("/api/v1/projects", json={"name": "the-other"}).json()
        second.headers["authorization"] = f"Bearer {made['key']['secret']}"
        yield Two(first, second)
    running.kill()


def test_every_reading_route_is_looked_at(two: Two) -> None:
    document = two.first.get("/api/v1/openapi.json").json()
    served = {f"GET {path}" for path, methods in document["paths"].items() if "get" in methods}
    looked_at = {_shape(route) for route in (*_lines(LISTS), *_lines(ONES), *_lines(NOT_A_PROJECTS))}
    assert {_shape(route) for route in served} - looked_at == set(), "say where these belong"


def test_the_text_index_counts_for_everybody_what_is_their_own(two: Two) -> None:
    mine, theirs = (each.get("/api/v1/search/state").json() for each in (two.first, two.second))
    assert mine["behind"]["rows"] + mine["texts"] > 0
    assert (theirs["behind"]["rows"], theirs["texts"]) == (0, 0)


@pytest.mark.parametrize("route", _lines(LISTS))
def test_a_list_holds_only_what_is_ones_own(route: str, two: Two) -> None:
    address = route.partition(" ")[2]
    mine, theirs = two.first.get(address), two.second.get(address)
    assert (mine.status_code, theirs.status_code) == (200, 200), (mine.text, theirs.text)
    assert MARK in mine.text
    assert MARK not in theirs.text


@pytest.mark.parametrize("route", _lines(ONES))
def test_what_another_project_holds_is_not_there(route: str, two: Two) -> None:
    address = route.partition(" ")[2].format(**two.ids)
    mine, theirs = two.first.get(address), two.second.get(address)
    assert mine.status_code == 200, mine.text
    assert theirs.status_code == 404, theirs.text
    assert theirs.json()["code"] == "not_found"


@pytest.mark.parametrize("route", WRITES)
def test_what_another_project_holds_cannot_be_changed(route: str, two: Two) -> None:
    method, _, address = route.partition(" ")
    body = WRITES[route] and json.loads(_filled(json.dumps(WRITES[route]), two.ids))
    answer = two.second.request(method, address.format(**two.ids), json=body)
    assert answer.status_code == 404, answer.text


def test_the_first_project_kept_everything(two: Two) -> None:
    """After all that was tried above: nothing of it was heard, nothing was stopped."""
    canary = two.first.get(f"/api/v1/canaries/{two.ids['canary']}").json()
    channel = two.first.get(f"/api/v1/channels/{two.ids['channel']}").json()
    assert canary["status"] == "running"
    assert channel["release"]["id"] == two.ids["release"]
    assert "not mine" not in two.first.get("/api/v1/audit?limit=500").text


@pytest.mark.parametrize("address", COMPUTED)
def test_costs_of_another_project_are_not_counted(address: str, two: Two) -> None:
    assert _told(two.second.get(address)) == two.before[address]


@pytest.mark.parametrize("table", ["spans", "scores"])
def test_sql_sees_one_project(table: str, two: Two) -> None:
    query = {"sql": f"SELECT count(*) AS n FROM {table} WHERE name LIKE 'quokka-%'"}
    assert two.first.post("/api/v1/sql", json=query).json()["rows"] == [[1]]
    assert two.second.post("/api/v1/sql", json=query).json()["rows"] == [[0]]


def test_prices_and_steps_are_ones_own(two: Two) -> None:
    price = "/api/v1/prices/lookup?model=quokka-other-model&provider=quokka"
    assert two.first.get(price).json() != two.second.get(price).json()
    steps = "/api/v1/steps?name=quokka-span"
    mine, theirs = (http.get(steps).raise_for_status().json() for http in (two.first, two.second))
    assert mine["items"] != []
    assert theirs["items"] == []
    mine, theirs = (http.get("/api/v1/graph?name=quokka-span").json() for http in (two.first, two.second))
    assert (mine["traces"], theirs["traces"], theirs["nodes"]) == (1, 0, [])


def test_spans_that_phoenix_reads_are_ones_own(two: Two) -> None:
    """Its projects are services: a name says nothing of whose they are."""
    judged = {"name": "wombat", "annotator_kind": "HUMAN", "span_id": two.ids["span"], "result": {"score": 1}}
    assert two.second.post("/v1/span_annotations", json={"data": [judged]}).status_code == 404
    for path in ("spans", f"span_annotations?span_ids={two.ids['span']}"):
        mine, theirs = (http.get(f"/v1/projects/default/{path}").json()["data"] for http in (two.first, two.second))
        assert MARK in str(mine)
        assert MARK not in str(theirs)


def test_what_came_in_is_counted_by_project(two: Two) -> None:
    for address in ("quotas", "quotas/days", "sampling/counts", "flags"):
        mine, theirs = (http.get(f"/api/v1/{address}").raise_for_status().json() for http in (two.first, two.second))
        assert mine != theirs, address
    assert "quokka" not in two.second.get("/api/v1/sampling/counts").text


def test_projects_are_told_apart_where_they_are_named(two: Two) -> None:
    def names(http: httpx.Client) -> list[str]:
        return [one["name"] for one in http.get("/api/v1/projects").json()["items"]]

    assert len(names(two.first)) == 2
    assert names(two.second) == ["the-other"]
    assert two.second.get("/api/public/projects").json()["data"][0]["name"] == "the-other"
    assert two.second.post("/api/v1/projects", json={"name": "a-third"}).status_code == 403


def test_a_release_of_another_project_cannot_be_called(two: Two) -> None:
    messages = [{"role": "user", "content": "hello"}]
    for model in (f"release:{two.ids['release']}", "channel:quokka-channel", "quokka/model-2026-11-01"):
        answer = two.second.post("/v1/chat/completions", json={"model": model, "messages": messages})
        assert answer.status_code == 404, answer.text
        assert "error" in answer.json()


@pytest.mark.parametrize("address", ["backups", "backups/bak_1", "compactions", "outgoing"])
def test_what_concerns_the_whole_server_is_for_the_first_project(address: str, two: Two) -> None:
    mine, theirs = two.first.get(f"/api/v1/{address}"), two.second.get(f"/api/v1/{address}")
    assert mine.status_code in {200, 404}
    assert theirs.status_code == 403
    assert two.second.post(f"/api/v1/{address}").status_code in {403, 405}


def test_passes_of_retention_are_ones_own(two: Two) -> None:
    asked = two.first.post("/api/v1/retention/passes").raise_for_status().json()
    theirs = two.second.get("/api/v1/retention/passes").json()
    assert asked["rules"][0]["environment"] == "quokka-staging"
    assert theirs["items"] == []
    assert two.second.get("/api/v1/retention").json()["last"] is None


def test_the_same_trace_id_in_another_project_is_another_trace(two: Two) -> None:
    span = a_span(trace_id=TRACE, name="wombat")
    sent = two.second.post("/v1/traces", content=as_json(span), headers={"content-type": "application/json"})
    assert sent.status_code == 200
    mine, theirs = (http.get(f"/api/v1/traces/{TRACE}").json() for http in (two.first, two.second))
    assert [one["name"] for one in mine["spans"]] == ["quokka-span"]
    assert [one["name"] for one in theirs["spans"]] == ["wombat"]


def test_a_score_for_another_projects_trace_stays_at_home(two: Two) -> None:
    body = {"name": "wombat", "value": 0, "trace_id": TRACE}
    assert two.second.post("/api/v1/scores", json=body).status_code == 201
    assert "wombat" not in two.first.get("/api/v1/scores").text
    assert [one["name"] for one in two.first.get(f"/api/v1/traces/{TRACE}").json()["scores"]] == ["quokka-score"]


def test_who_watches_hears_ones_own_and_nothing_once_the_key_is_revoked(two: Two) -> None:
    key = two.second.post("/api/v1/keys", json={"name": "watcher", "role": "viewer"}).json()
    watcher = {"authorization": f"Bearer {key['secret']}"}
    with two.second.stream("GET", "/api/v1/tail", headers=watcher, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": quiet"
        _sent(two.first, "first's")
        _sent(two.second, "second's")
        assert "second's" in next(line for line in lines if line.startswith("data:"))
        assert two.second.delete(f"/api/v1/keys/{key['id']}").is_success
        time.sleep(1.1)  # it is asked once a second whether the key still opens
        _sent(two.second, "after")
        assert [line for line in lines if line.startswith("data:")] == [], "and the stream has ended"


def test_who_watches_much_takes_no_place_from_another_project(two: Two) -> None:
    with contextlib.ExitStack() as watching:
        http = watching.enter_context(httpx.Client(base_url=two.second.base_url, headers=two.second.headers))
        opened = [watching.enter_context(http.stream("GET", "/api/v1/tail")).status_code for _ in range(51)]
        assert (opened[0], opened[-1]) == (200, 503)
        assert watching.enter_context(two.first.stream("GET", "/api/v1/tail")).status_code == 200


def _sent(http: httpx.Client, name: str) -> None:
    """A span of its own: one that is stored already is told to nobody."""
    span = as_json(a_span(trace_id="53" * 16, span_id=name.encode().hex()[:16].rjust(16, "0"), name=name))
    http.post("/v1/traces", content=span, headers={"content-type": "application/json"}).raise_for_status()


def _shape(route: str) -> str:
    """The route without its query and with nameless ids."""
    return re.sub(r"\{[^}]*\}", "{}", route.partition("?")[0])


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace("{" + name + "}", value)
    return text


def _told(answer: httpx.Response) -> Any:
    """Without the moment of the answer."""
    told = answer.raise_for_status().json()
    return {name: value for name, value in told.items() if name not in {"since", "until", "day", "window"}}
