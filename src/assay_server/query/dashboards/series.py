"""Panels of metrics: every group's figures over the whole range, and in each bin of time."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.query.dashboards.bins import SECOND_NS, starts_of, width_of
from assay_server.query.dashboards.figures import ALONE, Clusters, figures, is_averaged
from assay_server.query.dimensions import dimension
from assay_server.query.metrics.asked import Asked
from assay_server.query.metrics.measures import COUNTS, MEASURES, Metric, aggregate
from assay_server.query.metrics.source import source_of, units
from assay_server.query.sql import lines
from assay_server.stats import Range, Sums, distinct_of_minima, mean_of_sums
from assay_server.store import Limits, Store

LARGE = Limits(rows=200_000, seconds=30)

_ZEROS = COUNTS | {"cost", "tokens"}

_OF_UNITS = "(SELECT count(*) FROM m)"
_LARGEST_FIRST = "size DESC NULLS LAST, n DESC, g = '', g"

_MANY = 200_000
"""Of more units than that, traces are put into random groups by their hash (`Sums`); of fewer each is a group."""
_BITS, _BITS_OF_A_BIN = 10, 8  # of the hash: 1,024 groups, and 256 in each bin
_HASH_BITS = 64


@dataclass(frozen=True, slots=True)
class Figure:
    """`n` counts what the value is made of, `unknown` what had no value; `ci` is a 95 % interval where there is one."""

    value: float | None
    n: int
    unknown: int
    ci: tuple[float, float] | None = None


@dataclass(slots=True)
class Groups:
    """The largest groups in their order, and how many there are. The empty one stands for an unknown field.

    `units`: how many the metric that they were found by has, where somebody counted.
    """

    shown: list[str]
    count: int
    units: tuple[Metric, int] | None = None

    @property
    def others(self) -> int:
        return self.count - len(self.shown)


@dataclass(slots=True)
class Series:
    """Figures of one metric in one group: `place` 0 is all the others together. `bins` by their start."""

    place: int
    total: Figure
    bins: dict[int, Figure] = field(default_factory=dict)


async def groups_of(store: Store, asked: Asked, metric: Metric, top: int) -> Groups:
    """By the size of what is added up, else by n; without a grouping there is one, empty."""
    if asked.group_by is None:
        return Groups([""], 1)
    before, params = units(asked, [metric])
    sql = lines(
        before,
        "SELECT g, count(*) OVER () AS groups, sum(n) OVER () AS units FROM",
        _sizes(metric, "u"),
        "ORDER BY " + _LARGEST_FIRST + " LIMIT ?",
    )
    rows = await store.scan(sql, [*params, top], limits=LARGE)
    if not rows:
        return Groups([], 0, (metric, 0))
    return Groups([row["g"] for row in rows], rows[0]["groups"], (metric, int(rows[0]["units"])))


def in_one(asked: Asked, metrics: Sequence[Metric]) -> bool:
    """Whether the groups are better found in the statement that reads their figures (`found_with_series`): where units
    are made of other rows, or their group of what others of their trace say, making them twice takes twice as long.
    Spans by what they say themselves are read twice in less time than all of them are put aside."""
    if asked.group_by is None or len(_together(metrics)) > 1:
        return False
    return source_of(metrics[0]) != "spans" or dimension(asked.group_by).wide


async def found_with_series(
    store: Store, asked: Asked, metrics: Sequence[Metric], top: int, *, binned: bool
) -> tuple[Groups, list[dict[int, Series]]]:
    """What `groups_of` and `series_of` find one after the other."""
    width_ns = width_of(asked.range) * SECOND_NS if binned else None
    before, params = units(asked, metrics)
    placed = lines(
        before + ",",
        "m AS MATERIALIZED (SELECT * FROM u),",
        "o AS MATERIALIZED (SELECT g, row_number() OVER (ORDER BY " + _LARGEST_FIRST + ") AS rank FROM",
        _sizes(metrics[0], "m") + "),",
        "p AS (SELECT m.*,",
        _bin(width_ns, 0) + " AS b,",
        "if(o.rank <= ?, o.rank, 0) AS place FROM m JOIN o USING (g))",
    )
    shown = "(SELECT list(g ORDER BY rank) FILTER (rank <= ?) FROM o) AS shown"
    about = ", ".join((shown, "(SELECT count(*) FROM o) AS groups", _OF_UNITS + " AS units"))
    clusters = Clusters(_bits(width_ns), when=f"{_OF_UNITS} > {_MANY}")
    sql = figures(placed, metrics, width_ns, clusters, about)
    rows = await store.scan(sql, [*params, top, top], limits=LARGE)
    first: dict[str, Any] = rows[0] if rows else {"shown": [], "groups": 0, "units": 0}
    groups = Groups(first["shown"], first["groups"], (metrics[0], first["units"]))
    return groups, [_series(metric, at, rows, width_ns) for at, metric in enumerate(metrics)]


def _sizes(metric: Metric, of: str) -> str:
    size = aggregate(metric, "v0") if MEASURES[metric.name].shape in {"sum", "distinct"} else "count(v0)"
    return lines("(SELECT g,", size, "AS size, count(*) AS n FROM", of, "GROUP BY g)")


async def series_of(
    store: Store, asked: Asked, metrics: Sequence[Metric], groups: Groups, *, binned: bool, shift_ns: int = 0
) -> list[dict[int, Series]]:
    """For each metric its series by place. `shift_ns` moves the bins: those of a period before line up with now's."""
    parts = _together(metrics)
    found: list[dict[int, Series]] = [{} for _ in metrics]
    width_ns = width_of(asked.range) * SECOND_NS if binned else None
    answers = await asyncio.gather(
        *(_read(store, asked, [metrics[at] for at in part], groups, width_ns, shift_ns) for part in parts)
    )
    for part, rows in zip(parts, answers, strict=True):
        for number, at in enumerate(part):
            found[at] = _series(metrics[at], number, rows, width_ns)
    return found


