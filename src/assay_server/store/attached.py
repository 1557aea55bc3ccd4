"""Which attached database is the store's now, and who still reads the one before it.

A rewritten store is another file under another name. Readers lease the name for one query; the name before is let go
when its last reader is done. While a database is being attached again there is nothing to lease: readers wait.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator


class Attached:
    """One per store. Every method may be called from any thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._readers: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._away = False

    @property
    def name(self) -> str:
        return self._name

    def lease(self) -> str:
        """The name to read until `release`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._away)
            self._readers[self._name] += 1
            return self._name

    def release(self, name: str) -> None:
        with self._changed:
            self._readers[name] -= 1
            self._changed.notify_all()

    def switch(self, name: str) -> None:
        """From now on readers get `name`."""
        with self._changed:
            self._name = name

    def wait_unread(self, name: str) -> None:
        """Returns when nobody reads `name` any more. Only for a name that was switched away from."""
        with self._changed:
            self._changed.wait_for(lambda: self._readers[name] == 0)
            del self._readers[name]

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody reads meanwhile: whoever has begun is waited for, as a file that is read cannot be attached again."""
        with self._changed:
            self._away = True
            self._changed.wait_for(lambda: self._readers[self._name] == 0)
        try:
            yield
        finally:
            with self._changed:
                self._away = False
                self._changed.notify_all()
