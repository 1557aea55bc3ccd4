"""Quotas: counted over restarts, refused past the limit, told once a window."""

from typing import Any

import pytest

from assay_server.core.errors import Conflict, InvalidInput, RateLimited
from assay_server.governance import BYTES, SPANS, Audit, Bootstrapped, Counts, Quotas
from assay_server.governance.counts import REFUSED
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock

DAY_S = 86_400


class Told:
    """Incidents in a list."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.resolved: list[str] = []

    async def open(self, project: str, **values: Any) -> str:
        known = [number for number, one in enumerate(self.opened, start=1) if one["key"] == values["key"]]
        if not known:
            self.opened.append({"project": project, **values})
        return f"inc_{known[0] if known else len(self.opened)}"

    async def unresolved(self, project: str, *, kind: str) -> list[tuple[str, str]]:
        found = [(f"inc_{number}", one["key"]) for number, one in enumerate(self.opened, start=1)]
        return [each for each in found if kind == "quota" and each[0] not in self.resolved]

    async def resolve(self, project: str, incident: str, *, by: str, reason: str) -> None:
        self.resolved.append(incident)
        if incident == "inc_1":
            raise Conflict("somebody was faster")


@pytest.fixture
async def project(accounts: Any) -> str:
    made: Bootstrapped = await accounts.bootstrap("a-key-of-sixteen-characters")
    return made.project


async def opened(ledger: Ledger, audit: Audit, clock: FakeClock) -> tuple[Counts, Quotas]:
    counts = Counts(ledger, clock)
    quotas = Quotas(ledger, audit, clock, counts)
    await counts.load()
    await quotas.load()
    return counts, quotas


async def test_without_quotas_nothing_is_refused(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    counts.add(project, SPANS, 10**9)
    quotas.check(project)
    assert [use["state"] for use in quotas.get(project)["use"]] == ["open"] * 4
    assert quotas.get(project)["use"][0]["share"] is None


async def test_past_the_limit_it_names_the_quota_and_says_when_to_come_back(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    await quotas.put(project, "user:a", {"spans_per_day": 100})
    counts.add(project, SPANS, 99)
    quotas.check(project)
    counts.add(project, SPANS, 1)
    with pytest.raises(RateLimited) as refused:
        quotas.check(project)
    quotas.check("prj_other")
    assert refused.value.field == "spans_per_day"
    assert 0 < (refused.value.retry_after_s or 0) <= 3600
    use = quotas.get(project)["use"][0]
    assert (use["used"], use["share"], use["state"], use["refused"]) == (100, 1.0, "reached", 1)


async def test_the_next_day_begins_anew_and_the_month_goes_on(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    await quotas.put(project, "user:a", {"spans_per_day": 10, "bytes_per_month": 30})
    counts.add(project, SPANS, 10)
    counts.add(project, BYTES, 20)
    clock.advance(DAY_S)
    quotas.check(project)
    counts.add(project, BYTES, 10)
    with pytest.raises(RateLimited, match="bytes a month"):
        quotas.check(project)
    clock.advance(31 * DAY_S)
    quotas.check(project)


async def test_counts_survive_a_restart(any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    await quotas.put(project, "user:a", {"spans_per_day": 10})
    counts.add(project, SPANS, 4)
    await counts.flush()
    counts.add(project, SPANS, 6)
    clock.advance(61)
    counts.add(project, REFUSED, 2)
    await counts.close()
    again, quotas = await opened(any_ledger, audit, clock)
    assert again.used(project, SPANS) == (10, 10)
    with pytest.raises(RateLimited):
        quotas.check(project)
    day = (await again.days(project, 1))[0]
    assert (day["spans"], day["refused"], day["dropped"]) == (10, 3, 0)


async def test_two_who_change_it_do_not_overwrite_each_other(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    _, quotas = await opened(any_ledger, audit, clock)
    seen = quotas.revision(project)
    await quotas.put(project, "user:a", {"spans_per_day": 10}, reason="cost", revision=seen)
    with pytest.raises(Conflict):
        await quotas.put(project, "user:b", {"spans_per_day": 20}, revision=seen)
    [event] = (await audit.list(project, action="quotas.change"))[0]
    assert (event["before"], event["after"], event["reason"]) == ({}, {"spans_per_day": 10}, "cost")


@pytest.mark.parametrize(
    ("limits", "warn_at", "field"),
    [({"spans": 1}, 0.8, "limits"), ({"spans_per_day": -1}, 0.8, "spans_per_day"), ({}, 0, "warn_at")],
    ids=["unknown", "negative", "warn_at"],
)
async def test_a_wrong_field_is_named(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str, limits: Any, warn_at: float, field: str
) -> None:
    _, quotas = await opened(any_ledger, audit, clock)
    with pytest.raises(InvalidInput) as refused:
        await quotas.put(project, "user:a", limits, warn_at)
    assert refused.value.field == field


async def test_the_warning_and_the_limit_are_told_once_and_resolved_when_the_window_turns(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    told = Told()
    await quotas.put(project, "user:a", {"spans_per_day": 100})
    for n in (70, 10, 5, 15, 1):
        counts.add(project, SPANS, n)
        await quotas.look(told.open, told.resolve, told.unresolved)
    assert [(one["severity"], one["evidence"]["used"]) for one in told.opened] == [("warning", 80), ("critical", 100)]
    assert told.opened[1]["sentence"].endswith("(used 100) until 2026-11-22 00:00:00 UTC.")
    clock.advance(DAY_S)
    await quotas.look(told.open, told.resolve, told.unresolved)
    assert told.resolved == ["inc_1", "inc_2"]
    assert len({one["key"] for one in told.opened}) == 2


@pytest.mark.parametrize("days", [0, 1])
async def test_what_was_told_before_a_restart_is_resolved_when_the_window_has_turned(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str, days: int
) -> None:
    counts, quotas = await opened(any_ledger, audit, clock)
    told = Told()
    await quotas.put(project, "user:a", {"spans_per_day": 100})
    counts.add(project, SPANS, 100)
    await quotas.look(told.open, told.resolve, told.unresolved)
    await counts.close()
    clock.advance(days * DAY_S)
    counts, quotas = await opened(any_ledger, audit, clock)
    await quotas.look(told.open, told.resolve, told.unresolved)
    assert (len(told.opened), told.resolved) == (1, ["inc_1"] * days)
    clock.advance(DAY_S)
    await quotas.look(told.open, told.resolve, told.unresolved)
    assert told.resolved == ["inc_1"]


async def test_a_clock_that_leaps_and_is_set_right_again_empties_no_quota(
    any_ledger: Ledger, audit: Audit, clock: FakeClock, project: str
) -> None:
    """The day began anew when it came back: twice the quota was taken, until the next restart."""
    counts, quotas = await opened(any_ledger, audit, clock)
    await quotas.put(project, "user:a", {"spans_per_day": 10, "spans_per_month": 10})
    counts.add(project, SPANS, 10)
    clock.advance(40 * DAY_S)
    assert counts.used(project, SPANS) == (0, 0)
    counts.add(project, SPANS, 3)
    clock.advance(-40 * DAY_S)
    assert counts.used(project, SPANS) == (10, 10)
    with pytest.raises(RateLimited):
        quotas.check(project)
    for _ in range(20):
        clock.advance(DAY_S)
        counts.add(project, SPANS, 1)
    assert counts.used(project, SPANS)[0] == 1
    await counts.close()
    assert (await opened(any_ledger, audit, clock))[0].used(project, SPANS) == (1, 14)  # 11 in December, and 3 ahead
