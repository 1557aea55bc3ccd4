"""Facts that have to be attached again are, whoever had them open: from then on everything goes on by itself."""

from pathlib import Path

import duckdb
import pytest

from assay_server.core.errors import TooLarge, Unavailable
from assay_server.core.records import Facts
from assay_server.store import DuckStore, Limits, copying
from tests.conformance.store import a_span

_COUNTED = "SELECT count(*) AS n FROM spans"


async def _filled(path: Path, spans: int) -> DuckStore:
    store = await DuckStore.open(path)
    await store.append(Facts(spans=[a_span(n, n) for n in range(1, spans + 1)]))
    await store.settle()
    return store


def _out_of_order(store: DuckStore) -> None:
    """As it is after an attempt to attach it again that failed."""
    store._control.execute(f"DETACH DATABASE {store._attached.name}")


async def test_who_asked_for_too_much_does_not_keep_the_file_open(tmp_path: Path) -> None:
    """The rest of the answer waited in an idle thread: every append failed until that one had something to do."""
    store = await _filled(tmp_path, 20_000)
    with pytest.raises(TooLarge):
        await store.scan("SELECT * FROM spans", limits=Limits(rows=5))
    _out_of_order(store)
    appended = await store.append(Facts(spans=[a_span(30_000, 1)]))
    counted = await store.scan(_COUNTED)
    await store.close()
    assert (appended.spans, counted) == (1, [{"n": 20_001}])


async def test_a_store_into_which_nothing_came_yet_is_attached_again_for_who_reads(tmp_path: Path) -> None:
    """Its writer had not read to the end what it asked when it was opened."""
    await (await _filled(tmp_path, 10)).close()
    store = await DuckStore.open(tmp_path)
    _out_of_order(store)
    counted = await store.scan(_COUNTED)
    await store.close()
    assert counted == [{"n": 10}]


async def test_a_transaction_that_nobody_ended_is_rolled_back_by_the_next(tmp_path: Path) -> None:
    """Every append and change failed until the server was started anew."""
    store = await _filled(tmp_path, 10)
    await store._in_writer(lambda: store._connection.execute("BEGIN; UPDATE spans SET cost = 3"))
    await store.append(Facts(spans=[a_span(11, 1)]))
    await store._in_writer(lambda: store._connection.execute("BEGIN; UPDATE spans SET cost = 3"))
    _out_of_order(store)
    counted = await store.scan("SELECT count(*) AS n, count(cost) AS priced FROM spans")
    await store.append(Facts(spans=[a_span(12, 1)]))
    await store.close()
    assert counted == [{"n": 11, "priced": 0}]


async def test_a_file_that_somebody_has_open_is_told_as_such_and_tried_again(tmp_path: Path) -> None:
    """It was an error of ours."""
    store = await _filled(tmp_path, 10)
    other = store._connection.cursor()
    other.execute("USE memory; BEGIN; SELECT count(*) FROM facts.spans")
    _out_of_order(store)
    for ask in (lambda: store.append(Facts(spans=[a_span(11, 1)])), lambda: store.scan(_COUNTED)):
        with pytest.raises(Unavailable, match="not open") as refusal:
            await ask()
        assert refusal.value.retry_after_s is not None
    other.execute("ROLLBACK")
    await store.append(Facts(spans=[a_span(11, 1)]))
    counted = await store.scan(_COUNTED)
    await store.close()
    assert counted == [{"n": 11}]


async def test_a_store_is_opened_when_another_lets_go_of_its_file_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await _filled(tmp_path, 10)).close()
    real, refused = copying.attach, [duckdb.ResourceInUseException("is in the process of being detached")]

    def attach(*given: object) -> None:
        if refused:
            raise refused.pop()
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("assay_server.store.opening.attach", attach)
    store = await DuckStore.open(tmp_path)
    counted = await store.scan(_COUNTED)
    await store.close()
    assert (refused, counted) == ([], [{"n": 10}])


async def test_facts_that_are_detached_while_they_are_copied_are_copied_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That their schema does not exist was an error of ours."""
    store = await _filled(tmp_path, 10)
    real, first = copying.catch_up, [True]

    def catch_up(*given: object) -> copying.Marks:
        if first:
            first.pop()
            _out_of_order(store)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "catch_up", catch_up)
    rewritten = await store.compact()
    counted = await store.scan(_COUNTED)
    await store.close()
    assert (rewritten.rows["spans"], counted) == (10, [{"n": 10}])
