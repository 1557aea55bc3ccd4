"""Files that somebody takes by hand: each stands in the audit log, as facts about people leave with it."""

from collections.abc import Mapping
from typing import Any

from assay_server.ledger import AuditTrail, Ledger, concealed
from assay_server.query import fields_in


class Downloads:
    """Notes them; `query.Exports` makes them."""

    def __init__(self, ledger: Ledger, audit: AuditTrail) -> None:
        self._ledger = ledger
        self._audit = audit

    async def note(self, project: str, actor: str, what: str, form: str, narrow: Mapping[str, Any]) -> None:
        """`narrow`: the parameters as they were given, of which the log gets the names alone."""
        line = narrow.get("q")
        fields = fields_in(line) if isinstance(line, str) else ()
        await self._ledger.write(
            lambda connection: self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="export.download",
                subject=what,
                after={"format": form, "filter": concealed(connection, project, narrow, fields) if narrow else {}},
            )
        )
