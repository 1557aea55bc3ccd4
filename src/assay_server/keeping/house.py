"""The room's face for the API: what is kept, what is let go, and the task that sees to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.clock import Clock
from assay_server.keeping.keeper import Keeper
from assay_server.keeping.passes import Passes
from assay_server.keeping.retention import Retention
from assay_server.keeping.rules import parse


@dataclass(slots=True, frozen=True)
class Keeping:
    retention: Retention
    passes: Passes
    keeper: Keeper
    clock: Clock

    async def preview(self, project: str, rules: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
        """What a pass would take away now under these rules, or those in force. Raises InvalidInput."""
        chosen = await self.retention.rules(project) if rules is None else parse(rules)
        return await self.passes.preview(project, chosen, self.clock.now_ns())

    def wake(self) -> None:
        """There is something to do now."""
        self.keeper.wake()
