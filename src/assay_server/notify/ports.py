"""What this room needs from rooms it may not see. `app` plugs the real things in."""

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection

Scrub = Callable[[str], tuple[str, list[str]]]
"""Text without personal data, and the entity types that were found in it."""


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