def _together(metrics: Sequence[Metric]) -> list[list[int]]:
    """Metrics that one scan can read: the same units, and added up in the same way."""
    parts: dict[Any, list[int]] = defaultdict(list)
    for at, metric in enumerate(metrics):
        source = source_of(metric)
        averaged = is_averaged(metric)
        parts[at if source == "scores" else (source, averaged)].append(at)
    return list(parts.values())


async def _read(
    store: Store, asked: Asked, metrics: Sequence[Metric], groups: Groups, width_ns: int | None, shift_ns: int
) -> list[dict[str, Any]]:
    before, params = units(asked, metrics)
    place, names = place_of(asked, groups)
    columns = ", ".join(("u.*", _bin(width_ns, shift_ns) + " AS b", place))
    placed = lines(before + ",", "p AS NOT MATERIALIZED (SELECT", columns, "FROM u)")
    clusters = ALONE
    if is_averaged(metrics[0]) and await _are_many(store, asked, metrics[0], groups):
        clusters = Clusters(_bits(width_ns))
    return await store.scan(figures(placed, metrics, width_ns, clusters), [*params, *names], limits=LARGE)


def place_of(asked: Asked, groups: Groups) -> tuple[str, list[Any]]:
    """The column `place` of a unit of group `g`, and its parameters."""
    if asked.group_by is None:
        return "1 AS place", []
    return "coalesce(list_position(?::VARCHAR[], g), 0) AS place", [groups.shown]


def _bin(width_ns: int | None, shift_ns: int) -> str:
    return "0" if width_ns is None else "(at_ns + " + str(shift_ns) + ") // " + str(width_ns)


def _bits(width_ns: int | None) -> int:
    return _BITS if width_ns is None else _BITS_OF_A_BIN


async def _are_many(store: Store, asked: Asked, metric: Metric, groups: Groups) -> bool:
    """Whether there are many units, at least about: each kind of judgement has its own, other metrics share theirs."""
    source = source_of(metric)
    if groups.units is not None:
        counted, n = groups.units
        if source_of(counted) == source and (source != "scores" or counted == metric):
            return n > _MANY
    before, params = units(asked, [metric])
    at_most = "(SELECT 1 FROM u LIMIT", str(_MANY + 1) + ")"  # no more of them are looked for
    rows = await store.scan(lines(before, "SELECT count(*) AS n FROM", *at_most), params)
    return int(rows[0]["n"]) > _MANY


def _series(metric: Metric, number: int, rows: Sequence[Mapping[str, Any]], width_ns: int | None) -> dict[int, Series]:
    limits = _limits(metric, number, rows) if is_averaged(metric) else (None, None)
    totals = {row["place"]: row for row in rows if row["b"] is None}
    found = {place: Series(place, _figure(metric, number, row, limits)) for place, row in totals.items()}
    for row in rows:
        if row["b"] is not None and width_ns is not None:
            found[row["place"]].bins[row["b"] * width_ns] = _figure(metric, number, row, limits)
    return found


def _figure(metric: Metric, number: int, row: Mapping[str, Any], limits: Range) -> Figure:
    n, unknown = row[f"n{number}"], row[f"unknown{number}"]
    if n == 0:
        return Figure(0.0 if metric.name in _ZEROS and unknown == 0 else None, 0, unknown)
    if not is_averaged(metric):
        return Figure(float(row[f"value{number}"]), n, unknown)
    names = ("total", "squares", "clusters", "cluster_squares", "cross", "sizes", "low", "high")
    sums = Sums(n, **{name: row[f"{name}{number}"] for name in names}, units=_traces(row, number))
    estimate = mean_of_sums(sums, limits=limits)
    return Figure(estimate.value, n, unknown, estimate.ci)


def _traces(row: Mapping[str, Any], number: int) -> int | None:
    """How many traces there are in random groups, by the smallest hash of each; None where every trace is one."""
    if row["bits"] is None:
        return None
    known, minima = row[f"n{number}"], math.ldexp(row[f"minima{number}"], row["bits"] - _HASH_BITS)
    found: int = min(known, distinct_of_minima(row[f"clusters{number}"], minima))
    return found


def _limits(metric: Metric, number: int, rows: Sequence[Mapping[str, Any]]) -> Range:
    """Rates lie between 0 and 1; so does a score of which nothing in the whole range lies outside, and costs and tokens
    are never below 0. Of another score nobody knows."""
    if MEASURES[metric.name].shape == "rate":
        return 0.0, 1.0
    known = [row for row in rows if row["b"] is None and row[f"n{number}"]]
    if any(row[f"low{number}"] < 0 for row in known):
        return None, None
    if metric.name != "score":
        return 0.0, None
    return (0.0, 1.0) if all(row[f"high{number}"] <= 1 for row in known) else (None, None)


def axis(asked: Asked, *, binned: bool) -> list[int]:
    """The starts of the bins; empty where nothing is drawn over time."""
    return starts_of(asked.range, width_of(asked.range)) if binned else []
