"""Who a secret belongs to, remembered for a moment: the gateway asks on every call."""

import time
from collections.abc import Callable

from assay_server.core.ports import Principal

_FRESH_S = 2.0
"""How long another process may go on using a key that was revoked here; in this process it ends at once."""

_MOST = 4096


class Principals:
    """Known callers by the digest of their secret. Strangers are not remembered."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[str, tuple[Principal, float]] = {}
        self._generation = 0

    @property
    def generation(self) -> int:
        """Grows whenever something is forgotten: what was read before that must not be remembered."""
        return self._generation

    def get(self, digest: str) -> Principal | None:
        """The caller, if they were seen a moment ago."""
        found = self._known.get(digest)
        if found is None or self._monotonic() >= found[1]:
            return None
        return found[0]

    def put(self, digest: str, principal: Principal, generation: int) -> None:
        """Remembers, unless something was revoked since `generation` was asked for."""
        if generation != self._generation:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (principal, self._monotonic() + _FRESH_S)

    def forget(self) -> None:
        """Everyone is looked up anew."""
        self._generation += 1
        self._known.clear()
