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
    config.load()
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listening])
    finally:
        at_end()


def _follow_stdin() -> None:
    if sys.stdin is None or not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        return

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="follow-stdin", daemon=True).start()
