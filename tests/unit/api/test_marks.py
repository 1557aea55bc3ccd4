"""What stands on time axes: changes of channels and incidents of the range, oldest first, releases by name."""

from types import SimpleNamespace
from typing import Any, cast

from assay_server.api.routes.marks import marks_of
from assay_server.core.clock import parse_rfc3339
from assay_server.monitors import Entry, Incident

SINCE, UNTIL = parse_rfc3339("2026-11-21T00:00:00Z"), parse_rfc3339("2026-11-22T00:00:00Z")


def entry(at: str, action: str, to: str | None = "rel_2") -> dict[str, Any]:
    return {"at": at, "action": action, "from": "rel_1", "to": to}


def incident(number: int, opened: str, *, resolved: str | None = None) -> Incident:
    told = [Entry(parse_rfc3339(opened), "opened", "machine")]
    told += [Entry(parse_rfc3339(resolved), "resolved", "mara")] if resolved else []
    status = "resolved" if resolved else "open"
    values: dict[str, Any] = {
        "severity": "warning",
        "kind": "monitor",
        "subject": "mon_1",
        "sentence": "",
        "evidence": {},
    }
    return Incident(
        id=f"inc_{number}", project="prj_a", key=str(number), title=f"Errors {number}", status=status, actions=(),
        opened_ns=parse_rfc3339(opened), timeline=tuple(told), **values,
    )  # fmt: skip


class Rooms:
    """Two channels with a history, and incidents."""

    def __init__(self) -> None:
        self.channels = self.incidents = self.releases = self
        self.history = {
            "production": [
                entry("2026-11-21T12:00:00Z", "canary_promote"),
                entry("2026-11-21T09:00:00Z", "canary_start"),
                entry("2026-11-20T09:00:00Z", "promote"),
            ],
            "staging": [entry("2026-11-21T10:00:00Z", "rollback", "rel_1"), entry("2026-11-22T00:00:00Z", "promote")],
        }
        self.found = [
            incident(1, "2026-11-21T11:00:00Z"),
            incident(2, "2026-11-20T11:00:00Z", resolved="2026-11-21T01:00:00Z"),
            incident(3, "2026-11-19T11:00:00Z", resolved="2026-11-19T12:00:00Z"),
        ]

    async def names(self, project: str) -> list[str]:
        return list(self.history)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        if ref in self.history:
            return {"name": ref, "history": self.history[ref]}
        return {"id": ref, "name": "support", "version": int(ref[-1])}

    async def list(self, project: str, *, limit: int) -> tuple[list[Incident], int]:
        return self.found[:limit], len(self.found)


async def test_what_happened_within_the_range_is_told_in_order() -> None:
    found = await marks_of(cast("Any", Rooms()), "prj_a", SINCE, UNTIL)
    assert [(mark["kind"], mark["title"], mark["path"]) for mark in found] == [
        ("incident", "Errors 2", "/incidents/inc_2"),  # it began before, and ended within
        ("canary", "production: support@2 begins as a canary", "/channels/production"),
        ("deployment", "staging: support@1 is back: rolled back", "/channels/staging"),
        ("incident", "Errors 1", "/incidents/inc_1"),
        ("deployment", "production: support@2 is live after its canary", "/channels/production"),
    ]
    assert found[0]["until"].startswith("2026-11-21T01:00:00")
    assert all("release" not in mark for mark in found)


async def test_without_anything_there_is_nothing() -> None:
    empty = SimpleNamespace(channels=Rooms(), incidents=Rooms(), releases=Rooms())
    empty.channels.history = {}
    empty.incidents.found = []
    assert await marks_of(cast("Any", empty), "prj_a", SINCE, UNTIL) == []
