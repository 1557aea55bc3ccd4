"""Whatever is thrown at the SQL sandbox: rows of one's own project, or an error of ours."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay_server.core.errors import AssayError
from assay_server.core.records import Facts, Score, Span
from assay_server.query import Sql
from assay_server.query.sandbox.grammar import FUNCTIONS
from assay_server.store import DuckStore
from tests.fixtures.sql_world import World
from tests.fixtures.sql_writer import Writer

SECRET = "belongs-to-somebody-else"

NAMES = st.sampled_from(
    [
        *(
            "spans",
            "calls",
            "scores",
            "traces",
            '"own spans"',
            "facts.main.spans",
            "facts.spans",
            "main.spans",
            "asked",
        ),
        *("sqlite_master", "duckdb_tables()", "information_schema.tables", "'/etc/passwd'", "read_text('/etc/passwd')"),
        *("range(3)", "query('FROM facts.spans')", "(SELECT 1 AS input)", "t", "shown", "rows", "cursor"),
    ]
)
VALUES = st.sampled_from(
    [
        *(
            "*",
            "input",
            "project",
            "cost",
            '"user"',
            "spans",
            "t",
            "1",
            "NULL",
            "'x'",
            "attributes.x",
            "attributes->>'x'",
            "t.attributes->>'$.\"x\"'",
            "count(*)",
            "$1",
        ),
        *("getenv('HOME')", "current_setting('temp_directory')", "t.project", "spans.project", "COLUMNS('.*')"),
    ]
)
CALLS = st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES, max_size=3).map(", ".join))
EXPRESSIONS = VALUES | CALLS | st.builds("{} {} {}".format, VALUES, st.sampled_from(["=", "||", "OR", "IN"]), VALUES)


def queries(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    relation = NAMES | inner.map("({}) AS t".format)
    select = st.builds("SELECT {} FROM {} WHERE {}".format, EXPRESSIONS, relation, EXPRESSIONS)
    plain = st.builds("SELECT {} FROM {}".format, EXPRESSIONS, relation)
    cte = st.builds("WITH {} AS ({}) {}".format, NAMES, inner, inner)
    recursive = st.builds("WITH RECURSIVE {} AS ({} UNION ALL {}) {}".format, NAMES, inner, inner, inner)
    return select | plain | cte | recursive | st.builds("{} UNION ALL {}".format, inner, inner)


LIKELY = st.recursive(st.builds("SELECT {} FROM {}".format, EXPRESSIONS, NAMES), queries, max_leaves=6)
TOKENS = st.lists(
    NAMES
    | EXPRESSIONS
    | st.sampled_from(
        [
            "SELECT",
            "FROM",
            "WHERE",
            "WITH",
            "AS",
            "(",
            ")",
            ";",
            "--",
            "/*",
            "*/",
            ",",
            "UNION",
            "LATERAL",
            "JOIN",
            "ON",
            "PIVOT",
        ]
    ),
    max_size=20,
).map(" ".join)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Sql]]:
    """One store with two projects, and the loop it lives in."""
    with asyncio.Runner() as runner:
        store, sql = runner.run(_filled(tmp_path_factory.mktemp("sandbox")))
        yield runner, sql
        runner.run(sql.close())
        runner.run(store.close())


async def _filled(path: Path) -> tuple[DuckStore, Sql]:
    store = await DuckStore.open(path / "facts")
    spans = [
        Span(project, f"{n:032x}", f"{n:016x}", None, text, "llm", n, n + 1, input=text, user=text)
        for n, (project, text) in enumerate((("prj_a", "mine"), ("prj_b", SECRET)), 1)
    ]
    await store.append(Facts(spans, [Score("prj_b", "s", SECRET, 1, "code", 1.0)]))
    return store, Sql(store, seconds=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=LIKELY | TOKENS | st.text(max_size=60))
@example("SELECT * FROM spans")
@example("WITH spans AS (SELECT * FROM spans) SELECT * FROM spans UNION ALL SELECT * FROM spans")
def test_nothing_of_another_project_is_ever_seen(everything: tuple[asyncio.Runner, Sql], text: str) -> None:
    runner, sql = everything
    try:
        answer = runner.run(sql.run("prj_a", text, limit=50))
    except AssayError as error:
        assert SECRET not in str(error)
    else:
        assert SECRET not in str(answer)
        assert "prj_" not in str(answer)
        assert "root:" not in str(answer)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, World]]:
    """Two stores that differ in what another project wrote."""
    with asyncio.Runner() as runner:
        made = runner.run(World.made(tmp_path_factory.mktemp("worlds")))
        yield runner, made
        runner.run(made.close())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.integers(0, 999), max_size=80))
def test_what_another_project_wrote_changes_no_answer(world: tuple[asyncio.Runner, World], numbers: list[int]) -> None:
    runner, stores = world
    runner.run(stores.ask(Writer(numbers).write()))


def test_most_kinds_of_outcome_are_met(world: tuple[asyncio.Runner, World]) -> None:
    """So that the test above is about more than errors of syntax."""
    runner, stores = world
    rng = random.Random(7)
    queries = [Writer([rng.randrange(999) for _ in range(120)]).write() for _ in range(60)]
    met = {(runner.run(stores.ask(query)) or "answered").partition(":")[0] for query in queries}
    assert met >= {"answered", "InvalidInput", "NotInSql"}
