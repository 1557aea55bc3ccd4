"""Which names the attributes of a span have: whatever becomes of a row, its set holds every name that it may have."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from assay_server.core.errors import Unavailable
from assay_server.core.records import Facts, Span, Thin
from assay_server.store import ANY_NAMES, Doomed, DuckStore, alike, erase, key_sets
from assay_server.store.changes import Thinned
from assay_server.store.schema import FILLS

LONG = "a text that is stored as the span's input alone. " * 5
SETS = "SELECT project, names FROM key_sets ORDER BY project, names"
AWKWARD: tuple[dict[str, Any], ...] = (
    {},
    {"order.id": 4711, "b": None},
    {"b": 1.5, "order.id": "x"},  # another order
    {"llm.input_messages.0.role": "user", "llm.input_messages.1.role": "user"},
    {"llm.input_messages.17.role": "user"},
    {"input.value": LONG, "größe": [1], "a'b\"c": {"deep.key": 1}, "": 1},
    {"emoji 🙂": "x", "half \ud83d": "y", "٣": "digits of another script are letters here"},
)


def a_span(n: int, attributes: dict[str, Any], project: str = "prj_a", **fields: Any) -> Span:
    given = {"input": LONG, **fields}
    return Span(project, f"{n:032x}", f"{n:016x}", None, "call", "llm", n, n + 1, attributes=attributes, **given)


async def sets_of_spans(store: DuckStore, table: str = "spans") -> list[Any]:
    """The names of each span's set, None where they may be any."""
    rows = await store.scan(
        f"SELECT (SELECT any_value(names) FROM key_sets k WHERE k.key = s.key_set AND k.project = s.project) AS names"
        f" FROM {table} s ORDER BY start_ns"
    )
    return [row["names"] for row in rows]


async def test_rows_of_an_older_store_get_the_sets_that_new_ones_have(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts([a_span(n, given) for n, given in enumerate(AWKWARD)]))
    numbers = "SELECT key, key_set FROM spans ORDER BY key"
    before, sets = await store.scan(numbers), await store.scan(SETS)
    for change in ("UPDATE spans SET key_set = 0", "DELETE FROM key_sets", *FILLS[9], *FILLS[9]):
        store._connection.execute(change)
    assert await store.scan(numbers) == before
    assert await store.scan(SETS) == sets
    assert [row["names"] for row in sets] == [
        [],
        ["", "a'b\"c", "größe", "input.value"],
        ["b", "order.id"],
        ["emoji 🙂", "half ?", "٣"],
        ["llm.input_messages.#.role"],
    ]
    assert alike("llm.input_messages.3.role") == "llm.input_messages.#.role"
    await store.close()


async def test_sets_are_of_one_project_and_stored_once(tmp_path: Path) -> None:
    for start in (0, 10):
        store = await DuckStore.open(tmp_path)
        for n in range(start, start + 3):
            await store.append(Facts([a_span(n, {"a": n}), a_span(n + 100, {"a": n}, "prj_b")]))
        rows = await store.scan(SETS)
        await store.close()
        assert rows == [{"project": "prj_a", "names": ["a"]}, {"project": "prj_b", "names": ["a"]}]


async def test_content_that_waits_has_its_names_when_it_is_kept(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts([a_span(1, {"kept": 1, "large": "x"}, thin=Thin("waiting", {"kept": 1}))]))
    assert await sets_of_spans(store) == [["kept"]]
    assert await sets_of_spans(store, "held") == [["kept", "large"]]
    await store.decide("prj_a", [f"{1:032x}"], [], 0)
    assert await sets_of_spans(store) == [["kept", "large"]]
    await store.close()


async def test_a_text_that_is_let_go_leaves_the_set_as_it_is(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts([a_span(1, {"a": 1, "b": "x"})]))
    [key] = [row["key"] for row in await store.scan("SELECT key FROM spans")]
    await store.let_go("prj_a", [Thinned("spans", key, {"attributes": {"a": 1}}, 30)], 5)
    assert await sets_of_spans(store) == [["a", "b"]]
    await store.close()


async def test_names_go_with_the_last_span_that_has_them_and_may_come_again(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    ada = a_span(1, {"ada@example.org": 1}, user="ada")
    await store.append(Facts([ada, a_span(2, {"b": 1}), a_span(3, {"ada@example.org": 1}, "prj_b")]))
    await store.erase("prj_a", [Doomed("spans", '"user" = ?', ("ada",))])
    left = [{"project": "prj_a", "names": ["b"]}, {"project": "prj_b", "names": ["ada@example.org"]}]
    assert await store.scan(SETS) == left
    await store.compact()
    assert await store.scan(SETS) == left
    await store.append(Facts([ada]))
    assert await sets_of_spans(store) == [["ada@example.org"], ["b"], ["ada@example.org"]]
    await store.close()


@pytest.mark.parametrize("names", [500, 501])
async def test_a_span_of_very_many_names_may_have_any(tmp_path: Path, names: int) -> None:
    store = await DuckStore.open(tmp_path)
    letters = [chr(0x4E00 + n) for n in range(names)]
    await store.append(Facts([a_span(1, dict.fromkeys(letters, 1))]))
    assert await sets_of_spans(store) == [letters if names == 500 else None]
    await store.close()


async def test_who_makes_up_a_name_for_each_span_fills_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "_MOST_SETS", 2)
    store = await DuckStore.open(tmp_path)
    await store.append(Facts([a_span(1, {"a": 1}), a_span(2, {"b": 1})]))
    waiting = a_span(4, {"d": 1, "e": 1}, thin=Thin("waiting", {"d": 1}))
    await store.append(Facts([a_span(3, {"c": 1}), waiting, a_span(5, {"a": 2})]))
    assert await sets_of_spans(store) == [["a"], ["b"], None, None, ["a"]]
    assert await sets_of_spans(store, "held") == [None]
    unknown = await store.scan(f"SELECT count(*) AS n FROM spans WHERE key_set = {ANY_NAMES}")
    assert unknown == [{"n": 2}]
    await store.close()


async def test_names_that_went_with_a_deletion_are_stored_again_though_nobody_was_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They counted as stored: conditions on them passed over every span that came afterwards."""
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span(1, {"plan": "gold"})]))

    def failing(*given: Any) -> dict[str, int]:
        erase.erase(*given)
        raise duckdb.IOException("nobody knows whether that was written")

    with monkeypatch.context() as patched:
        patched.setattr("assay_server.store.duck.erase", failing)
        with pytest.raises(Unavailable):
            await store.erase("prj_a", [Doomed("spans", "true")])
    await store.append(Facts(spans=[a_span(2, {"plan": "gold"})]))
    named = await store.scan("SELECT s.trace_id FROM spans s JOIN key_sets k ON k.key = s.key_set")
    await store.close()
    assert named == [{"trace_id": f"{2:032x}"}]
