"""Conditions and pages. Column names are our own constants; every value is a parameter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput


@dataclass(slots=True, frozen=True)
class Page:
    """One page of a list: `following` is the sort key of its last item where there is more, for the cursor.

    Where `exact` is False, counting stopped: there are at least `total`. `among`: where not all were put in order, of
    how many of the newest these are the first.
    """

    items: list[Any]
    total: int
    following: list[Any] | None
    exact: bool = True
    among: int | None = None


@dataclass(slots=True)
class Where:
    """Conditions that all hold."""

    conditions: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)

    @classmethod
    def project(cls, project: str) -> "Where":
        return cls(["project = ?"], [project])

    def add(self, condition: str, *params: Any) -> None:
        self.conditions.append(condition)
        self.params.extend(params)

    def equal(self, column: str, value: Any) -> None:
        """No condition where the value is None."""
        if value is not None:
            self.add(column + " = ?", value)

    def without(self, others: Iterable[tuple[str, str]]) -> None:
        """Neither of these (column, value); what says nothing is kept."""
        for column, value in others:
            self.add('"' + column + '" IS DISTINCT FROM ?', value)

    def follows(self, columns: tuple[str, str], after: Sequence[Any], kinds: tuple[type, type], sign: str) -> None:
        """Only rows behind the page before. Raises `InvalidInput` for a cursor that was made by another list."""
        if len(after) != 2 or not all(isinstance(part, kind) for part, kind in zip(after, kinds, strict=True)):
            raise InvalidInput(
                "This cursor was not made by this list.", field="cursor", fix="leave it out to start anew"
            )
        self.add("(" + ", ".join(columns) + ") " + sign + " (?, ?)", *after)

    def __str__(self) -> str:
        return " AND ".join(self.conditions)


def lines(*parts: str) -> str:
    """SQL out of parts."""
    return "\n".join(part for part in parts if part)


def by_row(*narrow: str) -> str:
    """A condition: the rows of `spans` that a query over narrow columns finds.

    The store then reads its wide columns (texts, attributes) for those rows only: at a million spans a page takes a
    tenth of the time.
    """
    return lines("rowid IN (SELECT rowid FROM spans", *narrow, ")")


def cut(rows: Sequence[dict[str, Any]], limit: int, *key: str) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """The first `limit` rows, and the key of the last where there was one more."""
    if len(rows) <= limit:
        return list(rows), None
    kept = list(rows[:limit])
    return kept, [kept[-1][name] for name in key]
