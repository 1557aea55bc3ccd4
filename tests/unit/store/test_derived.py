"""What is stored of a span beside what was sent: Python and SQL, for spans that were stored before, say the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from assay_server.core.records import Facts, Span, Thin
from assay_server.store import DuckStore
from assay_server.store.changes import Thinned
from assay_server.store.derived import EMPTY_RESULT, ERROR_TYPE, REQUEST_KEY

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


async def test_python_and_sql_find_the_same_results_empty(tmp_path: Path) -> None:
    said = {
        None: True,
        "": True,
        " [] ": True,
        "{}": True,
        '""': True,
        "NULL": True,
        "None": True,
        "[1]": False,
        "\n": False,
    }
    tools = [replace(failed(n, output=text), kind="tool", status="ok", input="{}") for n, text in enumerate(said, 1)]
    broken = [replace(failed(20), kind="tool", input="{}"), replace(failed(21, output=""), kind="tool")]
    unknown = [
        replace(failed(30, output="[]"), kind="tool", thin=Thin("sampled_out", {})),
        failed(31),
        replace(failed(32), kind="tool", status="ok"),  # nobody recorded what it was asked and answered
    ]
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts([*tools, *broken, *unknown]))
    rows = await store.scan(f"SELECT empty_result, {EMPTY_RESULT} AS as_sql FROM spans ORDER BY span_id")
    await store.close()
    assert [row["empty_result"] for row in rows] == [*said.values(), False, True, None, None, None]
    assert [row["as_sql"] for row in rows] == [row["empty_result"] for row in rows]


async def test_requests_are_alike_where_a_cache_would_take_them_for_one(tmp_path: Path) -> None:
    def call(number: int, text: str | None, answer: str | None = "yes", **said: Any) -> Span:
        attributes = {f"gen_ai.request.{name}": value for name, value in said.items()}
        return replace(failed(number, input=text, output=answer, attributes=attributes), status="ok")

    spans = [
        call(1, "what?"),
        call(2, "what?", "no"),
        call(3, "what?", temperature=0.2),
        call(4, "what?", temperature=0.2, model="other"),
        call(5, "what?", top_p=0.2),
        call(6, "what?", seed=7, max_tokens=100),
        replace(call(7, "é" * 3), attributes={"gen_ai.tool.definitions": [{"name": "find", "strict": True}]}),
        call(8, None),
        call(9, "what?", None),
        replace(call(10, "what?"), kind="tool"),
    ]
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans))
    rows = await store.scan(f"SELECT request_key, {REQUEST_KEY} AS as_sql FROM spans ORDER BY span_id")
    keys = [row["request_key"] for row in rows]
    await store.let_go(
        "prj_a", [Thinned("spans", row["key"], {}, 30) for row in await store.scan("SELECT key FROM spans")], 5
    )
    left = await store.scan("SELECT count(request_key) AS n FROM spans")
    await store.close()
    assert [row["as_sql"] for row in rows] == keys
    assert (keys[0], keys[2]) == (keys[1], keys[3])
    assert len({keys[0], *keys[2:3], *keys[4:7]}) == 5
    assert keys[7:] == [None, None, None]
    assert left == [{"n": 0}]
