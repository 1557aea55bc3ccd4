"""Who may do what: every route of the server, with every role. A route that the table does not name fails."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from fastapi.routing import APIRoute, APIRouter

from assay_server.api.build import rest
from assay_server.api.chat import CHAT_PATHS, MODELS_PATHS
from assay_server.api.otlp import PATHS as OTLP_PATHS
from tests.fixtures.server import RunningServer

NEEDS = {
    "nothing": """
        GET /healthz
        GET /readyz
        HEAD /healthz
        HEAD /readyz
        GET /info
        GET /api/v1/info
        GET /api/public/health
        GET /project/{project}/traces/{trace_id}
        GET /trace/{trace_id}
        GET /api/is-alive/ping
        GET /api/v1/session/redirect/projects/
        GET /version
        GET /arize_phoenix_version
        GET /api/public/media/{media_id}/content
        PUT /api/public/media/{media_id}/content
        POST /api/v1/session
        DELETE /api/v1/session
    """,
    "score": """
        POST /api/v1/scores
        POST /feedback
        PUT /api/v1/private/traces/feedback-scores
        PUT /api/v1/private/traces/threads/feedback-scores
        PUT /api/v1/private/spans/feedback-scores
        GET /api/public/projects
        POST /api/public/scores
        POST /api/public/ingestion
        POST /api/3.0/mlflow/traces/{trace_id}/assessments
        POST /v1/document_annotations
        POST /v1/session_annotations
        POST /v1/span_annotations
        POST /v1/span_notes
        POST /v1/trace_annotations
    """,
    "ingest": """
        POST /runs
        PATCH /runs/{told}
        POST /runs/multipart
        POST /runs/batch
        PATCH /feedback/{told}
        POST /api/v1/private/attachment/upload-start
        PUT /api/v1/private/attachment/upload
        POST /api/v1/private/traces/batch
        POST /api/v1/private/spans/batch
        PATCH /api/v1/private/traces/{told}
        PATCH /api/v1/private/spans/{told}
        GET /api/2.0/mlflow/experiments/get
        GET /api/2.0/mlflow/experiments/get-by-name
        POST /api/2.0/mlflow/experiments/create
        POST /api/2.0/mlflow/experiments/search
        PATCH /api/2.0/mlflow/traces/{trace_id}/tags
        PUT /api/2.0/mlflow-artifacts/artifacts/{trace_id}/attachments/{attachment_id}
        POST /api/3.0/mlflow/traces
        POST /v1/projects/{name}/spans
        POST /api/public/media
        DELETE /api/v1/scores/{score}
        DELETE /api/public/scores/{score_id}
        DELETE /api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}
        PATCH /api/public/media/{media_id}
        POST /api/public/dataset-run-items
    """,
    "resolve": """
        GET /api/v1/prompt-versions/{ref}
        GET /api/public/v2/prompts/{name}
        GET /api/v1/retrieval-configs/{ref}
        GET /api/v1/releases/{ref}
        GET /api/v1/channels/{name}/resolve
    """,
    "read": """
        GET /metrics
        GET /api/2.0/mlflow-artifacts/artifacts/{trace_id}/attachments/{attachment_id}
        GET /api/3.0/mlflow/traces/batchGet
        GET /api/3.0/mlflow/traces/get
        GET /api/3.0/mlflow/traces/{trace_id}
        GET /api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}
        POST /api/3.0/mlflow/traces/search
        GET /v1/projects/{name}/span_annotations
        GET /v1/projects/{name}/spans
        GET /api/public/media/{media_id}
        GET /api/public/v2/datasets/{name}
        GET /api/public/dataset-items
        GET /api/public/metrics
        GET /api/public/metrics/daily
        GET /api/public/observations
        GET /api/public/observations/{observation_id}
        GET /api/public/v2/metrics
        GET /api/public/v2/observations
        GET /api/public/scores
        GET /api/public/scores/{score_id}
        GET /api/public/v2/scores
        GET /api/public/v2/scores/{score_id}
        GET /api/public/v3/scores
        GET /api/public/sessions
        GET /api/public/sessions/{session_id}
        GET /api/public/traces
        GET /api/public/traces/{trace_id}
        GET /api/v1/media/{media_id}
        GET /api/v1/traces/{trace_id}/media
        GET /api/v1/keys/names
        GET /api/v1/audit
        GET /api/v1/audit/verify
        GET /api/v1/canaries
        GET /api/v1/canaries/{canary}
        GET /api/v1/channels
        GET /api/v1/channels/{name}
        GET /api/v1/checks
        GET /api/v1/connect
        GET /api/v1/costs
        GET /api/v1/costs/chargeback
        GET /api/v1/costs/forecast
        GET /api/v1/costs/savings
        GET /api/v1/costs/why
        GET /api/v1/dashboards
        GET /api/v1/dashboards/{name}
        POST /api/v1/dashboards/parse
        GET /api/v1/datasets
        GET /api/v1/datasets/{name}
        GET /api/v1/datasets/{name}/items
        GET /api/v1/export/scores
        GET /api/v1/export/spans
        GET /api/v1/export/traces
        GET /api/v1/facets
        GET /api/v1/graph
        GET /api/v1/incidents
        GET /api/v1/incidents/{incident}
        GET /api/v1/marks
        GET /api/v1/models/unpriced
        GET /api/v1/monitors
        GET /api/v1/monitors/{monitor}
        GET /api/v1/monitors/{monitor}/evaluations
        GET /api/v1/monitors/{monitor}/past
        GET /api/v1/notification-channels
        GET /api/v1/notifications
        GET /api/v1/panels/words
        POST /api/v1/panels/query
        GET /api/v1/prices
        GET /api/v1/prices/lookup
        GET /api/v1/prompt-diff
        GET /api/v1/prompts
        GET /api/v1/prompts/{name}
        GET /api/v1/prompts/{ref}/diff
        GET /api/v1/providers
        GET /api/v1/releases
        GET /api/v1/releases/{ref}/diff
        GET /api/v1/repricings
        GET /api/v1/retention
        GET /api/v1/retention/passes
        POST /api/v1/retention/preview
        GET /api/v1/retrieval-configs
        GET /api/v1/runs
        GET /api/v1/runs/{a}/compare/{b}
        GET /api/v1/runs/{run}
        GET /api/v1/runs/{run}/items
        GET /api/v1/scores
        GET /api/v1/search/parse
        GET /api/v1/search/state
        GET /api/v1/sessions
        GET /api/v1/sessions/one
        GET /api/v1/sessions/{session}
        GET /api/v1/silences
        GET /api/v1/spans
        GET /api/v1/sql/schema
        POST /api/v1/sql
        GET /api/v1/steps
        GET /api/v1/suites
        GET /api/v1/tail
        GET /api/v1/traces
        GET /api/v1/traces/{a}/compare/{b}
        GET /api/v1/traces/{trace_id}
        GET /api/v1/traces/{trace_id}/graph
        GET /api/v1/traces/{trace_id}/spans/{span_id}
        GET /api/v1/traces/{trace_id}/spans/{span_id}/item
        GET /api/v1/traces/{trace_id}/spans/{span_id}/request
        GET /api/v1/traces/{trace_id}/spans/{span_id}/test
        GET /api/v1/traces/{trace_id}/tokens
        GET /api/v1/users
        GET /api/v1/users/one
        GET /api/v1/users/{user}
        GET /api/v1/verdicts
        GET /api/v1/verdicts/{verdict}
        GET /api/v1/views
        GET /api/v1/quotas
        GET /api/v1/exports
        GET /api/v1/exports/{export}
        GET /api/v1/exports/{export}/runs
        GET /api/v1/forwards
        GET /api/v1/quotas/days
        GET /api/v1/flags
        GET /api/v1/sampling
        GET /api/v1/sampling/counts
        POST /api/v1/sampling/preview
    """,
    "write": """
        POST /api/v1/canaries
        POST /api/v1/canaries/{canary}/abort
        POST /api/v1/canaries/{canary}/promote
        POST /api/v1/canaries/{canary}/rollback
        PUT /api/v1/channels/{name}
        POST /api/v1/channels/{name}/promote
        POST /api/v1/channels/{name}/rollback
        PUT /api/v1/dashboards/{name}
        DELETE /api/v1/dashboards/{name}
        POST /api/v1/datasets
        POST /api/v1/datasets/{name}/items
        POST /api/v1/incidents/{incident}/acknowledge
        POST /api/v1/incidents/{incident}/resolve
        POST /api/v1/monitors
        PUT /api/v1/monitors/{monitor}
        DELETE /api/v1/monitors/{monitor}
        POST /api/v1/monitors/{monitor}/silence
        POST /api/v1/monitors/{monitor}/test
        POST /api/v1/monitors/preview
        POST /api/v1/prompts
        POST /api/public/v2/datasets
        POST /api/public/dataset-items
        PATCH /api/public/v2/prompts/{name}/versions/{version}
        POST /api/public/v2/prompts
        POST /api/v1/releases
        POST /api/v1/retrieval-configs
        POST /api/v1/runs
        POST /api/v1/runs/{run}/cancel
        POST /api/v1/silences
        DELETE /api/v1/silences/{silence_id}
        PUT /api/v1/suites/{name}
        POST /api/v1/verdicts
        PUT /api/v1/views/{name}
        POST /api/v1/exports/{export}/run
        DELETE /api/v1/views/{name}
    """,
    "admin": """
        PUT /api/v1/quotas
        POST /api/v1/exports
        PUT /api/v1/exports/{export}
        DELETE /api/v1/exports/{export}
        PUT /api/v1/forwards/{name}
        DELETE /api/v1/forwards/{name}
        POST /api/v1/forwards/{name}/test
        PUT /api/v1/flags
        PUT /api/v1/sampling
        GET /api/v1/keys
        POST /api/v1/keys
        DELETE /api/v1/keys/{key}
        POST /api/v1/notification-channels
        PUT /api/v1/notification-channels/{channel}
        DELETE /api/v1/notification-channels/{channel}
        POST /api/v1/notification-channels/{channel}/test
        PUT /api/v1/prices/{model}
        PUT /api/v1/retention
        POST /api/v1/retention/passes
        GET /api/v1/deletions
        POST /api/v1/deletions
        DELETE /api/public/traces
        DELETE /api/public/traces/{trace_id}
        POST /api/2.0/mlflow/traces/delete-traces
        POST /api/3.0/mlflow/traces/delete-traces
        GET /api/v1/deletions/{deletion}
        GET /api/v1/deletions/{deletion}/proof
        GET /api/v1/backups
        POST /api/v1/backups
        GET /api/v1/backups/{backup}
        POST /api/v1/backups/{backup}/verify
        DELETE /api/v1/backups/{backup}
        GET /api/v1/compactions
        GET /api/v1/outgoing
        POST /api/v1/outgoing/start
        POST /api/v1/compactions
        DELETE /api/v1/prices/{price}
        GET /api/v1/projects
        POST /api/v1/projects
        PUT /api/v1/providers/{name}
        DELETE /api/v1/providers/{name}
        POST /api/v1/sign-in-tokens
    """,
}

MAY = {
    "admin": {"read", "write", "admin", "ingest", "resolve", "score"},
    "editor": {"read", "write", "ingest", "resolve", "score"},
    "viewer": {"read", "resolve"},
    "ingest": {"ingest", "resolve", "score"},
    "score": {"score"},
}
"""Written down again, not imported: that somebody changes what a role may do has to be seen here."""

NOBODY = ("none", "revoked", "unknown")

TABLE = {route: needed for needed, routes in NEEDS.items() for route in map(str.strip, routes.strip().splitlines())}

PLAIN = (
    {f"POST {path}": "ingest" for path in (*OTLP_PATHS, *CHAT_PATHS)}  # beside FastAPI, so not in the document
    | {f"GET {path}": "resolve" for path in MODELS_PATHS}
)


@pytest.fixture(scope="module")
def callers(server: RunningServer) -> Iterator[dict[str, httpx.Client]]:
    """A client per role, and three that are nobody."""
    with server.client() as admin:
        made = {role: admin.post("/api/v1/keys", json={"name": f"access {role}", "role": role}).json() for role in MAY}
        gone = admin.post("/api/v1/keys", json={"name": "access revoked", "role": "admin"}).json()
        assert admin.delete(f"/api/v1/keys/{gone['id']}").status_code == 200
    secrets = {role: key["secret"] for role, key in made.items()}
    secrets |= {"revoked": gone["secret"], "unknown": f"sk_{'a' * 20}_{'b' * 40}"}
    clients = {name: _client(server, {"authorization": f"Bearer {secret}"}) for name, secret in secrets.items()}
    clients["none"] = _client(server, {})
    yield clients
    for client in clients.values():
        client.close()


def _client(server: RunningServer, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def document(server: RunningServer) -> dict[str, Any]:
    return cast("dict[str, Any]", httpx.get(f"{server.url}/api/v1/openapi.json").json())


def test_every_route_has_its_line(document: dict[str, Any]) -> None:
    served = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert served - set(TABLE) == set(), "say in NEEDS which permission these need"
    assert set(TABLE) - served == set(), "these routes are gone"


def test_no_route_is_left_out_of_the_document(document: dict[str, Any]) -> None:
    async def ready() -> dict[str, str]:
        return {}

    routes = list(_routes(rest(cast("Any", None), ready).router))
    assert [route.path for route in routes if not route.include_in_schema] == []
    assert len(routes) == sum(len(methods) for methods in document["paths"].values())


@pytest.mark.parametrize("role", MAY)
def test_a_role_reaches_what_it_may_and_nothing_else(role: str, callers: dict[str, httpx.Client]) -> None:
    wrong = {}
    for route, needed in (TABLE | PLAIN).items():
        status, _ = _tried(callers[role], route)
        allowed = needed == "nothing" or needed in MAY[role]
        if (status in {401, 403}) == allowed or status >= 500:
            wrong[route] = f"needs {needed}, answered {status}"
    assert wrong == {}


@pytest.mark.parametrize("nobody", NOBODY)
def test_who_has_no_key_reaches_nothing(nobody: str, callers: dict[str, httpx.Client]) -> None:
    wrong = {}
    for route, needed in (TABLE | PLAIN).items():
        status, _ = _tried(callers[nobody], route)
        if (status == 401) == (needed == "nothing") or status >= 500:
            wrong[route] = f"needs {needed}, answered {status}"
    assert wrong == {}


@pytest.mark.parametrize("caller", ["none", "score"])
def test_refusals_are_problem_documents(caller: str, callers: dict[str, httpx.Client]) -> None:
    for route in TABLE:
        status, answer = _tried(callers[caller], route)
        if status in {401, 403}:
            told = answer.json()
            assert answer.headers["content-type"] == "application/problem+json", route
            assert (told["status"], told["request_id"]) == (status, answer.headers["x-request-id"])
            assert told["code"] == ("unauthenticated" if status == 401 else "forbidden")
            assert (status == 401) == ("www-authenticate" in answer.headers)


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    """All of them, of included routers too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner := getattr(route, "original_router", None), APIRouter):
            yield from _routes(inner)


def _tried(client: httpx.Client, route: str) -> tuple[int, httpx.Response]:
    """The route with ids of nothing and, where it writes, an object without fields. Streams are not waited for."""
    method, _, path = route.partition(" ")
    address = path.replace("{", "none-").replace("}", "")
    body: dict[str, Any] | None = None if method in {"GET", "DELETE"} else {}
    with client.stream(method, address, json=body) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, answer
        answer.read()
    return answer.status_code, answer
