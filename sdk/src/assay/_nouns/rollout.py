"""Channels, canaries, incidents."""

from collections.abc import Sequence

from assay._calls import Call, D_co, Json, Noun, Page, endpoint, get, in_path, without_none, write

Rows = list[Json]


class Channels(Noun[D_co]):
    """`production`, `staging`, …: which release is live there."""

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of channels."""
        return get("/channels", limit=limit, cursor=cursor)

    @endpoint
    def get(self, name: str) -> Call[Json]:
        """One channel: what is live, its canary, its history."""
        return get(f"/channels/{in_path(name)}")

    @endpoint
    def put(self, name: str, *, requires_gate: bool = True) -> Call[Json]:
        """Creates a channel, or changes whether it wants a passing verdict."""
        return write("PUT", f"/channels/{in_path(name)}", {"requires_gate": requires_gate})

    @endpoint
    def resolve(self, name: str, unit: str | None = None) -> Call[Json]:
        """The release for one unit (a user, say), and which arm of a canary that is."""
        return get(f"/channels/{in_path(name)}/resolve", unit=unit)

    @endpoint
    def promote(self, name: str, release: str, reason: str) -> Call[Json]:
        """Makes a release live. Raises Refused without a passing verdict where the channel wants one."""
        body = {"release": release, "reason": reason}
        return write("POST", f"/channels/{in_path(name)}/promote", body)

    @endpoint
    def rollback(self, name: str, reason: str, to: str | None = None) -> Call[Json]:
        """Puts the earlier release back, or `to`."""
        return write("POST", f"/channels/{in_path(name)}/rollback", without_none(reason=reason, to=to))


class Canaries(Noun[D_co]):
    """A share of live traffic for a candidate, until the evidence decides."""

    @endpoint
    def start(
        self,
        channel: str,
        release: str,
        *,
        steps: Sequence[float] | None = None,
        unit: str | None = None,
        scores: Sequence[Json] | None = None,
        alpha: float | None = None,
        min_units: int | None = None,
        max_units: int | None = None,
        guardrails: Json | None = None,
        reason: str | None = None,
    ) -> Call[Json]:
        """Starts a canary; `steps` are shares in per cent, `scores` are `{"name", "margin"}`."""
        body = without_none(
            channel=channel,
            release=release,
            steps=None if steps is None else [*steps],
            unit=unit,
            scores=None if scores is None else [*scores],
            alpha=alpha,
            min_units=min_units,
            max_units=max_units,
            guardrails=guardrails,
            reason=reason,
        )
        return write("POST", "/canaries", body)

    @endpoint
    def get(self, canary: str) -> Call[Json]:
        """One canary with its evidence so far."""
        return get(f"/canaries/{in_path(canary)}")

    @endpoint
    def list(
        self,
        channel: str | None = None,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Call[Page]:
        """A page of canaries, newest first."""
        return get("/canaries", channel=channel, status=status, limit=limit, cursor=cursor)

    @endpoint
    def abort(self, canary: str, reason: str) -> Call[Json]:
        """Ends it without a decision; the baseline stays."""
        return write("POST", f"/canaries/{in_path(canary)}/abort", {"reason": reason})

    @endpoint
    def promote(self, canary: str, reason: str) -> Call[Json]:
        """Makes the candidate live now."""
        return write("POST", f"/canaries/{in_path(canary)}/promote", {"reason": reason})

    @endpoint
    def rollback(self, canary: str, reason: str) -> Call[Json]:
        """Takes the candidate back now."""
        return write("POST", f"/canaries/{in_path(canary)}/rollback", {"reason": reason})


class Incidents(Noun[D_co]):
    """What went wrong on live traffic, with the numbers."""

    @endpoint
    def list(self, status: str | None = None, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of incidents, newest first."""
        return get("/incidents", status=status, limit=limit, cursor=cursor)

    @endpoint
    def get(self, incident: str) -> Call[Json]:
        """One incident with evidence and timeline."""
        return get(f"/incidents/{in_path(incident)}")

    @endpoint
    def acknowledge(self, incident: str, reason: str) -> Call[Json]:
        """Somebody is on it."""
        return write("POST", f"/incidents/{in_path(incident)}/acknowledge", {"reason": reason})

    @endpoint
    def resolve(self, incident: str, reason: str) -> Call[Json]:
        """It is over."""
        return write("POST", f"/incidents/{in_path(incident)}/resolve", {"reason": reason})
