"""When keys were last used: noted in memory, written every five minutes and at the end. No request writes for it.

A server that is killed forgets at most the uses since the last writing; one that is stopped forgets none.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, or_, update

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock
from assay_server.ledger import Ledger, tables

_keys = tables.accounts.keys

_FLUSH_S = 300.0
_KEY = "key:"


class KeyUses:
    """One per ledger. `note` is for the hot path: no lock, no disk."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._last: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._beat = Beat("uses of keys", self.flush, every_s=_FLUSH_S)

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        await self._beat.end("when keys were last used cannot be written")

    def note(self, actor: str) -> None:
        """A key that got in, or whoever is signed in with it; other actors are nobody's key."""
        if actor.startswith(_KEY):
            self._last[actor] = self._clock.now_ns()

    def last_ns(self, key: str) -> int:
        """The last use that this process saw; 0 where it saw none."""
        return self._last.get(_KEY + key, 0)

    async def flush(self) -> None:
        """Writes what is new since the last time."""
        new = {actor: at_ns for actor, at_ns in self._last.items() if self._written.get(actor) != at_ns}
        if new:
            await self._ledger.write(lambda connection: _write(connection, new))
            self._written |= new


def _write(connection: Connection, uses: Mapping[str, int]) -> None:
    for actor, at_ns in uses.items():
        older = or_(_keys.c.used_ns.is_(None), _keys.c.used_ns < at_ns)
        this = (_keys.c.id == actor.removeprefix(_KEY), older)
        connection.execute(update(_keys).where(*this).values(used_ns=at_ns))
