"""Attributes with more names than the store's memory has room for."""

import asyncio
import contextlib
from pathlib import Path

import duckdb
import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts
from assay_server.store import DuckStore, Settings, width
from tests.conformance.store import a_span
from tests.fixtures.many_names import BATCHES, NAMES, SPANS, with_many_names

_TRIES = 20


async def _sent(store: DuckStore, facts: Facts) -> None:
    """As clients send: again where it is refused, which it may be while the checkpoint fails."""
    for _ in range(_TRIES):
        with contextlib.suppress(Unavailable):
            await store.append(facts)
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the store never took it")


async def test_names_that_hold_ids_do_not_stop_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column for each name took the checkpoint gigabytes: from then on every append failed, also after a restart."""
    monkeypatch.setattr(width, "_BY_ITSELF", 100)  # 30,000 rows take a test too long
    store = await DuckStore.open(tmp_path, Settings(checkpoint_threshold="4MB", memory_limit="128MB"))
    for batch in range(BATCHES):
        numbers = range(1 + batch * SPANS, 1 + (batch + 1) * SPANS)
        spans = [a_span(k, k, attributes={"who": "x", f"seen.{k % NAMES}": k}) for k in numbers]
        await _sent(store, Facts(spans=spans))
    found = await store.scan(
        "SELECT count(*) AS n, count(variant_extract(attributes, 'seen.7')) AS of_seven FROM spans"
    )
    assert found == [{"n": BATCHES * SPANS, "of_seven": 2}]
    kept = await store.scan("SELECT current_setting('variant_minimum_shredding_size') AS size")
    assert kept == [{"size": -1}], "a checkpoint met too many"
    assert (await store.compact()).rows["spans"] == BATCHES * SPANS
    await store.close()
    store = await DuckStore.open(tmp_path)
    assert (await store.stats()).rows["spans"] == BATCHES * SPANS
    await store.close()


@pytest.mark.parametrize("threshold", ["16MB", "64MB"], ids=["at its commit", "behind it"])
async def test_a_copy_that_meets_them_first_is_made_and_the_store_remembers(tmp_path: Path, threshold: str) -> None:
    """Its second file was out of order then, and so was every later copy until the server was started anew.

    More than the threshold is written by the commit itself, which DuckDB tells in other words.
    """
    store = await with_many_names(tmp_path, threshold)
    assert (await store.compact()).rows["spans"] == BATCHES * SPANS
    assert (await store.compact()).rows["spans"] == BATCHES * SPANS
    await store.close()
    store = await DuckStore.open(tmp_path)
    kept = await store.scan("SELECT current_setting('variant_minimum_shredding_size') AS size")
    assert kept == [{"size": -1}]
    assert (await store.stats()).rows["spans"] == BATCHES * SPANS
    await store.close()


@pytest.mark.parametrize("what", ["compact", "settle"])
async def test_facts_that_a_checkpoint_took_out_of_order_are_put_in_order_by_whoever_comes_first(
    tmp_path: Path, what: str
) -> None:
    """Only appends and readers did: a copy failed, and settling failed until somebody else had come."""
    store = await with_many_names(tmp_path, "1GB")
    with pytest.raises(duckdb.Error, match=r"checkpoint|Checkpoint"):
        store._control.execute("CHECKPOINT facts")
    with pytest.raises(duckdb.Error, match="invalidated"):
        store._control.execute("SELECT count(*) FROM facts.spans")
    if what == "compact":
        assert (await store.compact()).rows["spans"] == BATCHES * SPANS
    else:
        await store.settle()
    assert (await store.scan("SELECT count(*) AS n FROM spans")) == [{"n": BATCHES * SPANS}]
    await store.close()


async def test_a_store_starts_though_its_log_holds_more_names_than_a_checkpoint_has_memory_for(tmp_path: Path) -> None:
    """Making its views had DuckDB write that checkpoint: the server was refused its facts at every start."""
    store = await with_many_names(tmp_path, "1GB")
    await store.close()
    small = Settings(checkpoint_threshold="1MB", memory_limit="128MB", columns_from=100)
    store = await DuckStore.open(tmp_path, small)
    appended = await store.append(Facts(spans=[a_span(100_000, 1)]))
    await store.settle()
    rows = (await store.stats()).rows
    kept = await store.scan("SELECT current_setting('variant_minimum_shredding_size') AS size")
    await store.close()
    assert (appended.spans, rows["spans"], kept) == (1, BATCHES * SPANS + 1, [{"size": -1}])
