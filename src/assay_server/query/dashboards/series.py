"""Panels of metrics: every group's figures over the whole range, and in each bin of time."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.query.dashboards.bins import SECOND_NS, starts_of, width_of
from assay_server.query.dashboards.source import Asked, source_of, units
from assay_server.query.measures import COUNTS, MEASURES, Metric, aggregate, values_of, without_value
from assay_server.query.sql import lines
from assay_server.stats import Sums, distinct_of_minima, mean_of_sums
from assay_server.store import Limits, Store

LARGE = Limits(rows=200_000, seconds=30)

_ZEROS = COUNTS | {"cost", "tokens"}
_AVERAGED = {"mean", "rate"}

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
    size = aggregate(metric, "v0") if MEASURES[metric.name].shape in {"sum", "distinct"} else "count(v0)"
    sql = lines(
        before,
        "SELECT g, count(*) OVER () AS groups, sum(n) OVER () AS units FROM (SELECT g,",
        size + " AS size, count(*) AS n FROM u GROUP BY g)",
        "ORDER BY size DESC NULLS LAST, n DESC, g = '', g LIMIT ?",
    )
    rows = await store.scan(sql, [*params, top], limits=LARGE)
    if not rows:
        return Groups([], 0, (metric, 0))
    return Groups([row["g"] for row in rows], rows[0]["groups"], (metric, int(rows[0]["units"])))


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
        averaged = MEASURES[metric.name].shape in _AVERAGED
        parts[at if source == "scores" else (source, averaged)].append(at)
    return list(parts.values())


async def _read(
    store: Store, asked: Asked, metrics: Sequence[Metric], groups: Groups, width_ns: int | None, shift_ns: int
) -> list[dict[str, Any]]:
    before, params = units(asked, metrics)
    place = "1" if asked.group_by is None else "coalesce(list_position(?::VARCHAR[], g), 0)"
    bin_ns = "0" if width_ns is None else "(at_ns + " + str(shift_ns) + ") // " + str(width_ns)
    placed = lines(before + ",", "p AS NOT MATERIALIZED (SELECT u.*,", bin_ns, "AS b,", place, "AS place FROM u", ")")
    sets = "GROUP BY " + ("place" if width_ns is None else "GROUPING SETS ((b, place), (place))")
    columns = "place, " + ("NULL" if width_ns is None else "b") + " AS b"
    if MEASURES[metrics[0].name].shape in _AVERAGED:
        bits = _BITS if width_ns is None else _BITS_OF_A_BIN
        many = await _units(store, asked, metrics[0], groups) > _MANY
        sql = _averaged(placed, metrics, columns, sets, bits if many else None)
    else:
        sql = lines(placed, "SELECT", ", ".join([columns, *_plain(metrics)]), "FROM p", sets)
    names = [] if asked.group_by is None else [groups.shown]
    return await store.scan(sql, [*params, *names], limits=LARGE)


async def _units(store: Store, asked: Asked, metric: Metric, groups: Groups) -> int:
    """How many units there are, at least about: each kind of judgement has its own, other metrics share theirs."""
    source = source_of(metric)
    if groups.units is not None:
        counted, n = groups.units
        if source_of(counted) == source and (source != "scores" or counted == metric):
            return n
    before, params = units(asked, [metric])
    rows = await store.scan(lines(before, "SELECT count(*) AS n FROM u"), params)
    return int(rows[0]["n"])


def _plain(metrics: Sequence[Metric]) -> list[str]:
    columns = []
    for at, (metric, value) in enumerate(zip(metrics, values_of(metrics), strict=True)):
        columns += [f"count(v{at}) AS n{at}", without_value(metric, f"v{at}") + f" AS unknown{at}"]
        columns.append(f"{value} AS value{at}")
    return columns


def _averaged(placed: str, metrics: Sequence[Metric], columns: str, sets: str, bits: int | None) -> str:
    """Sums by trace first: what happens within one is not independent, and the interval must know.

    There are nearly as many of these rows as spans, so nothing is added up that follows: a rate's units are 0 and 1.
    Of many units, traces are put together into random groups by so many bits of their hash: ten million spans take half
    of the time. The rest of the hash tells how many traces there are.
    """
    cluster, rest = ("trace", "NULL") if bits is None else (f"trace & {(1 << bits) - 1}", f"trace >> {bits}")
    by_trace: list[str] = []
    summed: list[str] = []
    for at, metric in enumerate(metrics):
        v, s, n = f"v{at}", f"s{at}", f"m{at}"
        by_trace += [f"count({v}) AS {n}", f"count(*) - count({v}) AS x{at}", f"sum({v}) AS {s}"]
        by_trace.append(f"min({rest}) FILTER ({v} IS NOT NULL) AS least{at}")
        squares, low, high = f"sum(q{at})", f"min(lo{at})", f"max(hi{at})"
        if MEASURES[metric.name].shape == "rate":
            squares, low, high = f"sum({s})", f"(sum({s}) = sum({n}))::DOUBLE", f"(sum({s}) > 0)::DOUBLE"
        else:
            by_trace += [f"sum({v} * {v}) AS q{at}", f"min({v}) AS lo{at}", f"max({v}) AS hi{at}"]
        summed += [f"sum({n})::BIGINT AS n{at}", f"sum(x{at})::BIGINT AS unknown{at}", f"sum({s}) AS total{at}"]
        summed += [f"{squares} AS squares{at}", f"count(*) FILTER ({n} > 0) AS clusters{at}"]
        summed.append(f"sum(least{at}::DOUBLE) AS minima{at}")
        summed += [f"sum({s} * {s}) AS cluster_squares{at}", f"sum({s} * {n}) AS cross{at}"]
        summed += [f"sum({n} * {n})::DOUBLE AS sizes{at}", f"{low} AS low{at}", f"{high} AS high{at}"]
    return lines(
        placed + ",",
        f"c AS (SELECT b, place, {cluster} AS cluster,",
        ", ".join(by_trace),
        "FROM p GROUP BY b, place, cluster)",
        "SELECT",
        ", ".join([columns, f"{bits or 'NULL'} AS bits", *summed]),
        "FROM c",
        sets,
    )


def _series(metric: Metric, number: int, rows: Sequence[Mapping[str, Any]], width_ns: int | None) -> dict[int, Series]:
    bounded = _is_bounded(metric, number, rows)
    totals = {row["place"]: row for row in rows if row["b"] is None}
    found = {place: Series(place, _figure(metric, number, row, bounded)) for place, row in totals.items()}
    for row in rows:
        if row["b"] is not None and width_ns is not None:
            found[row["place"]].bins[row["b"] * width_ns] = _figure(metric, number, row, bounded)
    return found


def _figure(metric: Metric, number: int, row: Mapping[str, Any], bounded: bool) -> Figure:
    n, unknown = row[f"n{number}"], row[f"unknown{number}"]
    if n == 0:
        return Figure(0.0 if metric.name in _ZEROS and unknown == 0 else None, 0, unknown)
    if MEASURES[metric.name].shape not in _AVERAGED:
        return Figure(float(row[f"value{number}"]), n, unknown)
    names = ("total", "squares", "clusters", "cluster_squares", "cross", "sizes", "low", "high")
    sums = Sums(n, **{name: row[f"{name}{number}"] for name in names}, units=_traces(row, number))
    estimate = mean_of_sums(sums, limits=(0.0, 1.0) if bounded else (None, None))
    return Figure(estimate.value, n, unknown, estimate.ci)


def _traces(row: Mapping[str, Any], number: int) -> int | None:
    """How many traces there are in random groups, by the smallest hash of each; None where every trace is one."""
    if row["bits"] is None:
        return None
    known, minima = row[f"n{number}"], math.ldexp(row[f"minima{number}"], row["bits"] - _HASH_BITS)
    found: int = min(known, distinct_of_minima(row[f"clusters{number}"], minima))
    return found


def _is_bounded(metric: Metric, number: int, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Rates are; so is a score of which nothing in the whole range lies outside 0 to 1. Costs and tokens are not."""
    shape = MEASURES[metric.name].shape
    if shape == "rate":
        return True
    if metric.name != "score":
        return False
    known = [row for row in rows if row["b"] is None and row[f"n{number}"]]
    return all(row[f"low{number}"] >= 0 and row[f"high{number}"] <= 1 for row in known)


def axis(asked: Asked, *, binned: bool) -> list[int]:
    """The starts of the bins; empty where nothing is drawn over time."""
    return starts_of(asked.range, width_of(asked.range)) if binned else []
