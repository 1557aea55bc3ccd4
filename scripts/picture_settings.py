"""What the team of the made-up agent has set: monitors, rules for keeping, exports, a person who was let go."""

import sys
from collections import Counter
from typing import Any

import httpx
from picture_trace import Trace

Json = dict[str, Any]

MONITORS: tuple[Json, ...] = (
    {
        "name": "slow-answers", "metric": {"name": "latency", "quantile": 0.95},
        "rule": {"kind": "threshold", "above": 3500},
        "window_s": 10_800, "severity": "warning", "description": "Nobody waits longer for a train.",
    },
    {
        "name": "tools-fail", "metric": {"name": "error_rate"}, "rule": {"kind": "threshold", "above": 0.2},
        "filter": {"kind": ["tool"]}, "window_s": 86_400, "severity": "critical",
        "description": "Ask the owner of the timetable.",
    },
)  # fmt: skip
RETENTION = [
    {"environment": None, "metadata_days": 365, "text_days": 90, "scores_days": None, "runs_days": None},
    {"environment": "staging", "metadata_days": 30, "text_days": 7},
]
SAMPLING: Json = {
    "rules": [
        {"name": "health checks", "match": {"name": "GET /health*"}, "action": "drop"},
        {"name": "load tests", "match": {"user": "load-*"}, "action": "sample", "rate": 0.05},
    ],
    "tail": None,
}
QUOTAS = {"limits": {"spans_per_day": 2_000_000, "bytes_per_month": 200_000_000_000}, "warn_at": 0.8}
VIEWS: dict[str, Json] = {
    "Thumbs down": {"q": "score.user_feedback<0.5"},
    "Slow and dear": {"q": "latency>5s cost>0.01"},
}


def settle(http: httpx.Client, traces: list[Trace]) -> None:
    """As an admin would, over REST."""
    for monitor in MONITORS:
        _told(http.post("/api/v1/monitors", json={"every_s": 60, "min_n": 20, **monitor}))
    _told(http.put("/api/v1/retention", json={"rules": RETENTION, "reason": "our policy of data"}))
    _told(http.put("/api/v1/sampling", json={**SAMPLING, "reason": "noise of the load balancer"}))
    _told(http.put("/api/v1/quotas", json={**QUOTAS, "reason": "a loop shall not fill the disk"}))
    _told(http.put("/api/v1/flags", json={"checks": ["toxicity", "groundedness"], "share": 0.1}))
    for name, query in VIEWS.items():
        _told(http.put(f"/api/v1/views/{name}", json={"page": "traces", "query": query}))
    for name, what, form, every in (
        ("for-power-bi", "traces", "parquet", "day"),
        ("finance", "spans", "csv", "week"),
    ):
        body = {"name": name, "what": what, "format": form, "every": every, "filter": {}, "target": {"folder": name}}
        _told(http.post("/api/v1/exports", json=body), wanted=False)
    users = Counter(trace.asked.user for trace in traces)
    gone = min(users, key=lambda user: abs(users[user] - 12))
    _told(http.post("/api/v1/deletions", json={"user": gone, "reason": "asked by letter of 20 November"}))


def _told(answer: httpx.Response, *, wanted: bool = True) -> None:
    """What a server may be without (a folder for exports) is said and passed over."""
    if wanted:
        answer.raise_for_status()
    elif answer.is_error:
        print(f"{answer.request.url.path}: {answer.text[:200]}", file=sys.stderr)
