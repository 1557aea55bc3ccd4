from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, NotFound
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import ACTOR, MODEL, World


async def config(world: World, **more: Any) -> dict[str, Any]:
    said = {"embedding_model": "minilm", "top_k": 4, "index_version": "2026-10", **more}
    return (await world.retrieval_configs.create(PROJECT, ACTOR, name="kb", **said))[0]


async def test_equal_content_is_the_same_release_whatever_it_is_called_by(world: World) -> None:
    one = await world.release("one")
    by_name, is_new = await world.releases.create(
        PROJECT, ACTOR, name="support", prompts={"answer": "answer@1"}, model=MODEL
    )
    assert (by_name["id"], is_new) == (one["id"], False)
    two = await world.release("two")
    assert (two["version"], two["content_hash"] != one["content_hash"]) == (2, True)


async def test_references_are_resolved_for_good(world: World) -> None:
    await world.prompt("one")
    made, _ = await world.releases.create(PROJECT, ACTOR, name="support", prompts={"answer": "answer"}, model=MODEL)
    await world.prompt("two")
    found = await world.releases.get(PROJECT, made["id"])
    assert found["prompts"]["answer"]["template"] == {"system": "one"}


async def test_a_release_holds_all_that_it_is_made_of(world: World) -> None:
    kb = await config(world)
    more = {
        "parameters": {"temperature": 0},
        "output_schema": {"type": "object"},
        "guard_policy": {"input": {"pii": "mask"}},
        "code_ref": "git:abc",
        "changelog": "better retrieval",
    }
    made = await world.release("one", retrieval_config="kb", **more)
    assert {name: made[name] for name in more} == more
    assert made["retrieval_config"] == kb
    assert (made["model"], made["verdicts"], made["live_on"]) == (MODEL, [], [])
    assert made["prompts"]["answer"]["variables"] == []


async def test_verdicts_and_channels_are_told(world: World) -> None:
    made = await world.live("one")
    found = await world.releases.get(PROJECT, made["id"])
    assert found["live_on"] == ["production"]
    assert [each["verdict"] for each in found["verdicts"]] == ["pass"]
    assert "metrics" not in found["verdicts"][0]


@pytest.mark.parametrize(
    ("given", "field", "error"),
    [
        ({"model": "openai/gpt-4o"}, "model", InvalidInput),
        ({"model": "latest"}, "model", InvalidInput),
        ({"prompts": {"answer": "nothing"}}, "prompts.answer", NotFound),
        ({"prompts": {"An Swer": "answer"}}, "prompts.An Swer", InvalidInput),
        ({"retrieval_config": "nothing"}, "retrieval_config", NotFound),
        ({"output_schema": {"type": 5}}, "output_schema.type", InvalidInput),
        ({"name": "Support!"}, "name", InvalidInput),
    ],
)
async def test_faults_name_the_field(world: World, given: dict[str, Any], field: str, error: type[Exception]) -> None:
    await world.prompt()
    with pytest.raises(error) as refused:
        await world.releases.create(
            PROJECT, ACTOR, **{"name": "support", "prompts": {"answer": "answer"}, "model": MODEL, **given}
        )
    assert getattr(refused.value, "field", None) == field
    assert (await world.releases.list(PROJECT))[1] == 0


async def test_lists_are_newest_first_page_by_page(world: World) -> None:
    made = []
    for text in "abcde":
        world.clock.advance(1)
        made.append((await world.release(text))["id"])
    seen, after = [], None
    while True:
        rows, total, after = await world.releases.list(PROJECT, limit=2, after=after)
        seen += [row["id"] for row in rows]
        assert total == 5
        if after is None:
            break
    assert seen == made[::-1]
    assert await world.releases.names(PROJECT) == ["support"]
    assert await world.releases.id_of(PROJECT, "support@2") == made[1]


async def test_other_projects_see_nothing(world: World) -> None:
    made = await world.release()
    for ref in (made["id"], "support"):
        with pytest.raises(NotFound):
            await world.releases.get(OTHER_PROJECT, ref)
    with pytest.raises(NotFound):
        await world.releases.create(
            OTHER_PROJECT, ACTOR, name="theirs", prompts={"answer": made["prompts"]["answer"]["id"]}, model=MODEL
        )


async def test_the_difference_of_a_prompt_edit_in_words(world: World) -> None:
    await world.release("Answer, or say so if you cannot.")
    await world.release("Answer, or if you cannot.")
    found = await world.releases.differences(PROJECT, "support@1", "support@2")
    (change,) = found["changes"]
    assert (change["part"], change["kind"]) == ("prompts.answer.system", "text")
    assert found["summary"] == "the system part of the prompt 'answer': drops “say so”."


async def test_the_difference_of_everything_else(world: World) -> None:
    await config(world)
    await config(world, top_k=8, index_version="2025-01", index_built_at="2025-01-15T00:00:00Z")
    await world.release("x", retrieval_config="kb@1", parameters={"temperature": 0, "seed": 7})
    await world.release("x", retrieval_config="kb@2", parameters={"temperature": 1}, code_ref="git:b")
    found = await world.releases.differences(PROJECT, "support@1", "support@2")
    assert {(change["part"], change["kind"], change["from"], change["to"]) for change in found["changes"]} == {
        ("parameters.seed", "removed", 7, None),
        ("parameters.temperature", "value", 0, 1),
        ("retrieval_config.top_k", "value", 4, 8),
        ("retrieval_config.index_version", "value", "2026-10", "2025-01"),
        ("retrieval_config.index_built_at", "added", None, "2025-01-15T00:00:00.000000Z"),
        ("code_ref", "added", None, "git:b"),
    }
    assert "retrieval's index version changed from “2026-10” to “2025-01”" in found["summary"]
    assert found["summary"].endswith("; and 1 more.")


async def test_nothing_differs(world: World) -> None:
    await world.release("x")
    found = await world.releases.differences(PROJECT, "support@1", "support@1")
    assert (found["changes"], found["summary"]) == ([], "Nothing differs but the name.")
