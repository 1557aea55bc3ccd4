"""The REST API in the shapes of the contract over a made-up world, with the real web interface in front.

The browser tests use it; `python -m tests.fakes.ui_api` serves it for development of the pages (Vite's proxy
takes `ASSAY_URL`).
"""

# ruff: noqa: E501  rows of data read best as rows

import asyncio
import copy
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from assay_server.api.web import Web
from tests.fakes.ui_agent import loop_score, with_agents
from tests.fakes.ui_connect import connect_routes
from tests.fakes.ui_costs import cost_routes
from tests.fakes.ui_dashboards import dashboard_routes
from tests.fakes.ui_keeping import keeping_routes
from tests.fakes.ui_monitors import monitor_routes
from tests.fakes.ui_people import people_routes
from tests.fakes.ui_search import search_routes
from tests.fakes.ui_sql import sql_routes
from tests.fakes.ui_tracing import outlined, tracing_routes
from tests.fakes.ui_world import Json, World, a_week, an_id, at

KEY = "sk_tests_only_key_for_the_browser"
REQUEST_ID = "req_01kagqz5x0v7e8m4t2x6c5b000"

Answer = Callable[[Request], Any]
PARTS = (
    tracing_routes,
    search_routes,
    keeping_routes,
    cost_routes,
    dashboard_routes,
    sql_routes,
    people_routes,
    monitor_routes,
    connect_routes,
)


