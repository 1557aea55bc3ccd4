"""Attributes that a person's SQL reads one by one come from columns, and nobody can tell but by the time it takes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import duckdb
import pytest
import pytest_asyncio

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span
from assay_server.query import Sql
from assay_server.query.sandbox import sandbox
from assay_server.query.sandbox.attributes import read_from_columns
from tests.fixtures.filled_store import filled, in_its_loop

START = 1_795_248_000_000_000_000  # 2026-11-21T08:00:00Z
ATTRIBUTES: list[dict[str, Any]] = [
    {"http.route": "/chat", "n": 3, "tenant": "a"},
    {"http.route": "/chat", "n": 1.5, "Tenant": "other"},
    {"http.route": "/search", "n": True, "tenant": ""},
    {"http.route": None, "n": None},
    {"http.route": ["a", 1, {"b": None}], "n": {"z": 1, "a": "x"}},
    {"http.route": 'says "so"\\n', "n": "text", "http": {"route": "nested"}},
    {"n": 2**63, "tenant": "Ä"},
    {"n": -1e300, "a.b": "dotted", "a": {"b": "within"}},
    {},
]

FROM_COLUMNS = [
    """SELECT attributes->>'$."http.route"' AS r, count(*) AS n FROM spans GROUP BY 1""",
    "SELECT attributes->>'$.n' FROM spans",
    "SELECT attributes->>'http.route', attributes->>'n' FROM spans WHERE attributes->>'tenant' IS NOT NULL",
    "SELECT json_extract_string(s.attributes, 'n') AS n FROM spans AS s",
    "SELECT Spans.Attributes->>'n' AS n FROM Spans",
    "SELECT attributes->>'a.b' AS x, attributes->>'a' AS y FROM spans",
    "SELECT count(*) FROM spans WHERE attributes->>'tenant' = 'a' OR attributes->>'Tenant' = 'other'",
    "SELECT max(attributes->>'tenant') AS most FROM spans GROUP BY attributes->>'http.route' HAVING max(cost) > 0",
    "SELECT span_id FROM spans ORDER BY attributes->>'n' NULLS LAST, span_id LIMIT 3",
    "SELECT span_id, row_number() OVER (PARTITION BY attributes->>'tenant' ORDER BY span_id) AS k FROM spans",
    "SELECT r, count(*) FROM (SELECT attributes->>'http.route' AS r FROM spans) GROUP BY ALL",
    "WITH x AS (SELECT attributes->>'n' AS n, span_id FROM spans) SELECT n FROM x JOIN spans USING (span_id)",
    "SELECT attributes->>'n' AS n FROM spans UNION ALL SELECT attributes->>'tenant' AS n FROM calls",
    "SELECT user, sum(cost) AS usd FROM calls WHERE attributes->>'http.route' = '/chat' GROUP BY user",
    "SELECT attributes->>'n' AS n, attributes FROM spans",
    "SELECT list_transform([1], x -> x) AS l, attributes->>'n' AS n FROM spans",
    "SELECT attributes->>'n', attributes->>'n' FROM spans",
]

AS_ASKED = [
    "SELECT *, attributes->>'n' AS n FROM spans",
    "SELECT spans, attributes->>'n' AS n FROM spans",
    "SELECT COLUMNS('n.*'), attributes->>'n' AS n FROM spans",
    "SELECT attributes->>'$.a.b' AS x FROM spans",
    "SELECT attributes->>'$.http.route' AS x FROM spans",
    "SELECT attributes->>'/a/b' AS x FROM spans",
    "SELECT attributes->>'$.*' AS x FROM spans",
    """SELECT attributes->>'it''s' AS x FROM spans""",
    "SELECT attributes->>name AS x FROM spans",
    "SELECT attributes->'n' AS x FROM spans",
    "WITH spans AS (SELECT '{}'::JSON AS attributes) SELECT attributes->>'n' AS n FROM spans",
    "SELECT lower(name) AS attributes FROM spans ORDER BY attributes->>'n'",
    "SELECT s.attributes->>'n' AS n FROM spans s JOIN spans t ON s.span_id = t.span_id",
    "SELECT count(*) FROM (SELECT attributes->>'n' FROM spans)",
    "SELECT (SELECT s.attributes->>'n') AS n FROM spans s",
    "SELECT y->>'n' AS n FROM spans AS s(a, b)",
    "SELECT metadata->>'n' AS n FROM scores",
]

FOLDED_BACK = "SELECT attributes->>'n' AS n FROM spans GROUP BY attributes"
"""As a column it would not be one of the group's."""


