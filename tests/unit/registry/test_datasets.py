"""Golden sets: every faulty row is told, nothing personal is kept, equal content is stored once."""

from typing import Any

import pytest
from sqlalchemy import func, select

from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.ledger import tables
from assay_server.registry.items import MOST_ITEMS
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import ACTOR, World

ITEMS: list[dict[str, Any]] = [
    {"id": "q1", "input": "How long?", "expected": "30 days", "cluster": "returns", "tags": ["easy"]},
    {"id": "q2", "input": {"question": "Where?", "n": 1}, "contexts": ["a", {"id": "d", "text": "b"}]},
    {"id": "q3", "input": "Who?", "metadata": {"answerable": False, "documents": ["ada@example.com.md"]}},
]


async def push(world: World, items: list[Any], name: str = "golden") -> tuple[dict[str, Any], bool]:
    return await world.datasets.create(PROJECT, ACTOR, name=name, items=items)


async def test_items_come_back_in_order_with_every_field(world: World) -> None:
    made, is_new = await push(world, ITEMS)
    assert (made["version"], made["items"], made["scrubbed"], is_new) == (1, 3, {}, True)
    found = await world.datasets.items(PROJECT, "golden")
    assert [item["id"] for item in found] == ["q1", "q2", "q3"]
    empty = {"expected": None, "contexts": None, "cluster": None, "tags": [], "metadata": {}, "source_span": None}
    assert found == [{**empty, **item} for item in ITEMS]


async def test_equal_content_is_the_same_version_and_order_matters(world: World) -> None:
    one, _ = await push(world, ITEMS)
    assert await push(world, [dict(reversed(item.items())) for item in ITEMS]) == (one, False)
    two, is_new = await push(world, ITEMS[::-1])
    assert (two["version"], is_new) == (2, True)
    assert [each["version"] for each in await world.datasets.versions(PROJECT, "golden")] == [2, 1]


async def test_an_item_is_stored_once_however_many_versions_hold_it(world: World) -> None:
    await push(world, ITEMS)
    await push(world, [*ITEMS, {"id": "q4", "input": "New?"}])
    await push(world, ITEMS, "another")
    contents = tables.registry.item_contents
    stored = await world.ledger.read(lambda c: c.execute(select(func.count()).select_from(contents)).scalar_one())
    assert stored == 4


async def test_items_are_put_behind_those_of_the_newest_version(world: World) -> None:
    await push(world, ITEMS)
    new = {"id": "q4", "input": "Mail ada@example.com", "source_span": "00ff"}
    made, is_new = await world.datasets.append(PROJECT, ACTOR, "golden", [{**ITEMS[0], "expected": "a month"}, new])
    assert (made["version"], made["items"], made["scrubbed"], is_new) == (2, 4, {"EMAIL_ADDRESS": 1}, True)
    found = await world.datasets.items(PROJECT, "golden")
    assert [(item["id"], item["expected"]) for item in found] == [
        ("q1", "a month"), ("q2", None), ("q3", None), ("q4", None),
    ]  # fmt: skip
    assert (found[3]["input"], found[3]["source_span"]) == ("Mail [EMAIL_ADDRESS]", "00ff")
    assert await world.datasets.append(PROJECT, ACTOR, "golden", [new]) == (made, False)


async def test_items_are_put_only_behind_what_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound):
        await world.datasets.append(PROJECT, ACTOR, "golden", ITEMS)
    await push(world, ITEMS)
    with pytest.raises(NotFound):
        await world.datasets.append(OTHER_PROJECT, ACTOR, "golden", ITEMS)
    with pytest.raises(InvalidInput, match="input is missing"):
        await world.datasets.append(PROJECT, ACTOR, "golden", [{"expected": "x"}])
    monkeypatch.setattr("assay_server.registry.items.MOST_ITEMS", 3)
    with pytest.raises(TooLarge):
        await world.datasets.append(PROJECT, ACTOR, "golden", [{"input": "one more"}])


async def test_items_without_an_id_get_one_from_their_content(world: World) -> None:
    await push(world, [{"input": "a"}, {"input": "b"}])
    first = [item["id"] for item in await world.datasets.items(PROJECT, "golden")]
    await push(world, [{"input": "b"}, {"input": "c"}])
    second = [item["id"] for item in await world.datasets.items(PROJECT, "golden")]
    assert first[1] == second[0]
    assert all(each.startswith("itm_") for each in first + second)


