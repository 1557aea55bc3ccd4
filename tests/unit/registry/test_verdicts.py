import pytest

from assay_server.core.errors import InvalidInput, NotFound
from assay_server.registry.verdicts import passing
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT
from tests.unit.registry.conftest import World


async def test_a_verdict_comes_back_as_it_was_said(world: World) -> None:
    made = await world.judged(await world.release())
    assert await world.verdicts.get(PROJECT, made["id"]) == made
    assert (made["verdict"], made["n"], made["metrics"]) == ("pass", 80, [{"metric": "refusal", "n": 80}])
    assert made["computed_from"] == {"runs": ["run_1"]}
    with pytest.raises(NotFound):
        await world.verdicts.get(OTHER_PROJECT, made["id"])


async def test_lists_and_filters(world: World) -> None:
    release = await world.release()
    made = [await world.judged(release, verdict) for verdict in ("pass", "fail", "inconclusive")]
    found, total, following = await world.verdicts.list(PROJECT, limit=2)
    assert ([each["id"] for each in found], total) == ([made[2]["id"], made[1]["id"]], 3)
    rest, _, _ = await world.verdicts.list(PROJECT, limit=2, after=following)
    assert [each["id"] for each in rest] == [made[0]["id"]]
    assert (await world.verdicts.list(PROJECT, release=release["id"], suite="golden", run="run_1"))[1] == 3
    assert (await world.verdicts.list(PROJECT, suite="other"))[1] == 0


async def test_nonsense_and_strangers_releases_are_refused(world: World) -> None:
    release = await world.release()
    with pytest.raises(InvalidInput):
        await world.judged(release, "maybe")
    with pytest.raises(NotFound):
        await world.judged({"id": "rel_unknown"})


@pytest.mark.parametrize(
    ("verdicts", "opens"),
    [
        ([], False),
        (["pass"], True),
        (["fail"], False),
        (["inconclusive"], False),
        (["fail", "pass"], True),
        (["pass", "fail"], False),
        (["pass", "inconclusive"], True),
        (["fail", "inconclusive"], False),
        (["pass", "fail@other"], False),
        (["pass", "fail@other", "pass@other"], True),
        (["fail@other", "pass"], False),
        (["inconclusive@other", "pass"], True),
    ],
)
async def test_what_opens_the_gate(world: World, verdicts: list[str], opens: bool) -> None:
    release = await world.release()
    for told in verdicts:
        word, _, suite = told.partition("@")
        await world.judged(release, word, suite or "golden")
    verdict, why = await world.ledger.read(lambda c: passing(c, PROJECT, release["id"]))
    assert (verdict is not None) == opens
    assert why
