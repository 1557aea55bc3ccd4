"""Ten times more at once than the server takes: refused politely, and nothing that was acknowledged is lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_a_burst_is_refused_politely_and_nothing_acknowledged_is_lost() -> None:
    command = [sys.executable, "-m", "benchmarks.ingest_burst"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = json.loads(run.stdout)
    assert set(told["status"]) == {"200", "503"}  # some were refused, nothing broke
    assert told["retry_after_s"] == {"1": told["status"]["503"]}
    assert told["stored"] == told["acknowledged"] == told["sent"]
    assert told["peak_mb"] < 1000
