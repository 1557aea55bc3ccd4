"""Spans for minutes on end, as fast as the server takes them: all are stored, and its memory stays where it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1800)
def test_memory_stays_under_a_gigabyte_however_long_spans_come_in() -> None:
    command = [sys.executable, "-m", "benchmarks.ingest", "--spans", "1000000"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)["assay_up"]
    assert told["status"] == {"200": 5000}
    assert told["stored"] == 1_000_000
    assert told["peak_mb"] < 1000
