import pytest

from assay_server.core.errors import InvalidInput
from tests.fixtures.ledger import PROJECT
from tests.unit.registry.conftest import ACTOR, World


async def test_equal_settings_are_one_version_however_the_time_is_written(world: World) -> None:
    create = world.retrieval_configs.create
    said = {"embedding_model": "minilm", "chunking": {"size": 400}, "top_k": 4, "threshold": 0.25, "index_version": "7"}
    one, is_new = await create(PROJECT, ACTOR, name="kb", **said, index_built_at="2026-11-01T10:00:00+02:00")
    assert is_new
    same, is_new = await create(PROJECT, ACTOR, name="kb", **said, index_built_at="2026-11-01T08:00:00Z")
    assert (same, is_new) == (one, False)
    assert one["index_built_at"] == "2026-11-01T08:00:00.000000Z"
    other, _ = await create(PROJECT, ACTOR, name="kb", **{**said, "top_k": 8})
    assert (other["version"], other["top_k"], other["index_built_at"]) == (2, 8, None)
    assert await world.retrieval_configs.get(PROJECT, "kb@1") == one
    assert [each["id"] for each in (await world.retrieval_configs.list(PROJECT))[0]] == [other["id"]]


@pytest.mark.parametrize(("field", "value"), [("top_k", 0), ("index_built_at", "yesterday"), ("name", "K B")])
async def test_faults(world: World, field: str, value: object) -> None:
    given = {"name": "kb", "embedding_model": "minilm", field: value}
    with pytest.raises(InvalidInput) as refused:
        await world.retrieval_configs.create(PROJECT, ACTOR, **given)
    assert refused.value.field == field
