"""Runs the house behind uvicorn until it is told to stop."""

import asyncio
import ctypes
import gc
import json
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from assay_server.api import grpc
from assay_server.api.build import build
from assay_server.api.connections import Connection, sweep
from assay_server.app.config import Config
from assay_server.app.doctor import EXPOSED_FIX, HOST_FIX, is_of_this_machine, port_is_free
from assay_server.app.wiring import House, house
from assay_server.core.errors import InvalidInput, Unavailable
from assay_server.outbound import some_are_left

_GRACE_S = 7  # containers are killed after ten, and the house takes its time too
_COLLECT_AFTER = 20_000  # objects that came and did not go
_SWITCH_S = 0.0002  # between threads that compute
_FILES = 65_536
_M_ARENA_MAX, _ARENAS = -8, 2  # the first is glibc's number of that setting (mallopt(3))


def serve(config: Config, *, as_json: bool = False) -> None:
    """Blocks until SIGINT or SIGTERM. Raises AssayError where it cannot start."""
    logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not is_of_this_machine(config.host):
        raise InvalidInput(
            f"{config.host} is no address of this machine.", field="host", value=config.host, fix=HOST_FIX
        )
    if not port_is_free(config.host, config.port):
        raise Unavailable(
            f"Port {config.port} on {config.host} is taken.",
            field="port",
            value=config.port,
            fix="assay up --port N, or end what listens there",
        )
    _share_memory()
    Connection.most = _allow_many_files()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(config, as_json=as_json))
        if some_are_left():  # all is closed by now; the library of S3 would be waited for
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


async def _serve(config: Config, *, as_json: bool) -> None:
    async with house(config) as built, _settled(), AsyncExitStack() as doors:
        server = _Server(
            uvicorn.Config(
                build(built.services, built.readiness),
                host=config.host,
                port=config.port,
                http=Connection,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=75,
                backlog=2048,
            )
        )

        async def listening() -> None:
            """HTTP is open by now; nobody need wait for gRPC, whose library alone takes a third of a second."""
            await _welcome(config, built, as_json=as_json)
            doors.push_async_callback(await grpc.opened(built.services, config.host, config.grpc_port, _say))

        server.listening = listening
        server.ending = built.services.tail.close
        server.doors = doors
        sweeping = asyncio.ensure_future(sweep(server.server_state.connections))
        doors.callback(sweeping.cancel)
        await server.serve()


def _share_memory() -> None:
    """Threads take what others gave back. By default glibc keeps a stock for each of eight times as many as there are
    cores, and after half a million spans 250 MB of them lie idle."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # other C libraries have no such stocks
        mallopt(_M_ARENA_MAX, _ARENAS)


def _allow_many_files() -> int:
    """As many as this user may have open, within reason: every connection is one, and shells give a thousand.

    Gives how many connections there may be, so that databases still find room for their files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a limit of its own, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return (_FILES if soft == resource.RLIM_INFINITY else soft) * 3 // 4


@asynccontextmanager
async def _settled() -> AsyncIterator[None]:
    """What is built by now stays: the collector need not walk over it again and again (15 to 30 µs a chat call).

    A thread that comes back from the disk or the network waits as long for its turn as another one may compute: five
    milliseconds by default, several times a request while spans are decoded.

    The collector comes when as many new objects live as a few hundred spans have: by default it takes 6 % of what
    ingest costs.
    """
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *thresholds[1:])
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
        gc.unfreeze()


class _Server(uvicorn.Server):
    """Tells when it listens (before that, a printed address would be a promise), and when it is about to end."""

    listening: Callable[[], Awaitable[None]]
    ending: Callable[[], None]
    doors: AsyncExitStack

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self.listening()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Both signals end `serve`, and the house closes after it; a second one ends the process as it stands.

        uvicorn would send itself the signal again when it is done: SIGTERM then ends the process with the house open.
        """
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """All doors at once: one after the other, slow callers at each would take more than the time there is."""
        self.ending()
        await asyncio.gather(super().shutdown(sockets), self.doors.aclose())


async def _welcome(config: Config, built: House, *, as_json: bool) -> None:
    """Where it is, and on the first start how to get in: for people on stderr, or one JSON line on stdout."""
    first = built.bootstrapped
    sign_in = None
    if first.is_new:
        token = await built.services.accounts.create_sign_in_token(first.project)
        sign_in = f"{config.url}/sign-in?token={token}"
    exposed = config.is_public and not config.url.startswith("https://")
    warning = f"{config.host} can be reached from other machines without TLS: keys travel in the open."
    held = built.services.keeping.outgoing.held
    if as_json:
        told = {"url": config.url, "data": str(config.data), "admin_key": first.key, "sign_in": sign_in, "held": held}
        sys.stdout.write(json.dumps(told | {"warnings": [f"{warning} {EXPOSED_FIX}"] if exposed else []}) + "\n")
        sys.stdout.flush()
        return
    _say(f"Assay is ready on {config.url}")
    if first.key is not None:
        _say("", "Admin key, shown this once:", f"  {first.key}", f"  assay login {config.url} --key -   (reads it)")
    if sign_in is not None:
        _say("", f"Sign in (once, within 15 minutes): {sign_in}")
    if held is not None:
        _say("", *_waits(held))
    if exposed:
        _say("", f"WARNING: {warning}", f"         {EXPOSED_FIX}.")


def _waits(held: Mapping[str, Any]) -> tuple[str, str]:
    """For whoever restored at night: what does not happen yet, and the one line that goes on."""
    backup = f"{held['backup']} of {held['made_at']}" if held["backup"] else "a backup"
    return (
        f"HELD: restored from {backup}. Messages, forwards, scheduled exports and runs wait.",
        "      Once the original is stopped: assay outgoing start",
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _say(*lines: str) -> None:
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
