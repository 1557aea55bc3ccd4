"""Whatever happens in whatever order, a canary makes no illegal move and never ships what is undecided."""

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay_server.core.errors import Conflict
from assay_server.ledger import Ledger
from assay_server.rollout import MACHINE, Canaries, Plan, Record, Watched
from assay_server.rollout.decide import decide
from assay_server.rollout.evidence import Counted, Window
from assay_server.rollout.look import look
from assay_server.stats import SRM_THRESHOLD
from tests.fakes.rollout import FakeChannels, FakeClock, FakeIncidents, FakeReleases, World, add_releases, scrub
from tests.fixtures.ledger import PROJECT

counts = st.integers(0, 1200)
rates = st.floats(0, 1)
LEGAL = {
    "running": {"running", "held", "promoted", "rolled_back", "aborted"},
    "held": {"held", "promoted", "rolled_back", "aborted"},
    "promoted": {"promoted"},
    "rolled_back": {"rolled_back"},
    "aborted": {"aborted"},
}


@st.composite
def evidence(draw: st.DrawFn) -> list[Counted]:
    steps = []
    for number, share in enumerate((20.0, 50.0)[: draw(st.integers(1, 2))]):
        step = Counted(Window(number, share, 0, None), values={"s": {}})
        for arm in ("baseline", "candidate"):
            n, up = draw(counts), draw(rates)
            step.new[arm], step.active[arm] = n, n + draw(st.integers(0, 100))
            step.failing[arm] = round(n * draw(st.sampled_from((0.0, 0.01, 0.3))))
            scored = round(n * draw(st.sampled_from((0.0, 0.5, 1.0))))
            step.values["s"][arm] = [1.0] * round(scored * up) + [0.0] * (scored - round(scored * up))
        steps.append(step)
    return steps


@given(
    steps=evidence(),
    margin=st.sampled_from((0.01, 0.05, 0.3)),
    guarded=st.booleans(),
    min_units=st.integers(1, 200),
    max_units=st.integers(400, 3000),
)
@settings(max_examples=150, deadline=None)
def test_every_move_has_its_grounds(
    steps: list[Counted], margin: float, guarded: bool, min_units: int, max_units: int
) -> None:
    plan = Plan(
        (Watched("s", margin),),
        min_units=min_units,
        max_units=max_units,
        guardrails={"error_rate": 0.02} if guarded else {},
    )
    seen = look(plan, steps, {}, at_ns=1)
    move = decide(plan, seen, MACHINE)
    worse = [part for part in seen.parts if part.decision == "worse"]
    mismatch = seen.srm_p is not None and seen.srm_p < SRM_THRESHOLD
    if move is None:
        assert not worse
        assert not mismatch
        assert seen.total < max_units
        return
    if move.action == "promote":
        assert seen.step == 1
        assert not mismatch
        assert min(seen.active.values()) >= min_units
        assert all(metric.ci is not None and metric.ci[0] > -metric.margin for metric in seen.metrics)
    if move.action == "rollback":
        assert worse
        assert not mismatch
    if move.action == "advance":
        assert seen.step == 0
        assert not worse
    if move.action == "hold":
        assert mismatch or seen.total >= max_units
    assert move.sentence


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("users"), st.integers(10, 300), st.sampled_from((0.2, 0.8, 0.95))),
        st.tuples(st.sampled_from(("tick", "tick", "abort", "promote", "rollback", "by hand", "restart"))),
    ),
    min_size=4,
    max_size=14,
)


@pytest.fixture(scope="module")
def template(ledger_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "template.sqlite"
    shutil.copy(ledger_template, path)

    async def fill() -> None:
        ledger = await Ledger.open(f"sqlite:///{path}")
        await ledger.write(add_releases)
        await ledger.close()

    asyncio.run(fill())
    return path


@given(actions=ACTIONS, seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_events_is_legal(template: Path, actions: list[tuple[Any, ...]], seed: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        shutil.copy(template, path)
        asyncio.run(_play(path, actions, seed))


async def _play(path: Path, actions: list[tuple[Any, ...]], seed: int) -> None:
    ledger = await Ledger.open(f"sqlite:///{path}")
    clock, incidents = FakeClock(), FakeIncidents()
    channels = FakeChannels(clock=clock)
    world = World(channels, clock, seed)

    def room() -> Canaries:
        return Canaries(ledger, channels, FakeReleases(), world, incidents, clock, scrub)

    try:
        plan = Plan((Watched("user_feedback", 0.05),), min_units=30, max_units=900)
        canaries = room()
        record = await canaries.start(
            PROJECT, channel="production", release="rel_b", plan=plan, by="user:ann", reason="r"
        )
        for action, *how in actions:
            canaries = room() if action == "restart" else canaries
            after = await _act(canaries, world, channels, record, action, how)
            _legal(record, after, channels)
            record = after
    finally:
        await ledger.close()


async def _act(
    canaries: Canaries, world: World, channels: FakeChannels, record: Record, action: str, how: list[Any]
) -> Record:
    if action == "users":
        world.new_users(how[0], good={"baseline": 0.8, "candidate": how[1]})
    elif action == "by hand" and channels.canary is not None:
        channels.changed_by_hand("rel_z")
    elif action in ("abort", "promote", "rollback"):
        ended = record.status not in ("running", "held")
        try:
            return await getattr(canaries, action)(PROJECT, record.id, by="user:bob", reason="r")
        except Conflict:
            assert ended
    elif action == "tick":
        return await canaries.tick(PROJECT, record.id)
    return await canaries.get(PROJECT, record.id)


def _legal(before: Record, after: Record, channels: FakeChannels) -> None:
    assert after.status in LEGAL[before.status]
    assert after.step >= before.step
    assert after.pending is None
    actions = [action for action, _, _ in channels.history]
    assert len(set(actions)) == len(actions)  # with two steps, every kind of change happens at most once
    assert ("canary_promote" in actions) == (after.status == "promoted")
    if after.status not in ("running", "held"):
        assert (after.share, channels.canary) == (0, None)
        assert after.ended_ns is not None
    if after.status == "promoted" and after.decision and after.decision["by"] == MACHINE:
        assert after.latest is not None
        assert after.step == 1
        assert all(metric["ci"][0] > -metric["margin"] for metric in after.latest["metrics"])