def spans(project: str) -> list[Span]:
    return [
        Span(
            project,
            f"{number // 3:032x}",
            f"{number + 1:016x}",
            None,
            "call",
            "llm",
            START,
            START + number,
            user=f"u{number % 2}",
            cost=float(number),
            attributes=attributes,
        )
        for number, attributes in enumerate(ATTRIBUTES)
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sql(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sql]:
    store = await filled(tmp_path_factory.mktemp("attributes"), Facts([*spans("prj_a"), *spans("prj_b")]))
    opened = Sql(store)
    yield opened
    await opened.close()
    await store.close()


async def outcome(sql: Sql, text: str) -> Any:
    try:
        answer = await sql.run("prj_a", text)
    except InvalidInput as error:
        return str(error)
    return answer.columns, sorted(answer.rows, key=str)


def is_read_from_columns(text: str) -> bool:
    with duckdb.connect() as parser:
        row = parser.execute("SELECT json_serialize_sql(?::VARCHAR, skip_default := false)", [text]).fetchone()
    assert row is not None
    return read_from_columns(json.loads(row[0])) is not None


@pytest.mark.parametrize("text", [*FROM_COLUMNS, *AS_ASKED, FOLDED_BACK])
@in_its_loop
async def test_the_answer_is_that_of_the_query_as_it_was_asked(
    sql: Sql, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    quick = await outcome(sql, text)

    monkeypatch.setattr(sandbox, "read_from_columns", lambda tree: None)

    assert quick == await outcome(sql, text)


@pytest.mark.parametrize("text", [*FROM_COLUMNS, FOLDED_BACK])
def test_an_attribute_that_is_read_as_text_becomes_a_column(text: str) -> None:
    assert is_read_from_columns(text)


@pytest.mark.parametrize("text", AS_ASKED)
def test_whatever_could_tell_the_difference_is_left_alone(text: str) -> None:
    assert not is_read_from_columns(text)


@pytest.fixture
def asked(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the store."""
    asked: list[str] = []
    scan = sql._store.scan

    async def noted(text: str, *rest: Any, **limits: Any) -> Any:
        asked.append(text.replace("\n", " "))
        return await scan(text, *rest, **limits)

    monkeypatch.setattr(sql._store, "scan", noted)
    return asked


@in_its_loop
async def test_only_the_columns_are_read(sql: Sql, asked: list[str]) -> None:
    answer = await sql.run("prj_a", "SELECT attributes->>'tenant' AS t, count(*) AS n FROM spans GROUP BY 1 ORDER BY 1")

    assert answer.rows == [["", 1], ["a", 1], ["Ä", 1], [None, 6]]
    assert "variant_extract(attributes, 'tenant')" in asked[-1]


@in_its_loop
async def test_what_nobody_has_is_looked_for_in_no_span(sql: Sql, asked: list[str]) -> None:
    of_tenant = "SELECT count(*) FILTER (attributes->>'tenant' IS NULL), count(attributes->>'team') FROM spans"

    assert (await sql.run("prj_a", of_tenant)).rows == [[6, 0]]
    assert "variant_extract(attributes, 'tenant')" in asked[-1]
    assert "variant_extract(attributes, 'team')" not in asked[-1]
    assert (await sql.run("prj_c", of_tenant)).rows == [[0, 0]]

    many = Span("prj_d", "f" * 32, "f" * 16, None, "x", "llm", START, START + 1, attributes={"team": "a"})
    many.attributes |= {chr(0x4E00 + n): n for n in range(501)}
    await sql._store.append(Facts([many]))  # type: ignore[attr-defined]
    assert (await sql.run("prj_d", of_tenant)).rows == [[1, 1]]


@in_its_loop
async def test_more_attributes_than_a_query_usually_has_are_answered_too(sql: Sql) -> None:
    shown = ", ".join(f"attributes->>'k{number}' AS c{number}" for number in range(30))

    answer = await sql.run("prj_a", f"SELECT {shown}, attributes->>'n' AS n FROM spans WHERE attributes->>'n' = '3'")

    assert [row[-1] for row in answer.rows] == ["3"]


@in_its_loop
async def test_an_error_is_that_of_the_query_as_it_was_asked(sql: Sql) -> None:
    with pytest.raises(InvalidInput, match="Could not convert string 'text'"):
        await sql.run(
            "prj_a", "SELECT sum((attributes->>'n')::INTEGER) AS n FROM spans WHERE attributes->>'n' = 'text'"
        )
