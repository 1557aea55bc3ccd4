"""Runs every benchmark, one after the other, each in a process of its own, and prints their JSON under their names.

usage: python -m benchmarks [NAME ...]
"""

import subprocess
import sys

BENCHMARKS = {
    "startup": "start-up and idle memory of `assay up`, beside a bare uvicorn",
    "ingest": "durable ingest over OTLP, beside the floor: parse and insert of the same bytes",
    "ingest_burst": "ten times more at once than the server takes: what it answers, and that nothing is lost",
    "ingest_others": "Phoenix and MLflow with the same load, each in an environment of its own",
    "read": "pages, filters, search and panels over a million spans while spans come in, beside plain SQL",
    "gateway": "CPU of a chat call through the gateway, beside a bare proxy with the same client",
}


def main() -> int:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        print(f"# {name}: {BENCHMARKS[name]}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
