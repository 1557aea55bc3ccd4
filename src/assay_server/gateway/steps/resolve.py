"""What is meant by `model`: a provider's own, a release, or whatever release is live on a channel for this unit."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from assay_server.core.records import Arm
from assay_server.gateway.call import Call, Reply
from assay_server.gateway.pipeline import Next
from assay_server.gateway.plan import Plan, plan_of, target_of

_MOST_PLANS = 1024
_ID = "rel_"


class Releases(Protocol):
    """`registry.Releases`, as far as it is needed here. `get` takes an id, `name@version` or `name`."""

    async def get(self, project: str, ref: str) -> Mapping[str, Any]: ...

    async def names(self, project: str) -> list[str]: ...


class Channels(Protocol):
    """`registry.Channels`, as far as it is needed here. `resolve` raises NotFound where nothing is live."""

    async def resolve(self, project: str, channel: str, unit: str) -> Mapping[str, Any]: ...

    async def names(self, project: str) -> list[str]: ...


class Resolve:
    """Releases never change, so a plan made once is good for ever."""

    def __init__(self, releases: Releases, channels: Channels) -> None:
        self._releases = releases
        self._channels = channels
        self._plans: dict[tuple[str, str], Plan] = {}

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        kind, _, ref = call.asked.partition(":")
        if kind == "release":
            call.plan = await self._release(call.project, ref)
        elif kind == "channel":
            call.plan = await self._channel(call, ref)
        call.targets = [target_of(call.asked) if call.plan is None else call.plan.target]
        return await proceed(call)

    async def _release(self, project: str, ref: str) -> Plan:
        known = self._plans.get((project, ref)) if ref.startswith(_ID) else None
        return known or self._plan(project, await self._releases.get(project, ref))

    async def _channel(self, call: Call, name: str) -> Plan:
        """The arm is the channel's to choose, whatever the caller's headers say."""
        call.caller.channel = name
        resolved = await self._channels.resolve(call.project, name, call.unit)
        call.caller.canary = resolved["canary"]
        call.caller.arm = cast("Arm | None", resolved["arm"])
        return self._plan(call.project, resolved["release"])

    def _plan(self, project: str, release: Mapping[str, Any]) -> Plan:
        key = (project, release["id"])
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            found = self._plans[key] = plan_of(release)
        return found
