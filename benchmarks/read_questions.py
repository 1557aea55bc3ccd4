"""What is asked of a large store: the pages people open, each time with other values."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from assay_server.core.clock import rfc3339
from assay_server.query.dashboards import ready_made, to_json
from benchmarks.read_data import AGENTS, DAY, MODELS, RARE
from benchmarks.read_server import KEY


class TookTooLong(Exception):
    """The server ended a query at its limit of time."""


class Api:
    """The REST API of the benchmark's server."""

    def __init__(self, url: str) -> None:
        self._url = url + "/api/v1"

    def get(self, path: str) -> Any:
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str) -> bytes:
        return self._send(urllib.request.Request(self._url + path))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(self._url + path, data=json.dumps(body).encode())
        request.add_header("content-type", "application/json")
        return json.loads(self._send(request))

    def sql(self, sql: str) -> list[list[Any]]:
        rows: list[list[Any]] = self.post("/sql", {"sql": sql})["rows"]
        return rows

    def _send(self, request: urllib.request.Request) -> bytes:
        request.add_header("authorization", f"Bearer {KEY}")
        try:
            with urllib.request.urlopen(request) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            if error.code == 404:  # a small store does not have every user
                return b"{}"
            said = error.read().decode()
            if "took longer" in said:
                raise TookTooLong(said) from error
            raise SystemExit(f"{request.full_url}: {said}") from error


@dataclass(slots=True, frozen=True)
class Question:
    """`find` looks for what to ask about, and is no part of the time; `ask` gets what it found."""

    name: str
    ask: Callable[[Api, random.Random, str], Any]
    find: Callable[[Api, random.Random], str] = lambda api, rng: ""

    def said(self, answer: Any) -> Any:
        """How much there was in the answer."""
        if isinstance(answer, dict):
            total = answer.get("total")
            counted = total if isinstance(total, int) else len(answer.get("items") or answer.get("series") or [])
            return f"{counted}{'+' if answer.get('total_is') == 'at_least' else ''}"
        return len(answer)


def _traces(name: str, query: Callable[[random.Random], str]) -> Question:
    return Question(f"traces: {name}", lambda api, rng, _: api.get("/traces?limit=50" + query(rng)))


def _week() -> str:
    return f"since={rfc3339(time.time_ns() - 7 * DAY)}&until={rfc3339(time.time_ns())}"


def _get(name: str, path: Callable[[random.Random], str]) -> Question:
    return Question(name, lambda api, rng, _: api.get(path(rng)))


def _fixed(name: str, path: str) -> Question:
    return Question(name, lambda api, rng, _: api.get(path))


def _cursor(api: Api, rng: random.Random) -> str:
    return str(api.get("/traces?limit=50")["next"])


def _some_trace(api: Api, rng: random.Random) -> str:
    """One of a week's traces."""
    until = rfc3339(time.time_ns() - rng.randrange(DAY, 7 * DAY))
    return str(api.get(f"/traces?limit=1&until={until}")["items"][0]["trace_id"])


def _some_session(api: Api, rng: random.Random) -> str:
    return str(rng.choice(api.get("/sessions?limit=20")["items"])["session"])


def _panel(name: str, panel: dict[str, Any]) -> Question:
    def ask(api: Api, rng: random.Random, _: str) -> Any:
        now = time.time_ns()
        window = {"since": rfc3339(now - 7 * DAY), "until": rfc3339(now)}
        whole = {"id": "p", "title": "p", "description": "", "width": 6, "filter": {}, "group_by": None, "top": 8}
        return api.post("/panels/query", {"panel": {**whole, **panel}, **window})

    return Question(f"panel: {name}", ask)


def _ready(name: str) -> list[Question]:
    """Every panel of a ready-made dashboard, as its page asks for it."""
    return [_panel(f"{name}: {panel['title']}", panel) for panel in to_json(ready_made()[name])["panels"]]


def _words(rng: random.Random) -> str:
    return quote(rng.choice(("refund", "invoice", "deducted", "conserving", "transfer")))


