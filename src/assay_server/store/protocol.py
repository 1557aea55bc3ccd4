"""What a store of facts does. `tests/conformance/store.py` is the same in code: every implementation passes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from assay_server.core.records import Facts
from assay_server.store.changes import Doomed, Priced, Rewritten, Thinned
from assay_server.store.preparing import Prepared
from assay_server.store.text import Bounds, Found, TextState


@dataclass(slots=True, frozen=True)
class Limits:
    """What one scan may cost: rows answered and seconds of work."""

    rows: int = 20_000
    seconds: float = 30.0


DEFAULT_LIMITS = Limits()


@dataclass(slots=True, frozen=True)
class Appended:
    """What an append did: `stored` holds the facts that were new, `duplicates` counts those already there."""

    stored: Facts
    duplicates: int

    @property
    def spans(self) -> int:
        return len(self.stored.spans)

    @property
    def scores(self) -> int:
        return len(self.stored.scores)

    @property
    def run_items(self) -> int:
        return len(self.stored.run_items)

    @property
    def events(self) -> int:
        return len(self.stored.events)


@dataclass(slots=True, frozen=True)
class Stats:
    """Rows by table, and bytes on disk including what has not been merged yet."""

    rows: dict[str, int] = field(default_factory=dict)
    bytes: int = 0


class Texts(Protocol):
    """Full text, derived from the facts: words and phrases in spans and log records (`docs/api/search.md`)."""

    async def find(self, project: str, text: str, bounds: Bounds, limit: int) -> Found:
        """The newest `limit` traces with one text that holds all words; what is not indexed yet is read plainly.

        Raises `InvalidInput` where the beginning of a word fits too many.
        """
        ...

    async def state(self, project: str) -> TextState:
        """How far the index is behind what the project has stored."""
        ...

    async def catch_up(self) -> None:
        """Returns when all that was stored before is indexed."""
        ...

    async def rebuild(self) -> None:
        """Begins the index anew from the facts; it is a copy and never the only place of anything."""
        ...


class Store(Protocol):
    """Facts, append-only but for their price.

    Beside its tables it has two views that follow from the spans and are true at every moment: `counted_calls`, each
    call that counts with what its trace says of it, and `trace_sums`, a row for each trace (`settled.py`).
    """

    @property
    def texts(self) -> Texts: ...

    async def prepare(self, facts: Facts) -> Prepared:
        """Facts as `append` writes them. It needs no turn, so many can be made while others are written."""
        ...

    async def append(self, *given: Facts | Prepared) -> Appended:
        """Stores all that is given in one transaction, durable on return; what is already there stays as it was.

        A span is the same by (project, trace_id, span_id), a score and an event by (project, id), a run item
        by (project, run, item, repeat). Raises `Unavailable` when the disk refuses; then nothing was stored.
        """
        ...

    async def scan(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> list[dict[str, Any]]:
        """Rows of one SELECT. Raises `TooLarge` past the row limit and `Unavailable` past the time limit."""
        ...

    async def columns(
        self, sql: str, params: Sequence[Any] = (), *, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, NDArray[Any]]:
        """The same by columns, shape (rows,) each, for what is worked out from more rows than anybody looks at.

        NULL is NaN in a column of fractions; a column of anything else may hold none.
        """
        ...

    async def reprice(self, project: str, prices: Sequence[Priced]) -> int:
        """Sets cost and source of spans that are stored, all in one transaction, durable on return; how many changed.

        The one value of a fact that may change. What the client itself said a call cost stays; a span nobody knows is
        passed over; a span that is sent again afterwards is a duplicate and keeps its new price.
        """
        ...

    async def decide(self, project: str, kept: Sequence[str], let_go: Sequence[str], since_ns: int) -> int:
        """Ends the waiting of traces, all in one transaction; how many spans lost their content.

        The spans of the traces `kept` get theirs, as facts that are stored now; those of `let_go` stay thin. Rows that
        began before `since_ns` are not looked at; those nobody waits for are passed over, so doing it twice is once.
        """
        ...

    async def erase(self, project: str, doomed: Sequence[Doomed]) -> dict[str, int]:
        """Removes rows of a project, all in one transaction, durable on return; how many by table.

        Spans take along the rows that tell of their traces. Their bytes are gone after `compact`. A removed fact
        that is sent again is stored again.
        """
        ...

    async def let_go(self, project: str, rows: Sequence[Thinned], now_ns: int) -> int:
        """Replaces the text of rows of one table by what remains of it, all in one transaction, durable on return.

        How many rows that were; one whose text is gone already is passed over. Content that waits beside a span goes
        with it, and is waited for no more.
        """
        ...

    async def settle(self) -> None:
        """Returns when the views need not work out anything of what was stored before. They answer alike without."""
        ...

    async def compact(self) -> Rewritten:
        """Writes everything anew, without what was removed. Appends and reads go on; other changes wait.

        Raises `Unavailable` where the disk has no room for a second copy; then nothing was changed.
        """
        ...

    async def copy(self, folder: Path) -> dict[str, int]:
        """All that is committed now, as a store of its own in a new folder; rows by table. Nothing waits.

        Raises `Unavailable` where the disk has no room for it.
        """
        ...

    async def check(self) -> None:
        """Raises `Unavailable` or `Corrupt` where facts cannot be read or written now."""
        ...

    async def stats(self) -> Stats: ...

    async def close(self) -> None:
        """Ends the threads and lets go of the directory. Nothing acknowledged is lost without it."""
        ...
