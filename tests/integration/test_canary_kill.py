"""A canary in progress whose process is killed, again and again: it goes on, and ends once."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.canary_process import CHANNEL, GROUP, PROJECT, House

KILLS = 3


def live(folder: Path, start: int, rate: float, lines: int | None) -> dict[str, Any]:
    """Runs a process until it ends, or kills it with SIGKILL after so many lines; what it said last."""
    command = [sys.executable, "-m", "tests.fakes.canary_process", str(folder), str(start), str(rate)]
    said: dict[str, Any] = {"users": start, "status": "running"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for count, line in enumerate(process.stdout, 1):
            said = json.loads(line)
            if count == lines:
                process.kill()
                break
        code = process.wait(60)
        assert code in (0, -9), process.stderr.read()
    return said


@pytest.mark.parametrize(
    ("rate", "status", "history", "incidents"),
    [
        (0.95, "promoted", ["canary_start", "canary_step", "canary_promote"], 0),
        (0.45, "rolled_back", ["canary_start", "canary_rollback"], 1),
    ],
)
async def test_it_continues_and_ends_once(
    tmp_path: Path, rate: float, status: str, history: list[str], incidents: int
) -> None:
    rng, start = random.Random(3), 0
    for _ in range(KILLS):
        said = live(tmp_path, start, rate, lines=rng.randint(1, 4))
        start = said["users"] + GROUP  # those under way when it was killed may have been stored
    said = live(tmp_path, start, rate, lines=None)
    assert said["status"] == status
    house = await House.open(tmp_path)
    try:
        await _ended_once(house, status, history, incidents)
    finally:
        await house.close()


async def _ended_once(house: House, status: str, history: list[str], incidents: int) -> None:
    (canary,), total = await house.canaries.list(PROJECT)
    assert (canary.status, canary.pending, canary.share, total) == (status, None, 0, 1)
    channel = await house.channels.get(PROJECT, CHANNEL)
    events = [event["action"] for event in reversed(channel["history"])]
    assert events == ["promote", *history]
    assert channel["canary"] is None
    assert channel["release"]["id"] == (canary.candidate if status == "promoted" else canary.baseline)
    opened, _ = await house.incidents.list(PROJECT)
    assert len(opened) == incidents
    for incident in opened:
        assert "2025-02" in incident.sentence
        assert incident.evidence["affected"]["calls"] > 0
    assert (await house.audit.verify(PROJECT))["ok"]
