"""How a parameter of the calls goes with a score: means by its values, and the correlation of ranks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.words import signed
from assay_server.query.dashboards.definition import Report
from assay_server.query.key_sets import ONE_OF_SETS, sets_with
from assay_server.query.metrics.asked import Asked
from assay_server.query.metrics.measures import Metric
from assay_server.query.metrics.source import units
from assay_server.query.sql import lines
from assay_server.stats import mean, spearman
from assay_server.store import Limits, Store

_MOST_TRACES = 5_000  # a rank correlation is known to 0.03 by then
_MOST_VALUES = 12
_WARNING = "They go together or do not; that one causes the other is not shown by this."


async def parameter_of(store: Store, asked: Asked, report: Report) -> dict[str, Any]:
    """Over the newest traces that have both; a trace with several calls has its first call's parameter.

    A person may say what they think of it weeks later, so the calls are looked for in the commits of these traces,
    whenever they were made.
    """
    before, params = units(asked, [Metric("score", score=report.score)])
    sql = lines(
        before + ",",
        "m AS (SELECT trace_id, avg(v0) AS score, max(at_ns) AS at_ns FROM u WHERE v0 IS NOT NULL AND trace_id <> ''",
        "  GROUP BY trace_id ORDER BY at_ns DESC LIMIT ?),",
        "a AS (SELECT trace_id, start_ns, variant_extract(attributes, ?)::VARCHAR AS value FROM spans",
        "  WHERE rowid IN (SELECT rowid FROM spans WHERE project = ?",
        "  AND kind = 'llm' AND trace_id IN (SELECT trace_id FROM m) AND stored_ns IN",
        "  (SELECT stored_ns FROM trace_parts WHERE project = ? AND trace_id IN (SELECT trace_id FROM m)))),",
        "f AS (SELECT trace_id, arg_min(value, start_ns) AS value FROM a WHERE value IS NOT NULL GROUP BY trace_id)",
        "SELECT value, score FROM m JOIN f USING (trace_id)",
    )
    attribute = f"gen_ai.request.{report.parameter}"
    if not await _has_any(store, asked.project, attribute):
        return _told(report, [])
    both = [asked.project, asked.project]
    rows = await store.scan(sql, [*params, _MOST_TRACES, attribute, *both], limits=Limits(_MOST_TRACES, 30))
    return _told(report, rows)


async def _has_any(store: Store, project: str, attribute: str) -> bool:
    """Whether any span can have it: that is known without reading attributes."""
    sets = await sets_with(store, project, [attribute])
    sql = lines("SELECT 1 AS one FROM spans WHERE project = ? AND", ONE_OF_SETS, "LIMIT 1")
    return bool(await store.scan(sql, [project, sets]))


def _told(report: Report, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    pairs = [(number, row["score"]) for row in rows if (number := _number(row["value"])) is not None]
    together = spearman([x for x, _ in pairs], [y for _, y in pairs]) if len(pairs) == len(rows) else None
    scores = [row["score"] for row in rows]
    limits = (0.0, 1.0) if scores and min(scores) >= 0 and max(scores) <= 1 else (None, None)
    return {
        "type": "parameter",
        "parameter": report.parameter,
        "score": report.score,
        "n": len(rows),
        "limited": len(rows) == _MOST_TRACES,
        "rows": [_row(value, found, limits) for value, found in _groups(rows)],
        "correlation": None
        if together is None
        else {"value": together.value, "n": together.n, "ci": list(together.ci) if together.ci else None},
        "sentence": _sentence(report, rows, None if together is None else (together.value, together.ci)),
    }


def _groups(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[float]]]:
    """By value; where there are many numbers, by tenths of them. What some clients write 1, others write 1.0."""
    by_value: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        number = _number(row["value"])
        by_value[row["value"] if number is None else repr(number).removesuffix(".0")].append(row["score"])
    if len(by_value) <= _MOST_VALUES:
        return sorted(by_value.items(), key=lambda item: (_number(item[0]) or 0.0, item[0]))
    numbers = sorted((number, score) for value, found in by_value.items() for score in found
                     if (number := _number(value)) is not None)  # fmt: skip
    if len(numbers) < len(rows):
        return sorted(by_value.items(), key=lambda item: -len(item[1]))[:_MOST_VALUES]
    size = -(-len(numbers) // 10)
    parts = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    return [(f"{part[0][0]:g} to {part[-1][0]:g}", [score for _, score in part]) for part in parts]


def _row(value: str, scores: Sequence[float], limits: tuple[float | None, float | None]) -> dict[str, Any]:
    estimate = mean(scores, limits=limits)
    ci = None if estimate.ci is None else list(estimate.ci)
    return {"value": value, "n": estimate.n, "mean": estimate.value, "ci": ci}


def _sentence(report: Report, rows: Sequence[Any], found: tuple[float, tuple[float, float] | None] | None) -> str:
    if not rows:
        return f"No trace of this time has both {report.parameter} and {report.score}."
    if found is None:
        return f"{len(rows):,} traces; too few, or too alike, for a correlation. {_WARNING}"
    value, ci = found
    span = "" if ci is None else f" (95 % interval {signed(ci[0], 2)} to {signed(ci[1], 2)})"
    plain = ci is not None and ci[0] <= 0 <= ci[1]
    told = (
        "No relation is visible"
        if plain
        else f"Higher {report.parameter} goes with {'higher' if value > 0 else 'lower'} {report.score}"
    )
    return f"{told}: rank correlation {signed(value, 2)}{span} over {len(rows):,} traces. {_WARNING}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
