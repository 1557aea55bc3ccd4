"""SQL over the made-up week: shapes of docs/api/looking.md, with answers to a few texts."""

# ruff: noqa: E501  rows of data read best as rows

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from tests.fakes.ui_world import Json, World

Answer = Callable[[Request], Any]

_SCHEMA = {
    "tables": [
        {"name": "spans", "about": "Every operation of every trace.", "columns": [
            {"name": "trace_id", "type": "VARCHAR", "about": ""}, {"name": "kind", "type": "VARCHAR", "about": "llm, agent, tool, …"},
            {"name": "end", "type": "TIMESTAMP", "about": "UTC"}, {"name": "cost", "type": "DOUBLE", "about": "US dollars; NULL is unknown"}]},
        {"name": "scores", "about": "Judgements: of code, judges, people and end users.", "columns": [{"name": "value", "type": "DOUBLE", "about": "NULL where judging failed"}]},
    ],
    "functions": ["avg", "count", "quantile_cont", "sum"],
    "limits": {"rows": 10_000, "seconds": 10.0, "characters": 20_000},
}  # fmt: skip


def sql_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """`DROP` is refused, `slow` takes a minute, `many` is cut, `tiny` has small numbers; everything else answers by the traces there are."""

    async def run(request: Request) -> Json:
        sql = (await request.json())["sql"]
        if "DROP" in sql:
            raise HTTPException(400)
        if "slow" in sql:
            await asyncio.sleep(60)
        columns = [
            {"name": "trace_id", "type": "VARCHAR"},
            {"name": "input", "type": "VARCHAR"},
            {"name": "usd", "type": "DOUBLE"},
        ]
        if "tiny" in sql:
            return {"columns": columns[2:], "rows": [[1e-7], [2.5e-12]], "truncated": False, "elapsed_ms": 1.0}
        rows = [[row["trace_id"], row["input"], row["cost"]["usd"]] for row in world().traces[:200]]
        return {"columns": columns, "rows": rows, "truncated": "many" in sql, "elapsed_ms": 12.3}

    return [("/sql", run, "POST"), ("/sql/schema", lambda request: _SCHEMA, "GET")]
