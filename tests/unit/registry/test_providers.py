import pytest

from assay_server.core.errors import InvalidInput, NotFound
from assay_server.registry import Providers
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import ACTOR, World


async def test_a_provider_is_added_changed_and_removed(world: World) -> None:
    put = world.providers.put
    made = await put(PROJECT, ACTOR, "openai", base_url="https://api.openai.com/v1/", key_env="OPENAI_API_KEY")
    assert (made["base_url"], made["kind"], made["key_env"]) == (
        "https://api.openai.com/v1",
        "openai",
        "OPENAI_API_KEY",
    )
    await put(PROJECT, ACTOR, "openai", base_url="http://localhost:8080/v1")
    found = await world.providers.get(PROJECT, "openai")
    assert (found["base_url"], found["key_env"]) == ("http://localhost:8080/v1", None)
    assert [each["name"] for each in await world.providers.list(PROJECT)] == ["openai"]
    assert await world.providers.list(OTHER_PROJECT) == []
    await world.providers.delete(PROJECT, ACTOR, "openai")
    for gone in (world.providers.get(PROJECT, "openai"), world.providers.delete(PROJECT, ACTOR, "openai")):
        with pytest.raises(NotFound):
            await gone
    actions = [event["action"] for event in (await world.audit.list(PROJECT))[0]]
    assert actions == ["provider.delete", "provider.put", "provider.put"]


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("a/b", {}, "name"),
        ("x", {"kind": "telepathy"}, "kind"),
        ("x", {"base_url": "ftp://host"}, "base_url"),
        ("x", {"base_url": "host/v1"}, "base_url"),
        ("x", {"base_url": "http://[::1"}, "base_url"),
        ("x", {"base_url": "http://host:99999999"}, "base_url"),
        ("x", {"base_url": "https://user:secret@host/v1"}, "base_url"),
        ("x", {"key_env": "sk-a-real-secret"}, "key_env"),
        ("x", {"key_env": "ASSAY_BOOTSTRAP_KEY"}, "key_env"),
    ],
)
async def test_faults_name_the_field_and_never_repeat_a_secret(
    world: World, name: str, given: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.providers.put(PROJECT, ACTOR, name, **{"base_url": "http://host", **given})
    assert refused.value.field == field
    assert "secret" not in f"{refused.value} {refused.value.value}"


async def test_a_project_names_only_the_variables_it_may(world: World) -> None:
    providers = Providers(world.ledger, world.audit, world.clock, lambda project, _: project == PROJECT)
    await providers.put(PROJECT, ACTOR, "openai", base_url="http://host", key_env="OPENAI_API_KEY")
    await providers.put(OTHER_PROJECT, ACTOR, "own", base_url="http://host")
    with pytest.raises(InvalidInput) as refused:
        await providers.put(OTHER_PROJECT, ACTOR, "openai", base_url="http://host", key_env="OPENAI_API_KEY")
    assert (refused.value.field, refused.value.value) == ("key_env", "OPENAI_API_KEY")
    assert "ASSAY_PROVIDER_KEYS" in str(refused.value)
