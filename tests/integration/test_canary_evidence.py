"""What a canary reads from the real store: windows, first exposures, failed judgements, arms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay_server.core.records import Arm, Facts, Score, Span
from assay_server.query import Comparisons
from assay_server.rollout import Exposure, LiveEvidence, Subject, UnitScore, Window
from assay_server.store import DuckStore

PROJECT = "prj_test"
OF = Subject(PROJECT, "production", "can_1")
SECOND = 1_000_000_000
STEPS = (Window(0, 20, 0, 100 * SECOND), Window(1, 50, 100 * SECOND, None))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


def asked(
    number: int, user: str, arm: Arm, at: int, *, thumb: float | None = None, failed: bool = False, broken: bool = False
) -> Facts:
    """One call of one user, `at` seconds, and what was said of it."""
    trace = f"{number:032x}"
    span = Span(
        PROJECT, trace, f"{number:016x}", None, "chat", "llm", at * SECOND, at * SECOND + 10_000_000,
        status="error" if failed else "ok", user=user, channel="production", canary="can_1", arm=arm, cost=0.001,
    )  # fmt: skip
    scores = []
    if thumb is not None or broken:
        error = "the judge is down" if broken else None
        scores.append(
            Score(
                PROJECT,
                f"scr_{number}",
                "user_feedback",
                at * SECOND,
                "end_user",
                value=thumb,
                error=error,
                trace_id=trace,
            )
        )
    return Facts(spans=[span], scores=scores)


async def test_calls_fall_into_the_step_in_which_they_began(store: DuckStore) -> None:
    for facts in (
        asked(1, "ann", "baseline", 10, thumb=1.0),
        asked(2, "ann", "baseline", 20, thumb=0.0, failed=True),
        asked(3, "bob", "candidate", 30, thumb=1.0),
        asked(4, "ann", "candidate", 110, thumb=0.0),
        asked(5, "bob", "candidate", 120, thumb=0.5),
        asked(6, "cyd", "baseline", 130, broken=True),
    ):
        await store.append(facts)
    evidence = LiveEvidence(Comparisons(store))
    first, second = await evidence.exposures(OF, STEPS)
    assert sorted(first, key=lambda one: one.unit) == [
        Exposure("ann", "baseline", 10 * SECOND, 2, 1),
        Exposure("bob", "candidate", 30 * SECOND, 1, 0),
    ]
    assert sorted((one.unit, one.arm, one.calls) for one in second) == [
        ("ann", "candidate", 1),
        ("bob", "candidate", 1),
        ("cyd", "baseline", 1),
    ]
    scored_first, scored_second = await evidence.scores(OF, "user_feedback", STEPS)
    assert sorted(scored_first, key=lambda one: one.unit) == [
        UnitScore("ann", "baseline", 2, 0.5),
        UnitScore("bob", "candidate", 1, 1.0),
    ]
    assert sorted((one.unit, one.arm, one.mean) for one in scored_second) == [
        ("ann", "candidate", 0.0),
        ("bob", "candidate", 0.5),
    ]
    arms = await evidence.arms(OF)
    assert (arms["baseline"]["traces"], arms["baseline"]["errors"], arms["candidate"]["traces"]) == (3, 1, 3)
    assert arms["candidate"]["cost"] == pytest.approx(0.003)


async def test_other_projects_channels_canaries_and_scores_are_not_read(store: DuckStore) -> None:
    await store.append(asked(1, "ann", "baseline", 10, thumb=1.0))
    evidence = LiveEvidence(Comparisons(store))
    for other in (
        Subject("prj_other", "production", "can_1"),
        Subject(PROJECT, "staging", "can_1"),
        Subject(PROJECT, "production", "can_2"),
    ):
        assert await evidence.exposures(other, STEPS) == [[], []]
        assert await evidence.scores(other, "user_feedback", STEPS) == [[], []]
        assert await evidence.arms(other) == {}
    assert await evidence.scores(OF, "groundedness", STEPS) == [[], []]
