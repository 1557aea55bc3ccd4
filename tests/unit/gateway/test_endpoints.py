"""Where calls are sent: fresh within a second, and still there when the ledger is not."""

from collections.abc import Mapping
from typing import Any

import pytest

from assay_server.core.errors import ModelNotFound, NotFound, Unavailable
from assay_server.gateway import endpoints as module
from assay_server.gateway.endpoints import Endpoints
from assay_server.providers import Endpoint
from tests.fakes.gateway import PROJECT, Providers


class Ledgered(Providers):
    """Counts look-ups; out of reach while `down`."""

    down = False
    looked_up = 0

    async def get(self, project: str, name: str) -> Mapping[str, Any]:
        self.looked_up += 1
        if self.down:
            raise Unavailable
        return await super().get(project, name)


@pytest.fixture
def providers() -> Ledgered:
    found = Ledgered()
    found.rows["a"] = {"name": "a", "kind": "openai", "base_url": "http://one/v1", "key_env": "A_KEY"}
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, turned by hand."""
    now = [1000.0]
    monkeypatch.setattr(module, "time", type("time", (), {"monotonic": staticmethod(lambda: now[0])}))
    return now


async def test_a_row_is_read_once_a_second(providers: Ledgered, clock: list[float]) -> None:
    endpoints = Endpoints(providers, {"A_KEY": "k"})
    for _ in range(3):
        await endpoints.get(PROJECT, "a")
    assert providers.looked_up == 1
    providers.rows["a"] = providers.rows["a"] | {"base_url": "http://two/v1"}
    clock[0] += 1.1
    assert (await endpoints.get(PROJECT, "a"))[0].base_url == "http://two/v1"


async def test_a_rotated_key_is_used_at_once(providers: Ledgered) -> None:
    environment = {"A_KEY": "old"}
    endpoints = Endpoints(providers, environment)
    assert (await endpoints.get(PROJECT, "a"))[0].key == "old"
    environment["A_KEY"] = "new"
    assert (await endpoints.get(PROJECT, "a"))[0].key == "new"


async def test_without_the_ledger_the_last_good_row_serves(providers: Ledgered, clock: list[float]) -> None:
    endpoints = Endpoints(providers, {"A_KEY": "k"})
    await endpoints.get(PROJECT, "a")
    providers.down = True
    clock[0] += 60
    assert (await endpoints.get(PROJECT, "a"))[0].name == "a"
    with pytest.raises(Unavailable):
        await endpoints.get(PROJECT, "never seen")


async def test_a_removed_provider_is_gone(providers: Ledgered, clock: list[float]) -> None:
    endpoints = Endpoints(providers, {"A_KEY": "k"})
    await endpoints.get(PROJECT, "a")
    providers.rows.clear()
    clock[0] += 1.1
    with pytest.raises(NotFound):
        await endpoints.get(PROJECT, "a")


async def test_projects_do_not_share_providers(providers: Ledgered) -> None:
    endpoints = Endpoints(providers, {"A_KEY": "k"})
    await endpoints.get(PROJECT, "a")
    with pytest.raises(NotFound):
        await endpoints.get("prj_other", "a")


def test_an_address_whose_models_are_known_is_asked_for_no_other(providers: Ledgered) -> None:
    endpoints = Endpoints(providers, {})
    endpoints.only("http://one/v1", ["small@sha256:1", "small"])
    one, two = (Endpoint("local", f"http://{host}/v1", None) for host in ("one", "two"))
    for model in ("small@sha256:1", "small"):
        endpoints.check(one, model)
    endpoints.check(two, "anything")
    with pytest.raises(ModelNotFound, match="has no model 'gpt-5'") as refused:
        endpoints.check(one, "gpt-5")
    assert (refused.value.code, refused.value.fix) == ("model_not_found", "ask for local/small@sha256:1")
