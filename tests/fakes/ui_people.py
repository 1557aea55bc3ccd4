"""Sessions and users over the made-up week: shapes of docs/api/looking.md."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from tests.fakes.ui_world import Json, World

Answer = Callable[[Request], Any]


def people_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """Everything is derived from the world's traces, newest first."""

    def of(request: Request, field: str) -> list[Json]:
        wanted = request.query_params["id"]
        rows = [row for row in world().traces if row[field] == wanted]
        if not rows:
            raise HTTPException(404)
        return rows

    def session(request: Request) -> Json:
        rows = of(request, "session")
        turns = [_turn(row) for row in reversed(rows)]
        return {**_session(rows), "turns": turns, "more": False, "scores": []}

    def user(request: Request) -> Json:
        rows = of(request, "user")
        days = [
            {"day": day, **_sums(some)} for day, some in sorted(_grouped(rows, lambda row: row["start"][:10]).items())
        ]
        models = [
            {"model": row["models"][0], "calls": 3, "tokens": row["tokens"], "cost": row["cost"]} for row in rows[:1]
        ]
        recent = [_session(some) for some in _grouped(rows, lambda row: row["session"]).values()][:20]
        return {
            **_user(rows),
            "days": days,
            "models": models,
            "recent": recent,
            "scores": [{"name": "thumbs", "n": 4, "mean": 0.75}],
        }

    def listed(field: str, told: Callable[[list[Json]], Json]) -> Answer:
        def answer(request: Request) -> Json:
            only = request.query_params.get("user")
            part = request.query_params.get("q", "").lower()
            rows = [row for row in world().traces if only in {None, row["user"]} and part in (row[field] or "").lower()]
            found = [told(some) for some in _grouped(rows, lambda row: row[field]).values()]
            by, _, way = request.query_params.get("sort", "").rpartition(":")
            if by:
                found.sort(
                    key=lambda row: (row["cost"]["usd"] or 0) if by == "cost" else row[by], reverse=way == "desc"
                )
            return {"items": found[:100], "total": len(found), "next": None}

        return answer

    return [
        ("/sessions", listed("session", _session), "GET"),
        ("/sessions/one", session, "GET"),
        ("/users", listed("user", _user), "GET"),
        ("/users/one", user, "GET"),
    ]


def _grouped(rows: list[Json], key: Callable[[Json], str | None]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for row in rows:
        if (name := key(row)) is not None:
            found.setdefault(name, []).append(row)
    return found


def _sums(rows: list[Json]) -> Json:
    known = [row["cost"]["usd"] for row in rows if row["cost"]["usd"] is not None]
    return {
        "traces": len(rows),
        "errors": sum(row["status"] == "error" for row in rows),
        "tokens": {side: sum(row["tokens"][side] or 0 for row in rows) for side in ("input", "output")},
        "cost": {"usd": sum(known) if known else None, "unknown": sum(row["cost"]["unknown"] for row in rows)},
    }


def _session(rows: list[Json]) -> Json:
    first, last = rows[-1], rows[0]
    told = {"start": first["start"], "last": last["start"], "input": first["input"], "output": last["output"]}
    return {"session": first["session"], "user": first["user"], **told, **_sums(rows)}


def _user(rows: list[Json]) -> Json:
    sessions = {row["session"] for row in rows} - {None}
    return {
        "user": rows[0]["user"],
        "first": rows[-1]["start"],
        "last": rows[0]["start"],
        "sessions": len(sessions),
        **_sums(rows),
    }


def _turn(row: Json) -> Json:
    """With a conversation that repeats what was said before, as most applications send it."""
    before = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello, how can I help?"},
    ]
    return {
        **row,
        "input": [*before, {"role": "user", "content": row["input"] or ""}],
        "output": [{"role": "assistant", "content": row["output"] or ""}],
    }
