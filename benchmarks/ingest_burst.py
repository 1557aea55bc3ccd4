"""A burst ten times larger than what the server takes: it says when to come back, and loses nothing that it took.

First a steady load, which tells how many spans the server takes in a second. Then ten times as many at once, every
request on a connection of its own, so that all of them wait together. The refused are sent again after the time given,
as an OpenTelemetry exporter does, until all are in. Prints one JSON document.

usage: python -m benchmarks.ingest_burst [--seconds N] [--batch N]
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import otlp_load
from benchmarks.ingest import KEY, stored_spans
from benchmarks.running import Running, assay_up

_STEADY_SPANS = 20_000
_TIMES = 10
_LEAST = 400  # requests in the burst: with their bodies together they are over what may wait


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="of steady load; the burst is ten times that")
    parser.add_argument("--batch", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, assay_up(Path(folder), KEY) as server:
        told = asyncio.run(_measure(server, options))
    print(json.dumps(told, indent=2))
    return 0 if told["stored"] == told["acknowledged"] == told["sent"] else 1


async def _measure(server: Running, options: argparse.Namespace) -> dict[str, Any]:
    await _send(server, otlp_load.bodies(3200, options.batch, seed=7), 4)
    steady = await _send(server, otlp_load.bodies(_STEADY_SPANS, options.batch, seed=2), 4)
    per_s = steady.accepted / steady.seconds
    spans = max(int(_TIMES * options.seconds * per_s), _LEAST * options.batch)
    sent = otlp_load.bodies(spans, options.batch, seed=1)
    before = stored_spans(server)
    burst = await _send(server, sent, len(sent))
    stored = stored_spans(server) - before
    return {
        "steady_spans_per_s": round(per_s),
        "burst_requests": len(sent),
        "sent": sum(size for _, size in sent),
        "acknowledged": burst.accepted,
        "stored": stored,
        "status": dict(burst.status),
        "retry_after_s": dict(burst.retry_after),
        "seconds_until_all_were_in": round(burst.seconds, 1),
        "peak_mb": round(server.peak_mb()),
    }


async def _send(server: Running, sent: list[tuple[bytes, int]], connections: int) -> otlp_load.Told:
    headers = {"authorization": f"Bearer {KEY}"}
    return await otlp_load.send(f"{server.url}/v1/traces", sent, connections, headers, patient=True)


if __name__ == "__main__":
    raise SystemExit(main())
