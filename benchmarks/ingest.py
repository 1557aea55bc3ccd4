"""Durable ingest over HTTP, beside its floor in the same run. Prints one JSON document.

The server is the real one in its smallest form: uvicorn, OTLP, scrubbing, prices, DuckDB; only accounts are left out.
It runs as a process of its own; the load generator is `otlp_load.py` of the shared folder (a batch of 3.6 kB spans).
The floor is protobuf's parse and a DuckDB insert of the same bodies, without anything in between.

usage: python -m benchmarks.ingest [--spans N] [--batch N] [--concurrency N] [--generator FILE]
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

GENERATOR = Path(__file__).parents[2] / "shared/bench/otlp_load.py"
_SECONDS_TO_START = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--generator", type=Path, default=GENERATOR)
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(int(options.serve[0]), Path(options.serve[1])))
        return 0
    if not options.generator.exists():
        print(f"The load generator {options.generator} is not here; give its path with --generator.", file=sys.stderr)
        return 2
    print(json.dumps(_measure(options), indent=2))
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        ours = _load(options, Path(folder) / "facts")
        floor = _floor(options, Path(folder) / "floor")
    ratio = ours["cpu_us_per_span"] / floor["cpu_us_per_span"]
    return {"ingest": ours, "floor": floor, "cpu_over_floor": round(ratio, 2)}


def _load(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Throughput as the generator sees it, CPU and memory as the server's process tells."""
    port = _free_port()
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.ingest", "--serve", str(port), str(folder)])
    try:
        _wait_until_ready(port)
        command = [sys.executable, str(options.generator), f"http://127.0.0.1:{port}/v1/traces"]
        command += [
            "--spans",
            str(options.spans),
            "--batch",
            str(options.batch),
            "--concurrency",
            str(options.concurrency),
        ]
        before = _usage(port)
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        after = _usage(port)
    finally:
        server.terminate()
        server.wait()
    stored = after["spans"] - before["spans"]
    if stored != told["spans"]:
        raise SystemExit(f"{stored} of {told['spans']} spans were stored; the server answered {told['status']}")
    return {
        **told,
        "stored": stored,
        "cpu_us_per_span": round((after["cpu_s"] - before["cpu_s"]) / stored * 1e6, 1),
        "peak_mb": round(after["peak_mb"]),
        "bytes_on_disk_per_span": round(after["bytes"] / stored),
    }


def _floor(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The bodies the generator would send, parsed and inserted as one text column: no HTTP, no meaning."""
    import duckdb
    import pyarrow as pa
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    generator = _module(options.generator)
    rng = random.Random(1)
    bodies = [generator.payload(rng, options.batch) for _ in range(options.spans // options.batch)]
    folder.mkdir()
    connection = duckdb.connect(str(folder / "floor.duckdb"), config={"checkpoint_threshold": "256MB"})
    connection.execute("CREATE TABLE spans (trace_id VARCHAR, span_id VARCHAR, body BLOB)")
    started, cpu, spans = time.perf_counter(), time.process_time(), 0
    for body in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        found = [s for r in request.resource_spans for g in r.scope_spans for s in g.spans]
        rows = pa.table(  # noqa: F841  (DuckDB finds it by name)
            {
                "trace_id": [span.trace_id.hex() for span in found],
                "span_id": [span.span_id.hex() for span in found],
                "body": [span.SerializeToString() for span in found],
            }
        )
        connection.execute("INSERT INTO spans SELECT * FROM rows")
        spans += len(found)
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - started
    connection.close()
    shutil.rmtree(folder)
    return {"spans": spans, "spans_per_s": round(spans / elapsed), "cpu_us_per_span": round(cpu / spans * 1e6, 1)}


async def _serve(port: int, folder: Path) -> None:
    import uvicorn
    from starlette.responses import JSONResponse

    from assay_server.api.otlp import Otlp
    from assay_server.checks.pii import Scrubber
    from assay_server.core.ports import Principal
    from assay_server.ingest import Ingest
    from assay_server.providers import Prices
    from assay_server.store import DuckStore

    class Anybody:
        async def authenticate(self, _headers: object) -> Principal:
            return Principal("prj_bench", "key:bench", "ingest")

    store = await DuckStore.open(folder)
    ingest = Ingest(store, Scrubber(), Prices())
    otlp = Otlp(SimpleNamespace(accounts=Anybody(), ingest=ingest))  # type: ignore[arg-type]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/v1/traces":
            await otlp(scope, receive, send)
            return
        stats, usage = await store.stats(), resource.getrusage(resource.RUSAGE_SELF)
        told = {"spans": stats.rows["spans"], "bytes": stats.bytes, "peak_mb": usage.ru_maxrss / 1024}
        await JSONResponse({**told, "cpu_s": usage.ru_utime + usage.ru_stime})(scope, receive, send)

    config = uvicorn.Config(application, port=port, log_level="warning", access_log=False, lifespan="off")
    await uvicorn.Server(config).serve()
    await ingest.close()
    await store.close()


def _usage(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/usage") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _usage(port)
            return
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generator", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    raise SystemExit(main())