async def test_pages(world: World) -> None:
    await push(world, [{"id": str(index), "input": "x"} for index in range(5)])
    seen: list[str] = []
    after = None
    while True:
        items, total, after = await world.datasets.items_page(PROJECT, "golden@1", limit=2, after=after)
        seen += [item["id"] for item in items]
        assert total == 5
        if after is None:
            break
    assert seen == list("01234")


async def test_texts_are_scrubbed_before_they_are_stored_and_types_are_counted(world: World) -> None:
    mail = "write to ada@example.com"
    item = {
        "id": "q1",
        "input": {"question": mail, "ada@example.com": 1},
        "expected": mail,
        "contexts": [mail, {"text": mail}],
        "metadata": {"note": [mail], "documents": ["returns.md"]},
    }
    made, _ = await world.datasets.create(PROJECT, ACTOR, name="golden", items=[item], description=mail)
    assert made["scrubbed"] == {"EMAIL_ADDRESS": 6}
    assert made["description"] == "write to [EMAIL_ADDRESS]"
    stored = await world.ledger.read(
        lambda c: str([c.execute(select(table)).all() for table in tables.metadata.sorted_tables])
    )
    assert "ada@" not in stored
    assert "[EMAIL_ADDRESS]" in stored


async def test_ids_of_documents_stay_what_they_are(world: World) -> None:
    await push(world, ITEMS)
    found = await world.datasets.items(PROJECT, "golden")
    assert found[2]["metadata"]["documents"] == ["ada@example.com.md"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("text", "items[1] is not an object"),
        ({}, "items[1].input is missing"),
        ({"input": ""}, "items[1].input is empty"),
        ({"input": {}}, "items[1].input is empty"),
        ({"input": 5}, "items[1].input is neither text nor an object"),
        ({"input": "x", "colour": 1}, "items[1].colour is no field of an item"),
        ({"input": "x", "id": 5}, "items[1].id is not a text"),
        ({"input": "x", "id": "q1"}, "items[1].id 'q1' is that of items[0]"),
        ({"input": "x", "tags": "easy"}, "items[1].tags is not a list"),
        ({"input": "x", "contexts": [1]}, "items[1].contexts is not a list"),
        ({"input": "x", "metadata": []}, "items[1].metadata is not an object"),
        ({"input": "x", "metadata": {"answerable": "no"}}, "items[1].metadata.answerable is neither"),
        ({"input": "x", "metadata": {"documents": "d1"}}, "items[1].metadata.documents is not a list"),
        ({"input": "x", "cluster": "ada@example.com"}, "items[1].cluster looks like personal data (EMAIL_ADDRESS)"),
        ({"input": "x", "tags": ["ada@example.com"]}, "items[1].tags[0] looks like personal data"),
        ({"input": float("inf")}, "items[1] is not JSON"),
        ({"input": "\ud800"}, "items[1] holds half of a Unicode character"),
        ({"input": {"a": [[[]]]} | {"b": eval("[" * 40 + "]" * 40)}}, "items[1] is nested too deeply"),
    ],
)
async def test_a_faulty_row_is_told_and_nothing_is_stored(world: World, row: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await push(world, [{"id": "q1", "input": "fine"}, row])
    assert told in refused.value.message
    assert (await world.datasets.list(PROJECT))[1] == 0


async def test_all_faults_are_told_at_once(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        await push(world, [{"input": 1, "tags": 2}, {"input": "fine"}, {}])
    assert all(told in refused.value.message for told in ("items[0].input", "items[0].tags", "items[2].input"))
    with pytest.raises(InvalidInput, match="and 80 more"):
        await push(world, [{}] * 100)


async def test_limits(world: World) -> None:
    with pytest.raises(InvalidInput, match="needs an item"):
        await push(world, [])
    with pytest.raises(TooLarge):
        await push(world, [{"input": "x"}] * (MOST_ITEMS + 1))


async def test_other_projects_see_nothing(world: World) -> None:
    made, _ = await push(world, ITEMS)
    for ref in (made["id"], "golden"):
        with pytest.raises(NotFound):
            await world.datasets.items(OTHER_PROJECT, ref)
    assert (await world.datasets.get(PROJECT, made["id"])) == made
