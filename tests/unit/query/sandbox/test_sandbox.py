"""SQL of people: what they see, and everything they must not reach."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.clock import rfc3339
from assay_server.core.errors import AssayError, Busy, InvalidInput, NotInSql, TooLarge, Unavailable
from assay_server.core.records import Facts, Score, Span
from assay_server.query import Sql
from assay_server.store import DuckStore, Settings

START = 1_795_248_000_000_000_000  # 2026-11-21T08:00:00Z
SECRET = "belongs-to-somebody-else"


def span(project: str, number: int, parent: int | None = None, **fields: Any) -> Span:
    above = None if parent is None else f"{parent:016x}"
    fields = {"kind": "llm", **fields}
    return Span(project, f"{1:032x}", f"{number:016x}", above, "call", start_ns=START, end_ns=START + 10**9, **fields)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    await opened.append(
        Facts(
            [
                span("prj_a", 1, kind="agent", cost=0.75, input="mine"),
                span("prj_a", 2, 1, cost=0.5, attributes={"a": {"b": 1}}, tags=["x", "y"]),
                span("prj_a", 3, 1, cost=0.25),
                span("prj_b", 4, input=SECRET, user=SECRET, cost=9.0),
            ],
            [Score("prj_a", "s1", "good", START, "code", 1.0), Score("prj_b", "s2", SECRET, START, "code", 0.0)],
        )
    )
    yield opened
    await opened.close()


@pytest.fixture
async def sql(store: DuckStore) -> AsyncIterator[Sql]:
    opened = Sql(store, seconds=5)
    yield opened
    await opened.close()


async def value(sql: Sql, text: str) -> Any:
    return (await sql.run("prj_a", text)).rows[0][0]


async def test_every_table_can_be_read_and_has_the_columns_the_schema_tells(sql: Sql) -> None:
    for told in sql.schema()["tables"]:
        answer = await sql.run("prj_a", f"SELECT * FROM {told['name']}")
        assert answer.columns == [{"name": c["name"], "type": c["type"]} for c in told["columns"]]
        assert SECRET not in str(answer.rows)


async def test_a_cost_is_counted_once_in_calls(sql: Sql) -> None:
    assert await value(sql, "SELECT sum(cost) FROM spans") == 1.5
    assert await value(sql, "SELECT sum(cost) FROM calls") == 0.75


async def test_a_call_has_what_its_trace_says_as_on_the_page_of_costs(sql: Sql, store: DuckStore) -> None:
    root, call = (f"{number:016x}" for number in (21, 22))
    at = {"start_ns": START, "end_ns": START + 1}
    said = {"user": "ann", "feature": "search", "tags": ["beta"]}
    own = {"user": "eve", "tags": ["own"]}
    await store.append(
        Facts(
            [
                Span("prj_a", "2" * 32, root, None, "ask", "chain", **at, **said),
                Span("prj_a", "2" * 32, call, root, "call", "llm", **at, cost=0.125),
                Span("prj_a", "2" * 32, "f" * 16, root, "call", "llm", **at, cost=0.375, **own),
            ]
        )
    )
    asked = f"SELECT user, feature, list_sort(tags), sum(cost) FROM calls WHERE trace_id = '{'2' * 32}' GROUP BY ALL"
    rows = (await sql.run("prj_a", asked)).rows
    both = ["beta", "own"]  # a trace has the tags of all its spans
    assert sorted(rows) == [["ann", "search", both, 0.125], ["eve", "search", both, 0.375]]
    assert await value(sql, "SELECT sum(cost) FROM spans WHERE user = 'ann'") is None  # a span says what it said


ASKED: list[tuple[str, Any]] = [
    ("SELECT count(*) FROM spans", 3),
    ("FROM spans SELECT count(*)", 3),
    ("SELECT count(*) FROM Spans AS s, SCORES", 3),
    ("WITH spans AS (SELECT * FROM spans WHERE cost < 0.6) SELECT count(*) FROM spans", 2),
    ("WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT n FROM b", 2),
    ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT sum(n) FROM t", 10),
    ("SELECT count(*) FROM range(5)", 5),
    ("SELECT attributes->>'$.a.b' FROM spans WHERE len(tags) = 2", "1"),
    ("SELECT list_transform(tags, lambda t: upper(t)) FROM spans WHERE len(tags) = 2", ["X", "Y"]),
    ("SELECT unnest(tags) FROM spans WHERE len(tags) = 2", "x"),
    ("SELECT max(sum(cost)) OVER () FROM spans", 1.5),
    ("SELECT start FROM spans", "2026-11-21T08:00:00Z"),
    ("SELECT 1::HUGEINT << 70", "1180591620717411303424"),
    ("SELECT {'a': [1, NULL]}", {"a": [1, None]}),
    ("SELECT 'nan'::DOUBLE", "nan"),
    ("SELECT INTERVAL 1 DAY", "1 day"),
    ("SELECT 1 AS a; ", 1),
    ("SELECT 1 -- and no more", 1),
    ("SELECT ')' || '\"; --'", ')"; --'),
    ("SELECT NULL::VARCHAR", None),
]


async def test_what_can_be_asked(sql: Sql) -> None:
    answers = [(text, await value(sql, text)) for text, _ in ASKED]
    assert answers == ASKED


async def test_a_moment_is_that_of_the_api_and_never_in_the_day_after(sql: Sql, store: DuckStore) -> None:
    """Rounded to microseconds, the last nanoseconds of a day were the next one."""
    last = 1_795_305_600_000_000_000 - 1  # 2026-11-21T23:59:59.999999999Z
    await store.append(Facts([replace(span("prj_a", 9), name="late", start_ns=last, end_ns=last)]))
    late = await sql.run("prj_a", "SELECT start, \"end\", start::DATE::VARCHAR FROM spans WHERE name = 'late'")
    assert late.rows == [["2026-11-21T23:59:59.999999Z", "2026-11-21T23:59:59.999999Z", "2026-11-21"]]
    assert rfc3339(last) == late.rows[0][0]


async def test_equal_names_of_columns_are_kept_apart(sql: Sql) -> None:
    answer = await sql.run("prj_a", 'SELECT 1 AS a, 2 AS a, 3 AS "say ""x"""')
    assert ([c["name"] for c in answer.columns], answer.rows) == (["a", "a_1", 'say "x"'], [[1, 2, 3]])


