"""The face over DBOS, on SQLite. What a kill does to it is in tests/integration/test_jobs_kill.py."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.errors import InvalidInput, Unavailable
from assay_server.jobs import Jobs

WAIT_S = 20


@pytest.fixture
def jobs_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
async def jobs(jobs_url: str) -> AsyncIterator[Jobs]:
    jobs = Jobs(jobs_url)
    yield jobs
    await jobs.shutdown()


async def test_a_job_gets_its_arguments_and_an_id_runs_once(jobs: Jobs) -> None:
    calls: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def work(args: dict[str, Any]) -> None:
        calls.append(args)
        if args.get("last"):
            done.set()

    jobs.register("work", work)
    await jobs.start("work", "one", {"list": [1, None, "ü"], "nested": {"x": 1.5}})
    await jobs.start("work", "one", {"other": True})
    await jobs.start("work", "two", {"last": True})
    await asyncio.wait_for(done.wait(), WAIT_S)

    assert [call for call in calls if "list" in call] == [{"list": [1, None, "ü"], "nested": {"x": 1.5}}]
    assert {"other": True} not in calls


async def test_a_failing_job_is_logged_and_others_go_on(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def bad(_: dict[str, Any]) -> None:
        raise ValueError("broken on purpose")

    async def good(_: dict[str, Any]) -> None:
        done.set()

    jobs.register("bad", bad)
    jobs.register("good", good)
    await jobs.start("bad", "b", {})
    await jobs.start("good", "g", {})
    await asyncio.wait_for(done.wait(), WAIT_S)

    assert "Job bad failed" in caplog.text


async def test_unknown_and_double_names_are_refused(jobs: Jobs) -> None:
    async def work(_: dict[str, Any]) -> None: ...

    jobs.register("work", work)
    with pytest.raises(InvalidInput):
        jobs.register("work", work)
    with pytest.raises(InvalidInput) as caught:
        await jobs.start("wrok", "1", {})
    assert "work" in (caught.value.fix or "")


async def test_shutdown_interrupts_and_the_next_launch_resumes_but_not_what_was_cancelled(jobs_url: str) -> None:
    ran: list[str] = []
    both_started = asyncio.Event()
    resumed = asyncio.Event()

    async def forever(args: dict[str, Any]) -> None:
        ran.append(args["id"])
        if len(ran) == 2:
            both_started.set()
        if len(ran) == 3:
            resumed.set()
            return
        await asyncio.Event().wait()

    first = Jobs(jobs_url)
    first.register("forever", forever)
    await first.start("forever", "kept", {"id": "kept"})
    await first.start("forever", "cancelled", {"id": "cancelled"})
    await asyncio.wait_for(both_started.wait(), WAIT_S)
    await first.cancel("cancelled")
    await first.cancel("never-existed")
    await first.shutdown()
    with pytest.raises(Unavailable):
        await first.start("forever", "late", {"id": "late"})

    second = Jobs(jobs_url)
    second.register("forever", forever)
    await second.launch()
    await asyncio.wait_for(resumed.wait(), WAIT_S)
    await second.shutdown()

    assert sorted(ran) == ["cancelled", "kept", "kept"]


async def test_an_engine_that_cannot_start_says_so_and_may_be_tried_again(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    jobs = Jobs(f"sqlite:///{missing}/jobs.sqlite")
    with pytest.raises(Unavailable):
        await jobs.launch()
    missing.mkdir()
    await jobs.launch()
    await jobs.shutdown()
