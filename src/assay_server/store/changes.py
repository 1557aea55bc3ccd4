"""What may happen to stored facts besides a new price: rows are removed, texts are let go, files are written anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Erasable = Literal["spans", "scores", "events", "run_items"]
Thinnable = Literal["spans", "scores", "events"]


@dataclass(slots=True, frozen=True)
class Doomed:
    """Rows of a project to remove: a condition over the table's columns with `?` for values."""

    table: Erasable
    where: str
    params: tuple[Any, ...] = ()


@dataclass(slots=True, frozen=True)
class Thinned:
    """What remains of a row whose text is let go: by column, JSON values or texts. It was kept for `kept_days`."""

    table: Thinnable
    key: int
    remains: Mapping[str, Any]
    kept_days: int


@dataclass(slots=True, frozen=True)
class Rewritten:
    """`held_ms`: how long appends had to wait."""

    bytes_before: int
    bytes_after: int
    rows: Mapping[str, int]
    held_ms: float


@dataclass(slots=True, frozen=True)
class Priced:
    """What a stored span costs now, US dollars; None is unknown."""

    trace_id: str
    span_id: str
    cost: float | None
    source: str | None
