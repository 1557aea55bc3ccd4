"""Monitors, silences, and where people are told."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Page, Revision, endpoint, get, in_path, items_of, without_none, write

Rows = list[Json]


class Monitors(Noun[D_co]):
    """Rules over windows of live traffic; a monitor is named by its id or its name."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All monitors with what they say now, by name."""
        return items_of(get("/monitors"))

    @endpoint
    def create(self, definition: Json) -> Call[Json]:
        """Watches something: `name`, `metric`, `rule`, and what docs/monitors.md names besides."""
        return write("POST", "/monitors", definition)

    @endpoint
    def preview(self, definition: Json) -> Call[Json]:
        """What such a monitor would say now, and would have said in the past week; nothing is made, nobody is told."""
        return write("POST", "/monitors/preview", definition)

    @endpoint
    def past(self, monitor: str) -> Call[Json]:
        """What it would have said in the past week by its definition of now, at evenly spaced looks."""
        return get(f"/monitors/{in_path(monitor)}/past")

    @endpoint
    def get(self, monitor: str) -> Call[Json]:
        """One monitor."""
        return get(f"/monitors/{in_path(monitor)}")

    @endpoint
    def replace(self, monitor: str, definition: Json, revision: Revision | None = None) -> Call[Json]:
        """Another definition for it. `revision`: only in the place of this one (Conflict)."""
        return write("PUT", f"/monitors/{in_path(monitor)}", definition, seen=revision)

    @endpoint
    def delete(self, monitor: str) -> Call[Any]:
        """Ends it; its open incidents are resolved."""
        return write("DELETE", f"/monitors/{in_path(monitor)}")

    @endpoint
    def evaluations(self, monitor: str, limit: int = 50) -> Call[Rows]:
        """What it said, newest first."""
        return items_of(get(f"/monitors/{in_path(monitor)}/evaluations", limit=limit))

    @endpoint
    def test(self, monitor: str) -> Call[Json]:
        """What it would say now; nobody is told."""
        return write("POST", f"/monitors/{in_path(monitor)}/test")

    @endpoint
    def silence(self, monitor: str, minutes: float, reason: str) -> Call[Json]:
        """Tells nobody about it for a while."""
        return write("POST", f"/monitors/{in_path(monitor)}/silence", {"minutes": minutes, "reason": reason})


class Silences(Noun[D_co]):
    """Times in which nobody is told."""

    @endpoint
    def list(self, *, past: bool = False) -> Call[Rows]:
        """Those that have not ended; with `past` all."""
        return items_of(get("/silences", past="true" if past else None))

    @endpoint
    def create(
        self,
        ends_at: str | None,
        reason: str,
        *,
        subject: str | None = None,
        starts_at: str | None = None,
        repeats: Json | None = None,
        minutes: float | None = None,
    ) -> Call[Json]:
        """Until `ends_at` (RFC 3339), or for `minutes` by the server's clock; without a subject (a monitor's id) for
        the whole project.

        `repeats`: `{"days": ["sat", "sun"], "from": "02:00", "until": "04:00", "time_zone": "Europe/Berlin"}`; such a
        silence need not end (`ends_at` None), and is for every day where it names none.
        """
        times = without_none(starts_at=starts_at, ends_at=ends_at, repeats=repeats, minutes=minutes)
        return write("POST", "/silences", without_none(subject=subject, reason=reason) | times)

    @endpoint
    def end(self, silence: str) -> Call[Any]:
        """Ends it now."""
        return write("DELETE", f"/silences/{in_path(silence)}")


class NotificationChannels(Noun[D_co]):
    """Where people are told; an address is never shown again."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All of them, without their addresses."""
        return items_of(get("/notification-channels"))

    @endpoint
    def create(self, name: str, url: str, *, enabled: bool = True) -> Call[Json]:
        """Tells people here from now on; `url` is an Apprise address."""
        return write("POST", "/notification-channels", {"name": name, "url": url, "enabled": enabled})

    @endpoint
    def change(
        self, channel: str, *, name: str | None = None, url: str | None = None, enabled: bool | None = None
    ) -> Call[Json]:
        """Another name or address, or off."""
        return write(
            "PUT", f"/notification-channels/{in_path(channel)}", without_none(name=name, url=url, enabled=enabled)
        )

    @endpoint
    def delete(self, channel: str) -> Call[Any]:
        """Tells nobody here any more."""
        return write("DELETE", f"/notification-channels/{in_path(channel)}")

    @endpoint
    def test(self, channel: str) -> Call[Json]:
        """Sends a message now: `{"sent", "error", "took_ms"}`."""
        return write("POST", f"/notification-channels/{in_path(channel)}/test")

    @endpoint
    def messages(self, status: str | None = None, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of messages, newest first."""
        return get("/notifications", status=status, limit=limit, cursor=cursor)
