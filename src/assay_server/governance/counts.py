"""How much came in, by project and minute: added up in memory, written every two seconds.

A server that is killed forgets at most what came since the last writing; one that is stopped forgets nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from assay_server.core.beat import Beat
from assay_server.core.clock import DAY_NS, Clock
from assay_server.ledger import Ledger, tables

_counts = tables.intake.intake_counts

MINUTE_NS = 60 * 1_000_000_000
_KEPT_NS = 400 * DAY_NS
_FLUSH_S = 2.0
_WINDOWS_KEPT = 8

SPANS, BYTES, REFUSED, SAMPLED_OUT = "spans", "bytes", "refused", "sampled_out"
DROP, SAMPLE = "drop:", "sample:"  # followed by the name of the rule
LACKING = {name: f"drop.{name}:" for name in ("calls", "unknown", "tokens", "nano_usd")}
"""What dropped calls would have been in the sums: so followed, too. `unknown` are those without a price."""

Key = tuple[str, str, int]  # project, what, start of the minute


@dataclass(slots=True)
class _Running:
    """What one project has of one thing by day and by month. Some are kept: a clock that leaps ahead and is set right
    again finds the day as it left it, and its quota as used up as it was."""

    days: dict[int, int] = field(default_factory=dict)
    months: dict[int, int] = field(default_factory=dict)

    def add(self, day: int, month: int, n: int) -> None:
        for kept, window in ((self.days, day), (self.months, month)):
            kept[window] = kept.get(window, 0) + n
            if len(kept) > _WINDOWS_KEPT:
                del kept[next(each for each in kept if each != window)]


class Counts:
    """One per ledger. `add` is for the hot path: no lock, no disk."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._running: dict[tuple[str, str], _Running] = {}
        self._pending: dict[Key, int] = {}
        self._windows = (-1, -1)
        self._swept_day = 0
        self._beat = Beat("intake counts", self.flush, every_s=_FLUSH_S)

    async def load(self) -> None:
        """Takes up the day and the month where the last end left them."""
        _, month = windows(self._clock.now_ns())
        for project, what, at_ns, n in await self._ledger.read(lambda connection: _since(connection, month)):
            self._running.setdefault((project, what), _Running()).add(*windows(at_ns), n)

    def start(self) -> None:
        self._beat.start()

    async def close(self) -> None:
        await self._beat.end("counts of the last two seconds cannot be written")

    def add(self, project: str, what: str, n: int) -> None:
        now = self._clock.now_ns()
        running = self._running.get((project, what))
        if running is None:
            running = self._running[project, what] = _Running()
        running.add(*self._now(now), n)
        key = (project, what, now - now % MINUTE_NS)
        self._pending[key] = self._pending.get(key, 0) + n

    def used(self, project: str, what: str) -> tuple[int, int]:
        """Today and this month, UTC."""
        running = self._running.get((project, what))
        day, month = self._now(self._clock.now_ns())
        return (0, 0) if running is None else (running.days.get(day, 0), running.months.get(month, 0))

    async def flush(self) -> None:
        """Writes what was added since; what cannot be written waits for the next time."""
        pending, self._pending = self._pending, {}
        today = self._clock.now_ns() // DAY_NS
        try:
            if pending or today != self._swept_day:
                await self._ledger.write(lambda connection: _write(connection, pending, today * DAY_NS - _KEPT_NS))
                self._swept_day = today
        except BaseException:
            for key, n in pending.items():
                self._pending[key] = self._pending.get(key, 0) + n
            raise

    async def minutes(self, project: str, since_ns: int, until_ns: int) -> list[tuple[str, int, int]]:
        """(what, start of the minute, n), oldest first."""
        await self.flush()
        query = (
            select(_counts.c.what, _counts.c.at_ns, _counts.c.n)
            .where(_counts.c.project == project, _counts.c.at_ns >= since_ns, _counts.c.at_ns < until_ns)
            .order_by(_counts.c.at_ns, _counts.c.what)
        )
        return [tuple(row) for row in await self._ledger.read(lambda connection: connection.execute(query).all())]

    async def days(self, project: str, days: int) -> list[dict[str, Any]]:
        """`{day, spans, bytes, refused, sampled_out, dropped}` of the last `days` with traffic, oldest first."""
        await self.flush()
        since_ns = windows(self._clock.now_ns())[0] - (days - 1) * DAY_NS
        day = (_counts.c.at_ns - _counts.c.at_ns % DAY_NS).label("day_ns")
        query = (
            select(day, _counts.c.what, func.sum(_counts.c.n).label("n"))
            .where(_counts.c.project == project, _counts.c.at_ns >= since_ns)
            .group_by(day, _counts.c.what)
            .order_by(day)
        )
        found: dict[int, dict[str, Any]] = {}
        for row in await self._ledger.read(lambda connection: connection.execute(query).all()):
            name = _DAYS.get(row.what) or ("dropped" if row.what.startswith(DROP) else None)
            if name is not None:
                figures = found.setdefault(row.day_ns, {"day": _date(row.day_ns), **dict.fromkeys(_SHOWN, 0)})
                figures[name] += int(row.n)
        return list(found.values())

    async def dropped(self, project: str, since_ns: int, until_ns: int) -> dict[str, Any] | None:
        """The calls that rules dropped when they came, and what they would have added; None where there were none."""
        minutes = await self.minutes(project, since_ns - since_ns % MINUTE_NS, until_ns)
        sums = {name: sum(n for what, _, n in minutes if what.startswith(key)) for name, key in LACKING.items()}
        if not sums["calls"]:
            return None
        usd = sums["nano_usd"] / 1e9 if sums["calls"] > sums["unknown"] else None
        return {"calls": sums["calls"], "cost": {"usd": usd, "unknown": sums["unknown"]}, "tokens": sums["tokens"]}

    def _now(self, now_ns: int) -> tuple[int, int]:
        """`windows`, found anew once a day: this is on the hot path."""
        day = now_ns - now_ns % DAY_NS
        if self._windows[0] != day:
            self._windows = windows(now_ns)
        return self._windows


