"""What was spent, why, and what things cost."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Request, endpoint, get, in_path, items_of, send, without_none, write

Rows = list[Json]


class Costs(Noun[D_co]):
    """Costs of the calls that were made. `filters`: `since`, `until`, `model`, `user`, `tag` and the like."""

    @endpoint
    def by(
        self,
        /,
        group_by: str | None = None,
        *,
        per: str | None = None,
        limit: int = 50,
        **filters: Any,
    ) -> Call[Json]:
        """Total and groups, dearest first; `per` is `hour` or `day`."""
        return get("/costs", group_by=group_by, bin=per, limit=limit, **filters)

    @endpoint
    def why(self, /, day: str | None = None, against: str | None = None, **filters: Any) -> Call[Json]:
        """Why a UTC day (yesterday) cost more or less than another (the day before)."""
        return get("/costs/why", day=day, against=against, **filters)

    @endpoint
    def forecast(self, /, days: int = 14, **filters: Any) -> Call[Json]:
        """What the next days will cost, with an 80 % interval."""
        return get("/costs/forecast", days=days, **filters)

    @endpoint
    def savings(self, /, cheaper: str | None = None, **filters: Any) -> Call[Json]:
        """What a cache, the model `cheaper` or a shorter prompt would have saved."""
        return get("/costs/savings", cheaper=cheaper, **filters)

    @endpoint
    def chargeback(self, /, group_by: str = "cost_center", format: str = "csv", **filters: Any) -> Call[str]:  # noqa: A002
        """The report as text: `csv`, `html` or `json`."""
        response = yield from send(
            Request("GET", "/api/v1/costs/chargeback", {"group_by": group_by, "format": format, **filters})
        )
        return response.body.decode()

    @endpoint
    def unpriced(self) -> Call[Rows]:
        """Models with calls that nobody could price."""
        return items_of(get("/models/unpriced"))

    @endpoint
    def of_trace(self, trace_id: str) -> Call[Json]:
        """Where a trace's tokens went."""
        return get(f"/traces/{in_path(trace_id)}/tokens")

    @endpoint
    def steps(self, /, name: str | None = None, **window: Any) -> Call[Json]:
        """The steps of the traces whose root has that name: time, tokens, cost."""
        return get("/steps", name=name, **window)


class Prices(Noun[D_co]):
    """The project's own prices, in dollars per million tokens."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All own prices."""
        return items_of(get("/prices"))

    @endpoint
    def put(self, /, model: str, **price: Any) -> Call[Json]:
        """Adds or replaces one (`input`, `output`, `valid_from`, …); stored calls are re-priced.

        What the price before it has and this one does not name is refused, or as `unnamed` says: `keep` or `drop`.
        """
        return write("PUT", f"/prices/{in_path(model)}", without_none(**price))

    @endpoint
    def delete(self, price: str) -> Call[Any]:
        """Removes one by its id."""
        return write("DELETE", f"/prices/{in_path(price)}")

    @endpoint
    def repricings(self) -> Call[Rows]:
        """How far re-pricing is, newest first."""
        return items_of(get("/repricings"))
