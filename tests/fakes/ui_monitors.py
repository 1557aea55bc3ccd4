"""Monitors and their messages over the made-up week: shapes of docs/api/monitors.md."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.ui_world import Json, Overtaken, World, an_id, at

Answer = Callable[[Request], Any]


def monitor_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """A world with traces has the monitors below until a test changes them."""

    def monitors() -> list[Json]:
        if world().traces and not world().monitors:
            world().monitors.extend(_monitors())
        return world().monitors

    def one(request: Request) -> Json:
        for row in monitors():
            if request.path_params["id"] in {row["id"], row["name"]}:
                return row
        raise HTTPException(404)

    async def create(request: Request) -> Json:
        monitors().append({**_monitor(9, "new", "unknown", None), **(await request.json())})
        return monitors()[-1]

    async def replace(request: Request) -> Json:
        row = one(request)
        if request.headers.get("if-match", "*") not in ("*", f'"{row["revision"]}"'):
            raise Overtaken
        row.update(await request.json(), revision=f"{int(row['revision'], 16) + 1:016x}")
        row["status"] = "ok" if row["enabled"] else "off"
        return row

    def remove(request: Request) -> Response:
        monitors().remove(one(request))
        return Response(status_code=204)

    async def silence(request: Request) -> Json:
        one(request)["silenced_until"] = at(hours=-2)
        return {"id": an_id("sil", 1), "reason": (await request.json())["reason"]}

    def looks(request: Request) -> Json:
        finding = one(request)["states"][0]["finding"]
        return _items(
            [{"at": at(minutes=15 * n), "late_s": 40 if n == 1 else 0, "findings": [finding]} for n in range(4)]
        )

    async def add_address(request: Request) -> Json:
        body = await request.json()
        world().addresses.append(_address(len(world().addresses) + 1, body["name"], body["url"].partition("://")[0]))
        return world().addresses[-1]

    async def preview(request: Request) -> Json:
        body = await request.json()
        if body["metric"].get("score") == "beauty":
            raise HTTPException(400)
        return _rehearsal(0 if body["rule"]["kind"] == "missing" else 2)

    async def hush(request: Request) -> Json:
        body = {"subject": None, "starts_at": at(), "ends_at": None, "repeats": None, **(await request.json())}
        body |= {"ends_at": at(minutes=-body.pop("minutes"))} if "minutes" in body else {}
        body |= {"silent_until": None, "next_at": at(hours=-5) if body["repeats"] else None}
        world().silences.append({"id": an_id("sil", len(world().silences) + 1), **body, "by": "user:mara"})
        return world().silences[-1]

    def end(request: Request) -> Response:
        world().silences[:] = [one for one in world().silences if one["id"] != request.path_params["id"]]
        return Response(status_code=204)

    def notices(request: Request) -> Json:
        wanted = {name: request.query_params[name] for name in ("status", "channel") if name in request.query_params}
        told = _NOTICES if world().addresses else []
        return _items([one for one in told if all(one[name] == value for name, value in wanted.items())])

    told = {"sent": True, "error": None, "took_ms": 41.0}
    return [
        ("/monitors", lambda request: _items(monitors()), "GET"),
        ("/monitors", create, "POST"),
        ("/monitors/preview", preview, "POST"),
        ("/monitors/{id}", one, "GET"),
        ("/monitors/{id}", replace, "PUT"),
        ("/monitors/{id}", remove, "DELETE"),
        ("/monitors/{id}/evaluations", looks, "GET"),
        ("/monitors/{id}/past", lambda request: _rehearsal(2), "GET"),
        ("/monitors/{id}/test", lambda request: {"findings": [one(request)["states"][0]["finding"]]}, "POST"),
        ("/monitors/{id}/silence", silence, "POST"),
        ("/notification-channels", lambda request: _items(world().addresses), "GET"),
        ("/notification-channels", add_address, "POST"),
        ("/notification-channels/{id}/test", lambda request: told, "POST"),
        ("/notifications", notices, "GET"),
        ("/silences", lambda request: _items(world().silences), "GET"),
        ("/silences", hush, "POST"),
        ("/silences/{id}", end, "DELETE"),
    ]


def _items(rows: list[Json]) -> Json:
    return {"items": rows, "total": len(rows), "next": None}


def _monitor(n: int, name: str, status: str, value: float | None, **fields: Any) -> Json:
    said = f"{name}: n = 640 in 15 min, {'too few to decide' if value is None else value}."
    window = {"since": at(minutes=20), "until": at(minutes=5)}
    numbers = {"n": 640, "value": value, "expected": None, "bound": 0.05, "unit": "share", "window": window}
    finding = {"group": None, "status": status, **numbers, "sentence": said, "details": {}}
    incident = an_id("inc", 1) if status == "alarm" else None
    return {
        "id": an_id("mon", n), "revision": f"{n:016x}",
        "name": name, "metric": {"name": "error_rate"}, "filter": {"kind": ["llm"]},
        "group_by": None, "rule": {"kind": "threshold", "above": 0.05}, "window_s": 900, "every_s": 300, "min_n": 50,
        "severity": "critical", "notify": None, "enabled": True, "description": "More than one call in twenty fails.",
        "ready_made": True, "status": status,
        "states": [{"group": None, "status": status, "since": at(hours=1), "incident": incident, "finding": finding}],
        "evaluated_at": at(minutes=5), "next_at": at(minutes=-1), "missed": 0, "silenced_until": None,
        "created_at": at(days=6), "created_by": "assay:monitor", **fields,
    }  # fmt: skip


def _rehearsal(fired: int) -> Json:
    said = "Error rate: {} over 15 min (n = 640): {} 5 %."
    numbers = {"group": None, "n": 640, "expected": None, "bound": 0.05, "unit": "share", "details": {}}
    numbers["window"] = {"since": at(hours=3), "until": at(hours=2)}
    rang = {**numbers, "status": "alarm", "value": 0.081, "sentence": said.format("8.1 %", "above")}
    now = {**numbers, "status": "ok", "value": 0.01, "sentence": said.format("1 %", "not above")}
    ended = [at(hours=19), at(hours=39)]
    fires = [{"at": at(hours=20 * n), "until": ended[n - 1], "finding": rang} for n in (1, 2)]
    spent = {"since": at(hours=167), "until": at(), "looks": 168, "blind": 1}
    return {"findings": [now], **spent, "fired": fired, "fires": fires[:fired], "courses": [_course(fired)]}


def _course(fired: int) -> Json:
    points = [
        {"at": at(hours=hours), "status": "ok", "n": 640, "value": 0.01, "expected": None, "bound": 0.05}
        for hours in range(167, -1, -1)
    ]
    for hours in (20, 40)[:fired]:
        points[-1 - hours] |= {"status": "alarm", "value": 0.081}
    points[3] |= {"status": "unknown", "n": 3, "value": 0.3}
    return {"group": None, "unit": "share", "points": points}


def _monitors() -> list[Json]:
    usual = {"kind": "change", "change": 0.2, "direction": "up", "false_alarms_per_year": 1, "days": 28}
    return [
        _monitor(1, "daily-cost", "unknown", None, metric={"name": "cost"}, rule=usual, window_s=86_400),
        _monitor(2, "error-rate", "alarm", 0.081),
        _monitor(3, "schema-violations", "ok", 0.004, metric={"name": "schema_violations"}),
    ]


def _address(n: int, name: str, scheme: str) -> Json:
    sent = {"last_sent_at": None, "last_error": None}
    told = {"name": name, "service": scheme, "address": f"{scheme}://…", "enabled": True}
    return {"id": an_id("nch", n), **told, "created_at": at(days=1), "created_by": "user:mara", **sent}


def some_addresses() -> list[Json]:
    failed = {"last_error": "The address answered 404."}
    return [_address(1, "on-call", "slack"), {**_address(2, "night", "json"), **failed}]


_NOTICES = [
    {
        "id": an_id("ntf", n), "channel": an_id("nch", n), "incident": an_id("inc", 1), "event": "opened",
        "title": "error-rate is in alarm", "status": status, "attempts": n, "next_at": None, "sent_at": sent,
        "error": error, "created_at": at(hours=1),
    }
    for n, (status, sent, error) in enumerate((("sent", at(minutes=58), None), ("failed", None, "It answered 404.")), 1)
]  # fmt: skip
