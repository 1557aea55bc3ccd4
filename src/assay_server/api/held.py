"""Room for bodies of requests that are in memory at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assay_server.core.errors import Busy

Take = Callable[[int], None]
"""So many bytes more of one request. Raises Busy where others leave no room; one alone always has it."""


class Held:
    """How many bytes of all requests are held. Belongs to the event loop."""

    def __init__(self, most: int, busy: str) -> None:
        self._most = most
        self._busy = busy
        self._held = 0

    @contextmanager
    def place(self) -> Iterator[Take]:
        """That of one request; what it took is given back at the end of the block."""
        own = 0

        def take(size: int) -> None:
            nonlocal own
            own += size
            self._held += size
            if own < self._held > self._most:
                raise Busy(self._busy, retry_after_s=1, fix="send it again")

        try:
            yield take
        finally:
            self._held -= own