async def test_rows_past_the_limit_are_told(sql: Sql) -> None:
    assert (await sql.run("prj_a", "FROM range(3)", limit=2)).truncated
    assert not (await sql.run("prj_a", "FROM range(2)", limit=2)).truncated


ATTACKS = [
    # the catalogue, and the tables below the views
    "SELECT * FROM facts.spans",
    "SELECT * FROM facts.main.spans",
    "SELECT * FROM main.spans",
    'SELECT * FROM "facts"."main"."spans"',
    'SELECT * FROM "own spans"',
    "SELECT project FROM spans",
    "SELECT key FROM spans",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_variables()",
    "SELECT * FROM duckdb_logs",
    "SELECT * FROM duckdb_prepared_statements()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM pragma_table_info('spans')",
    "SELECT * FROM pragma_storage_info('facts.spans')",
    "DESCRIBE spans",
    "SUMMARIZE spans",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    # names that are CTEs elsewhere, or look like one
    "SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT 1), sqlite_master",
    "WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master",
    "WITH a AS (SELECT * FROM sqlite_master), sqlite_master AS (SELECT 1) SELECT * FROM a",
    "WITH RECURSIVE sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master",
    "WITH RECURSIVE duckdb_logs(a) AS (SELECT 1 FROM duckdb_logs UNION SELECT a FROM duckdb_logs) FROM duckdb_logs",
    "SELECT (WITH rows AS (SELECT 1) SELECT 1) FROM rows",
    "WITH \u212aeys AS (SELECT 1) SELECT * FROM keys",
    "WITH duc\u212adb_tables AS (SELECT 1) SELECT * FROM duckdb_tables",
    "WITH \u017fqlite_master AS (SELECT 1) SELECT * FROM sqlite_master",
    "SELECT * FROM rows",
    "SELECT * FROM cursor",
    "SELECT * FROM spans AT (VERSION => 1)",
    # files and the network
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'facts/facts.duckdb'",
    "SELECT * FROM 'https://example.com/x.parquet'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM READ_TEXT('/etc/passwd')",
    "SELECT * FROM \"read_text\"('/etc/passwd')",
    "SELECT * FROM main.read_text('/etc/passwd')",
    "SELECT * FROM system.main.read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/*')",
    "SELECT * FROM read_parquet('x')",
    "SELECT * FROM parquet_scan('x')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_duckdb('facts/facts.duckdb')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "COPY spans TO '/tmp/x.csv'",
    "COPY (SELECT * FROM spans) TO '/tmp/x.parquet'",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "ATTACH '/tmp/x.duckdb'",
    "DETACH facts",
    "INSTALL httpfs",
    "LOAD httpfs",
    # SQL in a text, settings, state, the machine
    "SELECT * FROM query('SELECT * FROM facts.spans')",
    "SELECT * FROM query_table('facts.spans')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT json_serialize_plan('SELECT 1')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT nextval('x')",
    "SELECT txid_current()",
    "SELECT write_log('x')",
    "SELECT sleep_ms(100000)",
    "SELECT pg_sleep(100)",
    "SELECT version()",
    "SELECT 'x'.getenv()",
    "SELECT input.getenv() FROM spans",
    "SELECT list_aggregate(['HOME'], 'getenv')",
    "SELECT list_transform(['HOME'], lambda x: getenv(x))",
    "SELECT COLUMNS(lambda c: getenv(c) = '') FROM spans",
    "SELECT 1 ORDER BY getenv('HOME')",
    "SELECT 1 LIMIT (SELECT length(getenv('HOME')))",
    "SELECT 1 FROM spans JOIN scores ON getenv('HOME') = ''",
    "SELECT count(*) FILTER (WHERE getenv('HOME') = '') FROM spans",
    "SELECT sum(cost) OVER (ORDER BY getenv('HOME')) FROM spans",
    "SELECT * REPLACE (getenv('HOME') AS name) FROM spans",
    "VALUES (getenv('HOME'))",
    "SELECT 'x'::facts.main.t",
    "SELECT 'spans'::regclass",
    "SELECT spans.spans.project FROM spans",
    "SELECT $1",
    "SELECT ?",
    "SELECT $project",
    # writes
    "INSERT INTO spans SELECT * FROM spans",
    "UPDATE spans SET cost = 0",
    "DELETE FROM spans",
    "WITH d AS (DELETE FROM spans RETURNING *) SELECT * FROM d",
    "DROP TABLE facts.spans",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "SET memory_limit = '1TB'",
    "RESET memory_limit",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "BEGIN",
    "COMMIT",
    "USE memory",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "VACUUM",
    # out of the parentheses
    "SELECT 1; SELECT 2",
    "SELECT 1) AS asked; DROP TABLE spans; --",
    "SELECT 1) UNION ALL (SELECT 2",
    "SELECT 1 /*",
    "SELECT 1; DROP TABLE spans",
    "",
    ";",
    "\x00",
    "\ud800",
    # large out of small
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000, 'x')",
    "SELECT rpad('x', 1000000000, 'x')",
    "SELECT range(1000000000)",
    "SELECT generate_series(1, 1000000000)",
    "SELECT list_resize([1], 1000000000)",
    "SELECT levenshtein(string_agg('a', ''), string_agg('b', '')) FROM range(1000000)",
    "SELECT damerau_levenshtein(string_agg('a', ''), string_agg('b', '')) FROM range(100000)",
    "SELECT jaro_winkler_similarity(string_agg('a', ''), string_agg('b', '')) FROM range(1000000)",
    "WITH t0 AS (FROM spans)"
    + "".join(f", t{n} AS (SELECT a.name FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 30))
    + " FROM t29",
    "WITH t0 AS (SELECT 1 AS x)"
    + "".join(f", t{n} AS (SELECT x FROM t{n - 1} UNION ALL SELECT x FROM t{n - 1})" for n in range(1, 40))
    + " FROM t39",
    "FROM restored",
    "FROM touched",
    "FROM held",
    "SELECT * FROM spans SEMI JOIN held USING (key)",
    "SELECT 1 LIMIT (SELECT count(*) FROM held)",
    "SELECT DISTINCT ON (getenv('HOME')) 1",
    "SELECT [getenv(x) for x in ['HOME']]",
    "FROM duckdb_memory()",
    "FROM histogram_values(spans, cost)",
    "SELECT bar(1, 0, 1, 100000)",
    "SELECT format('{:1000000000}', 1)",
    "SELECT printf('%1000000000d', 1)",
    "SELECT " + "(" * 9000 + "1" + ")" * 9000,
    "SELECT 1" + "+1" * 9000,
]


