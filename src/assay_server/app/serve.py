"""Runs the house behind uvicorn until it is told to stop."""

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn

from assay_server.api import grpc
from assay_server.api.build import build
from assay_server.app.config import Config
from assay_server.app.doctor import EXPOSED_FIX, port_is_free
from assay_server.app.wiring import House, house
from assay_server.core.errors import Unavailable

_GRACE_S = 10


def serve(config: Config) -> None:
    """Blocks until SIGINT or SIGTERM. Raises AssayError where it cannot start."""
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not port_is_free(config.host, config.port):
        raise Unavailable(
            f"Port {config.port} on {config.host} is taken.",
            field="port",
            value=config.port,
            fix="assay up --port N, or end what listens there",
        )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(config))


async def _serve(config: Config) -> None:
    async with house(config) as built:
        server = _Server(
            uvicorn.Config(
                build(built.services, built.readiness),
                host=config.host,
                port=config.port,
                http="httptools",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=75,
                backlog=2048,
            )
        )
        server.listening = lambda: _welcome(config, built)
        close_grpc = await grpc.opened(built.services, config.host, config.grpc_port, _say)
        try:
            await server.serve()
        finally:
            await close_grpc()


class _Server(uvicorn.Server):
    """Tells when it listens; before that, an address that is printed would be a promise."""

    listening: Callable[[], Awaitable[None]]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self.listening()


async def _welcome(config: Config, built: House) -> None:
    """Where it is, and on the first start how to get in."""
    _say(f"Assay is ready on {config.url}")
    first = built.bootstrapped
    if first.key is not None:
        _say("", "Admin key, shown this once:", f"  {first.key}", f"  assay login {config.url} --key -   (reads it)")
    if first.is_new:
        token = await built.services.accounts.create_sign_in_token(first.project)
        _say("", f"Sign in (once, within 15 minutes): {config.url}/sign-in?token={token}")
    if config.is_public and not config.url.startswith("https://"):
        _say("", f"WARNING: {config.host} can be reached from other machines without TLS: keys travel in the open.")
        _say(f"         {EXPOSED_FIX}.")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _say(*lines: str) -> None:
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
