"""The ledger's tables by area. Only the room that owns a noun reads or writes its tables.

Times are integers, nanoseconds since the epoch, in columns that end in `_ns`. Every table but `projects`
has a column `project`, and every query filters by it.
"""

from assay_server.ledger.tables import (
    accounts,
    evaluation,
    foreign,
    intake,
    keeping,
    money,
    monitors,
    outbound,
    registry,
    rollout,
    views,
)
from assay_server.ledger.tables.base import Json, metadata

__all__ = [
    "Json",
    "accounts",
    "evaluation",
    "foreign",
    "intake",
    "keeping",
    "metadata",
    "money",
    "monitors",
    "outbound",
    "registry",
    "rollout",
    "views",
]
