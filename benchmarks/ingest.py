"""Durable ingest over HTTP, beside its floor in the same run. Prints one JSON document.

The server is `assay up` as it ships, in a process of its own; so is the load (`benchmarks.otlp_load`, or `--generator`:
a script with the same arguments). The floor is protobuf's parse and a DuckDB insert of bodies of the same kind, with
nothing in between, by DuckDB's defaults: its log is merged at 16 MB, as Assay's is. `floor_256mb` merges it at 256 MB,
once at the end at the latest, and so it loads a log that long when it is started anew. A first, unmeasured load brings
in what is imported with the first span.

usage: python -m benchmarks.ingest [--spans N] [--batch N] [--concurrency N] [--texts words|prose] [--generator FILE]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import otlp_load
from benchmarks.running import Running, asked, assay_up, bytes_in, own_cpu_s, rows

KEY = "sk_benchmark_bootstrap_key"
_WARM_SPANS = 3200
_WATCHED_EVERY_S = 2.0
_FLOORS = {"floor": "16MB", "floor_256mb": "256MB"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--texts", choices=("words", "prose"), default="words")
    parser.add_argument("--generator", type=Path, help="another script that sends the load")
    options = parser.parse_args()
    if options.generator is not None and not options.generator.exists():
        print(f"There is no load generator at {options.generator}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        floors = {name: measure_floor(options, size, Path(folder) / name) for name, size in _FLOORS.items()}
        ours = measure_assay(options, Path(folder) / "data")
    ratios = {f"cpu_over_{name}": _ratio(ours, floor) for name, floor in floors.items()}
    print(json.dumps({"assay_up": ours, **floors, **ratios}, indent=2))
    return 0


def _ratio(ours: dict[str, Any], floor: dict[str, Any]) -> float:
    return round(float(ours["cpu_us_per_span"] / floor["cpu_us_per_span"]), 2)


def measure_assay(options: argparse.Namespace, data: Path) -> dict[str, Any]:
    """Throughput and times as the generator sees them; CPU, memory and disk as the kernel tells of the server."""
    with assay_up(data, KEY) as server:
        _load(server, options, _WARM_SPANS, seed=7)
        stored, cpu_s, size = stored_spans(server), server.cpu_s(), bytes_in(data)
        with _lag_watched(server) as lags:
            told = _load(server, options, options.spans, seed=1)
        cpu_s, stored, size = server.cpu_s() - cpu_s, stored_spans(server) - stored, bytes_in(data) - size
        expected = told.get("accepted", told.get("spans"))
        if stored != expected:
            raise SystemExit(f"{stored} of {expected} spans were stored; the server answered {told['status']}")
        return {
            **told,
            "stored": stored,
            "cpu_us_per_span": round(cpu_s / stored * 1e6, 1),
            "peak_mb": round(server.peak_mb()),
            "bytes_on_disk_per_span": round(size / stored),
            "text_index_behind_s": max(lags, default=None),
        }


@contextmanager
def _lag_watched(server: Running) -> Iterator[list[float]]:
    """How far the text index was behind, asked every two seconds; complete when the block has ended."""
    lags: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCHED_EVERY_S):
            lags.append(float(asked(server, KEY, "/search/state")["behind"]["seconds"]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lags
    finally:
        ended.set()
        watcher.join()


def measure_floor(options: argparse.Namespace, checkpoint_threshold: str, folder: Path) -> dict[str, Any]:
    """As many bodies parsed and inserted, a span as one column: no HTTP, no meaning. Checkpoints are a part of it, so
    that all of it stands in the file at the end; the first body (with what is imported for it) is not."""
    import duckdb

    folder.mkdir()
    connection = duckdb.connect(str(folder / "floor.duckdb"), config={"checkpoint_threshold": checkpoint_threshold})
    connection.execute("CREATE TABLE spans (trace_id VARCHAR, span_id VARCHAR, body BLOB)")
    rng, work, inserted = random.Random(1), _Work(), 0
    make = otlp_load.maker(options.texts)
    _insert(connection, make(rng, options.batch))
    while inserted < options.spans:
        body = make(rng, options.batch)  # one at a time: a server's memory does not hold them all either
        with work:
            inserted += _insert(connection, body)
    with work:
        connection.execute("CHECKPOINT")
    connection.close()
    return {
        "spans": inserted,
        "spans_per_s": round(inserted / work.seconds),
        "cpu_us_per_span": round(work.cpu_s / inserted * 1e6, 1),
    }


class _Work:
    """What the blocks take that it is entered for."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), own_cpu_s()

    def __exit__(self, *_: object) -> None:
        began, cpu_before = self._began
        self.seconds += time.perf_counter() - began
        self.cpu_s += own_cpu_s() - cpu_before


def _insert(connection: Any, body: bytes) -> int:
    import pyarrow as pa
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    found = [s for r in request.resource_spans for g in r.scope_spans for s in g.spans]
    columns = {
        "trace_id": [span.trace_id.hex() for span in found],
        "span_id": [span.span_id.hex() for span in found],
        "body": [span.SerializeToString() for span in found],
    }
    inserts = pa.table(columns)  # noqa: F841  (DuckDB finds it by name)
    connection.execute("INSERT INTO spans SELECT * FROM inserts")
    return len(found)


def stored_spans(server: Running) -> int:
    return int(rows(server, KEY, "SELECT count(*) FROM spans")[0][0])


def _load(server: Running, options: argparse.Namespace, spans: int, seed: int) -> dict[str, Any]:
    ours = ["-m", "benchmarks.otlp_load", "--texts", options.texts]
    script = ours if options.generator is None else [str(options.generator)]
    numbers = {"spans": spans, "batch": options.batch, "concurrency": options.concurrency, "seed": seed}
    command = [sys.executable, *script, f"{server.url}/v1/traces", "--header", f"authorization=Bearer {KEY}"]
    command += [part for name, number in numbers.items() for part in (f"--{name}", str(number))]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


if __name__ == "__main__":
    raise SystemExit(main())
