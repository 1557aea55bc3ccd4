"""A bounded queue with one background thread: what the application hands over never blocks or breaks it.

Where the server does not answer, the batch in hand is kept and tried again (0.5 s, doubling to 15 s) while up to
`capacity` items (and 64 MB of text) wait behind it; further ones are dropped and counted. One warning tells about an
outage, one line about its end. What is refused for one of its items is sent in halves, so that it costs no others. At
exit one last attempt is made, within the time the caller allows.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger("assay")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_BATCH_SIZE = 4_000_000  # characters of one batch, but for a single item that is longer
_MOST_SIZE = 64_000_000  # of all that wait


class TryAgain(Exception):
    """The batch was not delivered, and may be later."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Undeliverable(Exception):
    """The batch was refused; sending it again would change nothing. `parts`: a part of it may be taken."""

    def __init__(self, reason: str, *, parts: bool = False) -> None:
        super().__init__(reason)
        self.parts = parts


class Outage:
    """Says once that the server is away, whoever notices first, and once that it is back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._on = False
        self._ended = float("-inf")
        self._told: set[str] = set()

    def begin(self, reason: str, since: float) -> None:
        """`since`: when what failed was begun, by the monotonic clock. It tells nothing of a server that came back
        meanwhile."""
        with self._lock:
            if self._on or since < self._ended:
                return
            self._on = True
        _log.warning("Assay at %s is away, going on without it: %s", self._url, reason)

    def end(self) -> None:
        with self._lock:
            if not self._on:
                return
            self._on = False
            self._ended = time.monotonic()
        _log.info("Assay at %s is back.", self._url)

    def tell_end(self, message: str) -> None:
        """What is left at the end; an outage has had its warning."""
        if not self._on:
            _log.warning("%s", message)

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
        size: Callable[[T], int] = lambda _: 0,
    ) -> None:
        self._what = what
        self._send = send
        self._outage = outage
        self._capacity = capacity
        self._batch = batch
        self._linger_s = linger_s
        self._size = size
        self._closed = False
        self._changed = threading.Condition()
        self._waiting: deque[tuple[T, int]] = deque()
        self._waiting_size = 0
        self._thread: threading.Thread | None = None
        self._taken = self._settled = self._lost = self._nudges = self._seen = 0

    @property
    def lost(self) -> int:
        """How many items were dropped because the queue was full, refused, or given up at exit."""
        return self._lost

    def put(self, item: T) -> None:
        """Takes an item; never blocks, never raises."""
        size = self._size(item)
        with self._changed:
            full = len(self._waiting) >= self._capacity or self._waiting_size + size > _MOST_SIZE
            if self._closed or full or not self._running():
                self._lost += 1
                if full:
                    self._outage.tell_once(f"More {self._what} than can wait for Assay: further ones are dropped.")
                return
            was_enough = self._enough()
            self._waiting.append((item, size))
            self._waiting_size += size
            self._taken += 1
            if len(self._waiting) == 1 or (self._enough() and not was_enough):
                self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything put so far is delivered or refused; False when the time is over first."""
        with self._changed:
            upto = self._taken
            self._nudges += 1
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= upto, timeout_s)

    def close(self, timeout_s: float, longest_s: float | None = None) -> bool:
        """Delivers what it can within the time, then stops for good. True when nothing was left.

        With `longest_s` it goes on until then for as long as something is delivered within each `timeout_s`.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        end = time.monotonic() + (timeout_s if longest_s is None else longest_s)
        moved = True
        while moved and self._thread is not None and self._thread.is_alive() and (left := end - time.monotonic()) > 0:
            before = self._settled
            self._thread.join(min(timeout_s, left))
            moved = self._settled > before
        unsent = self._taken - self._settled
        if unsent > 0:
            self._outage.tell_end(f"{unsent:,} {self._what} were not sent to Assay: the program ended first.")
        return unsent <= 0

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
            lost = self._deliver(batch)
            with self._changed:
                self._settled += len(batch)
                self._lost += lost
                self._changed.notify_all()

    def _next_batch(self) -> list[T]:
        """The next items, after a little time for more to come; empty when closed and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._changed.wait_for(lambda: self._enough() or self._in_haste(), self._linger_s)
            batch: list[T] = []
            size = 0
            while self._waiting and len(batch) < self._batch:
                size += self._waiting[0][1]
                if batch and size > _BATCH_SIZE:
                    break
                item, its_size = self._waiting.popleft()
                self._waiting_size -= its_size
                batch.append(item)
            if not self._waiting:
                self._seen = self._nudges
            return batch

    def _enough(self) -> bool:
        """Whether a batch is full."""
        return len(self._waiting) >= self._batch or self._waiting_size >= _BATCH_SIZE

    def _deliver(self, batch: list[T]) -> int:
        """How many of them were not taken."""
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                self._send(batch)
            except TryAgain as error:
                self._outage.begin(str(error), began)
                if self._closed:
                    return len(batch)
                self._rest(max(error.after_s or 0.0, pause))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            except Undeliverable as error:
                if error.parts and len(batch) > 1:
                    half = len(batch) // 2
                    return self._deliver(batch[:half]) + self._deliver(batch[half:])
                self._outage.tell_once(f"Assay refused {self._what}: {error}")
                return len(batch)
            except Exception:  # noqa: BLE001 - a fault of ours must not end the thread, nor reach the application
                _log.warning("%d %s could not be sent", len(batch), self._what, exc_info=True)
                return len(batch)
            else:
                self._outage.end()
                return 0

    def _rest(self, seconds: float) -> None:
        """Waits before the next attempt; a flush or the end cuts it short."""
        with self._changed:
            self._changed.wait_for(self._in_haste, seconds)
            self._seen = self._nudges

    def _in_haste(self) -> bool:
        return self._closed or self._nudges != self._seen
