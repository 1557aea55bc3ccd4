"""The dashboard routes over the made-up week: the ready-made definitions, with figures of the contract's shapes."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assay_server.core.errors import InvalidInput
from assay_server.query import line_json, read_line
from assay_server.query.dashboards import from_yaml, parse_panel, ready_made, to_json, to_yaml, vocabulary
from assay_server.query.metrics.measures import COUNTS, MEASURES, label_of
from tests.fakes.ui_world import Json, World, trace_id

Answer = Callable[[Request], Any]

BINS = 24


def dashboard_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """Path, answer, method. What is saved is kept until the server ends."""
    saved: dict[str, Json] = {}

    def one(request: Request) -> Any:
        name = request.path_params["name"]
        return saved.get(name) or _document(name) or Response(status_code=404)

    async def put(request: Request) -> Any:
        name, body = request.path_params["name"], await request.json()
        now = saved.get(name, {"revision": 0})["revision"]
        seen = request.headers.get("if-match", f'"{now}"')
        if seen != f'"{now}"':
            told = {
                "title": "Conflict",
                "status": 409,
                "code": "conflict",
                "field": "If-Match",
                "detail": "This dashboard was saved by mara.",
            }
            return JSONResponse(told, 409)
        text = yaml.safe_dump({"name": name, **body}, sort_keys=False)
        meta = {"name": name, "ready_made": False, "revision": now + 1, "updated_at": None, "updated_by": "user:mara"}
        saved[name] = {**meta, **body, "yaml": text}
        return saved[name]

    def remove(request: Request) -> Response:
        saved.pop(request.path_params["name"])
        return Response(status_code=204)

    def listed(request: Request) -> Json:
        names = [*ready_made(), *(name for name in saved if name not in ready_made())]
        found = [saved.get(name) or _document(name) or {} for name in names]
        items = [{**each, "panels": len(each["panels"])} for each in found]
        return {"items": items, "total": len(items), "next": None}

    async def parse(request: Request) -> Any:
        body = await request.json()
        try:
            made = from_yaml(body["name"], body["yaml"], body.get("saved_as"))
        except InvalidInput as refused:
            return _refused(refused)
        return {"name": made.name, **to_json(made), "yaml": to_yaml(made)}

    async def query(request: Request) -> Json:
        body = await request.json()
        return _shown(body, empty=not world().traces)

    def parsed(request: Request) -> Any:
        q = request.query_params["q"]
        try:
            return line_json(q, read_line(q, 0))
        except InvalidInput as refused:
            return _refused(refused)

    def marks(request: Request) -> Json:
        at = (_moment(request.query_params["until"]) - timedelta(hours=5)).isoformat()
        mark = {"at": at, "until": None, "kind": "deployment", "title": "production: support@2 is live",
                "path": "/channels/production"}  # fmt: skip
        return {"items": [mark] if world().traces else [], "total": 1, "next": None}

    return [
        ("/dashboards", listed, "GET"),
        ("/dashboards/parse", parse, "POST"),
        ("/dashboards/{name}", one, "GET"),
        ("/dashboards/{name}", put, "PUT"),
        ("/dashboards/{name}", remove, "DELETE"),
        ("/panels/words", lambda request: vocabulary(), "GET"),
        ("/panels/query", query, "POST"),
        ("/search/parse", parsed, "GET"),
        ("/marks", marks, "GET"),
    ]


def _document(name: str) -> Json | None:
    made = ready_made().get(name)
    if made is None:
        return None
    meta = {"name": name, "ready_made": True, "revision": 0, "updated_at": None, "updated_by": None}
    return {**meta, **to_json(made), "yaml": to_yaml(made)}


def _refused(error: InvalidInput) -> JSONResponse:
    told = {"title": "Bad Request", "status": 400, "code": "invalid_input", "detail": error.message, "fix": error.fix}
    return JSONResponse({**told, "field": error.field}, 400)


def _shown(body: Json, *, empty: bool) -> Json:
    panel = parse_panel(body["panel"])
    edges = {"since": body["since"], "until": body["until"], "unused": [], "elapsed_ms": 12.0}
    if panel.report is not None:
        return {**_report(panel.report.name, _starts(body)), **edges}
    if panel.sql is not None:
        columns = [{"name": "time", "type": "TIMESTAMP"}, {"name": "calls", "type": "BIGINT"}]
        rows = [[start, at] for at, start in enumerate(_starts(body))]
        return {"type": "rows", "columns": columns, "rows": rows, "truncated": False, "bin_s": 3600, **edges}
    groups = [None] if panel.group_by is None else ["gpt-5", "qwen3", None]
    if panel.kind == "histogram":
        spreads = [_spread(label_of(panel.metrics[0]), group, at) for at, group in enumerate(groups)]
        return {"type": "histogram", "unit": "ms", "edges": [10, 20, 50, 100, 200], "groups": 3,
                "series": [] if empty else spreads, **edges}  # fmt: skip
    starts = _starts(body) if panel.kind in {"line", "bar"} else []
    series = [
        _series(at, metric.name, label_of(metric), group, place, starts, compare=body.get("compare", False))
        for at, metric in enumerate(panel.metrics)
        for place, group in enumerate(groups)
    ]
    if empty:
        series = [_nothing(one, metric.name) for one, metric in zip(series, panel.metrics, strict=False)]
        series = [] if panel.group_by else series
    shown = {"bin_s": 3600 if starts else None, "starts": starts, "groups": 5, "series": series}
    return {"type": "series", **shown, **edges}


def _nothing(series: Json, name: str) -> Json:
    """As the server tells it: no calls cost nothing, and have no latency."""
    none = {"value": 0.0 if name in COUNTS | {"cost", "tokens"} else None, "n": 0, "unknown": 0, "ci": None}
    bins = len(series["values"])
    unbound = {name: [None] * bins for name in ("lower", "upper")}
    return {**series, "total": none, "before": series["before"] and none, "values": [none["value"]] * bins,
            "n": [0] * bins, **unbound, "before_values": None}  # fmt: skip


def _series(at: int, name: str, label: str, group: str | None, place: int, starts: list[str], *, compare: bool) -> Json:
    measure = MEASURES[name]
    averaged = measure.shape in {"mean", "rate"}
    level = {"share": 0.04, "ms": 800.0, "USD": 1.2}.get(measure.unit, 120.0) / (1 + place)
    values = [level * (1 + math.sin(bin_ / 3) / 4) for bin_ in range(len(starts))]
    figure = {"value": level, "n": 1200, "unknown": 17 if measure.unit == "USD" else 0,
              "ci": [level * 0.8, level * 1.3] if averaged else None}  # fmt: skip
    others = 3 if place == 2 else 0
    return {
        "metric": at, "label": label, "unit": measure.unit, "group": group, "others": others, "total": figure,
        "before": {**figure, "value": level / 1.25, "ci": None} if compare else None,
        "values": values, "n": [50] * len(values), "unknown": [0] * len(values),
        "lower": [value * 0.8 if averaged else None for value in values],
        "upper": [value * 1.2 if averaged else None for value in values],
        "before_values": [value * 0.9 for value in values] if compare else None,
        "traces": None if others else {"kind": "llm"} | ({"model": group} if group else {}),
    }  # fmt: skip


def _spread(label: str, group: str | None, place: int) -> Json:
    return {"label": label, "group": group, "others": 3 if place == 2 else 0, "n": 100, "unknown": 4,
            "counts": [10, 40, 30, 20], "p50": 48.0, "p95": 170.0, "traces": None}  # fmt: skip


def _report(name: str, starts: list[str]) -> Json:
    if name == "questions":
        example = {"text": "How long may I return shoes?", "trace_id": trace_id(1)}
        cluster = {"label": example["text"], "n": 75, "share": 0.75, "ci": [0.66, 0.82], "users": 31,
                   "words": ["return", "shoes"], "examples": [example]}  # fmt: skip
        return {"type": name, "n": 400, "sampled": 100, "read": 100, "method": "words (TF-IDF)", "coming": False,
                "clusters": [cluster], "others": 25, "traces": {}}  # fmt: skip
    if name == "parameter":
        rows = [
            {"value": str(at / 5), "n": 40, "mean": 0.9 - at / 10, "ci": [0.7 - at / 10, 0.95 - at / 10]}
            for at in range(4)
        ]
        return {"type": name, "parameter": "temperature", "score": "user_feedback", "n": 160, "rows": rows,
                "correlation": None, "sentence": "Higher temperature goes with lower user_feedback."}  # fmt: skip
    rate = {"value": 0.081, "n": 3000, "labels": 120, "ci": [0.06, 0.109]}
    return {
        "type": name, "score": "groundedness", "below": 0.5, "above": None, "rate": rate, "labels": 120,
        "uncorrected": {"value": 0.12, "n": 3000, "ci": [0.11, 0.13]},
        "sentence": "8.1 % are bad (95 % interval 6 % to 10.9 %), by 120 labels of people; the judge alone flags 12 %.",
        "bin_s": 3600, "starts": starts, "values": [0.08] * len(starts), "n": [120] * len(starts),
        "lower": [0.06] * len(starts), "upper": [0.11] * len(starts), "traces": {"score": ["groundedness:lt:0.5"]},
    }  # fmt: skip


def _starts(body: Json) -> list[str]:
    last = _moment(body["until"]).replace(minute=0, second=0, microsecond=0)
    return [(last - timedelta(hours=BINS - 1 - at)).isoformat() for at in range(BINS)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
