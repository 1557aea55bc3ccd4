"""Searching traces, saved views and the live tail over the made-up week: shapes of docs/api/{search,looking}.md."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.fakes.ui_world import Json, World, at

Answer = Callable[[Request], Any]

CAP = 10_000
_PART = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_ORDER = re.compile("(start|latency|cost|tokens|score[.].+):(asc|desc)")
_LATENCY = re.compile(r"latency>(\d+)(ms|s)$")


def search_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """`world().telling` holds what the live tail sends, `world().behind` how far the index of words is behind."""

    def traces(request: Request) -> Any:
        try:
            rows = [row for row in world().traces if _fits(row, request.query_params)]
        except ValueError as error:
            return _misread(str(error))
        sort = request.query_params.get("sort")
        if sort is not None and not _ORDER.fullmatch(sort):
            return _unsorted(sort)
        if sort is not None:
            rows = _sorted(rows, sort)
        start, limit = int(request.query_params.get("cursor", 0)), int(request.query_params.get("limit", 50))
        more = start + limit < len(rows)
        words = [part for part in _parts(request.query_params.get("q", "")) if ":" not in part and ">" not in part]
        many = len(rows) > world().counted
        return {
            "items": rows[start : start + limit],
            "total": min(len(rows), world().counted),
            "total_is": "at_least" if many else "exact",
            "next": str(start + limit) if more else None,
            "sorted_among": world().counted if sort is not None and words and many else None,
            "text": {"state": "ready", "behind": world().behind} if words else None,
        }

    def facets(request: Request) -> Json:
        name, counts = request.query_params["field"], dict[str, int]()
        for row in world().traces:
            for value in _values(row, name):
                if value is not None:
                    counts[value] = counts.get(value, 0) + 1
        items = [{"value": value, "n": n} for value, n in sorted(counts.items(), key=lambda one: -one[1])[:20]]
        return {"items": items, "of": len(world().traces)}

    async def save(request: Request) -> Json:
        name = request.path_params["name"]
        world().views[:] = [view for view in world().views if view["name"] != name]
        world().views.append({"name": name, **(await request.json()), "updated_at": at(), "updated_by": "user:mara"})
        return world().views[-1]

    def forget(request: Request) -> Response:
        world().views[:] = [view for view in world().views if view["name"] != request.path_params["name"]]
        return Response(status_code=204)

    def tail(request: Request) -> Response:
        return StreamingResponse(_told(world), media_type="text/event-stream")

    return [
        ("/traces", traces, "GET"),
        ("/facets", facets, "GET"),
        ("/views", lambda request: {"items": sorted(world().views, key=lambda view: str(view["name"]))}, "GET"),
        ("/views/{name}", save, "PUT"),
        ("/views/{name}", forget, "DELETE"),
        ("/tail", tail, "GET"),
    ]


async def _told(world: Callable[[], World]) -> AsyncIterator[str]:
    """What is to be told, each once, until there is a None: then the connection breaks."""
    yield ": quiet\n\n"
    sent = 0
    while True:
        telling = world().telling
        while sent < len(telling):
            event = telling[sent]
            sent += 1
            if event is None:
                return
            yield f"event: {event[0]}\ndata: {json.dumps(event[1])}\n\n"
        await asyncio.sleep(0.05)


def _sorted(rows: list[Json], sort: str) -> list[Json]:
    by, _, way = sort.rpartition(":")

    def value(row: Json) -> Any:
        if by.startswith("score."):
            return row["scores"].get(by.removeprefix("score."), {}).get("mean")
        tokens = sum(n or 0 for n in row["tokens"].values())
        return {"start": row["start"], "latency": row["latency_ms"], "cost": row["cost"]["usd"], "tokens": tokens}[by]

    known = [row for row in rows if value(row) is not None]
    return sorted(known, key=value, reverse=way == "desc") + [row for row in rows if value(row) is None]


def _parts(q: str) -> list[str]:
    return _PART.findall(q)


def _fits(row: Json, wanted: Any) -> bool:
    if "since" in wanted and row["start"] < wanted["since"]:
        return False
    return all(_holds(row, part) for part in _parts(wanted.get("q", "")))


def _holds(row: Json, part: str) -> bool:
    """Raises ValueError for what cannot be read."""
    field, colon, value = part.partition(":")
    if part.startswith("latency"):
        bound = _LATENCY.match(part)
        if bound is None:
            raise ValueError(part)
        return bool(row["latency_ms"] > float(bound[1]) * {"ms": 1, "s": 1000}[bound[2]])
    if colon and field in {"status", "model", "user", "name", "release", "channel", "arm", "kind", "session"}:
        return any(one.strip('"') in _values(row, field) for one in value.split(","))
    return part.strip('"').lower() in f"{row['input']} {row['output']}".lower()


def _values(row: Json, field: str) -> list[Any]:
    if field == "model":
        return list(row["models"])
    if field == "score":
        return list(row["scores"])
    return [row.get(field)]


def _misread(part: str) -> JSONResponse:
    document = {
        "type": "about:blank", "title": "This cannot be read", "status": 400, "code": "invalid_input", "field": "q",
        "value": part, "detail": f"'{part}' has no unit.", "fix": "write latency>2s or latency>200ms",
    }  # fmt: skip
    return JSONResponse(document, 400, media_type="application/problem+json")


def _unsorted(sort: str) -> JSONResponse:
    document = {
        "type": "about:blank", "title": "Invalid input", "status": 400, "code": "invalid_input", "field": "sort",
        "value": sort, "detail": "The list cannot be sorted by this.", "fix": "FIELD:asc or FIELD:desc",
    }  # fmt: skip
    return JSONResponse(document, 400, media_type="application/problem+json")


def a_span(n: int, **fields: Any) -> Json:
    """A span as the live tail tells it."""
    ids = {"trace_id": f"{n:032x}", "span_id": f"{n:016x}", "parent_id": None, "user": "u-0061", "session": "s-0"}
    told = {"name": f"answer {n}", "kind": "llm", "status": "ok", "model": "quote-2026-11-01", "cost": 0.0021}
    times = {"start": at(), "latency_ms": 412.0}
    said = {"input": "How long may I return shoes?", "output": "30 days."}
    return {**ids, **told, **times, **said, **fields}
