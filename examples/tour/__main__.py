"""The guided tour against a running server: `python -m examples.tour --url http://127.0.0.1:4600 --key sk_…`.

Six steps, each with checks: observe, evaluate, release, gate, canary, undo. It starts the example's support service,
its extractive answerer and the local LLM as processes of their own, and uses the public API, SDK and CLI alone. Exit
code 0 when every step did what it should, otherwise 1 with the step that did not.
"""

import argparse
import asyncio
import os
from pathlib import Path

from examples.tour.run import run

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay-tour"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.tour", description="The guided tour of Assay.")
    parser.add_argument("--url", default=os.environ.get("ASSAY_URL", "http://127.0.0.1:4600"), help="the server")
    parser.add_argument("--key", default=os.environ.get("ASSAY_API_KEY"), help="an admin key (or ASSAY_API_KEY)")
    parser.add_argument("--work", type=Path, default=_CACHE, help="where logs and computed vectors are kept")
    parser.add_argument("--once", action="store_true", help="end after the tour instead of serving until Ctrl-C")
    arguments = parser.parse_args()
    if not arguments.key:
        parser.error("--key or ASSAY_API_KEY is needed")
    try:
        return asyncio.run(run(arguments.url.rstrip("/"), arguments.key, arguments.work, once=arguments.once))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
