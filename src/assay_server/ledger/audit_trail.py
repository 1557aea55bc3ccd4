"""The audit log as the rooms that decide need it: `governance` keeps it, and not all of them may see that room."""

from typing import Any, Protocol

from sqlalchemy import Connection


class AuditTrail(Protocol):
    """Who did what, written inside the transaction of the change itself."""

    def append(
        self,
        connection: Connection,
        *,
        project: str,
        actor: str,
        action: str,
        subject: str,
        reason: str | None = None,
        before: Any = None,
        after: Any = None,
    ) -> str: ...
