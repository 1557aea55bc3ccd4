"""Prices of a project's own, before the public list; and the queue of re-pricings that a change leaves behind.

What prices calls may not wait for a database: all own prices stand in memory, read at the start and after each change.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, or_, select, update

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import NotFound
from assay_server.core.ids import new_id
from assay_server.core.records import Tokens
from assay_server.core.seen import refuse_unseen
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.providers import OwnPrice, Rates, applying
from assay_server.registry.fields import check_text
from assay_server.registry.price_before import Unnamed, completed, followed, lost
from assay_server.registry.price_rows import (
    checked_model,
    checked_rates,
    moment,
    price_json,
    price_of,
    rates_json,
    repricing_json,
)

_prices = tables.money.own_prices
_repricings = tables.money.repricings


class Listed(Protocol):
    """The public list: what `providers.Prices` does."""

    def price(
        self, provider: str | None, model: str, tokens: Tokens, at_ns: int, *, batch: bool = False,
        audio: bool = False, kept_an_hour: int = 0,
    ) -> tuple[float, str] | None: ...  # fmt: skip

    def rates(self, provider: str | None, model: str, at_ns: int) -> Rates | None: ...


class OwnPrices:
    """What a call cost: by the project's own price, else by the public list."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock, listed: Listed) -> None:
        """Call `load` before the first call is priced."""
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._listed = listed
        self._own: dict[str, tuple[OwnPrice, ...]] = {}
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Reads all own prices into memory."""
        async with self._loading:  # a slower, older reading must not win
            self._own = await self._ledger.read(_all)

    def price(
        self,
        provider: str | None,
        model: str,
        tokens: Tokens,
        at_ns: int,
        *,
        project: str | None = None,
        batch: bool = False,
        audio: bool = False,
        kept_an_hour: int = 0,
    ) -> tuple[float, str] | None:
        """(US dollars, source), or None when it is unknown. An own price that lacks a rate is not filled up.

        `audio`: some of the tokens are sound. `kept_an_hour`: so many stay in a cache so long. An own price is taken as
        meant for them.
        """
        own = applying(self._own.get(project or "", ()), provider, model, at_ns)
        if own is None:
            return self._listed.price(
                provider, model, tokens, at_ns, batch=batch, audio=audio, kept_an_hour=kept_an_hour
            )
        cost = own.cost(tokens, batch=batch)
        return None if cost is None else (cost, own.rates.source)

    def rates(self, provider: str | None, model: str, at_ns: int, *, project: str | None = None) -> Rates | None:
        """Dollars a token at that moment, or None for a model nobody priced."""
        own = applying(self._own.get(project or "", ()), provider, model, at_ns)
        return self._listed.rates(provider, model, at_ns) if own is None else own.rates

    def lookup(self, project: str, provider: str | None, model: str, at_ns: int) -> dict[str, Any]:
        """`{"source", "rates"}`: dollars per million tokens up to the first tier; both None where nobody knows."""
        found = self.rates(provider, model, at_ns, project=project)
        return {
            "source": None if found is None else found.source,
            "rates": None if found is None else rates_json(found),
        }

    async def put(
        self,
        project: str,
        actor: str,
        model: str,
        rates: Mapping[str, Any],
        *,
        provider: str | None = None,
        valid_from: str | None = None,
        unnamed: Unnamed | None = None,
        reason: str | None = None,
        seen: str | None = None,
    ) -> dict[str, Any]:
        """Adds a price, or replaces the one of the same model, provider and date; stored calls are re-priced behind it.

        Rates are dollars per million tokens. `unnamed`: what becomes of what the price before it has and `rates` does
        not name. `seen`: only in the place of this one. Raises InvalidInput naming the field, and Conflict where that
        would be lost and nothing is said.
        """
        values: dict[str, Any] = {
            "model": checked_model(model),
            "provider": None if provider is None else check_text(provider, "provider", 200),
            "valid_from_ns": moment(valid_from),
        }

        def write(connection: Connection) -> dict[str, Any]:
            earlier = followed(connection, project, values)
            before = earlier if earlier and earlier.valid_from_ns == values["valid_from_ns"] else None
            _refuse_unseen(before, seen)
            values["rates"] = checked_rates(completed(rates, earlier, unnamed))
            beside = None if earlier is not None else self._lost(project, values)
            if before is not None:
                connection.execute(_prices.delete().where(_prices.c.id == before.id, _prices.c.project == project))
            made = {"id": new_id("prc"), "created_ns": self._clock.now_ns(), "created_by": actor}
            connection.execute(_prices.insert().values(project=project, **values, **made))
            row = _get(connection, project, str(made["id"]))
            self._note(connection, row, actor, "price.put", reason, before, row)
            return {**price_json(row), "repricing": self._queue(connection, row), "instead_of": beside}

        answer = await self._ledger.write(write)
        await self.load()
        return answer

    async def list(self, project: str) -> list[dict[str, Any]]:
        """By model, the newest date first."""
        query = (
            select(_prices)
            .where(_prices.c.project == project)
            .order_by(_prices.c.model, _prices.c.provider, _prices.c.valid_from_ns.desc(), _prices.c.id)
        )
        return await self._ledger.read(lambda connection: [price_json(row) for row in connection.execute(query)])

    async def delete(self, project: str, actor: str, price: str, reason: str | None = None) -> dict[str, Any]:
        """Removes one and gives the re-pricing that follows: calls go back to the public list. Raises NotFound."""

        def write(connection: Connection) -> dict[str, Any]:
            row = _get(connection, project, price)
            connection.execute(_prices.delete().where(_prices.c.id == price, _prices.c.project == project))
            self._note(connection, row, actor, "price.delete", reason, row, None)
            return self._queue(connection, row)

        queued = await self._ledger.write(write)
        await self.load()
        return queued

    async def repricings(self, project: str, limit: int = 50) -> Sequence[dict[str, Any]]:
        """The newest first."""
        query = (
            select(_repricings)
            .where(_repricings.c.project == project)
            .order_by(_repricings.c.created_ns.desc(), _repricings.c.id.desc())
            .limit(limit)
        )
        return await self._ledger.read(lambda connection: [repricing_json(row) for row in connection.execute(query)])

    async def changed_after(self, project: str, since_ns: int, until_ns: int) -> str | None:
        """When prices of calls made in the window were last changed, if that was after its end; else None.

        Which calls got another price is counted over all of them, so those of the window may not be among them.
        """
        mine = _repricings.c.project == project, _repricings.c.created_ns >= until_ns
        reach = or_(_repricings.c.since_ns.is_(None), _repricings.c.since_ns < until_ns)
        moved = or_(_repricings.c.calls.is_(None), _repricings.c.calls > 0)
        query = select(func.max(_repricings.c.created_ns)).where(*mine, reach, moved)
        newest = await self._ledger.read(lambda connection: connection.execute(query).scalar())
        return None if newest is None else rfc3339(newest)

    async def unfinished(self) -> Sequence[tuple[str, str, int | None, OwnPrice]]:
        """(id, project, since, which models) of each re-pricing that is not done, of all projects, oldest first."""
        query = select(_repricings).where(_repricings.c.status != "done").order_by(_repricings.c.id)
        rows = await self._ledger.read(lambda connection: connection.execute(query).all())
        return [(row.id, row.project, row.since_ns, _pattern(row)) for row in rows]

    async def reached(self, project: str, repricing: str, calls: int | None) -> None:
        """`calls` None: it runs; otherwise it is done, and so many stored calls got another price."""
        ended = {} if calls is None else {"calls": calls, "ended_ns": self._clock.now_ns()}
        change = (
            update(_repricings)
            .where(_repricings.c.id == repricing, _repricings.c.project == project)
            .values(status="running" if calls is None else "done", **ended)
        )
        await self._ledger.write(lambda connection: connection.execute(change))

    def _lost(self, project: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What calls of this one model had by a wider own price or the public list, and have no longer."""
        provider, model = values["provider"], values["model"]
        if "*" in model:
            return None  # models that nobody named
        at_ns = self._clock.now_ns() if values["valid_from_ns"] is None else values["valid_from_ns"]
        had = applying(self._own.get(project, ()), provider, model, at_ns) or self._listed.rates(provider, model, at_ns)
        return None if had is None else lost(had, values["rates"])

    def _queue(self, connection: Connection, price: Row[Any]) -> dict[str, Any]:
        """In the same transaction as the change: a kill in between cannot leave old prices behind."""
        values = {
            "id": new_id("rpr"),
            "project": price.project,
            "model": price.model,
            "provider": price.provider,
            "since_ns": price.valid_from_ns,
            "status": "queued",
            "created_ns": self._clock.now_ns(),
        }
        connection.execute(_repricings.insert().values(**values))
        return repricing_json(connection.execute(select(_repricings).where(_repricings.c.id == values["id"])).one())

    def _note(
        self,
        connection: Connection,
        row: Row[Any],
        actor: str,
        action: str,
        reason: str | None,
        before: Row[Any] | None,
        after: Row[Any] | None,
    ) -> None:
        self._audit.append(
            connection,
            project=row.project,
            actor=actor,
            action=action,
            subject=row.model,
            reason=reason,
            before=None if before is None else price_json(before),
            after=None if after is None else price_json(after),
        )


def _all(connection: Connection) -> dict[str, tuple[OwnPrice, ...]]:
    found: dict[str, tuple[OwnPrice, ...]] = {}
    for row in connection.execute(select(_prices).order_by(_prices.c.id)):
        found[row.project] = (*found.get(row.project, ()), price_of(row))
    return found


def _refuse_unseen(before: Row[Any] | None, seen: str | None) -> None:
    rates, by = (None, None) if before is None else (before.rates, before.created_by)
    refuse_unseen(rates, seen, "price", by)


def _pattern(row: Row[Any]) -> OwnPrice:
    return OwnPrice(row.id, row.model, row.provider, row.since_ns, Rates(None, None, None, None, None, 0.0, ""))


def _get(connection: Connection, project: str, price: str) -> Row[Any]:
    row = connection.execute(select(_prices).where(_prices.c.id == price, _prices.c.project == project)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no price {price} in this project.", field="price", value=price, fix="see GET /api/v1/prices"
        )
    return row
