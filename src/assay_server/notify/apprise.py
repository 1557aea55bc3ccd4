"""Apprise behind a small face. It blocks, so it runs in threads of this room; what it logs never leaves it.

Its log lines hold parts of addresses, and addresses hold passwords and tokens. They are caught here, by thread, and
only the reason of a failure goes on, without any part of the address in it.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from assay_server.core.errors import InvalidInput

T = TypeVar("T")

_THREADS = 16  # of which each service that never comes to an end holds one
_STUCK_S = 30.0
_LONGEST_REASON = 300
_PIECES = re.compile(r"[/:@?&=,]+")
_SHORTEST_SECRET = 4
_CUT = "\n… and more than this service takes"

# They show something on the screen, or write to the logs, of the machine that serves: nobody is there to see it.
_LOCAL = frozenset({"dbus", "qt", "kde", "glib", "gnome", "macosx", "windows", "syslog"})

# What a mail server answered, as Python's smtplib writes it: Apprise tells it to those who debug alone.
_SMTP = re.compile(r"""\((\d{3}), b['"](.*?)['"]""")

_TYPES = {"critical": "failure", "warning": "warning", "info": "info", "resolved": "success"}


class Sender(Protocol):
    """Delivers one message to one address."""

    async def check(self, url: str) -> None:
        """Raises InvalidInput for an address that nobody understands; the message does not hold it."""
        ...

    async def send(self, url: str, title: str, body: str, severity: str) -> str | None:
        """None when it was delivered, else why not. Never raises for a failed delivery."""
        ...


class AppriseSender:
    """A `Sender` for every service that Apprise knows. It is imported (40 MB) when first needed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="notify")
        self._caught = _Caught()
        self._under_way: dict[str, float] = {}  # address -> since when

    async def check(self, url: str) -> None:
        await self._run(self._parsed, url)

    async def send(self, url: str, title: str, body: str, severity: str) -> str | None:
        return await self._run(self._send, url, title, body, severity)

    async def close(self) -> None:
        """Waits for what is being sent."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, function: Callable[..., T], *args: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _parsed(self, url: str) -> Any:
        """Apprise's object for the address. Raises InvalidInput."""
        import apprise

        self._caught.take()  # its import sets its logger up anew
        scheme = scheme_of(url)
        if scheme in _LOCAL:
            raise InvalidInput(
                f"'{scheme}' shows messages on the server's own machine only.", field="url", fix="name a service"
            )
        with self._caught.here():
            # A redirected POST becomes a GET of a page that answers 200: sent, it would seem, and nobody was told.
            asset = apprise.AppriseAsset(async_mode=False, secure_logging=True, plugin_paths=[], http_redirects=False)
            found = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if found is None:
            raise InvalidInput(
                "This is not an address that Apprise understands.",
                field="url",
                value=f"{scheme}://…" if scheme else None,
                fix="see https://appriseit.com/services/ for the form of your service's address",
            )
        return found

    def _send(self, url: str, title: str, body: str, severity: str) -> str | None:
        try:
            service = self._parsed(url)
        except InvalidInput as error:
            return str(error)
        now = time.monotonic()
        if now - self._under_way.get(url, now) > _STUCK_S:
            return "an earlier try has not come to an end"
        self._under_way[url] = now
        try:
            return self._told(service, url, title, body, _TYPES.get(severity, "info"))
        finally:
            self._under_way.pop(url, None)

    def _told(self, service: Any, url: str, title: str, body: str, kind: str) -> str | None:
        with self._caught.here() as said:
            # The service itself, not `Apprise.notify`: that one sends in a thread of its own, where we do not hear why.
            try:
                fitting = fitted(body, _room(service, title))
                delivered = service.notify(body=fitting, title=title, notify_type=kind, body_format="text")
            except Exception as error:  # noqa: BLE001 (a hundred plugins: whatever one raises, it was not delivered)
                delivered = False
                said.append(f"{type(error).__name__}: {error}")
        return None if delivered else _reason(said, url)


class _Caught(logging.Handler):
    """Keeps Apprise's log lines from every other handler, and hands each thread its own."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._own = threading.local()
        self.take()

    def take(self) -> None:
        """The loggers of Apprise and of what it calls the web with; that one writes whole paths where it debugs."""
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.handlers = [self]
        logger.setLevel(logging.DEBUG)
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        lines = getattr(self._own, "lines", None)
        if lines is None:
            return
        if record.levelno >= logging.WARNING:
            lines.append(record.getMessage())
        elif "Exception" in str(record.msg):
            lines.extend(f"{code} {text}" for code, text in _SMTP.findall(record.getMessage()))

    @contextmanager
    def here(self) -> Iterator[list[str]]:
        self._own.lines = lines = list[str]()
        try:
            yield lines
        finally:
            self._own.lines = None


def scheme_of(url: str) -> str:
    """What stands before `://`: the one part of an address that is no secret; empty where there is none."""
    scheme, sign, _ = url.partition("://")
    return scheme.lower() if sign and re.fullmatch(r"[A-Za-z0-9+.-]{1,40}", scheme) else ""


def fitted(body: str, room: int) -> str:
    """The beginning of a body that is longer than a service takes: it would refuse the whole, every time."""
    if len(body) <= room:
        return body
    head = body[: max(room - len(_CUT), 0)]
    return head[: head.rfind("\n")] + _CUT if "\n" in head else head + _CUT


def _room(service: Any, title: str) -> int:
    """Characters that a body may have; a tenth is left for signs that a service writes longer (`&amp;`)."""
    taken = len(title) + 2 if service.title_maxlen == 0 else 0  # the title stands in the body then
    return max(int(service.body_maxlen * 0.9) - taken, 0)


def _reason(said: list[str], url: str) -> str:
    text = " ".join(said).strip() or "it was not taken, and the service did not say why"
    for piece in sorted(filter(None, _PIECES.split(url.partition("://")[2])), key=len, reverse=True):
        if len(piece) >= _SHORTEST_SECRET:
            text = text.replace(piece, "…")
    return text[:_LONGEST_REASON]
