"""Serves an ASGI application on loopback and says where, in one line of JSON."""

import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp


def serve(application: ASGIApp, port: int, *, at_end: Callable[[], None]) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT, then call `at_end`; port 0 is any free one.

    Where standard input is a pipe, its end counts as SIGTERM: whoever started us has gone.
    """
    _follow_stdin()
    listening = socket.create_server(("127.0.0.1", port), backlog=256)
    print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    # uvicorn raises the signal again when it has shut down; by default that would end us before `at_end`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        at_end()


def _follow_stdin() -> None:
    if sys.stdin is None or not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        return
    descriptor = sys.stdin.fileno()

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a thread that waits, breaks the interpreter's end.
        while os.read(descriptor, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="follow-stdin", daemon=True).start()
