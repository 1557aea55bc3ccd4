"""The cost routes over the made-up week: shapes of docs/api/costs.md."""

# ruff: noqa: E501  rows of data read best as rows

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.ui_world import Json, World, an_id, at

Answer = Callable[[Request], Any]

QUOTE, SMALL = "quote-2026-11-01", "qwen3-0.6b"
_BUCKETS = ("fresh_input", "cache_read", "cache_write", "output", "reasoning")


def cost_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """Path, answer, method. `world` is asked at each request: a test may have exchanged it."""

    def unless_empty(full: Callable[[Request], Json], empty: Callable[[Request], Json]) -> Answer:
        return lambda request: full(request) if world().traces else empty(request)

    async def put_price(request: Request) -> Json:
        body = await request.json()
        price = {**_price(len(world().prices) + 1, request.path_params["model"]), **body}
        world().prices.insert(0, price)
        world().repricings.insert(
            0,
            {
                "id": an_id("rpr", 9),
                "status": "done",
                "model": price["model"],
                "since": None,
                "calls": 14,
                "created_at": at(),
                "ended_at": at(),
            },
        )
        return {**price, "repricing": world().repricings[0]}

    def remove_price(request: Request) -> Response:
        world().prices[:] = [one for one in world().prices if one["id"] != request.path_params["id"]]
        return Response(status_code=204)

    def unpriced(request: Request) -> Json:
        priced = {one["model"] for one in world().prices}
        return _items([one for one in (_UNPRICED if world().traces else []) if one["model"] not in priced])

    return [
        ("/costs", unless_empty(_breakdown, _nothing), "GET"),
        ("/costs/why", unless_empty(_why, _why_nothing), "GET"),
        ("/costs/forecast", unless_empty(_forecast, _forecast_nothing), "GET"),
        ("/costs/savings", unless_empty(_savings, lambda request: {**_savings(request), "calls": 0}), "GET"),
        ("/prices", lambda request: _items(world().prices), "GET"),
        ("/prices/{model:path}", put_price, "PUT"),
        ("/prices/{id}", remove_price, "DELETE"),
        ("/models/unpriced", unpriced, "GET"),
        ("/repricings", lambda request: _items(world().repricings), "GET"),
    ]


def _items(rows: list[Json]) -> Json:
    return {"items": rows, "total": len(rows), "next": None}


def _price(n: int, model: str) -> Json:
    rates = {
        "input": 0.4,
        "output": 1.6,
        "cache_read": None,
        "cache_write": None,
        "reasoning": None,
        "request": None,
        "batch": None,
    }
    return {
        "id": an_id("prc", n),
        "model": model,
        "provider": None,
        **rates,
        "tiers": [],
        "valid_from": None,
        "created_at": at(days=2),
        "created_by": "user:mara",
    }


def _amount(calls: int, usd: float | None, unknown: int = 0) -> Json:
    return {
        "calls": calls,
        "cost": {"usd": usd, "unknown": unknown},
        "tokens": _tokens(calls),
    }


def _tokens(calls: int) -> dict[str, int | None]:
    counted = dict(zip(_BUCKETS, (calls * 410, calls * 900, calls * 40, calls * 62, None), strict=True))
    return {**counted, "input_total": calls * 1350, "output_total": calls * 62}


_UNPRICED = [
    {"provider": "local", "model": SMALL, "calls": 14, "tokens": _tokens(14), "first_seen": at(days=3), "last_seen": at(hours=2), "others": None},
    {"provider": None, "model": "house/mixtral-tuned-2026-09", "calls": 3, "tokens": dict.fromkeys(_tokens(3)), "first_seen": at(days=1), "last_seen": at(hours=9), "others": None},
    {"provider": "openai", "model": "batched", "calls": 2, "tokens": _tokens(2), "first_seen": at(days=1), "last_seen": at(hours=9),
     "others": {"source": "project:prc_tiered", "rates": {"input": 1.0}}},
]  # fmt: skip


def _window(request: Request) -> tuple[datetime, datetime]:
    wanted = request.query_params
    until = datetime.fromisoformat(wanted.get("until") or at())
    return datetime.fromisoformat(wanted.get("since") or (until - timedelta(days=7)).isoformat()), until


def _nothing(request: Request) -> Json:
    since, until = _window(request)
    none = {**_amount(0, None), "tokens": dict.fromkeys((*_BUCKETS, "input_total", "output_total"))}
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "group_by": request.query_params.get("group_by"),
        "total": none,
        "items": [],
        "others": {"groups": 0, **none},
        "overlapping": False,
        "unmetered": 0,
        "removed_before": None,
        "dropped": None,
    }


