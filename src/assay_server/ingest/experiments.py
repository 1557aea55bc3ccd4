"""What MLflow's clients group their traces by: a name and a number, per project."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from assay_server.core.clock import Clock
from assay_server.core.errors import Conflict, InvalidInput, NotFound
from assay_server.ledger import Ledger, tables

_rows = tables.foreign.experiments

_LONGEST = 500
_LAST = 2**31 - 1


@dataclass(slots=True, frozen=True)
class Experiment:
    """`created_ns` is 0 for the one that is always there."""

    number: int
    name: str
    created_ns: int


DEFAULT = Experiment(0, "Default", 0)
"""Of clients that name none."""


class Experiments:
    """Experiments of one project at a time. Names are scrubbed, when they are asked for too."""

    def __init__(self, ledger: Ledger, scrub: Callable[[str], tuple[str, object]], clock: Clock) -> None:
        self._ledger = ledger
        self._scrub = scrub
        self._clock = clock

    async def named(self, project: str, name: str) -> Experiment:
        """Raises NotFound."""
        wanted = self._scrubbed(name)
        if wanted == DEFAULT.name:
            return DEFAULT
        return _found(await self._ledger.read(lambda c: _by_name(c, project, wanted)), "experiment_name", name)

    async def numbered(self, project: str, number: str) -> Experiment:
        """Raises NotFound, also for what is no number."""
        if number == str(DEFAULT.number):
            return DEFAULT
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) <= len(str(_LAST)) else _LAST + 1
        if wanted > _LAST:
            return _found(None, "experiment_id", number)
        query = select(_rows).where(_rows.c.project == project, _rows.c.number == wanted)
        return _found(await self._ledger.read(lambda c: c.execute(query).one_or_none()), "experiment_id", number)

    async def all_of(self, project: str) -> list[Experiment]:
        """In the order of their numbers."""
        query = select(_rows).where(_rows.c.project == project).order_by(_rows.c.number)
        rows = await self._ledger.read(lambda c: c.execute(query).all())
        return [DEFAULT, *(_experiment(row) for row in rows)]

    async def create(self, project: str, name: str) -> Experiment:
        """Raises InvalidInput, and Conflict where there is one of that name."""
        if not name.strip() or len(name) > _LONGEST:
            raise InvalidInput(
                "An experiment needs a name.", field="name", value=name[:80], fix=f"give 1 to {_LONGEST} characters"
            )
        wanted = self._scrubbed(name)

        def write(connection: Connection) -> Experiment:
            if wanted == DEFAULT.name or _by_name(connection, project, wanted) is not None:
                raise Conflict(f"There is an experiment '{wanted}'.", field="name", value=wanted, fix="use it")
            last = connection.execute(select(func.max(_rows.c.number)).where(_rows.c.project == project)).scalar()
            made = Experiment((last or DEFAULT.number) + 1, wanted, self._clock.now_ns())
            connection.execute(
                _rows.insert().values(project=project, number=made.number, name=wanted, created_ns=made.created_ns)
            )
            return made

        return await self._ledger.write(write)

    def _scrubbed(self, name: str) -> str:
        return self._scrub(name)[0]


def _by_name(connection: Connection, project: str, name: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(_rows).where(_rows.c.project == project, _rows.c.name == name)).one_or_none()


def _found(row: Row[tuple[object, ...]] | None, field: str, value: str) -> Experiment:
    if row is None:
        raise NotFound(f"There is no experiment '{value[:80]}' in this project.", field=field, value=value[:80])
    return _experiment(row)


def _experiment(row: Row[tuple[object, ...]]) -> Experiment:
    return Experiment(row.number, row.name, row.created_ns)
