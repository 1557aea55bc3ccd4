"""A process is killed with SIGKILL in the middle of a job; the next one finishes it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from assay_server.jobs import Jobs

async def main(folder, last):
    jobs = Jobs(f"sqlite:///{folder}/jobs.sqlite")
    finished = asyncio.Event()

    async def work(args):
        print("running", args["n"], flush=True)
        if last:
            finished.set()
        else:
            await asyncio.Event().wait()

    jobs.register("work", work)
    await jobs.launch()
    if not last:
        await jobs.start("work", "job-1", {"n": 7})
    await finished.wait()
    await jobs.shutdown()
    print("finished", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2] == "last"))
"""


def test_a_killed_job_is_resumed_by_the_next_process(tmp_path: Path) -> None:
    with _process(tmp_path, "first") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "running 7\n"
        os.kill(first.pid, signal.SIGKILL)

    with _process(tmp_path, "last") as second:
        output, _ = second.communicate(timeout=60)
    assert output.splitlines() == ["running 7", "finished"]


def _process(folder: Path, phase: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), phase], stdout=subprocess.PIPE, text=True)