async def test_every_attack_is_refused_before_it_runs(sql: Sql) -> None:
    assert [attack for attack in ATTACKS if not await refused(sql, attack)] == []


async def refused(sql: Sql, text: str) -> bool:
    try:
        await sql.run("prj_a", text)
    except (InvalidInput, NotInSql):
        return True
    return False


async def test_what_is_known_of_others_stays_unknown_whatever_the_project_is_called(sql: Sql) -> None:
    for project in ("prj_c", "prj_b' OR '1'='1", "%", ""):
        assert (await sql.run(project, "SELECT count(*) FROM spans")).rows == [[0]]


async def test_a_query_without_end_is_stopped(store: DuckStore) -> None:
    sql = Sql(store, seconds=0.2)
    with pytest.raises(Unavailable):
        await sql.run(
            "prj_a", "SELECT count(*) FROM range(100000000000) a, range(100000) b WHERE a.range % 7 = b.range"
        )
    sql._seconds = 60  # a busy machine needs its time for this one
    async with asyncio.timeout(30):  # the engine has stopped, too: whoever comes next would wait for its end
        assert (await sql.run("prj_a", "SELECT 1")).rows == [[1]]
    await sql.close()


async def test_a_query_that_is_given_up_is_stopped(store: DuckStore) -> None:
    sql = Sql(store, seconds=600)
    endless = "SELECT count(*) FROM range(100000000000) a, range(100000) b WHERE a.range % 7 = b.range"
    first = asyncio.create_task(sql.run("prj_a", endless))
    await asyncio.sleep(0.3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(30):
        assert (await sql.run("prj_a", "SELECT 1")).rows == [[1]]
    await sql.close()


async def test_a_query_that_needs_too_much_memory_is_told_so_and_harms_nobody(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts", settings=Settings(memory_limit="128MB"))
    many = Facts([span("prj_a", n, input=f"{n} " * 2_000) for n in range(1, 300)])
    await store.append(many)
    sql = Sql(store, seconds=60)
    hungry = "SELECT max(len(x)) FROM (SELECT list(a.input || b.span_id) AS x FROM spans a JOIN spans b ON true)"
    with pytest.raises(Unavailable) as refused:
        await sql.run("prj_a", hungry)
    assert "more memory" in refused.value.message
    await store.append(Facts([span("prj_a", 300)]))
    assert (await sql.run("prj_a", "SELECT count(*) FROM spans")).rows == [[300]]
    await sql.close()
    await store.close()


@pytest.mark.parametrize("leaves", [False, True], ids=["is told", "leaves"])
async def test_a_query_that_cannot_be_stopped_keeps_its_turn_and_not_its_caller(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    """As inside one call of a function: the engine looks for a stop only between two."""
    begun, over, scan = threading.Event(), threading.Event(), store._answer

    def stubborn(read: Any, *rest: Any) -> Any:
        if "stubborn" in read.keywords["sql"]:
            begun.set()
            over.wait()
        return scan(read, *rest)

    monkeypatch.setattr(store, "_answer", stubborn)
    sql = Sql(store, seconds=0.05)
    first = asyncio.create_task(sql.run("prj_a", "SELECT 'stubborn'"))
    await asyncio.to_thread(begun.wait)
    if leaves:
        first.cancel()
    with pytest.raises(asyncio.CancelledError if leaves else Unavailable):
        await first
    sql._seconds = 60  # a busy machine needs its time for this one
    second = asyncio.create_task(sql.run("prj_a", "SELECT 1"))
    await asyncio.wait([second], timeout=0.2)
    assert not second.done()
    over.set()
    assert (await second).rows == [[1]]
    await sql.close()


async def test_a_nesting_too_deep_is_refused_without_advice_that_nobody_may_take(sql: Sql) -> None:
    with pytest.raises(InvalidInput, match="expression depth") as refusal:
        await sql.run("prj_a", "SELECT " + "(" * 2_000 + "1" + ")" * 2_000)
    assert "SET" not in refusal.value.message


async def test_a_value_that_is_too_long_is_refused(sql: Sql) -> None:
    with pytest.raises(AssayError, match="longer than 1000000 bytes"):
        await sql.run("prj_a", "SELECT string_agg(range::VARCHAR, ',') FROM range(300000)")


async def test_long_texts_and_long_queues_are_refused(sql: Sql) -> None:
    with pytest.raises(TooLarge):
        await sql.run("prj_a", "SELECT '" + "x" * 20_000 + "'")
    slow = "SELECT count(*) FROM range(100000000000) a, range(100000) b WHERE a.range % 7 = b.range"
    waiting = [asyncio.create_task(sql.run("prj_a", slow)) for _ in range(12)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert all(isinstance(task.exception(), Busy) for task in done)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert await value(sql, "SELECT 1") == 1


async def test_times_are_utc_where_the_server_stands_in_another_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    store = await DuckStore.open(tmp_path / "elsewhere")
    sql = Sql(store)
    assert (await value(sql, "SELECT now()::VARCHAR")).endswith("+00")
    assert await value(sql, "SELECT (TIMESTAMPTZ '2026-11-21 01:00:00+00')::DATE") == "2026-11-21"
    await sql.close()
    await store.close()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT user, count(*) FROM scores GROUP BY user",
        "SELECT name FROM scores WHERE User = 'x'",
        "SELECT label FROM scores WHERE trace_id IN (SELECT trace_id FROM spans) AND user IS NULL",
        "SELECT user",
    ],
)
async def test_the_engines_own_user_is_nobodys_user(sql: Sql, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"No table in this FROM has a column user\."):
        await sql.run("prj_a", text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT user FROM spans",
        "SELECT user FROM scores JOIN spans USING (trace_id)",
        "SELECT name FROM spans WHERE EXISTS (SELECT 1 FROM scores WHERE user IS NULL)",
        "SELECT label AS user FROM scores GROUP BY user",
        "WITH s AS (SELECT name AS user FROM scores) SELECT user FROM s",
        "SELECT user FROM spans UNION SELECT user FROM calls ORDER BY user",
        "SELECT list_transform(['a'], lambda user: user || name) FROM scores",
        "SELECT user FROM (VALUES ('a')) AS v(user)",
        "SELECT user FROM scores AS s(id, user)",
    ],
)
async def test_a_column_user_is_one_wherever_it_comes_from(sql: Sql, text: str) -> None:
    assert "duckdb" not in str((await sql.run("prj_a", text)).rows)


async def test_a_column_that_is_not_there_is_told_with_those_that_are(sql: Sql) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sql.run("prj_a", "SELECT modell FROM spans")
    assert '"model"' in str(caught.value.fix)


async def test_numbers_in_lists_and_structs_read_as_those_outside(sql: Sql) -> None:
    asked = "SELECT ['nan'::DOUBLE, 1.5, 'inf'::DOUBLE], {'a': '-inf'::DOUBLE}, [9007199254740993], ['1e999'::JSON]"
    row = (await sql.run("prj_a", asked)).rows[0]
    assert row == [["nan", 1.5, "inf"], {"a": "-inf"}, ["9007199254740993"], ["inf"]]


async def test_a_list_comprehension_can_be_used(sql: Sql) -> None:
    assert await value(sql, "SELECT [x * 2 FOR x IN [1, 2, 3] IF x > 1]") == [4, 6]
