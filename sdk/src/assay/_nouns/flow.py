"""What a project lets in, and what leaves on its own."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Revision, endpoint, get, in_path, items_of, without_none, write

Rows = list[Json]


class Quotas(Noun[D_co]):
    """What a project may send by day and month."""

    @endpoint
    def get(self) -> Call[Json]:
        """Limits, and how much of each is used."""
        return get("/quotas")

    @endpoint
    def set(self, limits: Json, warn_at: float = 0.8, reason: str | None = None) -> Call[Json]:
        """Limits by name (`spans_per_day`, …); those left out are none."""
        body = without_none(limits=limits, warn_at=warn_at, reason=reason)
        return write("PUT", "/quotas", body)

    @endpoint
    def days(self, days: int = 30) -> Call[Rows]:
        """What came in by day, oldest first."""
        return items_of(get("/quotas/days", days=days))


class Sampling(Noun[D_co]):
    """Which spans keep their content."""

    @endpoint
    def get(self) -> Call[Json]:
        """The rules, the tail, and what waits for a decision."""
        return get("/sampling")

    @endpoint
    def set(self, rules: Rows, tail: Json | None = None, reason: str | None = None) -> Call[Json]:
        """Other rules, from the next request on."""
        return write("PUT", "/sampling", {"rules": rules, "tail": tail, "reason": reason})

    @endpoint
    def preview(self, rules: Rows, tail: Json | None = None) -> Call[Json]:
        """What rules would have done to the spans of the last 24 hours."""
        return write("POST", "/sampling/preview", {"rules": rules, "tail": tail})

    @endpoint
    def counts(self, since: str | None = None, until: str | None = None) -> Call[Rows]:
        """Spans dropped or thinned out, by rule and minute."""
        return items_of(get("/sampling/counts", since=since, until=until))


class Flags(Noun[D_co]):
    """Which checks look at live traffic."""

    @endpoint
    def get(self) -> Call[Json]:
        """The checks, the share of the traces, and what they did today."""
        return get("/flags")

    @endpoint
    def set(self, checks: list[str], share: float = 1.0, reason: str | None = None) -> Call[Json]:
        """Other checks, for what comes from now on; none turns them off."""
        return write("PUT", "/flags", {"checks": checks, "share": share, "reason": reason})


class ScheduledExports(Noun[D_co]):
    """A file every hour, day or week; an export is named by its id or its name."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All of them with their last file, by name."""
        return items_of(get("/exports"))

    @endpoint
    def create(self, definition: Json) -> Call[Json]:
        """`name`, `what`, `format`, `every`, `target`, and what docs/export.md names besides."""
        return write("POST", "/exports", definition)

    @endpoint
    def get(self, export: str) -> Call[Json]:
        """One of them."""
        return get(f"/exports/{in_path(export)}")

    @endpoint
    def replace(self, export: str, definition: Json, revision: Revision | None = None) -> Call[Json]:
        """Another definition for it. `revision`: only in the place of this one (Conflict)."""
        return write("PUT", f"/exports/{in_path(export)}", definition, seen=revision)

    @endpoint
    def delete(self, export: str) -> Call[Any]:
        """Ends it; the files stay."""
        return write("DELETE", f"/exports/{in_path(export)}")

    @endpoint
    def runs(self, export: str, limit: int = 50) -> Call[Rows]:
        """Its files, the newest window first."""
        return items_of(get(f"/exports/{in_path(export)}/runs", limit=limit))

    @endpoint
    def run(self, export: str, window_start: str | None = None) -> Call[Json]:
        """Writes the file of one window now; default: the last whole one."""
        return write("POST", f"/exports/{in_path(export)}/run", without_none(window_start=window_start))


class Forwards(Noun[D_co]):
    """Spans sent on to another collector."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All of them, and how far each is behind."""
        return items_of(get("/forwards"))

    @endpoint
    def put(self, name: str, definition: Json, revision: Revision | None = None) -> Call[Json]:
        """Sends spans on from now: `endpoint`, `headers`, `filter`, `share`, `enabled`.

        `revision`: only in the place of this one (Conflict).
        """
        return write("PUT", f"/forwards/{in_path(name)}", definition, seen=revision)

    @endpoint
    def delete(self, name: str) -> Call[Any]:
        """Sends nothing on any more."""
        return write("DELETE", f"/forwards/{in_path(name)}")

    @endpoint
    def test(self, name: str) -> Call[Json]:
        """Sends an empty request now."""
        return write("POST", f"/forwards/{in_path(name)}/test")
