"""Attributes as columns of their own: only while that is cheap, and whatever is done to them afterwards."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.records import Facts
from assay_server.store import Doomed, DuckStore, Priced, Settings
from assay_server.store.width import SIZE, Width
from tests.conformance.store import a_span

_NAMES = [f"name.{n}" for n in range(200)]


def _facts(first: int, number: int, names: list[str]) -> Facts:
    return Facts([a_span(n, n, attributes=dict.fromkeys(names, n)) for n in range(first, first + number)])


async def _written(store: DuckStore) -> None:
    await store._in_writer(lambda: store._connection.execute("FORCE CHECKPOINT"))


async def _columns(store: DuckStore) -> int:
    """Of all that the attributes are made of in the file."""
    paths = "SELECT DISTINCT column_path FROM pragma_storage_info('spans') WHERE column_name = 'attributes'"
    return len(await store.scan(paths))


async def test_few_names_are_columns_from_small_row_groups_on(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(_facts(0, 900, _NAMES[:3]))
    await _written(store)
    whole = await _columns(store)
    await store.append(_facts(900, 1_100, _NAMES[:3]))
    await _written(store)
    assert await _columns(store) > whole
    await store.close()


def _size(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(f"SELECT current_setting('{SIZE}')").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"SET GLOBAL {SIZE} = 1000")
        yield connection


_FEW = [a_span(attributes=dict.fromkeys(_NAMES[:2]))] * 25_000


def test_many_names_are_not_until_they_are_few_again(engine: duckdb.DuckDBPyConnection) -> None:
    width = Width(engine, 1_000)
    for name in _NAMES[:101]:
        assert _size(engine) == 1_000
        width.coming([a_span(attributes={name: 1})])
    assert _size(engine) == 30_000
    width.coming(_FEW)
    assert _size(engine) == 30_000, "the next checkpoint may still write the many"
    width.coming(_FEW)
    assert _size(engine) == 1_000


def test_nor_are_fewer_where_each_span_has_most_of_them(engine: duckdb.DuckDBPyConnection) -> None:
    width = Width(engine, 1_000)
    wide = a_span(attributes=dict.fromkeys(_NAMES[:50]))
    width.coming([wide])
    assert _size(engine) == 30_000
    width.coming([wide, *_FEW[:1_000]])
    assert _size(engine) == 1_000, "most have few"


def test_where_there_is_no_memory_for_columns_there_are_none_again(engine: duckdb.DuckDBPyConnection) -> None:
    width = Width(engine, 1_000)
    engine.execute(f"SET GLOBAL {SIZE} = -1")
    for spans in ([a_span(attributes=dict.fromkeys(_NAMES))], _FEW, _FEW, _FEW):
        width.coming(spans)
        assert _size(engine) == -1


_VALUES = (-3, 2**40, 0.1, 1e300, "", "x" * 30, 'ü\n"', True, None, [1, "a", {"b": 2}], {"c": {"d": 1}})


class _Model:
    """A store in which all that is written has columns, and what should be in it."""

    def __init__(self, store: DuckStore, path: Path, settings: Settings, rng: random.Random) -> None:
        self.store, self._path, self._settings, self._rng = store, path, settings, rng
        self._spans: dict[tuple[str, str], tuple[dict[str, Any], float | None]] = {}
        self._next = 1

    async def step(self) -> None:
        steps = (
            self._append,
            self._append,
            self._append,
            self._price,
            self._erase,
            self._write,
            self._anew,
            self._open,
        )
        await self._rng.choice(steps)()

    async def _append(self) -> None:
        spans = []
        for _ in range(self._rng.choice((1, 30, 400, 1_500))):
            names = self._rng.choice((_NAMES[:9], _NAMES[5:25], ["other"], []))
            attributes = {name: self._rng.choice(_VALUES) for name in names if self._rng.random() < 0.9}
            span = a_span(
                self._rng.randrange(max(1, self._next - 50), self._next + 2), self._next, attributes=attributes
            )
            self._next += 1
            self._spans[span.trace_id, span.span_id] = attributes, None
            spans.append(span)
        await self.store.append(Facts(spans))

    async def _price(self) -> None:
        some = self._rng.sample(list(self._spans), len(self._spans) // 3)
        await self.store.reprice("prj_a", [Priced(trace_id, span_id, 1.5, "own") for trace_id, span_id in some])
        self._spans |= {one: (self._spans[one][0], 1.5) for one in some}

    async def _erase(self) -> None:
        traces = {trace_id for trace_id, _ in self._rng.sample(list(self._spans), len(self._spans) // 50)}
        where = "trace_id IN (SELECT unnest(?::VARCHAR[]))"
        await self.store.erase("prj_a", [Doomed("spans", where, (sorted(traces),))])
        self._spans = {one: said for one, said in self._spans.items() if one[0] not in traces}

    async def _write(self) -> None:
        await self.store.settle()
        await _written(self.store)

    async def _anew(self) -> None:
        await self.store.compact()

    async def _open(self) -> None:
        await self.store.close()
        self.store = await DuckStore.open(self._path, self._settings)

    async def check(self) -> None:
        rows = await self.store.scan("SELECT trace_id, span_id, attributes::JSON::VARCHAR AS said, cost FROM spans")
        found = {(row["trace_id"], row["span_id"]): (json.loads(row["said"]), row["cost"]) for row in rows}
        assert len(found) == len(rows)
        assert found == self._spans


@pytest.mark.parametrize("seed", range(6))
async def test_attributes_in_columns_outlive_whatever_is_done(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    threshold, row_group = rng.choice(("64KB", "1MB", "16MB")), rng.choice((2_048, 122_880))
    settings = Settings(columns_from=1, checkpoint_threshold=threshold, row_group_size=row_group)
    model = _Model(await DuckStore.open(tmp_path, settings), tmp_path, settings, rng)
    for _ in range(14):
        await model.step()
    await model.check()
    await model.store.close()
