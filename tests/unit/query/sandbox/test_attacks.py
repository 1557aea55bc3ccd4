"""More attacks on the SQL sandbox, each with what becomes of it: the message it is refused with, an answer, or its end.

Two stores are asked (`sql_world`), which differ in what another project wrote: their answers may not.
"""

import asyncio
import re
from collections.abc import Iterator

import pytest

from assay_server.core.errors import Unavailable
from assay_server.query import Sql
from tests.fixtures.sql_world import MINE, World

REFUSED: dict[str, list[str]] = {
    "NotInSql: There is no table": [
        "FROM facts.spans",
        "FROM memory.main.spans",
        "SELECT * FROM spans UNION ALL BY NAME SELECT * FROM facts.main.spans",
        "SELECT * FROM temp.main.restored",
        "SELECT * FROM restored",
        "SELECT * FROM touched",
        "SELECT * FROM held",
        "SELECT * FROM trace_parts",
        "SELECT * FROM thin",
        'SELECT * FROM "spans with attributes"',
        "WITH spans AS (FROM held) FROM spans",
        "SELECT * FROM spans, LATERAL (SELECT * FROM held)",
        "TABLE held",
        "SELECT * FROM unnest((SELECT list(project) FROM held))",
        "SELECT 1 OFFSET (SELECT count(*) FROM held)",
        "SELECT * FROM range((SELECT count(*) FROM held))",
        "SELECT * FROM nosuch",
        "SELECT * FROM 's3://x/y.parquet'",
        "SELECT * FROM '~/.duckdb/x.csv'",
        "SELECT * FROM store",
        "SELECT * FROM params",
        "SELECT * FROM self",
        "SELECT * FROM connection",
        "SELECT * FROM facts",
        "SELECT EXISTS(FROM held)",
        "SELECT 1 = ANY(SELECT 1 FROM held)",
    ],
    "InvalidInput: Binder Error": [
        "SELECT (SELECT project FROM spans LIMIT 1)",
        'SELECT "own spans".project FROM spans',
        "SELECT * FROM spans WHERE project IS NOT NULL",
        "SELECT spans.project FROM spans",
        "SELECT COLUMNS('proj.*') FROM spans",
        "SELECT asked FROM spans",
        "SELECT \"attribute 0\", attributes->>'a' AS a FROM spans",
        "SELECT COLUMNS('attribute .*'), attributes->>'a' AS a FROM spans",
        "SELECT shown FROM spans",
        "SELECT rowid FROM spans",
        "SELECT * FROM spans ASOF JOIN scores USING (start)",
        "SELECT regexp_replace(concat(*COLUMNS(*)), '(a*)*b', '') FROM spans",
        "SELECT U&'\\0041'",
        "SELECT struct_extract({'a':1}, 'b')",
        "SELECT nosuch FROM spans",
        'SELECT "error"(1)',
        "SELECT spans.* LIKE 'x' FROM spans",
        "SELECT columns(c -> c LIKE 'p%') FROM spans",
        "SELECT struct_extract(s, 'project') FROM spans s",
        "SELECT s.project FROM (SELECT * FROM spans) s",
    ],
    "InvalidInput: This is no SELECT": [
        "PIVOT spans ON name",
        "FROM (PIVOT spans ON model USING count(*))",
        "MERGE INTO spans USING scores ON true WHEN MATCHED THEN DELETE",
    ],
    "NotInSql: .*may not be used here": [
        "UNPIVOT spans ON name INTO NAME a VALUE b",
        "SELECT * FROM (DESCRIBE spans)",
        "SELECT * FROM (SHOW TABLES)",
        "SELECT * FROM (SUMMARIZE spans)",
        "SELECT #1 FROM spans",
        "SELECT ARRAY(SELECT project FROM held)",
    ],
    "InvalidInput: syntax error": [
        "SELECT * FROM (EXPLAIN SELECT 1)",
        "SELECT * FROM " + "(" * 0 + " spans NATURAL JOIN ".join(["spans a"] + ["spans"] * 5),
    ],
    "NotInSql: The function": [
        "SELECT list_reduce([1,2], lambda a,b: getenv('HOME'))",
        "SELECT {'a': getenv('HOME')}",
        "SELECT MAP{getenv('HOME'): 1}",
        "SELECT CASE WHEN true THEN getenv('HOME') END",
        "SELECT sum(1) OVER w FROM spans WINDOW w AS (ORDER BY getenv('HOME'))",
        "SELECT 1 GROUP BY getenv('HOME')",
        "SELECT 1 FROM spans QUALIFY getenv('HOME')=''",
        "SELECT * FROM json_each((SELECT getenv('HOME')))",
        "SELECT levenshtein(string_agg('a',''), string_agg('b','')) FROM range(1000000)",
        "SELECT damerau_levenshtein(string_agg('a',''), string_agg('b','')) FROM range(100000)",
        "SELECT nosuch()",
        "FROM query('FROM held')",
        "FROM query_table(['held'])",
        "FROM sql_auto_complete('S')",
        "FROM which_secret('x','s3')",
        "FROM duckdb_approx_database_count()",
        "FROM test_all_types()",
        "FROM repeat(1, 1000)",
        "FROM repeat_row(1, num_rows=1000)",
        "FROM seq_scan('held')",
        "FROM arrow_scan(1,2,3)",
        "FROM pandas_scan(1)",
        "FROM python_map_function(1)",
        "FROM summary((FROM spans))",
        "FROM checkpoint()",
        "FROM enable_logging()",
        "FROM pragma_database_size()",
        "FROM read_text_auto('x')",
        "FROM dbgen(sf=1)",
        "SELECT current_database()",
        "SELECT current_schemas(true)",
        "SELECT current_query()",
        "SELECT has_table_privilege('held','select')",
        "SELECT pg_get_viewdef('held')",
        "SELECT in_search_path('a','b')",
        "SELECT get_block_size('memory')",
        "SELECT add_parquet_key('a','b')",
        "SELECT set_config('a','b')",
        "SELECT parse_path('x')",
        "SELECT bitstring('1', 1000000000)",
        "SELECT array_value(1,2)",
        "SELECT to_base(1,2,1000000000)",
        "SELECT enum_range(NULL)",
        "SELECT vector_type(1)",
        "SELECT stats(input) FROM spans",
        "SELECT alias(1)",
        "SELECT finalize(x) FROM spans",
        "SELECT list_resize([1],10)",
        "SELECT map_concat(MAP{}, MAP{})",
        "SELECT gen_random_uuid()",
        "SELECT setseed(0.5)",
        "SELECT create_sort_key(1,'asc')",
        "SELECT system.main.abs(1)",
        "SELECT input->>getenv('HOME') FROM spans",
        "SELECT try(getenv('HOME'))",
        "SELECT * FROM VALUES (getenv('HOME'))",
    ],
    "NotInSql: The type": [
        "SELECT CAST('a' AS ENUM('a','b'))",
        "SELECT 'x'::project",
        "SELECT TRY_CAST('held' AS regclass)",
        "SELECT 1::STRUCT(a getenv)",
    ],
    "InvalidInput: (Invalid Input Error|Maximum)": [
        "SELECT error((SELECT string_agg(name) FROM spans))",
        "SELECT error('x')",
        "SELECT regexp_matches('x', '" + "(x{1000}){1000}" + "')",
        "SELECT equi_width_bins(0, 1000000000, 1000000000, false)",
        "SELECT approx_top_k(a, 100000000) FROM range(10) t(a)",
        "SELECT count(*) FROM spans GROUP BY CUBE("
        + ",".join(
            [
                "name",
                "kind",
                "status",
                "service",
                "environment",
                "scope",
                "session",
                "input",
                "output",
                "model",
                "provider",
                "release",
                "channel",
                "arm",
                "run",
                "item",
            ]
        )
        + ")",
    ],
    "(InvalidInput|TooLarge): .*longer than": [
        "SELECT " + "replace(" * 4 + "'xxxxxxxxxx'" + ",'x','xxxxxxxxxxxxxxxxxxxx')" * 4,
        "SELECT " + "NOT " * 5000 + "true",
        "SELECT 1 " + "UNION ALL SELECT 1 " * 1500,
    ],
    "InvalidInput: .*(Catalog|Conversion|Out of Range|Not implemented)": [
        "SELECT factorial(100000)",
        "SELECT 'x' COLLATE \"held\"",
        "SELECT date_trunc('held', now())",
        "SELECT CAST(input AS INTEGER) FROM spans",
        "SELECT now() AT TIME ZONE 'held'",
    ],
    "InvalidInput: .*(recursion depth|depth limit|nested too deeply)": [  # Python 3.13 finds it before DuckDB
        "SELECT " + "[" * 500 + "1" + "]" * 500,
        "SELECT " + "CASE WHEN true THEN " * 500 + "1" + " END" * 500,
        "SELECT " + "(SELECT " * 300 + "1" + ")" * 300,
        "SELECT * FROM " + "(SELECT * FROM " * 400 + "spans" + ")" * 400,
        "SELECT * FROM spans " + ", spans " * 1200,
        "SELECT " + "-" * 1 + " -" * 5000 + "1",
    ],
    "InvalidInput: .*without end": [
        "WITH "
        + ",".join(f"t{i} AS (SELECT * FROM {('spans' if i == 0 else f't{i - 1} a, t{i - 1} b')})" for i in range(30))
        + " SELECT count(*) FROM t29",
        "WITH "
        + ",".join(
            f"t{i} AS (SELECT {('1 AS x' if i == 0 else f'a.x FROM t{i - 1} a UNION ALL SELECT x FROM t{i - 1}')})"
            for i in range(40)
        )
        + " SELECT count(*) FROM t39",
    ],
}

