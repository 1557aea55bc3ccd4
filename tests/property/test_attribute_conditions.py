"""A condition over an attribute finds a span of the live tail where, and only where, it finds the stored one."""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay_server.core.errors import InvalidInput
from assay_server.core.records import Facts, Span
from assay_server.query import TraceFilter, Traces, read_condition
from assay_server.query.filters.attributes import OPERATORS
from assay_server.query.filters.stored_text import as_stored, json_text, plain_text, texts_within
from assay_server.store import DuckStore, Settings

WHOLE = st.integers(-(2**70), 2**70) | st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**400])
REAL = st.floats() | st.sampled_from([-0.0, 1e300, 0.1, 1e-7, 1e-6, 1e16, 1e20, 1e21, 5e-324])
SAID = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ODD_TEXTS = ["[1]", '{"a":1}', '["x"]', "[x]", "it's", 'say "x":', "\\", "İΣ", "ΑΣ", "1_0", " 1 ", "1e5", "nan", "\x0b"]
TEXT = (
    st.text(st.characters(), max_size=8)
    | st.text("0123456789.eE+-_ infaty\t\n\x0b", max_size=6)
    | st.text("[]{},:\"\\' abn\n", max_size=8)
    | st.sampled_from([*ODD_TEXTS, "\ud800x"])
)
LEAF = st.none() | st.booleans() | WHOLE | REAL | TEXT | st.binary(max_size=3)
VALUE = st.recursive(
    LEAF, lambda part: st.lists(part, max_size=4) | st.dictionaries(SAID, part, max_size=3), max_leaves=6
)


def _asked(value: Any) -> list[str]:
    """What somebody may ask who has seen the value, or nearly."""
    seen = as_stored(value)
    if isinstance(seen, list | dict):
        texts = [json_text(seen), json_text(seen)[1:-1], str(seen), json.dumps(seen, ensure_ascii=False)]
        texts += texts_within(seen)
    else:
        texts = [] if seen is None else [plain_text(seen)]
    return [*texts, *(text[1:] for text in texts), *(text[:-1] for text in texts), *(text.upper() for text in texts)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, DuckStore]]:
    """Whatever it writes to its file has a column for each name."""
    with asyncio.Runner() as runner:
        folder = tmp_path_factory.mktemp("attributes") / "facts"
        opened = runner.run(DuckStore.open(folder, Settings(columns_from=1)))
        yield runner, opened
        runner.run(opened.close())


_projects = map("prj_{}".format, count())


def _written(store: DuckStore) -> None:
    """From the log into the file."""
    store._writer.submit(store._connection.execute, "FORCE CHECKPOINT").result()


def _stored(runner: asyncio.Runner, store: DuckStore, values: list[Any]) -> str:
    project = next(_projects)
    spans = [
        Span(project, f"{n:032x}", f"{n + 1:016x}", None, "call", "llm", n, n + 1, attributes={"k": value})
        for n, value in enumerate(values)
    ]
    runner.run(store.append(Facts(spans)))
    return project


def _agree(runner: asyncio.Runner, store: DuckStore, project: str, values: list[Any], text: str) -> None:
    try:
        condition = read_condition(text)
    except InvalidInput:
        return
    sql, params = condition.sql()
    rows = runner.run(store.scan(f"SELECT trace_id FROM spans WHERE project = ? AND {sql}", [project, *params]))
    found = {int(row["trace_id"], 16) for row in rows}
    live = {n for n, value in enumerate(values) if condition.holds({"k": value})}
    assert found == live, (text, [values[n] for n in found ^ live])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(VALUE, min_size=1, max_size=6), in_columns=st.booleans(), data=st.data())
def test_whatever_the_value_is(
    store: tuple[asyncio.Runner, DuckStore], values: list[Any], in_columns: bool, data: st.DataObject
) -> None:
    project = _stored(*store, values)
    if in_columns:
        _written(store[1])
    asked = sorted({text for value in values for text in _asked(value)} | {"", "[", "x", "null", "1"})
    for _ in range(10):
        op = data.draw(st.sampled_from(OPERATORS))
        wanted = "" if op == "exists" else data.draw(st.sampled_from(asked) | SAID)
        _agree(*store, project, values, f"k:{op}:{wanted}")


