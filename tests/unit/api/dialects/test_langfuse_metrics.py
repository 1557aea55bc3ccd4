"""Langfuse's metrics by day, over the real rooms; and its queries of metrics, which are refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.core.records import Facts, Span, Tokens
from tests.fakes.dialects import dialects

PROJECT = "prj_a"
DAY = 86_400_000_000_000
START = 1_795_219_200_000_000_000  # 2026-11-21T00:00:00Z
DAILY = "/api/public/metrics/daily"
WINDOW = {"fromTimestamp": "2026-11-20T00:00:00Z", "toTimestamp": "2026-11-25T00:00:00Z"}


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    async with dialects(tmp_path, project=PROJECT) as (http, services):
        yield SimpleNamespace(http=http, services=services)


async def send(wired: SimpleNamespace, trace: int, day: int, model: str | None = "gpt-4o", **fields: Any) -> None:
    """A trace of a root and one call."""
    at = START + day * DAY + trace
    ids = f"{trace:032x}", f"{trace:015x}1", f"{trace:015x}2"
    root = Span(PROJECT, ids[0], ids[1], None, "answer", "chain", at, at + 1000, **fields)
    call = Span(PROJECT, ids[0], ids[2], ids[1], "chat", "llm", at + 1, at + 900)
    call.attributes = {"gen_ai.usage.input_tokens": 10}
    call.model, call.tokens, call.cost = model, Tokens(7, 2, 1, 5, 3), 0.25 if model else None
    await wired.services.ingest.write(Facts(spans=[root, call]))


async def told(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def days(wired: SimpleNamespace, **params: Any) -> list[tuple[str, int]]:
    found = await told(await wired.http.get(DAILY, params=WINDOW | params))
    return [(day["date"], day["countTraces"]) for day in found["data"]]


async def test_a_day_says_what_was_traced_and_used_by_model(wired: SimpleNamespace) -> None:
    await send(wired, 1, 0)
    await send(wired, 2, 0)
    await send(wired, 3, 0, "gpt-4o-mini")
    await send(wired, 4, 2, None)
    found = await told(await wired.http.get(DAILY, params=WINDOW))
    assert found["meta"] == {"page": 1, "limit": 50, "totalItems": 2, "totalPages": 1}
    newest, first = found["data"]
    assert (newest["date"], newest["totalCost"]) == ("2026-11-23", 0)
    assert [used["model"] for used in newest["usage"]] == [None]
    used = {"inputUsage": 20, "outputUsage": 16, "totalUsage": 36, "countTraces": 2, "countObservations": 2}
    half = {name: count // 2 for name, count in used.items()}
    assert first == {
        "date": "2026-11-21",
        "countTraces": 3,
        "countObservations": 6,
        "totalCost": 0.75,
        "usage": [
            {"model": "gpt-4o", **used, "totalCost": 0.5},
            {"model": "gpt-4o-mini", **half, "totalCost": 0.25},
        ],
    }


async def test_days_are_narrowed_by_what_their_traces_say(wired: SimpleNamespace) -> None:
    await send(wired, 1, 0, user="ada", tags=["a", "b"], environment="production")
    await send(wired, 2, 1, user="bob", tags=["a"], environment="staging")
    await send(wired, 3, 2, run="run_1")
    both = [("2026-11-22", 1), ("2026-11-21", 1)]
    assert await days(wired) == both, "the day of an evaluation run is none"
    assert await days(wired, userId="ada") == both[1:]
    assert await days(wired, tags="a") == both
    assert await days(wired, tags=["a", "b"]) == both[1:]
    assert await days(wired, environment=["staging", "production"]) == both
    assert await days(wired, environment="staging") == both[:1]
    assert await days(wired, toTimestamp="2026-11-22T00:00:00Z") == both[1:]
    assert await days(wired, limit=1) == both[:1]
    assert await days(wired, limit=1, page=2) == both[1:]
    found = await told(await wired.http.get(DAILY, params=WINDOW | {"userId": "ada"}))
    assert found["data"][0]["usage"][0]["totalCost"] == 0.25, "a call has what its root says"


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"traceName": "answer"}, "traceName"),
        ({"userId": ""}, "userId"),
        ({"environment": "default"}, "environment"),
        ({"fromTimestamp": "yesterday"}, "fromTimestamp"),
        ({"fromTimestamp": "2024-01-01T00:00:00Z"}, "fromTimestamp"),
        ({"fromTimestamp": "2026-11-25T00:00:00Z"}, "fromTimestamp"),
        ({"limit": "0"}, "limit"),
    ],
)
async def test_what_cannot_be_asked_for_is_named(wired: SimpleNamespace, params: dict[str, str], named: str) -> None:
    refused = await told(await wired.http.get(DAILY, params=WINDOW | params), 400)
    assert named in (refused.get("field") or "") + refused["message"]


async def test_without_a_range_it_is_the_last_year(wired: SimpleNamespace) -> None:
    assert await told(await wired.http.get(DAILY)) == {
        "data": [],
        "meta": {"page": 1, "limit": 50, "totalItems": 0, "totalPages": 0},
    }


@pytest.mark.parametrize("path", ["/api/public/metrics", "/api/public/v2/metrics"])
async def test_queries_of_metrics_are_refused_and_say_what_answers_them(wired: SimpleNamespace, path: str) -> None:
    refused = await told(await wired.http.get(path, params={"query": '{"view": "traces"}'}), 422)
    assert "/api/public/metrics/daily" in refused["message"]
    assert "/api/v1/costs" in refused["message"]
    assert (await wired.http.get(path, headers={"x-api-key": "score"})).status_code == 403
