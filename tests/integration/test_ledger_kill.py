"""SIGKILL in the middle of writing: every write that was acknowledged is there, and the ledger is whole."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from assay_server.governance import Audit
from assay_server.ledger import Ledger, tables
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import PROJECT

WRITER = """
import asyncio, sys
from assay_server.core.clock import SystemClock
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.registry import Providers

async def main(url, prefix):
    ledger = await Ledger.open(url)
    clock = SystemClock()
    providers = Providers(ledger, Audit(ledger, clock, lambda text: (text, [])), clock)
    number = 0
    while True:
        name = f"{prefix}-{number}"
        await providers.put("prj_test", "key:writer", name, base_url="http://host/v1")
        print(name, flush=True)
        number += 1

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
async def test_nothing_acknowledged_is_lost(any_ledger: Ledger, any_ledger_url: str, acknowledged: int) -> None:
    said: set[str] = set()
    for life in range(2):
        said |= await asyncio.to_thread(_write_and_kill, any_ledger_url, f"life{life}", acknowledged)
    found = await any_ledger.read(lambda c: set(c.execute(select(tables.registry.providers.c.name)).scalars()))
    assert len(said) >= 2 * acknowledged
    assert said <= found
    # At most the one write of each life that was committed and not yet said, and its audit row with it.
    assert len(found - said) <= 2
    chain = await Audit(any_ledger, FakeClock(), lambda text: (text, [])).verify(PROJECT)
    assert (chain["ok"], chain["checked"]) == (True, len(found))


def _write_and_kill(url: str, prefix: str, acknowledged: int) -> set[str]:
    """What the writer said before it was killed."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER, url, prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        said = {process.stdout.readline().strip() for _ in range(acknowledged)}
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")[:-1]  # a line without its end was not said
    assert "" not in said, "the writer died by itself"
    return said | set(rest)
