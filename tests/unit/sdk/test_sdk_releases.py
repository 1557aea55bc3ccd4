"""Releases by channel: from the server, from memory, and from the last good copy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assay
from assay._calls import Call, Json
from assay._config import Connection
from assay._errors import ServerUnreachable
from assay._outbox import Outage
from assay._releases import LastGood, Resolver
from tests.fakes.rest import Answer, FakeServer, Seen, problem


def release_json(identity: str, system: str = "Be kind.") -> Json:
    prompt = {
        "id": "prv_1",
        "name": "support/answer",
        "version": 3,
        "template": {"system": system, "user": "{question} {{literal}}"},
        "variables": ["question"],
        "model": None,
        "parameters": {},
    }
    return {
        "id": identity,
        "name": "support",
        "version": 1,
        "prompts": {"answer": prompt},
        "model": "local/smol-2024-11-01",
        "parameters": {"temperature": 0},
        "output_schema": None,
        "retrieval_config": {"name": "minilm", "top_k": 4},
    }


class Server:
    """Answers `resolve` calls without HTTP; can be away."""

    def __init__(self) -> None:
        self.live = "rel_a"
        self.candidate: str | None = None
        self.away = False
        self.asked: list[str | None] = []

    def fetch(self, call: Call[Json]) -> Json:
        request: Any = next(call)
        unit = request.params["unit"]
        self.asked.append(unit)
        if self.away:
            raise ServerUnreachable("away", connected=False)
        arm = None if self.candidate is None else "candidate" if unit == "ada" else "baseline"
        release = self.candidate if arm == "candidate" and self.candidate else self.live
        canary = None if self.candidate is None else "can_1"
        return {"channel": "production", "release": release_json(release), "arm": arm, "canary": canary, "unit": unit}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(server: Server, clock: Clock) -> Iterator[Resolver]:
    made = Resolver(server.fetch, _last_good(None), Outage("http://x"), clock)
    made._refresher = made._stop  # type: ignore[assignment] - no background: the tests turn the clock
    yield made
    made.close()


def _last_good(directory: Path | None) -> LastGood:
    return LastGood(Connection("http://x", "sk"), directory, Outage("http://x"))


def test_without_a_canary_one_answer_serves_everybody(resolver: Resolver, server: Server) -> None:
    assert {resolver.resolve("production", user).id for user in ("ada", "bob", None)} == {"rel_a"}
    assert server.asked == ["ada"]


def test_an_old_answer_is_asked_anew(resolver: Resolver, server: Server, clock: Clock) -> None:
    resolver.resolve("production", "ada")
    server.live = "rel_b"
    assert resolver.resolve("production", "ada").id == "rel_a"
    clock.now += 2
    assert resolver.resolve("production", "ada").id == "rel_b"


def test_the_background_keeps_channels_in_use_fresh(resolver: Resolver, server: Server, clock: Clock) -> None:
    resolver.resolve("production", "ada")
    server.live = "rel_b"
    resolver.refresh()
    assert resolver.resolve("production", "bob").id == "rel_b"
    assert server.asked == ["ada", None]
    clock.now += 60
    resolver.refresh()
    assert server.asked == ["ada", None]  # nobody asked for it any more


def test_in_a_canary_the_server_decides_each_arm(resolver: Resolver, server: Server) -> None:
    server.candidate = "rel_b"
    ada, bob = resolver.resolve("production", "ada"), resolver.resolve("production", "bob")
    assert (ada.id, ada.arm, ada.canary) == ("rel_b", "candidate", "can_1")
    assert (bob.id, bob.arm) == ("rel_a", "baseline")
    resolver.resolve("production", "ada")
    assert server.asked == ["ada", "bob"]


def test_the_end_of_a_canary_reaches_everybody_with_one_refresh(resolver: Resolver, server: Server) -> None:
    server.candidate = "rel_b"
    resolver.resolve("production", "ada")
    server.candidate = None
    resolver.refresh()
    assert resolver.resolve("production", "ada").id == "rel_a"
    assert resolver.resolve("production", "ada").canary is None


def test_the_start_of_a_canary_ends_the_common_answer(resolver: Resolver, server: Server, clock: Clock) -> None:
    resolver.resolve("production", "bob")
    server.candidate = "rel_b"
    clock.now += 2
    resolver.resolve("production", "bob")
    assert resolver.resolve("production", "ada").arm == "candidate"


def test_in_an_outage_the_last_good_release_serves(resolver: Resolver, server: Server, clock: Clock) -> None:
    resolver.resolve("production", "ada")
    server.away = True
    clock.now += 3600
    assert resolver.resolve("production", "bob").id == "rel_a"
    asked = len(server.asked)
    assert resolver.resolve("production", "cyd").id == "rel_a"
    assert len(server.asked) == asked  # known to be away: nobody waits again within the second


def test_in_an_outage_of_a_canary_units_keep_their_arm_and_new_ones_stay_outside(
    resolver: Resolver, server: Server, clock: Clock
) -> None:
    server.candidate = "rel_b"
    resolver.resolve("production", "ada")
    resolver.resolve("production", "bob")
    server.away = True
    clock.now += 3600
    assert resolver.resolve("production", "ada").arm == "candidate"
    new = resolver.resolve("production", "cyd")
    assert (new.id, new.arm, new.canary) == ("rel_a", None, None)


def test_without_any_copy_an_outage_is_an_error(resolver: Resolver, server: Server) -> None:
    server.away = True
    with pytest.raises(ServerUnreachable):
        resolver.resolve("production", "ada")


def test_the_copy_on_disk_serves_a_start_during_an_outage(server: Server, tmp_path: Path) -> None:
    def start() -> Resolver:
        return Resolver(server.fetch, _last_good(tmp_path / "cache"), Outage("http://x"))

    first = start()
    first.resolve("production", "ada")
    first.close()
    server.away = True
    second = start()
    assert second.resolve("production", "bob").id == "rel_a"
    second.close()
    [file] = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_broken_copy_on_disk_is_ignored(server: Server, tmp_path: Path) -> None:
    _last_good(tmp_path).keep("production", {"release": release_json("rel_a")})
    [file] = tmp_path.iterdir()
    file.write_text("{half")
    assert _last_good(tmp_path).get("production") is None


def _resolve(seen: Seen) -> Answer:
    body = {"channel": "production", "release": release_json("rel_a"), "arm": "baseline", "canary": "can_1"}
    return Answer(body | {"unit": seen.query.get("unit")})


def test_a_release_renders_marks_the_trace_and_gives_headers(connected: FakeServer) -> None:
    connected.on("GET", "/api/v1/channels/production/resolve", _resolve)
    with assay.context(user="ada"), assay.span("request"), assay.span("step"):
        release = assay.release("production")
        messages = release.render("answer", question="Why {not}?")
        assert release.model == "release:rel_a"
        assert release.headers["x-assay-channel"] == "production"
        assert release.headers["x-assay-arm"] == "baseline"
        with assay.span("call"):
            pass
    with assay.span("other trace"):
        assert "x-assay-arm" not in assay.headers()
    assert messages == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Why {not}? {literal}"},
    ]
    assay.flush()
    for name in ("request", "step", "call"):
        attributes = connected.span(name).attributes
        assert (attributes["assay.release"], attributes["assay.canary"]) == ("rel_a", "can_1")
    assert "assay.release" not in connected.span("other trace").attributes
    assert connected.span("step").attributes["assay.prompt.name"] == "support/answer"
    assert connected.calls("GET", "/api/v1/channels/production/resolve")[0].query["unit"] == "ada"


async def test_the_asynchronous_face_gives_the_same(connected: FakeServer) -> None:
    connected.on("GET", "/api/v1/channels/production/resolve", _resolve)
    with assay.span("request"):
        release = await assay.arelease("production", user="bob")
    assay.flush()
    assert connected.span("request").attributes["assay.release"] == release.id == "rel_a"


def test_missing_variables_are_all_named(connected: FakeServer) -> None:
    document = release_json("rel_a", system="{tone} {language}")
    connected.on("GET", "/api/v1/releases/rel_a", document)
    with pytest.raises(assay.InvalidInput) as error:
        assay.release(id="rel_a").render("answer", question="?")
    assert error.value.value == "language, tone"


def test_an_unknown_role_names_the_known_ones(connected: FakeServer) -> None:
    connected.on("GET", "/api/v1/releases/rel_a", release_json("rel_a"))
    with pytest.raises(assay.NotFound, match="its roles: answer"):
        assay.release(id="rel_a").render("rewrite")
    assert len(connected.calls("GET", "/api/v1/releases/rel_a")) == 1
    assay.release(id="rel_a")
    assert len(connected.calls("GET", "/api/v1/releases/rel_a")) == 1


def test_an_unknown_channel_is_not_an_outage(connected: FakeServer) -> None:
    connected.on("GET", "/api/v1/channels/prod/resolve", problem(404, "No channel 'prod'.", field="channel"))
    with pytest.raises(assay.NotFound, match="No channel 'prod'"):
        assay.release("prod")


def test_prompts_by_version_newest_and_label(connected: FakeServer) -> None:
    prompt = release_json("rel_a")["prompts"]["answer"]
    connected.on("GET", "/api/v1/prompt-versions/support/answer@2", prompt | {"version": 2})
    connected.on("GET", "/api/v1/prompt-versions/support/answer", prompt)
    connected.on("GET", "/api/v1/channels/production/resolve", _resolve)
    assert assay.prompt("support/answer", 2).version == 2
    assert assay.prompt("support/answer").version == 3
    found = assay.prompt("support/answer", label="production")
    assert found.variables == ["question"]
    assert found.render(question="x")[1]["content"] == "x {literal}"
    with pytest.raises(assay.NotFound, match="has no prompt 'other'"):
        assay.prompt("other", label="production")
