"""What Prometheus was told stays told: figures that never fall, though the facts behind them go.

Prometheus takes a counter that falls for one that began anew and adds all of it once more: after one pass of retention
a day of a thousand calls looked like a day of a million. So beside each number stands how far it was when it was told,
and what goes (retention, a person's deletion, a lower price, a call that turns out to be told twice) is not taken off.
What comes in between two looks while more of the same goes is not told; whoever removes facts has it looked before
and after.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, select

from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError
from assay_server.ledger import Ledger, tables
from assay_server.query.figures import LABELS, MOST_GROUPS, Family, Figures, Row, Rows, families

_table = tables.views.told_figures

_WRITE_NS = 60 * 10**9
_MAY_FALL = "total"
_MOST_ROWS = 1000  # of a table: twice as many as are read, since groups that are few for a while stay

Number = tuple[float, float]
"""What it was in the facts, and what was told."""

Told = dict[str, dict[tuple[str, ...], dict[str, Number]]]
"""By table, labels and name."""


class ToldFigures:
    """The figures as they may be told. One per ledger; only projects that are asked for have anything stored.

    Where something fell it is written before it is told, otherwise once a minute.
    """

    def __init__(self, figures: Figures, ledger: Ledger, clock: Clock) -> None:
        self._figures = figures
        self._ledger = ledger
        self._clock = clock
        self._told: dict[str, Told] = {}
        self._written_ns: dict[str, int] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, project: str) -> list[Family]:
        async with self._turns[project]:
            return families(shown(await self._advance(project)))

    async def look(self, project: str) -> None:
        """Right before facts go and right after: so what came between two scrapes is not held against what went.

        Nothing is done for projects that nobody scrapes, and a fault keeps nobody from removing.
        """
        with suppress(AssayError):
            async with self._turns[project]:
                if await self._before(project):
                    await self._advance(project)

    async def _before(self, project: str) -> Told:
        if project not in self._told:
            self._told[project] = await self._ledger.read(lambda connection: _stored(connection, project))
        return self._told[project]

    async def _advance(self, project: str) -> Told:
        told, fell = advanced(await self._before(project), await self._figures.rows(project))
        self._told[project] = told
        await self._keep(project, told, at_once=fell)
        return told

    async def _keep(self, project: str, told: Told, *, at_once: bool) -> None:
        now = self._clock.now_ns()
        if not at_once and abs(now - self._written_ns.get(project, 0)) < _WRITE_NS:
            return
        try:
            await self._ledger.write(lambda connection: _store(connection, project, told, now))
        except AssayError:  # a full disk is no reason to be blind; the next scrape tries again
            return
        self._written_ns[project] = now


def advanced(before: Told, rows: Rows) -> tuple[Told, bool]:
    """What is to be told now, and whether anything fell."""
    told: Told = {}
    for table in LABELS:
        kept = before.get(table, {})
        now = {row.labels: _numbers(kept.get(row.labels, {}), row) for row in rows[table]}
        gone = [labels for labels in kept if labels not in now][: max(0, _MOST_ROWS - len(now))]
        # Where all groups were read, one that is not there has nothing left; otherwise others have more than it has.
        whole = len(rows[table]) < MOST_GROUPS
        told[table] = now | {labels: _emptied(kept[labels]) if whole else kept[labels] for labels in gone}
    return told, any(
        told[table][labels][name][0] < number[0]
        for table in before
        for labels, numbers in before[table].items() if labels in told[table]
        for name, number in numbers.items() if name != _MAY_FALL
    )  # fmt: skip


def shown(told: Told) -> Rows:
    """The rows, with how many there are made of the bins where there are any."""
    return {table: [_row(labels, numbers) for labels, numbers in by_labels.items()]
            for table, by_labels in told.items()}  # fmt: skip


def _numbers(was: dict[str, Number], row: Row) -> dict[str, Number]:
    """A sum of values may fall by itself; where judgements went it is held, as their number is."""
    went = row.numbers.get("n", 0.0) < was.get("n", (0.0, 0.0))[0]
    return {
        name: _number(was.get(name), row.numbers.get(name, 0.0), held=went if name == _MAY_FALL else None)
        for name in {**was, **row.numbers}
    }


def _number(was: Number | None, now: float, *, held: bool | None) -> Number:
    """`held`: None where it is held when it falls."""
    if was is None:
        return now, now
    before, told = was
    if held or (held is None and now <= before):
        return now, told
    return now, now if told == before else told + (now - before)


def _emptied(numbers: dict[str, Number]) -> dict[str, Number]:
    return {name: (0.0, told) for name, (_, told) in numbers.items()}


def _row(labels: tuple[str, ...], numbers: dict[str, Number]) -> Row:
    told = {name: number[1] for name, number in numbers.items()}
    bins = [value for name, value in told.items() if name.startswith("bin")]
    return Row(labels, {**told, "n": sum(bins)} if bins else told)


def _stored(connection: Connection, project: str) -> Told:
    figures: Any = connection.execute(select(_table.c.figures).where(_table.c.project == project)).scalar()
    return {
        table: {tuple(labels): {name: (now, told) for name, (now, told) in numbers.items()} for labels, numbers in rows}
        for table, rows in (figures or {}).items()
    }


def _store(connection: Connection, project: str, told: Told, now_ns: int) -> None:
    figures = {table: list(by_labels.items()) for table, by_labels in told.items()}
    connection.execute(_table.delete().where(_table.c.project == project))
    connection.execute(_table.insert().values(project=project, figures=figures, updated_ns=now_ns))