_DAYS = {name: name for name in (SPANS, BYTES, REFUSED, SAMPLED_OUT)}
_SHOWN = (SPANS, BYTES, REFUSED, SAMPLED_OUT, "dropped")


def windows(now_ns: int) -> tuple[int, int]:
    """The starts of the day and of the month that hold this moment, UTC."""
    moment = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return now_ns - now_ns % DAY_NS, int(first.timestamp()) * 1_000_000_000


def next_month(now_ns: int) -> int:
    """The start of the month after this one, UTC."""
    first = datetime.fromtimestamp(windows(now_ns)[1] // 1_000_000_000, UTC)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(following.timestamp()) * 1_000_000_000


def _date(day_ns: int) -> str:
    return datetime.fromtimestamp(day_ns // 1_000_000_000, UTC).date().isoformat()


def _since(connection: Connection, month_ns: int) -> list[Any]:
    """In every project, oldest first: for the start alone."""
    query = select(_counts.c.project, _counts.c.what, _counts.c.at_ns, _counts.c.n).order_by(_counts.c.at_ns)
    return list(connection.execute(query.where(_counts.c.at_ns >= month_ns)).all())


def _write(connection: Connection, pending: Mapping[Key, int], forget_ns: int) -> None:
    for (project, what, at_ns), n in pending.items():
        this = (_counts.c.project == project, _counts.c.what == what, _counts.c.at_ns == at_ns)
        if connection.execute(update(_counts).where(*this).values(n=_counts.c.n + n)).rowcount == 0:
            connection.execute(_counts.insert().values(project=project, what=what, at_ns=at_ns, n=n))
    connection.execute(delete(_counts).where(_counts.c.at_ns < forget_ns))
