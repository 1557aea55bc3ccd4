"""An audit log that only remembers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeAudit:
    rows: list[dict[str, Any]] = field(default_factory=list)

    def append(self, connection: Any, **row: Any) -> None:
        assert connection.in_transaction()
        self.rows.append(row)