class FakeApi:
    """`world` may be exchanged and `failing`, `delays` set while a page is open: paths → status, paths → seconds.

    `most`: how many rows of a list are answered; half of them are its first.
    """

    def __init__(self, world: World | None = None) -> None:
        self.world = with_agents(a_week()) if world is None else world
        self.failing: dict[str, int] = {}
        self.delays: dict[str, float] = {}
        self.received: list[tuple[str, str, Json]] = []
        self.held: Json | None = None
        self.grpc_port = 4317
        self.actor = "user:mara"
        self.given: list[Json] = []  # scores
        self.most: int | None = None

    def app(self) -> Starlette:
        """Lists and single things by name; everything else goes to the interface."""
        listed = ["datasets", "runs", "verdicts", "canaries", "incidents", "audit", "providers", "keys", "checks"]
        routes = [
            self._route("/info", self._info),
            self._route("/outgoing", lambda request: {"held": self.held, "messages": 3}),
            self._route("/outgoing/start", self._start_outgoing, "POST"),
            self._route("/session", self._sign_in, "POST"),
            self._route("/session", self._sign_out, "DELETE"),
            self._route("/traces/{id}", self._trace),
            *(self._route(*row) for part in PARTS for row in part(lambda: self.world)),
            self._route("/datasets/{name}", lambda request: {**self.world.datasets[0], "versions": self.world.datasets}),
            self._route("/datasets/{name}/items", lambda request: self._page(request, self.world.items)),
            self._route("/datasets/{name}/items", self._append, "POST"),
            self._route("/runs/{id}/items", lambda request: self._page(request, self.world.run_items[request.path_params["id"]])),
            self._route("/runs/{a}/compare/{b}", self._compare),
            self._route("/releases", lambda request: self._page(request, self.world.releases)),
            self._route("/releases/{id}", self._one("releases")),
            self._route("/releases/{id}/diff", self._diff),
            self._route("/channels", lambda request: self._page(request, self.world.channels)),
            self._route("/channels/{id}", self._one("channels", "name")),
            self._route("/channels/{id}/{action}", self._move, "POST"),
            self._route("/incidents/{id}/{action}", self._incident, "POST"),
            self._route("/audit/verify", lambda request: {"ok": True, "checked": len(self.world.audit), "head": None, "broken": None}),
            self._route("/keys", self._create_key, "POST"),
            self._route("/keys/names", lambda request: self._page(request, [{"id": key["id"], "name": key["name"]} for key in self.world.keys])),
            self._route("/scores", self._score, "POST"),
            self._route("/scores/{id}", self._take_back, "DELETE"),
            *(self._route(f"/{noun}", self._listing(noun)) for noun in listed),
            *(self._route(f"/{noun}/{{id}}", self._one(noun)) for noun in ("runs", "verdicts", "canaries", "incidents")),
        ]  # fmt: skip
        return Starlette(
            routes=[Mount("/api/v1", routes=routes), Mount("/", app=Web())],
            exception_handlers={HTTPException: _problem},
        )

    def _route(self, path: str, answer: Answer, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            below = request.url.path.removeprefix("/api/v1")
            await asyncio.sleep(self.delays.get(below, 0))
            if below in self.failing:
                raise HTTPException(self.failing[below])
            if method != "GET":
                self.received.append((method, below, await _body(request)))
            if path not in {"/info", "/session"} and "assay_session" not in request.cookies:
                raise HTTPException(401)
            found = answer(request)
            found = await found if isinstance(found, Awaitable) else found
            if self.most and isinstance(found, dict) and isinstance(found.get("items"), list):
                found = {**found, "items": _some(found["items"], self.most)}
            return found if isinstance(found, Response) else JSONResponse(found)

        return Route(path, endpoint, methods=[method])

    def _info(self, request: Request) -> Json:
        known = "assay_session" in request.cookies
        caller = {
            "project": "prj_demo",
            "project_name": "shop",
            "role": self.world.role,
            "actor": self.actor,
            "held": self.held,
            "grpc_port": self.grpc_port,
        }
        return {"version": "0.1.0", "api_version": "1", **(caller if known else dict.fromkeys(caller))}

    def _start_outgoing(self, request: Request) -> Json:
        self.held = None
        return {"held": None, "messages": 3}

    async def _sign_in(self, request: Request) -> Response:
        if (await request.json())["token"] != KEY:
            raise HTTPException(401)
        response = JSONResponse({"ok": True})
        response.set_cookie("assay_session", "a-session", httponly=True, samesite="strict")
        return response

    def _sign_out(self, request: Request) -> Response:
        response = JSONResponse({})
        response.delete_cookie("assay_session")
        return response

    def _trace(self, request: Request) -> Json:
        row = _find([*self.world.traces, *self.world.agents], "trace_id", request.path_params["id"])
        spans = self.world.spans[row["trace_id"]]
        scores = [
            {"id": f"scr_{n}", "name": name, "time": row["start"], "source": ("end_user", "code")[n % 2], "value": score["mean"], "label": None, "error": None, "reason": "the words of the answer stand in the documents" if n else None, "author": "groundedness" if n else row["user"], "version": "1" if n else None, "trace_id": row["trace_id"], "span_id": None}
            for n, (name, score) in enumerate(row["scores"].items()) if name != "tool_loop"
        ]  # fmt: skip
        shown = [outlined(span) for span in spans] if request.query_params.get("outline") == "true" else spans
        given = [one for one in self.given if one["trace_id"] == row["trace_id"]]
        return {"scores_left_out": 0, **row, "spans": shown, "scores": [*scores, *loop_score(spans), *given]}

    async def _score(self, request: Request) -> Json:
        said = dict.fromkeys(("value", "label", "reason", "error", "trace_id", "span_id", "session", "version"))
        one = said | await request.json()
        one |= {"id": f"scr_given{len(self.given)}", "author": "user:mara", "time": at()}
        self.given.append(one)
        return {"items": [one]}

    def _take_back(self, request: Request) -> Json:
        self.given = [one for one in self.given if one["id"] != request.path_params["id"]]
        return {}

    def _compare(self, request: Request) -> Json:
        a, b = (self.world.run_items[request.path_params[side]] for side in "ab")
        items = [
            {"item": x["item"], "input": x["input"], "expected": x["expected"], "cluster": x["cluster"], "a": x, "b": y}
            for x, y in zip(a, b, strict=True)
        ]
        items.sort(key=lambda row: row["a"]["output"] == row["b"]["output"])
        metrics = {
            "groundedness": {"n": 79, "difference": -0.041, "ci": [-0.079, -0.003], "better": 11, "worse": 24, "same": 44},
            "right_refusal": {"n": 80, "difference": -0.225, "ci": [-0.309, -0.141], "better": 0, "worse": 18, "same": 62},
            "fuzzy_match": {"n": 60, "difference": 0.002, "ci": [-0.02, 0.024], "better": 6, "worse": 5, "same": 49},
            "latency_ms": {"n": 80, "difference": -4.1, "ci": [-6.0, -2.2], "better": 60, "worse": 18, "same": 2},
        }  # fmt: skip
        return {"a": request.path_params["a"], "b": request.path_params["b"], "metrics": metrics, "items": items}

    def _diff(self, request: Request) -> Json:
        old = _find(self.world.releases, "id", request.path_params["id"])
        new = _find(self.world.releases, "id", request.query_params["to"])
        changes: list[Json] = []
        if old["prompts"]["answer"]["template"] != new["prompts"]["answer"]["template"]:
            before, after = (one["prompts"]["answer"]["template"]["system"] for one in (old, new))
            changes.append(
                {"part": "prompts.answer.system", "kind": "text", "from": before, "to": after, "words": None}
            )
        for name in ("top_k", "index_version"):
            before, after = (one["retrieval_config"][name] for one in (old, new))
            if before != after:
                changes.append({"part": f"retrieval_config.{name}", "kind": "value", "from": before, "to": after})
        parts = (
            " and ".join(sorted({change["part"].split(".")[0].replace("_", " ") for change in changes})) or "nothing"
        )
        return {"from": old["id"], "to": new["id"], "changes": changes, "summary": f"Changes {parts}."}

    async def _append(self, request: Request) -> Json:
        newest = _find(self.world.datasets, "name", request.path_params["name"])
        made = {**newest, "id": an_id("dsv", 9), "version": newest["version"] + 1, "items": newest["items"] + 1}
        self.world.datasets.insert(0, made)
        return made

    async def _move(self, request: Request) -> Json:
        body = await request.json()
        channel = _find(self.world.channels, "name", request.path_params["id"])
        chosen = _find(self.world.releases, "id", body.get("release") or body["to"])
        if request.path_params["action"] == "promote" and not any(
            one["verdict"] == "pass" for one in chosen["verdicts"]
        ):
            raise HTTPException(422)
        action = request.path_params["action"]
        event = {"id": f"evt_{len(channel['history']) + 1}", "at": at(), "by": "user:mara", "action": action, "from": channel["release"]["id"], "to": chosen["id"], "reason": body["reason"], "verdict": None}  # fmt: skip
        channel.update(
            release=chosen, since=at(), by="user:mara", reason=body["reason"], history=[*channel["history"], event]
        )
        return channel

    async def _incident(self, request: Request) -> Json:
        incident = _find(self.world.incidents, "id", request.path_params["id"])
        incident["status"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[request.path_params["action"]]
        reason = (await request.json())["reason"]
        incident["timeline"].append(
            {"at": at(), "what": f"{incident['status'].capitalize()}: {reason}", "by": "user:mara"}
        )
        return incident

    async def _create_key(self, request: Request) -> Json:
        body = await request.json()
        key = {
            "id": f"key_new{len(self.world.keys)}",
            "public_key": "pk_new",
            "created_at": at(),
            "revoked_at": None,
            **body,
        }
        self.world.keys.append(key)
        return {**key, "secret": "sk_new_secret_shown_once"}

    def _listing(self, noun: str) -> Answer:
        return lambda request: self._page(request, getattr(self.world, noun))

    def _one(self, noun: str, field: str = "id") -> Answer:
        return lambda request: _find(getattr(self.world, noun), field, request.path_params["id"])

    def _page(self, request: Request, rows: list[Json]) -> Json:
        limit, start = int(request.query_params.get("limit", 50)), int(request.query_params.get("cursor", 0))
        status = request.query_params.get("status")
        if status:
            rows = [row for row in rows if row.get("status") == status]
        more = start + limit < len(rows)
        return {"items": rows[start : start + limit], "total": len(rows), "next": str(start + limit) if more else None}


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """The address of the app (`FakeApi.app`), on a free port of this machine, until the block ends."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        if not thread.is_alive():
            raise RuntimeError("the fake API did not start")
    bound = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{bound}"
    finally:
        server.should_exit = True
        thread.join(10)


class _OwnSpans(dict[str, list[Json]]):
    """By trace. They are many, so they are copied when they are first asked for."""

    def __init__(self, shared: dict[str, list[Json]]) -> None:
        super().__init__()
        self._shared = shared

    def __missing__(self, trace: str) -> list[Json]:
        own = self[trace] = copy.deepcopy(self._shared[trace])
        return own

    def __contains__(self, trace: object) -> bool:
        return trace in self._shared or super().__contains__(trace)


def fresh(world: World) -> World:
    """A copy that a test may change; of traces their own fields, and no answered items: nothing changes those."""
    traces = [{**row} for row in world.traces]
    kept = {id(world.spans): _OwnSpans(world.spans), id(world.run_items): world.run_items, id(world.traces): traces}
    return copy.deepcopy(world, kept)


async def _body(request: Request) -> Json:
    raw = await request.body()
    return (await request.json()) if raw else {}


def _some(rows: list[Json], most: int) -> list[Json]:
    first, others = rows[: most // 2], rows[most // 2 :]
    return first + others[:: len(others) // (most - most // 2) + 1]


def _find(rows: list[Json], field: str, value: str) -> Json:
    for row in rows:
        if row[field] == value:
            return row
    raise HTTPException(404)


_TITLES = {400: "This query cannot be read.", 401: "No key was given, or nobody knows it.", 404: "There is no such thing in this project.", 422: "Understood, and the rules say no.", 500: "Something went wrong in Assay."}  # fmt: skip
_FIXES = {400: "only one SELECT can be asked", 401: "sign in with the link that 'assay up' printed", 404: "look for it in its list", 422: "run it on a dataset and ask for a verdict first", 500: None}  # fmt: skip


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    document = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": "refused" if status == 422 else "error", "detail": "This release has no passing verdict." if status == 422 else _TITLES.get(status, "Error"), "request_id": REQUEST_ID}  # fmt: skip
    if _FIXES.get(status):
        document["fix"] = _FIXES[status]
    if status == 409:
        document |= {"detail": "This was changed since you read it.", "field": "If-Match"}
    return JSONResponse(document, status, media_type="application/problem+json")


def main() -> None:
    with serving(FakeApi().app(), port=4601) as url:
        print(f"{url}/sign-in?token={KEY}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
