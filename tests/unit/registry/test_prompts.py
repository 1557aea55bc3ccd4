from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, NotFound
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import ACTOR, World


async def test_versions_count_up_and_equal_content_is_the_same_version(world: World) -> None:
    one = await world.prompt("one")
    two = await world.prompt("two")
    assert (one["version"], two["version"]) == (1, 2)
    again, is_new = await world.prompts.create(PROJECT, ACTOR, name="answer", template={"system": "one"})
    assert (again, is_new) == (one, False)
    changed, is_new = await world.prompts.create(
        PROJECT, ACTOR, name="answer", template={"system": "one"}, parameters={"temperature": 0.2}
    )
    assert (changed["version"], is_new) == (3, True)


async def test_references(world: World) -> None:
    one, two = await world.prompt("one"), await world.prompt("two")
    for ref, expected in ((one["id"], one), ("answer@1", one), ("answer@2", two), ("answer", two)):
        assert await world.prompts.get(PROJECT, ref) == expected
    for ref in ("answer@3", "nothing", one["id"][:-1] + "!", "prv_"):
        with pytest.raises(NotFound):
            await world.prompts.get(PROJECT, ref)
    for ref in ("answer@", "answer@0", "answer@x", "answer@1@1" + "0" * 20):
        with pytest.raises((InvalidInput, NotFound)):
            await world.prompts.get(PROJECT, ref)


async def test_other_projects_see_nothing(world: World) -> None:
    made = await world.prompt()
    for ref in (made["id"], "answer", "answer@1"):
        with pytest.raises(NotFound):
            await world.prompts.get(OTHER_PROJECT, ref)
    assert await world.prompts.list(OTHER_PROJECT) == ([], 0, None)
    with pytest.raises(NotFound):
        await world.prompts.versions(OTHER_PROJECT, "answer")


async def test_lists_hold_the_newest_of_each_name_page_by_page(world: World) -> None:
    for name in ("c", "a", "b"):
        await world.prompt("one", name)
        await world.prompt("two", name)
    first, total, following = await world.prompts.list(PROJECT, limit=2)
    assert [(each["name"], each["version"]) for each in first] == [("a", 2), ("b", 2)]
    assert (total, following) == (3, "b")
    rest, _, following = await world.prompts.list(PROJECT, limit=2, after=following)
    assert ([each["name"] for each in rest], following) == (["c"], None)
    assert [each["version"] for each in await world.prompts.versions(PROJECT, "a")] == [2, 1]


async def test_everything_said_comes_back(world: World) -> None:
    said: dict[str, Any] = {
        "model": "openai/gpt-4o",
        "parameters": {"temperature": 0.0, "stop": ["\n"]},
        "output_schema": {"type": "object", "properties": {"a": {"type": "string"}}},
        "changelog": [{"version": "1.0", "date": "2026-11-01", "change": "first"}],
        "metadata": {"file": "answer.yaml", "é": None},
    }
    template = {"system": "s {a}", "messages": [{"role": "user", "content": "{b}"}]}
    made, _ = await world.prompts.create(PROJECT, ACTOR, name="team/answer", template=template, **said)
    assert {name: made[name] for name in said} == said
    assert (made["template"], made["variables"], made["created_by"]) == (template, ["a", "b"], ACTOR)
    assert made["content_hash"].startswith("sha256:")
    assert await world.prompts.get(PROJECT, "team/answer@1") == made


async def test_what_cannot_be_kept_is_refused_by_field(world: World) -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"name": "No Name"}, "name"),
        ({"name": ""}, "name"),
        ({"parameters": {"x": float("nan")}}, "parameters"),
        ({"metadata": {"x": "\ud800"}}, "metadata"),
        ({"template": {"system": "a\x00b"}}, "template"),
        ({"output_schema": {"type": "nonsense"}}, "output_schema.type"),
    ]
    for given, field in faults:
        with pytest.raises(InvalidInput) as refused:
            await world.prompts.create(PROJECT, ACTOR, **{"name": "p", "template": {"system": "x"}, **given})
        assert refused.value.field == field
    assert (await world.prompts.list(PROJECT))[1] == 0


async def test_a_backslash_before_u0000_is_no_nul(world: World) -> None:
    made = await world.prompt("write \\u0000 as it is")
    assert made["template"] == {"system": "write \\u0000 as it is"}


async def test_the_difference_is_told_word_by_word_per_message(world: World) -> None:
    await world.prompt("Answer, or say so if you cannot.")
    await world.prompts.create(
        PROJECT, ACTOR, name="answer", template={"system": "Answer, or if you cannot.", "user": "{question}"}
    )
    found = await world.prompts.diff(PROJECT, "answer@1", "answer@2")
    assert (found["from"]["version"], found["to"]["version"]) == (1, 2)
    system, user = found["messages"]
    assert (system["part"], user["part"], user["role"]) == ("system", "user", "user")
    assert "".join(word["text"] for word in system["words"] if word["op"] == "delete").strip() == "say so"
    assert user["words"] == [{"op": "insert", "text": "{question}"}]


async def test_a_new_version_is_in_the_audit_log_and_a_repeated_one_is_not(world: World) -> None:
    made = await world.prompt()
    await world.prompt()
    events, total, _ = await world.audit.list(PROJECT, action="prompt.create")
    assert total == 1
    assert (events[0]["subject"], events[0]["actor"]) == (made["id"], ACTOR)
    assert events[0]["after"] == {"name": "answer", "version": 1, "content_hash": made["content_hash"]}
