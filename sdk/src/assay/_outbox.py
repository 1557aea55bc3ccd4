"""A bounded queue with one background thread: what the application hands over never blocks or breaks it.

Where the server does not answer, the batch in hand is kept and tried again (0.5 s, doubling to 15 s) while up to
`capacity` items wait behind it; further ones are dropped and counted. One warning tells about an outage, one line
about its end. At exit one last attempt is made, within the time the caller allows.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger("assay")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


class TryAgain(Exception):
    """The batch was not delivered, and may be later."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Undeliverable(Exception):
    """The batch was refused; sending it again would change nothing."""


class Outage:
    """Says once that the server is away, whoever notices first, and once that it is back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._on = False
        self._told: set[str] = set()

    def begin(self, reason: str) -> None:
        with self._lock:
            if self._on:
                return
            self._on = True
        _log.warning("Assay at %s is away, going on without it: %s", self._url, reason)

    def end(self) -> None:
        with self._lock:
            if not self._on:
                return
            self._on = False
        _log.info("Assay at %s is back.", self._url)

    def tell_once(self, message: str) -> None:
        """A fault that stays until somebody acts: a wrong key, a refused span."""
        with self._lock:
            if message in self._told:
                return
            self._told.add(message)
        _log.warning("%s", message)


class Outbox(Generic[T]):
    """Items on their way to the server, in order. `send` raises TryAgain or Undeliverable; it alone does I/O."""

    def __init__(
        self,
        what: str,
        send: Callable[[Sequence[T]], None],
        outage: Outage,
        *,
        capacity: int = 8192,
        batch: int = 512,
        linger_s: float = 0.5,
    ) -> None:
        self._what = what
        self._send = send
        self._outage = outage
        self._capacity = capacity
        self._batch = batch
        self._linger_s = linger_s
        self._closed = False
        self._changed = threading.Condition()
        self._waiting: deque[T] = deque()
        self._thread: threading.Thread | None = None
        self._taken = self._settled = self._lost = self._nudges = self._seen = 0

    @property
    def lost(self) -> int:
        """How many items were dropped because the queue was full, refused, or given up at exit."""
        return self._lost

    def put(self, item: T) -> None:
        """Takes an item; never blocks, never raises."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._capacity or not self._running():
                self._lost += 1
                return
            self._waiting.append(item)
            self._taken += 1
            if len(self._waiting) in {1, self._batch}:
                self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything put so far is delivered or refused; False when the time is over first."""
        with self._changed:
            upto = self._taken
            self._nudges += 1
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= upto, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Delivers what it can within the time, then stops for good. True when nothing was left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._settled >= self._taken

    def _running(self) -> bool:
        """Whether there is a thread to send; it is started with the first item."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"assay-{self._what}", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is going down
                self._thread = None
        return self._thread is not None

    def _work(self) -> None:
        while batch := self._next_batch():
            delivered = self._deliver(batch)
            with self._changed:
                self._settled += len(batch)
                self._lost += 0 if delivered else len(batch)
                self._changed.notify_all()

    def _next_batch(self) -> list[T]:
        """The next items, after a little time for more to come; empty when closed and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._changed.wait_for(lambda: len(self._waiting) >= self._batch or self._in_haste(), self._linger_s)
            if len(self._waiting) <= self._batch:
                self._seen = self._nudges
            return [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]

    def _deliver(self, batch: list[T]) -> bool:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                self._send(batch)
            except TryAgain as error:
                self._outage.begin(str(error))
                if self._closed:
                    return False
                self._rest(max(error.after_s or 0.0, pause))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            except Undeliverable as error:
                self._outage.tell_once(f"Assay refused {self._what}: {error}")
                return False
            except Exception:  # noqa: BLE001 - a fault of ours must not end the thread, nor reach the application
                _log.warning("%d %s could not be sent", len(batch), self._what, exc_info=True)
                return False
            else:
                self._outage.end()
                return True

    def _rest(self, seconds: float) -> None:
        """Waits before the next attempt; a flush or the end cuts it short."""
        with self._changed:
            self._changed.wait_for(self._in_haste, seconds)
            self._seen = self._nudges

    def _in_haste(self) -> bool:
        return self._closed or self._nudges != self._seen
