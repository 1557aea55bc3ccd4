"""What is kept and what is let go, what comes in and what goes on: shapes of docs/api/{keeping,forwarding}.md."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.ui_world import Json, Overtaken, World, an_id, at

Answer = Callable[[Request], Any]


def keeping_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """`world().kept` holds all of it once it is asked for."""

    def kept() -> Json:
        if not world().kept:
            world().kept.update(_begun() if world().traces else _nothing())
        return world().kept

    async def put_rules(request: Request) -> Response:
        now, body = kept()["retention"], await request.json()
        _same(request, now)
        now.update(rules=body["rules"], revision=now["revision"] + 1, updated_at=at(), updated_by="user:mara")
        now["applies_from"] = at(hours=-1)
        return _tagged(now)

    def passed(request: Request) -> Json:
        kept()["passes"].insert(0, _pass(len(kept()["passes"]) + 1, {"spans": 0}, "running"))
        return kept()["passes"][0]

    async def delete_person(request: Request) -> Json:
        body = await request.json()
        if body.get("user") != "u-0061" and "trace_id" not in body:
            raise HTTPException(404)
        if request.query_params.get("dry_run"):
            return _found(body.get("trace_id"))
        kept()["deletions"].insert(
            0, {**_deletion(len(kept()["deletions"]) + 1, "running", body["reason"]), **_of(body.get("trace_id"))}
        )
        return kept()["deletions"][0]

    def back_up(request: Request) -> Json:
        kept()["backups"].insert(0, _backup(len(kept()["backups"]) + 1, "running"))
        return kept()["backups"][0]

    async def put_quotas(request: Request) -> Response:
        now, body = kept()["quotas"], await request.json()
        _same(request, now)
        now.update(limits=body["limits"], warn_at=body["warn_at"], revision=now["revision"] + 1)
        return _tagged(now)

    async def put_sampling(request: Request) -> Response:
        now, body = kept()["sampling"], await request.json()
        _same(request, now)
        now.update(rules=body["rules"], tail=body["tail"], revision=now["revision"] + 1, updated_at=at())
        now["updated_by"] = "user:mara"
        return _tagged(now)

    async def put_flags(request: Request) -> Response:
        now, body = kept()["flags"], await request.json()
        _same(request, now)
        now.update(checks=body["checks"], share=body["share"], revision=now["revision"] + 1, updated_at=at())
        now["updated_by"] = "user:mara"
        return _tagged(now)

    async def export(request: Request) -> Json:
        made = {
            "id": an_id("exp", 9),
            "next_at": at(hours=-3),
            "last": None,
            "created_at": at(),
            "created_by": "user:mara",
        }
        kept()["exports"].append({**made, **(await request.json())})
        return kept()["exports"][-1]

    def one_export(request: Request) -> Json:
        for row in kept()["exports"]:
            if row["id"] == request.path_params["id"]:
                return row
        raise HTTPException(404)

    async def put_export(request: Request) -> Json:
        row = one_export(request)
        row.update(await request.json())
        return row

    async def forward(request: Request) -> Json:
        name, body = request.path_params["name"], await request.json()
        kept()["forwards"][:] = [one for one in kept()["forwards"] if one["name"] != name] + [_forward(name, **body)]
        return kept()["forwards"][-1]

    def gone(noun: str, field: str) -> Answer:
        def answer(request: Request) -> Response:
            wanted = request.path_params[field if field == "name" else "id"]
            kept()[noun][:] = [one for one in kept()[noun] if one[field] != wanted]
            return Response(status_code=204)

        return answer

    def listed(noun: str) -> Answer:
        return lambda request: _items(kept()[noun])

    told = {"ok": True, "status": 200, "error": None}
    return [
        ("/retention", lambda request: _tagged(kept()["retention"]), "GET"),
        ("/retention", put_rules, "PUT"),
        ("/retention/preview", lambda request: _REMOVED, "POST"),
        ("/retention/passes", listed("passes"), "GET"),
        ("/retention/passes", passed, "POST"),
        ("/deletions", listed("deletions"), "GET"),
        ("/deletions", delete_person, "POST"),
        ("/backups", listed("backups"), "GET"),
        ("/backups", back_up, "POST"),
        ("/backups/{id}/verify", lambda request: kept()["backups"][0], "POST"),
        ("/backups/{id}", gone("backups", "id"), "DELETE"),
        ("/quotas", lambda request: _tagged(kept()["quotas"]), "GET"),
        ("/quotas", put_quotas, "PUT"),
        ("/quotas/days", lambda request: {"items": kept()["days"]}, "GET"),
        ("/sampling", lambda request: _tagged(kept()["sampling"]), "GET"),
        ("/sampling", put_sampling, "PUT"),
        ("/sampling/preview", lambda request: _SAMPLED, "POST"),
        ("/flags", lambda request: _tagged(kept()["flags"]), "GET"),
        ("/flags", put_flags, "PUT"),
        ("/exports", listed("exports"), "GET"),
        ("/exports", export, "POST"),
        ("/exports/{id}", one_export, "GET"),
        ("/exports/{id}", put_export, "PUT"),
        ("/exports/{id}", gone("exports", "id"), "DELETE"),
        ("/exports/{id}/runs", lambda request: _items([_RUN]), "GET"),
        ("/exports/{id}/run", lambda request: _RUN, "POST"),
        ("/forwards", listed("forwards"), "GET"),
        ("/forwards/{name}", forward, "PUT"),
        ("/forwards/{name}", gone("forwards", "name"), "DELETE"),
        ("/forwards/{name}/test", lambda request: told, "POST"),
        ("/scores", lambda request: _items(_scores(world()) if world().traces else []), "GET"),
    ]


def _tagged(document: Json) -> Response:
    shown = {name: value for name, value in document.items() if name != "revision"}
    return JSONResponse(shown, headers={"etag": f'"{document["revision"]}"'})


def _same(request: Request, document: Json) -> None:
    if request.headers.get("if-match") != f'"{document["revision"]}"':
        raise Overtaken


def _items(rows: list[Json]) -> Json:
    return {"items": rows, "total": len(rows), "next": None}


def _nothing() -> Json:
    empty: Json = {name: [] for name in ("passes", "deletions", "backups", "days", "exports", "forwards")}
    nobody = {"revision": 0, "updated_at": None, "updated_by": None}
    retention = {"rules": [], "applies_from": None, "next": None, "last": None, **nobody}
    sampling = {"rules": [], "tail": None, "waiting": {"spans": 0, "traces": 0}, **nobody}
    flags = {"checks": [], "share": 1.0, "available": _CHECKS, "today": dict.fromkeys(_DONE, 0), **nobody}
    limits = dict.fromkeys(_QUOTAS)
    use = [_use(quota, None, 0) for quota in _QUOTAS]
    quotas = {"limits": limits, "warn_at": 0.8, "use": use, **nobody}
    return {**empty, "retention": retention, "sampling": sampling, "flags": flags, "quotas": quotas}


def _begun() -> Json:
    by = {"revision": 3, "updated_at": at(days=4), "updated_by": "user:mara"}
    whole = {"environment": None, "metadata_days": 365, "text_days": 30, "scores_days": None, "runs_days": None}
    staging = {"environment": "staging", "metadata_days": 30, "text_days": 7}
    retention = {"rules": [whole, staging], "applies_from": at(days=4), "next": at(hours=-2), "last": None, **by}
    health = {"name": "health", "match": {"name": ["GET /healthz"]}, "action": "drop"}
    chatty = {
        "name": "chatty",
        "match": {"service": "crawler", "kind": ["llm", "tool"]},
        "action": "sample",
        "rate": 0.1,
    }
    tail = {"share": 0.25, "quiet_s": 30, "patience_s": 600, "errors": True, "slower_than_ms": None}
    tail |= {"slower_than_quantile": 0.95, "flagged": True}
    sampling = {"rules": [health, chatty], "tail": tail, "waiting": {"spans": 41, "traces": 9}, **by}
    today = {"scored": 8_312, "skipped": 1_204, "dropped": 37}
    flags = {"checks": ["toxicity"], "share": 0.1, "available": _CHECKS, "today": today, **by}
    limits = {"spans_per_day": 1_000_000, "bytes_per_day": None, "spans_per_month": 20_000_000, "bytes_per_month": None}
    used = {"spans_per_day": 862_114, "bytes_per_day": 3_104_000_000, "spans_per_month": 14_200_031}
    use = [_use(quota, limits[quota], used.get(quota, 51_200_000_000)) for quota in _QUOTAS]
    days = [{"day": f"2026-11-{20 + n}", "spans": 800_000 + 9_000 * n, "bytes": 2_900_000_000, "refused": 12 * (n == 1), "sampled_out": 61_000, "dropped": 4_300} for n in range(4)]  # fmt: skip  # noqa: E501
    return {
        "retention": retention,
        "sampling": sampling,
        "flags": flags,
        "quotas": {"limits": limits, "warn_at": 0.8, "use": use, **by},
        "days": days,
        "passes": [_pass(2, {"spans": 0, "texts": 12_400}), _pass(1, {"spans": 310, "texts": 9_104, "log_texts": 77})],
        "deletions": [_deletion(1, "done", "asked by letter, 12 November")],
        "backups": [_backup(2, "done"), _backup(1, "failed")],
        "exports": [_EXPORT],
        "forwards": [
            _forward("tempo"),
            _forward("audit-lake", state="retrying", last_error="It answered 503.", rejected=3),
        ],
    }


_CHECKS, _DONE = ["toxicity", "groundedness"], ("scored", "skipped", "dropped")
_QUOTAS = ("spans_per_day", "bytes_per_day", "spans_per_month", "bytes_per_month")


def _use(quota: str, limit: int | None, used: int) -> Json:
    share = None if limit is None else used / limit
    state = "open" if share is None or share < 0.8 else "warning"
    turns = {"resets_at": at(hours=-7), "refused": 0}
    return {"quota": quota, "limit": limit, "used": used, "share": share, "state": state, **turns}


def _pass(n: int, removed: Json, status: str = "done") -> Json:
    times = {"started_at": at(hours=26 * n), "ended_at": None if status == "running" else at(hours=26 * n)}
    rest = {"text_before": {}, "rows_before": {}, "longest_hold_ms": 41.0, "error": None}
    return {"id": an_id("ret", n), "status": status, "removed": removed, **times, **rest}


_REMOVED = {
    "spans": 1204,
    "traces": 310,
    "texts": 88_310,
    "log_records": 0,
    "log_texts": 12,
    "scores": 0,
    "score_texts": 0,
    "run_items": 0,
    "oldest": at(days=400),
    "as_of": at(),
}
_HASH = "sha256:" + "9f2c" * 16


def _of(trace_id: str | None) -> Json:
    return {"user_hash": None if trace_id else _HASH, "trace_id": trace_id}


def _found(trace_id: str | None = None) -> Json:
    found = {"spans": 120, "traces": 40, "scores": 7, "log_records": 3, "run_items": 0, "partial_spans": 0, "media": 2}
    held = {"dataset": "golden", "versions": [1, 2], "items": ["itm_1", "itm_2"], "decision": "keep or erase"}
    copy = {"backup": an_id("bak", 2), "made_at": at(days=1), "expires_at": None, "where": "/var/backups/assay"}
    span = {"first": at(days=6), "last": at(hours=2), "sessions": 4}
    return {**_of(trace_id), "found": found, **span, "held": [held], "copies": [copy]}


def _deletion(n: int, status: str, reason: str) -> Json:
    done = status == "done"
    proof = f"/api/v1/deletions/{an_id('del', n)}/proof" if done else None
    asked = {"requested_at": at(days=2), "requested_by": "user:mara", "ended_at": at(days=2) if done else None}
    step = None if done else "rewriting"
    rest = {
        **_of(None),
        "reason": reason,
        "found": _found()["found"],
        "error": None,
        "proof": proof,
        "remaining": [],
    }
    if done:
        rest["remaining"] = [
            {
                "where": "dataset golden, versions 1, 2",
                "items": ["itm_1", "itm_2"],
                "why": "items made from this person's spans",
            },
            {
                "where": "backup bak_1, /var/backups/assay",
                "backup": "bak_1",
                "expires_at": None,
                "why": "made before the deletion",
            },
        ]
    return {"id": an_id("del", n), "status": status, "step": step, **asked, **rest}


def _backup(n: int, status: str) -> Json:
    done = status == "done"
    rows = {"spans": 1_204_331, "scores": 80_114} if done else None
    sizes = {"took_s": 11.2, "bytes": 812_000_000 if done else None, "rows": rows, "longest_hold_ms": 38.0}
    fault = "There is no room on the disk." if status == "failed" else None
    ends = {"verified_at": at(hours=20) if done else None, "expires_at": None, "version": "0.1.0", "error": fault}
    made = {"path": f"/var/backups/assay/2026-11-2{n}" if done else None, "made_at": at(days=3 - n)}
    return {"id": an_id("bak", n), "status": status, **made, **sizes, **ends}


_SAMPLED = {
    "since": at(days=1),
    "until": at(),
    "spans": 184_000,
    "of": 184_000,
    "traces": 31_000,
    "kept_content": 120_000,
    "sampled_out": 60_000,
    "dropped": 4_000,
    "lacking": {"calls": 310, "cost": {"usd": 2.4, "unknown": 0}},
    "bytes": {"content": 610_000_000, "saved": 220_000_000},
    "by_rule": [
        {"rule": "health", "action": "drop", "spans": 4_000},
        {"rule": "chatty", "action": "sample", "spans": 60_000},
    ],
}
_RUN = {
    "window_start": at(hours=26),
    "window_end": at(hours=2),
    "status": "done",
    "rows": 812_044,
    "bytes": 61_000_000,
    "file": "bi/spans/day=2026-11-24/spans-2026-11-24.parquet",
    "error": None,
    "attempts": 1,
    "started_at": at(hours=2),
    "ended_at": at(hours=2),
    "late_s": 0,
}
_EXPORT = {
    "id": an_id("exp", 1),
    "name": "for-power-bi",
    "what": "spans",
    "filter": {"kind": "llm"},
    "format": "parquet",
    "every": "day",
    "target": {"folder": "bi/spans"},
    "enabled": True,
    "next_at": at(hours=-6),
    "last": _RUN,
    "created_at": at(days=3),
    "created_by": "user:mara",
}


def _forward(name: str, **fields: Any) -> Json:
    given = {"endpoint": f"https://{name}.example.com:4318", "headers": {"authorization": "env:ASSAY_FORWARD_TOKEN"}}
    scope = {"signals": ["traces"], "filter": {}, "share": 1.0, "enabled": True, "state": "ok"}
    counts = {"waiting": 12, "oldest_at": at(minutes=1), "sent": 1_310_044, "rejected": 0}
    ends = {"last_sent_at": at(minutes=1), "last_error": None, "next_try_at": None}
    return {"name": name, **given, **scope, **counts, **ends, **fields}


def _scores(world: World) -> list[Json]:
    said = [("up", 1.0, None), ("down", 0.0, "It told me about shoes, I asked about a phone.")]
    return [
        {
            "id": f"scr_f{n}",
            "name": "user_feedback",
            "time": at(minutes=5 * n),
            "source": "end_user",
            "value": value,
            "label": label,
            "error": None,
            "reason": reason,
            "author": "key:feedback",
            "version": None,
            "trace_id": world.traces[n]["trace_id"],
            "span_id": None,
        }
        for n, (label, value, reason) in enumerate(said)
    ]