def _breakdown(request: Request) -> Json:
    since, until = _window(request)
    by = request.query_params.get("group_by")
    values: dict[str | None, list[str | None]] = {
        "user": ["lena", "omar", "ingrid", None], "release": [an_id("rel", 3), an_id("rel", 4), None],
        "tag": ["team:support", "beta", None], "session": ["s-1", "s-2", None], None: [None],
    }  # fmt: skip
    groups = values.get(by, [QUOTE, SMALL, "house/mixtral-tuned-2026-09"])
    days = [since + timedelta(days=n) for n in range(max(1, (until - since).days))]
    items = [
        {
            "value": value,
            **_amount(400 // (n + 1), None if value in {SMALL, "house/mixtral-tuned-2026-09"} else 12.4 / (n + 1), 14 if value == SMALL else 0),
            "share": 0.8 / (n + 1),
            "bins": [{"start": day.replace(hour=0, minute=0, second=0, microsecond=0).isoformat(), **_amount(50 - n, 1.1 + 0.13 * i - 0.2 * n)} for i, day in enumerate(days)],
        }
        for n, value in enumerate(groups)
    ]  # fmt: skip
    total = _amount(571, 12.4 if "until" not in request.query_params else 11.1, 17)
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "group_by": by,
        "bin": request.query_params.get("bin"),
        "total": total,
        "items": items,
        "others": {"groups": 0, **_amount(0, None)},
        "overlapping": by == "tag",
        "unmetered": 12,
        "removed_before": None,
        "dropped": None,
    }


def _why(request: Request) -> Json:
    day = request.query_params.get("day") or at(days=1)[:10]
    terms = [
        {"term": "volume", "usd": 10.0, "share": 0.32, "sentence": "10 % more calls: 1,100 instead of 1,000."},
        {
            "term": "tokens",
            "usd": 23.5,
            "share": 0.76,
            "sentence": "A call takes 1,910 input tokens instead of 1,420: six documents instead of three.",
        },
        {"term": "price", "usd": 0.0, "share": 0.0, "sentence": "No price changed."},
        {"term": "mix", "usd": -2.5, "share": -0.08, "sentence": "More of the calls went to cheaper models."},
    ]
    drivers = [
        {
            "term": "tokens",
            "provider": "extractive",
            "model": QUOTE,
            "name": "answer",
            "usd": 21.4,
            "sentence": "answer takes 34 % more input tokens a call.",
        },
        {
            "term": "volume",
            "provider": "extractive",
            "model": QUOTE,
            "name": "answer",
            "usd": 9.1,
            "sentence": "answer was called 95 times more.",
        },
    ]
    cost = {
        "before": {"usd": 100.0, "unknown": 0},
        "after": {"usd": 131.0, "unknown": 3},
        "change": 31.0,
        "relative": 0.31,
    }
    return {
        "day": day,
        "against": request.query_params.get("against") or at(days=2)[:10],
        "cost": cost,
        "calls": {"before": 1000, "after": 1100},
        "terms": terms,
        "drivers": drivers,
        "sentence": "This day cost $31.00 more (31 %): most of it because calls are longer.",
    }


def _why_nothing(request: Request) -> Json:
    none = {"usd": None, "unknown": 0}
    return {
        **_why(request),
        "cost": {"before": none, "after": none, "change": None, "relative": None},
        "calls": {"before": 0, "after": 0},
        "terms": [],
        "drivers": [],
        "sentence": "No calls on either day.",
    }


def _forecast(request: Request) -> Json:
    history = [{"day": at(days=60 - n)[:10], "usd": 11 + 0.05 * n + (2.0 if n % 7 < 5 else 0.0)} for n in range(60)]
    ahead = [
        {"day": at(days=-n)[:10], "usd": 14.5, "lower": 13.0 - 0.1 * n, "upper": 16.0 + 0.1 * n} for n in range(14)
    ]
    return {
        "history": history,
        "forecast": ahead,
        "total": {"usd": 203.0, "lower": 184.2, "upper": 222.9},
        "level": 0.8,
        "trend_per_week": 0.03,
        "backtest": {"coverage": 0.79, "n": 210, "error": 0.08},
        "sentence": "The next 14 days will cost about $203.00, between $184.20 and $222.90.",
        "unknown": 17,
    }


def _forecast_nothing(request: Request) -> Json:
    return {
        "history": [],
        "forecast": [],
        "total": None,
        "level": 0.8,
        "trend_per_week": None,
        "backtest": None,
        "sentence": "A forecast needs 28 full days; there are none yet.",
        "unknown": 0,
    }


def _savings(request: Request) -> Json:
    cheaper = request.query_params.get("cheaper")
    return {
        "cost": {"usd": 12.4, "unknown": 17},
        "calls": 571,
        "caching": {"ttl_s": 3600.0, "calls": 61, "looked_at": 1240, "unread": 0, "saved": {"usd": 1.31, "unknown": 0}, "share": 0.107, "top": [{"model": QUOTE, "name": "answer", "times": 23, "usd": 0.51, "preview": "Where is my order, [EMAIL_ADDRESS] is my address"}], "sentence": "61 calls asked what had been asked within the hour before."},
        "cheaper": {"model": cheaper, "under": 1000, "calls": 302, "usd_now": 5.1, "usd_then": 0.8, "saved": {"usd": 4.3, "unknown": 0}, "sentence": f"302 calls under 1,000 tokens would have cost $0.80 with {cheaper}."} if cheaper else None,
        "prefix": {"calls": 571, "sampled": 400, "share": 0.44, "tokens": 339_000, "saved_by_prefix_cache": {"usd": 2.2, "unknown": 0}, "saved_per_tenth": {"usd": 0.4, "unknown": 0}, "groups": [{"model": QUOTE, "name": "answer", "calls": 540, "share": 0.46, "tokens_per_call": 612, "usd": 4.9}], "sentence": "44 % of the input are beginnings that were sent before."},
    }  # fmt: skip
