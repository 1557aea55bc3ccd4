"""Another order than a list comes in, `latency:desc`: what has no value comes last either way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assay_server.core.errors import InvalidInput
from assay_server.query.sql import Where, lines

_WRITTEN = re.compile("(.+):(asc|desc)", re.DOTALL)


@dataclass(slots=True, frozen=True)
class Order:
    """A field, and whether the largest is first."""

    by: str
    descending: bool

    @classmethod
    def read(cls, text: str, fields: Sequence[str]) -> "Order":
        """`fields` may have `score.NAME` among them. Raises `InvalidInput`."""
        found = _WRITTEN.fullmatch(text)
        named = found is not None and found[1].startswith("score.") and found[1] != "score."
        if found is None or not (found[1] in fields or (named and "score.NAME" in fields)):
            fix = f"FIELD:asc or FIELD:desc, as {fields[0]}:desc; the fields are {', '.join(fields)}"
            raise InvalidInput("The list cannot be sorted by this.", field="sort", value=text, fix=fix)
        return cls(found[1], found[2] == "desc")

    def __str__(self) -> str:
        return f"{self.by}:{'desc' if self.descending else 'asc'}"


class Rank(NamedTuple):
    """Where a row stands: its value (None where it has none), its time, its name. Of equal ones the newest is first."""

    value: float | None
    time_ns: int
    name: str


def ordered(order: Order, time: str, name: str, limit: int) -> str:
    """The end of a query whose value is `v`."""
    way = "DESC" if order.descending else "ASC"
    return lines("ORDER BY v", way, "NULLS LAST,", time, "DESC,", name, "DESC LIMIT " + str(limit))


def behind(after: Rank | None, order: Order, time: str, name: str) -> Where:
    """Only what comes after that place."""
    where = Where()
    if after is None:
        return where
    later = lines("(" + time + ",", name + ") < (?, ?)")
    if after.value is None:
        where.add("v IS NULL AND " + later, after.time_ns, after.name)
        return where
    sign = "<" if order.descending else ">"
    condition = lines("(v", sign, "? OR v IS NULL OR (v = ? AND", later, "))")
    where.add(condition, after.value, after.value, after.time_ns, after.name)
    return where


def cut_ranked(ranks: Sequence[Rank], limit: int) -> tuple[list[str], Rank | None]:
    """(names of a page, the place of its last where there is one more)"""
    kept = [rank.name for rank in ranks[:limit]]
    return kept, ranks[limit - 1] if len(ranks) > limit else None
