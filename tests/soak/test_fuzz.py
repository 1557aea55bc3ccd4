"""Everything that reads foreign bytes, fuzzed by coverage for a minute each, from what clients really sent."""

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

_FIXTURES = Path(__file__).parents[1] / "clients" / "fixtures"
_SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
_TARGETS = (
    "traces_protobuf",
    "traces_json",
    "logs_protobuf",
    "logs_json",
    "metrics",
    "bodies",
    "search",
    "sql",
    "projects",
    "dialects",
    "conditions",
    "parts",
)

_WORDS = {
    "projects": [random.Random(seed).randbytes(240) for seed in range(50)],
    "dialects": [random.Random(seed).randbytes(24) for seed in range(200)],
    "conditions": [b"1.5\nk:ge:1", b"chat\nhttp.route:eq:/chat", b"x\na:b:contains:X", b"\nk:exists:"],
    "search": [b'status:error model:gpt-4o latency>2s "a phrase"', b"score.helpful<0.5 attr.http.route:/x cost>=0.01"],
    "sql": [
        b"SELECT model, sum(cost) FROM calls GROUP BY ALL",
        b"WITH t AS (SELECT * FROM spans WHERE start > now() - INTERVAL 1 DAY) SELECT * FROM t ORDER BY 1 LIMIT 5",
    ],
    "metrics": [b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "sum": {"dataPoints": []}}]}]}]}'],
    "logs_json": [
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "5", "body": {"stringValue": "x"}}]}]}]}'
    ],
}


def _seeds(target: str) -> list[bytes]:
    """Bodies recorded from released clients, unpacked, that such a target reads."""
    path = {"parts": "/runs/multipart", "logs_protobuf": "/v1/logs", "bodies": ""}.get(target, "/v1/traces")
    found = list(_WORDS.get(target, []))
    if target in {"projects", "dialects", "conditions"}:
        return found
    for recorded in sorted(_FIXTURES.glob("*/requests.json")):
        for number, request in enumerate(json.loads(recorded.read_text())):
            body = recorded.with_name(f"{number:03}.bin")
            if body.exists() and path in request["path"]:
                data = body.read_bytes()
                found.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" and target != "bodies" else data)
    return found or [b"{}"]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="atheris comes for Linux")
@pytest.mark.parametrize("target", _TARGETS)
def test_whatever_comes_is_read_or_refused(target: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(_seeds(target)):
        (corpus / f"{number:04}").write_bytes(seed)
    options = [f"-max_total_time={_SECONDS}", "-rss_limit_mb=3000", "-timeout=20", "-print_final_stats=1", "-seed=1"]
    command = [sys.executable, "-m", "tests.soak.fuzz", target, str(corpus), *options, f"-artifact_prefix={tmp_path}/"]
    own = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=own)
    kept = [file.read_bytes() for file in tmp_path.iterdir() if file.is_file()]
    assert done.returncode == 0, f"{done.stderr[-4000:]}\n{kept}"
    runs = int(done.stderr.partition("stat::number_of_executed_units:")[2].split()[0])
    print(f"{target}: {runs} runs in {_SECONDS} s")  # noqa: T201 (the figure of a soak)
    assert runs > _SECONDS