def _pair(rng: random.Random) -> str:
    return quote(rng.choice(('"refund policy"', '"our patience"', '"card declined"', '"never promise a refund"')))


def _case(rng: random.Random) -> str:
    return f"{rng.randrange(10**9):09d}"


_TOKENS = "gen_ai.usage.input_tokens"

QUESTIONS = (
    _traces("newest", lambda rng: ""),
    Question("traces: the next page", lambda api, rng, cursor: api.get(f"/traces?limit=50&cursor={cursor}"), _cursor),
    _traces("sorted by latency", lambda rng: "&sort=latency:desc"),
    _traces("sorted by a score", lambda rng: "&sort=score.user_feedback:asc"),
    _traces("model, of a week, sorted by cost",
            lambda rng: "&sort=cost:desc&" + _week() + "&model=" + rng.choice(list(MODELS))),
    _traces("common words, sorted by tokens", lambda rng: f"&sort=tokens:desc&text={_words(rng)}"),
    _traces("of a week", lambda rng: "&" + _week()),
    _traces("model", lambda rng: "&model=" + rng.choice(list(MODELS))),
    _traces("user", lambda rng: f"&user=u{rng.randrange(2000)}"),
    _traces("session", lambda rng: f"&session=s{rng.randrange(100_000)}"),
    _traces("status error", lambda rng: "&status=error"),
    _traces("status ok", lambda rng: "&status=ok"),
    _traces("latency over 3 s", lambda rng: "&min_latency_ms=3000"),
    _traces("latency over 30 s (rare)", lambda rng: f"&min_latency_ms={30_000 + rng.randrange(1000)}"),
    _traces("cost over a cent", lambda rng: "&min_cost=0.01"),
    _traces("cost over 5 cents (none)", lambda rng: f"&min_cost=0.05{rng.randrange(99)}"),
    _traces("tag", lambda rng: "&tag=" + rng.choice(("beta", "paid"))),
    _traces("endpoint", lambda rng: f"&endpoint=/v1/{rng.choice(AGENTS)}/{rng.randrange(20)}"),
    _traces("endpoint (none)", lambda rng: f"&endpoint=/v9/{rng.randrange(99)}"),
    _traces("score under a half", lambda rng: "&score=user_feedback:lt:0.5"),
    _traces("attribute", lambda rng: f"&attribute=http.route:eq:/v1/{rng.choice(AGENTS)}/{rng.randrange(20)}"),
    _traces("attribute (none)", lambda rng: f"&attribute=tenant:eq:nobody-{rng.randrange(99)}"),
    _traces("attribute (a name nobody has)", lambda rng: f"&attribute=order.id:gt:{rng.randrange(99)}"),
    _traces("attribute: contains", lambda rng: f"&attribute=http.route:contains:{rng.choice(AGENTS)}/1"),
    _traces("attribute: a number", lambda rng: f"&attribute={_TOKENS}:eq:{rng.randrange(200, 900)}"),
    _traces("attribute: a number (none)", lambda rng: f"&attribute={_TOKENS}:gt:9{rng.randrange(10**6):06d}"),
    _traces("model, error, user", lambda rng: f"&model=in-house-7b&status=error&user=u{rng.randrange(2000)}"),
    _traces("words: common", lambda rng: "&text=" + _words(rng)),
    _traces("words: two common", lambda rng: f"&text={_words(rng)}+{_words(rng)}"),
    _traces("words: rare", lambda rng: f"&text={RARE}"),
    _traces("words: nobody's", lambda rng: f"&text=zz{_case(rng)}"),
    _traces("words: a number", lambda rng: f"&text={_case(rng)}"),
    _traces("words: phrase", lambda rng: "&text=" + _pair(rng)),
    _traces("words: beginning", lambda rng: f"&text={_case(rng)[:3]}*"),
    _traces("words and model", lambda rng: f"&text={_words(rng)}&model=" + rng.choice(list(MODELS))),
    _traces("words and user", lambda rng: f"&text={_words(rng)}&user=u{rng.randrange(2000)}"),
    Question("trace page", lambda api, rng, trace_id: api.get(f"/traces/{trace_id}"), _some_trace),
    *(_fixed(f"facets: {field}", f"/facets?field={field}")
      for field in ("model", "user", "session", "name", "attribute")),
    _get("sessions", lambda rng: "/sessions?limit=50"),
    _get("sessions of a week", lambda rng: "/sessions?limit=50&" + _week()),
    Question("session page", lambda api, rng, session: api.get(f"/sessions/{session}"), _some_session),
    _get("users", lambda rng: "/users?limit=50"),
    _get("users of a week", lambda rng: "/users?limit=50&" + _week()),
    _get("user page", lambda rng: f"/users/u{rng.randrange(2000)}"),
    *(_fixed(f"costs of a week by {group}", f"/costs?group_by={group}&bin=day&" + _week())
      for group in ("model", "user", "tag", "tenant")),
    _panel("requests", {"kind": "line", "metrics": [{"name": "requests"}]}),
    _panel("latency p95 by model", {"kind": "line", "metrics": [{"name": "latency", "quantile": 0.95}],
                                    "filter": {"kind": ["llm"]}, "group_by": "model"}),
    _panel("cost by user", {"kind": "bar", "metrics": [{"name": "cost"}], "group_by": "user"}),
    _panel("requests by endpoint", {"kind": "line", "metrics": [{"name": "requests"}], "group_by": "endpoint"}),
    _panel("latency p95 by endpoint", {"kind": "line", "metrics": [{"name": "latency", "quantile": 0.95}],
                                       "group_by": "endpoint"}),
    _panel("errors by type", {"kind": "bar", "metrics": [{"name": "error_rate"}], "group_by": "kind"}),
    _panel("requests by tag", {"kind": "line", "metrics": [{"name": "requests"}], "group_by": "tag"}),
    *(_panel(f"error rate where the list finds {line}", {"kind": "line", "metrics": [{"name": "error_rate"}],
                                                         "filter": {"search": [line]}})
      for line in ("latency>3s", "score.user_feedback<0.5", RARE)),
    *(question for name in ready_made() for question in _ready(name)),
    _get("steps of a week", lambda rng: "/steps?" + _week()),
    Question("sql: group by an attribute", lambda api, rng, _: api.sql(
        "SELECT attributes->>'http.route' AS route, count(*), avg(latency_ms) FROM spans GROUP BY 1 ORDER BY 2 DESC")),
    Question("sql: group by over a week", lambda api, rng, _: api.sql(
        "SELECT model, date_trunc('day', start) AS day, count(*), sum(cost) FROM spans"
        " WHERE start >= now()::TIMESTAMP - INTERVAL 7 DAY GROUP BY ALL ORDER BY day, model")),
)  # fmt: skip

_NEWEST_WITH = (
    "SELECT trace_id, max(start) AS newest FROM spans WHERE {} GROUP BY trace_id ORDER BY newest DESC LIMIT 50"
)
_ANYWHERE = "input ILIKE '%{0}%' OR output ILIKE '%{0}%' OR name ILIKE '%{0}%'"


def _plain(name: str, condition: Callable[[random.Random], str]) -> Question:
    return Question(f"traces: {name}", lambda api, rng, _: api.sql(_NEWEST_WITH.format(condition(rng))))


PLAIN = (
    _plain("words: common", lambda rng: _ANYWHERE.format(_words(rng))),
    _plain("words: rare", lambda rng: _ANYWHERE.format(RARE)),
    _plain("words: nobody's", lambda rng: _ANYWHERE.format("zz" + _case(rng))),
    _plain("user", lambda rng: f"\"user\" = 'u{rng.randrange(2000)}'"),
    Question("traces: latency over 30 s (rare)", lambda api, rng, _: api.sql(
        'SELECT trace_id FROM spans GROUP BY trace_id HAVING max("end") - min(start) > INTERVAL 30 SECOND'
        " ORDER BY min(start) DESC LIMIT 50")),
)  # fmt: skip