HARMLESS: list[str] = [
    "SELECT concat(" + "'x'," * 300 + "'x')",
    'WITH "own spans" AS (SELECT 1) SELECT * FROM "own spans"',
    'WITH "own spans" AS (SELECT 1 AS x) SELECT s.* FROM spans s',
    "SELECT COLUMNS('.*') FROM spans",
    "SELECT * EXCLUDE (name) FROM spans",
    "SELECT spans FROM spans",
    "TABLE spans",
    "SELECT * FROM spans TABLESAMPLE 10%",
    "SELECT * FROM spans POSITIONAL JOIN scores",
    "SELECT list_aggregate([1],'histogram')",
    "SELECT x'00'::BLOB",
    "SELECT 1 LIMIT 10%",
    "SELECT * FROM generate_series(1, 10000000000)",
    "SELECT count(*) FROM range(3000000) a(x) ORDER BY 1",
    "SELECT regexp_matches('" + "a" * 5000 + "', '(a|aa)+$')",
    "SELECT pow(10,1000000)",
    "SELECT 2::HUGEINT << 120",
    "SELECT quantile_cont(a, [0.1,0.2]) FROM range(10) t(a)",
    "SELECT strftime(now(), '" + "%c" * 4000 + "')",
    "SELECT 'x' COLLATE nocase",
    "SELECT name COLLATE de FROM spans",
    "SELECT $$x$$",
    "SELECT E'\\x41'",
    "SELECT 1 WHERE 'SECRET' IN (SELECT input FROM spans)",
    "SELECT json_extract(attributes, '$..*') FROM spans",
    "SELECT current_user",
    "SELECT session_user",
    "SELECT * FROM spans ORDER BY ALL",
    "SELECT * RENAME (name AS x) FROM spans",
    "SELECT * LIKE 'p%' FROM spans",
    "SELECT * FROM spans USING SAMPLE reservoir(10) ",
    "SELECT GROUPING(name) FROM spans GROUP BY CUBE(name, kind)",
]

