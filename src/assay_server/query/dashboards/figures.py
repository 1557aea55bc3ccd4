"""The SQL of figures: units at their places, `p(b, place, trace, v0, v1, …)`, become a row for each place and bin."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay_server.query.metrics.measures import MEASURES, Metric, aggregate, values_of, without_value
from assay_server.query.sql import lines

_AVERAGED = {"mean", "rate"}


def is_averaged(metric: Metric) -> bool:
    return MEASURES[metric.name].shape in _AVERAGED


@dataclass(frozen=True, slots=True)
class Clusters:
    """Random groups of traces, by so many bits of their hash, where the condition holds."""

    bits: int
    when: str = "true"

    @property
    def of_trace(self) -> str:
        return f"if({self.when}, trace & {(1 << self.bits) - 1}, trace)"

    @property
    def rest(self) -> str:
        return f"if({self.when}, trace >> {self.bits}, NULL)"

    @property
    def told(self) -> str:
        return f"if({self.when}, {self.bits}, NULL)"


ALONE = Clusters(0, when="false")
"""Every trace is a group of its own."""


def figures(placed: str, metrics: Sequence[Metric], width_ns: int | None, clusters: Clusters, about: str = "") -> str:
    """`placed` ends in `p`; all metrics are averaged or none is. `about`: columns that every row gets."""
    sets = "GROUP BY " + ("place" if width_ns is None else "GROUPING SETS ((b, place), (place))")
    columns = ["place", ("NULL" if width_ns is None else "b") + " AS b", *([about] if about else [])]
    if is_averaged(metrics[0]):
        return _averaged(placed, metrics, columns, clusters, binned=width_ns is not None)
    if {MEASURES[metric.name].shape for metric in metrics} in ({"distinct"}, {"distinct", "sum"}):
        return _distinct(placed, metrics, columns, sets)
    return lines(placed, "SELECT", ", ".join([*columns, *_plain(metrics)]), "FROM p", sets)


def _plain(metrics: Sequence[Metric]) -> list[str]:
    columns = []
    for at, (metric, value) in enumerate(zip(metrics, values_of(metrics), strict=True)):
        columns += [f"count(v{at}) AS n{at}", without_value(metric, f"v{at}") + f" AS unknown{at}"]
        columns.append(f"{value} AS value{at}")
    return columns


def _distinct(placed: str, metrics: Sequence[Metric], columns: Sequence[str], sets: str) -> str:
    """Spans of the same people and sessions are put together once, before every bin and the whole count them."""
    keys = ["b", "place"]
    sums = ["count(*) AS units"]
    shown = [*columns]
    for at, metric in enumerate(metrics):
        v = f"v{at}"
        if MEASURES[metric.name].shape == "distinct":
            keys.append(v)
            n, unknown, value = f"coalesce(sum(units) FILTER ({v} IS NOT NULL), 0)", "0", aggregate(metric, v)
        else:
            sums += [f"count({v}) AS m{at}", f"sum({v}) AS s{at}"]
            n, unknown, value = f"sum(m{at})", f"sum(units - m{at})::BIGINT", f"sum(s{at})"
        shown += [f"{n}::BIGINT AS n{at}", f"{unknown} AS unknown{at}", f"{value} AS value{at}"]
    alike = lines("d AS (SELECT", ", ".join([*keys, *sums]), "FROM p GROUP BY", ", ".join(keys), ")")
    return lines(placed + ",", alike, "SELECT", ", ".join(shown), "FROM d", sets)


def _averaged(
    placed: str, metrics: Sequence[Metric], columns: Sequence[str], clusters: Clusters, *, binned: bool
) -> str:
    """Sums by trace first: what happens within one is not independent, and the interval must know. Over all bins
    a trace is one again: a judge and a person may score it hours apart.

    There are nearly as many of these rows as spans, so nothing is added up that follows: a rate's units are 0 and 1.
    Of many units, traces are put together into random groups by so many bits of their hash: ten million spans take half
    of the time. The rest of the hash tells how many traces there are.
    """
    by_trace: list[str] = []
    again: list[str] = []
    summed: list[str] = []
    for at, metric in enumerate(metrics):
        v, s, n = f"v{at}", f"s{at}", f"m{at}"
        by_trace += [f"count({v}) AS {n}", f"count(*) - count({v}) AS x{at}", f"sum({v}) AS {s}"]
        by_trace.append(f"min({clusters.rest}) FILTER ({v} IS NOT NULL) AS least{at}")
        again += [f"sum({n})::BIGINT AS {n}", f"sum(x{at})::BIGINT AS x{at}", f"sum({s}) AS {s}"]
        again.append(f"min(least{at}) AS least{at}")
        squares, low, high = f"sum(q{at})", f"min(lo{at})", f"max(hi{at})"
        if MEASURES[metric.name].shape == "rate":
            squares, low, high = f"sum({s})", f"(sum({s}) = sum({n}))::DOUBLE", f"(sum({s}) > 0)::DOUBLE"
        else:
            by_trace += [f"sum({v} * {v}) AS q{at}", f"min({v}) AS lo{at}", f"max({v}) AS hi{at}"]
            again += [f"sum(q{at}) AS q{at}", f"min(lo{at}) AS lo{at}", f"max(hi{at}) AS hi{at}"]
        summed += [f"sum({n})::BIGINT AS n{at}", f"sum(x{at})::BIGINT AS unknown{at}", f"sum({s}) AS total{at}"]
        summed += [f"{squares} AS squares{at}", f"count(*) FILTER ({n} > 0) AS clusters{at}"]
        summed.append(f"sum(least{at}::DOUBLE) AS minima{at}")
        summed += [f"sum({s} * {s}) AS cluster_squares{at}", f"sum({s} * {n}) AS cross{at}"]
        summed += [f"sum({n} * {n})::DOUBLE AS sizes{at}", f"{low} AS low{at}", f"{high} AS high{at}"]
    ctes = [f"c AS (SELECT b, place, {clusters.of_trace} AS cluster,", ", ".join(by_trace)]
    ctes.append("FROM p GROUP BY b, place, cluster)")
    if binned:
        whole = lines("SELECT NULL, place, cluster,", ", ".join(again), "FROM c GROUP BY place, cluster")
        ctes.append(lines(", with_whole AS (SELECT * FROM c UNION ALL", whole, ")"))
    shown = ", ".join([*columns, f"{clusters.told} AS bits", *summed])
    tail = "FROM with_whole GROUP BY b, place" if binned else "FROM c GROUP BY place"
    return lines(placed + ",", *ctes, "SELECT", shown, tail)
