"""Nine weeks of a made-up agent that plans train journeys, sent as any client sends: what the pictures in docs/images
show beside the tour. Its traffic has days and nights; the day before today its answers became longer.

usage: python scripts/picture_week.py http://127.0.0.1:4600 ADMIN_KEY
(the server wants ASSAY_EXPORT_DIR for the picture of exports; without it that one page stays empty)
"""

import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from picture_scores import of_checks, of_users
from picture_settings import settle
from picture_trace import FOLLOWING, TOWNS, WHEN, Asked, Trace, said_as

DAYS, A_DAY = 66, 170
BATCH = 40

Json = dict[str, Any]


def main() -> int:
    url, key = sys.argv[1].rstrip("/"), sys.argv[2]
    dice = random.Random(7)
    now = datetime.now(UTC)
    traces = [Trace(dice, asked) for asked in _asked(dice)]
    traces = [trace for trace in traces if trace.end < now - timedelta(minutes=1)]
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        for at in range(0, len(traces), BATCH):
            _send(http, [span for trace in traces[at : at + BATCH] for span in trace.spans])
        told = [score for score in (*of_users(dice, traces), *of_checks(dice, traces)) if _is_past(score, now)]
        for at in range(0, len(told), 500):
            http.post("/api/v1/scores", json=told[at : at + 500]).raise_for_status()
        settle(http, traces)
    return 0


def _asked(dice: random.Random) -> Iterator[Asked]:
    """Conversations in the order in which they begin, of one to four turns a few minutes apart."""
    number = 0
    for at in _moments(dice):
        user = f"u-{int(dice.paretovariate(0.7)) % 140:04d}"
        session = f"{user}-{at:%m%d-%H%M}"
        start, end = dice.sample(TOWNS, 2)
        yield Asked(number, at, user, session, f"Find me a train from {start} to {end} {dice.choice(WHEN)}.")
        first, number = number, number + 1
        for question, answer in dice.sample(FOLLOWING, dice.choices((0, 1, 2, 3), (62, 20, 12, 6))[0]):
            later = at + timedelta(minutes=dice.uniform(0.6, 4) * (1 + number - first))
            yield Asked(number, later, user, session, question, answer)
            number += 1


def _moments(dice: random.Random) -> Iterator[datetime]:
    """Starts in their order: more by day than by night, fewer at weekends, none in the future."""
    now = datetime.now(UTC) - timedelta(minutes=2)
    for days_ago in range(DAYS, -1, -1):
        day = (now - timedelta(days=days_ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        many = round(
            A_DAY * (0.6 if day.weekday() > 4 else 1) * (1.12 if days_ago == 1 else 1) * dice.uniform(0.95, 1.05)
        )
        hours = sorted(dice.gauss(now.hour, 4.5) % 24 for _ in range(many))  # busy now, whenever now is
        yield from (at for hour in hours if (at := day + timedelta(hours=hour)) < now)


def _is_past(score: Json, now: datetime) -> bool:
    return datetime.fromisoformat(score["time"]) < now


def _send(http: httpx.Client, spans: list[Json]) -> None:
    resource = said_as({"service.name": "journeys", "deployment.environment.name": "production"})
    body = {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]}
    http.post("/v1/traces", json=body).raise_for_status()


if __name__ == "__main__":
    began = time.perf_counter()
    code = main()
    print(f"sent in {time.perf_counter() - began:.1f} s")
    raise SystemExit(code)