ENDLESS: list[str] = [
    "WITH RECURSIVE spans AS (FROM spans UNION ALL FROM spans) SELECT count(*) FROM spans",
    "SELECT count(*) FROM range(100000000000)",
    "SELECT list(a) FROM range(100000000) t(a)",
    "SELECT string_agg(a::VARCHAR, ',') FROM range(100000000) t(a)",
    "SELECT json_group_array(a) FROM range(100000000) t(a)",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s||s FROM t) SELECT max(length(s)) FROM t",
    "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c",
    "SELECT regexp_extract_all(string_agg('a',''), 'a') FROM range(10000000)",
    "SELECT " + "replace(" * 9 + "'x'" + ",'x','xxxxxxxxxx')" * 9,
    "SELECT jaccard(string_agg('a',''), string_agg('b','')) FROM range(1000000000)",
    "SELECT histogram(a) FROM range(50000000) t(a)",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, World]]:
    with asyncio.Runner() as runner:
        made = runner.run(World.made(tmp_path_factory.mktemp("attacked")))
        yield runner, made
        runner.run(made.close())


@pytest.mark.parametrize("message", REFUSED)
def test_an_attack_is_refused_in_words_that_say_why(world: tuple[asyncio.Runner, World], message: str) -> None:
    runner, stores = world
    told = {attack: runner.run(stores.ask(attack)) for attack in REFUSED[message]}
    assert {attack: said for attack, said in told.items() if not re.match(message, said or "answered")} == {}


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_what_looks_bad_and_is_harmless_is_answered(world: tuple[asyncio.Runner, World], number: int) -> None:
    runner, stores = world
    assert runner.run(stores.ask(HARMLESS[number])) is None


@pytest.mark.parametrize("number", range(len(ENDLESS)))
def test_what_would_not_end_is_stopped(world: tuple[asyncio.Runner, World], number: int) -> None:
    runner, stores = world
    runner.run(_stopped(stores, ENDLESS[number]))


async def _stopped(stores: World, attack: str) -> None:
    sql = Sql(stores.stores[0], seconds=0.2)
    with pytest.raises(Unavailable):
        await sql.run(MINE, attack)
    sql._seconds = 60  # a busy machine needs its time for this one
    assert (await sql.run(MINE, "SELECT 1")).rows == [[1]]
    await sql.close()
