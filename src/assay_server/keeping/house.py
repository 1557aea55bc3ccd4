"""The room's face for the API: what is kept, what is let go, and the tasks that see to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.core.beat import Beat
from assay_server.core.clock import Clock
from assay_server.core.errors import Forbidden
from assay_server.keeping.backups import Backups
from assay_server.keeping.compactions import Compactions
from assay_server.keeping.deletions import Deletions
from assay_server.keeping.outgoing import Outgoing
from assay_server.keeping.passes import Passes
from assay_server.keeping.retention import Retention
from assay_server.keeping.rules import parse
from assay_server.keeping.scores import ScoresTakenBack


@dataclass(slots=True, frozen=True)
class Keeping:
    """`home` is the first project: its admins run the server, so backups and compactions are theirs."""

    home: str
    retention: Retention
    passes: Passes
    deletions: Deletions
    scores: ScoresTakenBack
    backups: Backups
    outgoing: Outgoing
    compactions: Compactions
    keepers: Sequence[Beat]
    clock: Clock

    def only_home(self, project: str) -> None:
        """Raises Forbidden for admins of another project."""
        if project != self.home:
            raise Forbidden(
                "This concerns the whole server: it is for admins of its first project.",
                field="project",
                value=project,
                fix="use an admin key of the first project",
            )

    async def preview(self, project: str, rules: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
        """What a pass would take away now under these rules, or those in force. Raises InvalidInput."""
        chosen = await self.retention.rules(project) if rules is None else parse(rules)
        return await self.passes.preview(project, chosen, self.clock.now_ns())

    def wake(self) -> None:
        """There is something to do now."""
        for keeper in self.keepers:
            keeper.wake()
