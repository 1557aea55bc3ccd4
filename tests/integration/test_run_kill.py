"""A run is killed with SIGKILL half-way; the next process finishes it, and no answer is asked for twice."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.evals import answer, endpoint
from tests.integration.run_process import ITEMS, PROJECT, house, items, prepare, wait_for_end

WORKERS = 8
HALF = 40


async def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    asked, answered = Counter[str](), Counter[str]()
    stuck, released = asyncio.Event(), asyncio.Event()

    async def half_way(body: dict[str, Any], _: web.Request) -> web.Response:
        asked[body["item"]] += 1
        if not released.is_set() and sum(asked.values()) > HALF:
            # When every worker waits here, the forty answers before are stored: a worker writes before it asks on.
            if sum(asked.values()) == HALF + WORKERS:
                stuck.set()
            await released.wait()
            return web.Response(status=503)
        answered[body["item"]] += 1
        return answer(f"fact {body['item'].removeprefix('itm-')}")

    async with endpoint(half_way) as url:
        first = await _process(tmp_path, "start", url)
        assert first.stdout is not None
        run = (await first.stdout.readline()).decode().strip()
        await asyncio.wait_for(stuck.wait(), 60)
        first.kill()
        await first.wait()
        released.set()

        second = await _process(tmp_path, "finish", run)
        output, _ = await asyncio.wait_for(second.communicate(), 90)

    told = json.loads(output)
    assert told["run"]["status"] == "done"
    assert told["run"]["progress"] == {"done": ITEMS, "total": ITEMS, "errors": 0}
    assert answered == Counter(item["id"] for item in items())  # each exactly once
    assert sum(asked.values()) == ITEMS + WORKERS  # what was under way, and nothing else, was asked again
    assert told["run"]["scores"]["exact_match"]["mean"] == 1.0
    assert (told["run"]["scores"]["refusal"]["n"], told["run"]["scores"]["refusal"]["mean"]) == (ITEMS, 0.75)
    assert [row["item"] for row in told["items"]] == [item["id"] for item in items()]
    assert all(row["scores"]["exact_match"]["value"] == 1.0 for row in told["items"])


async def test_the_gate_over_the_real_rooms(tmp_path: Path) -> None:
    """Recorded answers through scrubbing, store and registry: a worse run is refused, and the verdict is kept."""
    await prepare(tmp_path)
    async with house(tmp_path) as rooms:
        await rooms.datasets.create(PROJECT, "key:test", name="golden", items=items())
        good = await _recorded(rooms, lambda n: "I do not know." if n % 4 == 3 else f"fact {n}")
        bad = await _recorded(rooms, lambda n: f"fact {n}")
        passed = await rooms.gate.judge(PROJECT, "key:test", run=good, suite="golden")
        refused = await rooms.gate.judge(PROJECT, "key:test", run=bad, baseline_run=good, suite="golden")

        assert (passed["verdict"], refused["verdict"]) == ("pass", "fail")
        assert refused["sentence"].startswith("refused: refusal")
        assert await rooms.verdicts.get(PROJECT, refused["id"]) == refused
        assert refused["computed_from"]["runs"] == [bad, good]


async def _recorded(rooms: Any, reply: Any) -> str:
    rows = [{"item": f"itm-{n}", "output": reply(n)} for n in range(ITEMS)]
    started = await rooms.runs.start(PROJECT, "key:test", {"dataset": "golden", "recorded": rows})
    ended = await wait_for_end(rooms.runs, started["id"])
    assert ended["status"] == "done", ended["error"]
    return str(ended["id"])


async def _process(folder: Path, phase: str, argument: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.integration.run_process", str(folder), phase, argument]
    root = Path(__file__).parents[2]
    return await asyncio.create_subprocess_exec(*command, cwd=root, stdout=asyncio.subprocess.PIPE)