ALIKE: list[list[Any]] = [
    [["stop"], ["it's", "a, b"], ["length", 'say "x"', " \\ '"], []],
    [{"a": "x", "b": {"c": "\n"}}, {"b": {"c": "y"}, "a": "it's"}],
    ["x", "[x]", '["stop"]', "{}"],
    [0.1, 1e-7, 1e16, -0.0],
    [1, 2**64 - 1, -1],
    [0, -0.0, "0", "0.0", 0.0, "1e0", 1, 1.0, True, "1", 2.5, "2.5"],
    [2**53 + 1, float(2**53), 1e20, 10**20, "1e+20", 1e16, 10**16],
]


@pytest.mark.parametrize("kinds", ALIKE)
def test_however_the_engine_keeps_it(store: tuple[asyncio.Runner, DuckStore], kinds: list[Any]) -> None:
    """Many values of one kind under one name are spread over columns when the store is written anew."""
    runner, opened = store
    values = kinds * 400
    project = _stored(runner, opened, values)
    runner.run(opened.compact())
    for wanted in sorted({text for value in kinds for text in _asked(value)}):
        for op in OPERATORS:
            _agree(runner, opened, project, values, f"k:{op}:{wanted}")


@pytest.mark.parametrize("in_columns", [False, True])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1", [1, 1.0, "1"]),
        ("1.0", [1, 1.0, "1.0"]),
        ("1e0", [1, 1.0, "1e0"]),
        ("-1.0", []),
        ("0", [-0.0, 0]),
        ("0.50", [0.5]),
        ("9007199254740993", [2**53 + 1]),
        ("9007199254740992", [float(2**53)]),
        ("01", []),
        ("1e400", []),
        ("1e99999999999999999999", []),
        ("true", [True]),
    ],
)
def test_a_number_is_the_same_however_it_is_written(
    store: tuple[asyncio.Runner, DuckStore], asked: str, found: list[Any], in_columns: bool
) -> None:
    runner, opened = store
    values = [1, 1.0, "1", "1.0", "1e0", True, -0.0, 0, 0.5, 2**53 + 1, float(2**53), None, [1]]
    project = _stored(runner, opened, values)
    if in_columns:
        _written(opened)
    _agree(runner, opened, project, values, f"k:ne:{asked}")
    _agree(runner, opened, project, values, f"k:eq:{asked}")
    condition = read_condition(f"k:eq:{asked}")
    told = [repr(value) for value in values if condition.holds({"k": value})]
    assert sorted(told) == sorted(map(repr, found))


NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.from_regex(
    r"[ab][0-9]{0,2}\.[0-9é٣]?", fullmatch=True
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(st.dictionaries(NAME, st.integers(0, 2) | st.none(), max_size=4), min_size=1, max_size=5))
def test_whatever_it_is_called(store: tuple[asyncio.Runner, DuckStore], sent: list[dict[str, Any]]) -> None:
    """Spans of other sets of names are not read: none of them may be missing in the list."""
    runner, opened = store
    project = next(_projects)
    spans = [
        Span(project, f"{n:032x}", f"{n + 1:016x}", None, "call", "llm", n, n + 1, attributes=attributes)
        for n, attributes in enumerate(sent)
    ]
    runner.run(opened.append(Facts(spans)))
    for name in {name for attributes in sent for name in attributes} | {"a1.", "nobody"}:
        try:
            condition = read_condition(f"{name}:exists:")
        except InvalidInput:  # of no name at all
            continue
        narrow = TraceFilter(attributes=(f"{name}:exists:",))
        found = runner.run(Traces(opened).find(project, narrow, limit=9))
        expected = {f"{n:032x}" for n, attributes in enumerate(sent) if condition.holds(attributes)}
        assert {trace["trace_id"] for trace in found.items} == expected, name
