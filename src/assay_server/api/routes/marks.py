"""What happened on the way: the marks that every time axis shows."""

import asyncio
from typing import Any

from assay_server.api.services import Services
from assay_server.core.clock import parse_rfc3339
from assay_server.monitors import shaped

_MOST = 200

_TITLES = {
    "promote": "is live",
    "rollback": "is back: rolled back",
    "canary_start": "begins as a canary",
    "canary_step": "gets another share",
    "canary_promote": "is live after its canary",
    "canary_rollback": "is taken back by its canary",
    "canary_abort": "its canary is aborted",
}
_DEPLOYMENTS = {"promote", "rollback", "canary_promote"}


async def marks_of(rooms: Services, project: str, since_ns: int, until_ns: int) -> list[dict[str, Any]]:
    """Changes of channels, and incidents that began or ended within the range; the newest 200, oldest first."""
    changes, incidents = await asyncio.gather(_changes(rooms, project), _incidents(rooms, project))
    within = [
        mark
        for mark in (*changes, *incidents)
        if parse_rfc3339(mark["at"]) < until_ns and parse_rfc3339(mark["until"] or mark["at"]) >= since_ns
    ]
    newest = sorted(within, key=lambda mark: (mark["at"], mark["path"]))[-_MOST:]
    names = await _names(rooms, project, {mark["release"] for mark in newest if mark["release"] is not None})
    return [_titled(mark, names) for mark in newest]


async def _changes(rooms: Services, project: str) -> list[dict[str, Any]]:
    names = await rooms.channels.names(project)
    channels = await asyncio.gather(*(rooms.channels.get(project, name) for name in names))
    return [_change(channel["name"], entry) for channel in channels for entry in channel["history"]]


def _change(channel: str, entry: dict[str, Any]) -> dict[str, Any]:
    action = entry["action"]
    return {
        "at": entry["at"],
        "until": None,
        "kind": "deployment" if action in _DEPLOYMENTS else "canary",
        "title": _TITLES.get(action, action.replace("_", " ")),
        "subject": channel,
        "release": entry["to"],
        "path": f"/channels/{channel}",
    }


async def _incidents(rooms: Services, project: str) -> list[dict[str, Any]]:
    found, _ = await rooms.incidents.list(project, limit=_MOST)
    return [_incident(shaped(one)) for one in found]


def _incident(incident: dict[str, Any]) -> dict[str, Any]:
    ended = [entry["at"] for entry in incident["timeline"] if entry["what"] == "resolved"]
    return {
        "at": incident["opened_at"],
        "until": ended[-1] if ended and incident["status"] == "resolved" else None,
        "kind": "incident",
        "title": incident["title"],
        "subject": incident["subject"],
        "release": None,
        "path": f"/incidents/{incident['id']}",
    }


async def _names(rooms: Services, project: str, releases: set[str]) -> dict[str, str]:
    found = await asyncio.gather(*(rooms.releases.get(project, release) for release in sorted(releases)))
    return {release["id"]: f"{release['name']}@{release['version']}" for release in found}


def _titled(mark: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """`production: support@2 is live`."""
    release = mark.pop("release")
    if mark["kind"] == "incident":
        return mark
    return {**mark, "title": f"{mark['subject']}: {names.get(release, 'a release')} {mark['title']}"}
