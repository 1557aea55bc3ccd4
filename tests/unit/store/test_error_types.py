"""Of which kind an error is: what is stored with a span, and what SQL says of spans that were stored before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from assay_server.core.records import Facts, Span
from assay_server.store import DuckStore
from assay_server.store.changes import Thinned
from assay_server.store.schema import ERROR_TYPE

LONG = "order 4711 of €12: " + "é" * 90


def failed(number: int, **fields: Any) -> Span:
    return Span("prj_a", "ab" * 16, f"{number:016x}", None, "call", "llm", 1, 2, "error", **fields)


def raised(*kinds: Any) -> list[dict[str, Any]]:
    return [
        {"name": "exception", "time_ns": 1, "attributes": {} if kind is None else {"exception.type": kind}}
        for kind in kinds
    ]


SPANS = {
    "timeout": failed(1, attributes={"error.type": "timeout"}, events=raised("ValueError")),
    "429": failed(2, attributes={"error.type": 429}),
    "KeyError": failed(3, events=raised("ValueError", "KeyError", None), status_message="no"),
    "no order #": failed(4, status_message="no order 4711"),
    ("order # of €#: " + "é" * 90)[: 80 - 4]: failed(5, status_message=LONG),
    "no type": failed(6),
}


async def test_python_and_sql_call_an_error_alike(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    fine = replace(failed(7, status_message="no"), status="ok")
    await store.append(Facts([*SPANS.values(), fine]))
    rows = await store.scan(
        f"SELECT error_type, {ERROR_TYPE} AS as_sql FROM spans WHERE status = 'error' ORDER BY span_id"
    )
    others = await store.scan("SELECT error_type FROM spans WHERE status = 'ok'")
    await store.close()
    assert [row["error_type"] for row in rows] == [row["as_sql"] for row in rows] == list(SPANS)
    assert others == [{"error_type": None}]


async def test_a_message_that_is_let_go_is_not_kept_as_a_type(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(
        Facts([failed(1, status_message="Ada's order"), failed(2, attributes={"error.type": "timeout"})])
    )
    keys = [row["key"] for row in await store.scan("SELECT key FROM spans ORDER BY span_id")]
    remains: list[dict[str, Any]] = [{"attributes": {}}, {"attributes": {"error.type": "timeout"}}]
    thin = [Thinned("spans", key, rest, 30) for key, rest in zip(keys, remains, strict=True)]
    assert await store.let_go("prj_a", thin, 5) == 2
    rows = await store.scan("SELECT error_type FROM spans ORDER BY span_id")
    await store.close()
    assert [row["error_type"] for row in rows] == ["no type", "timeout"]
