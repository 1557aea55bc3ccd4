"""The rate of bad answers: a judge's flags on many, corrected by what people said of a few."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.words import percent
from assay_server.query.dashboards.bins import SECOND_NS, starts_of, width_of
from assay_server.query.dashboards.definition import Report
from assay_server.query.dashboards.links import traces_of
from assay_server.query.dashboards.series import LARGE
from assay_server.query.metrics.asked import Asked, Range
from assay_server.query.metrics.measures import Metric
from assay_server.query.metrics.source import units
from assay_server.query.sql import lines
from assay_server.stats import CorrectedRate, Verdict, corrected_rate, wilson
from assay_server.store import Store

_END = 1 << 62  # labels come later than verdicts, or were there before a judge was: all of them count


@dataclass(frozen=True, slots=True)
class _Counts:
    """Traces the judge flagged (`True`) and did not."""

    judged: Mapping[bool, int]
    labelled: Mapping[bool, int]
    bad: Mapping[bool, int]

    def verdict(self, flag: bool, judged: int | None = None) -> Verdict:
        return Verdict(self.judged[flag] if judged is None else judged, self.labelled[flag], self.bad[flag])

    @property
    def n(self) -> int:
        return sum(self.judged.values())

    @property
    def labels(self) -> int:
        return sum(self.labelled.values())


async def corrected_rate_of(store: Store, asked: Asked, report: Report) -> dict[str, Any]:
    """Traces judged within the range. People's labels are scores of the same name whose source is `human`.

    In each bin the flags are the bin's own, the error of the judge that of the whole range: a bin alone has too few
    labels to say.
    """
    rows = await _rows(store, asked, report)
    counts = _counted(rows)
    bin_s = width_of(asked.range)
    starts = starts_of(asked.range, bin_s)
    by_bin = {start: {True: 0, False: 0} for start in starts}
    for row in rows:
        by_bin[row["b"] * bin_s * SECOND_NS][row["flag"]] += row["judged"]
    course = [_bin(counts, by_bin[start]) for start in starts]
    whole = corrected_rate(counts.verdict(True), counts.verdict(False)) if counts.n and counts.labels else None
    flagged = counts.judged[True]
    alone = {"value": flagged / counts.n, "n": counts.n, "ci": list(wilson(flagged, counts.n))} if counts.n else None
    return {
        "type": "corrected_rate",
        "score": report.score,
        "below": report.below,
        "above": report.above,
        "rate": None if whole is None else _rate_json(whole),
        "uncorrected": alone,
        "labels": counts.labels,
        "flagged": _verdict_json(counts.verdict(True)),
        "unflagged": _verdict_json(counts.verdict(False)),
        "sentence": sentence(counts, whole),
        "bin_s": bin_s,
        "starts": [rfc3339(start) for start in starts],
        "values": [None if one is None else one.value for one in course],
        "n": [sum(by_bin[start].values()) for start in starts],
        "lower": [None if one is None or one.value is None else one.lower for one in course],
        "upper": [None if one is None or one.value is None else one.upper for one in course],
        "traces": _link(asked, report),
    }


def sentence(counts: _Counts, whole: CorrectedRate | None) -> str:
    """The answer in words, with its n and what it stands on."""
    if not counts.n:
        return "Nothing was judged in this time."
    alone = f"the judge alone flags {percent(counts.judged[True] / counts.n, 1)} of {counts.n:,} answers"
    if whole is None:
        return f"Uncorrected, 0 labels: {alone}. Where people label some of them, its errors are taken out."
    span = f"{percent(whole.lower, 1)} to {percent(whole.upper, 1)}"
    if whole.value is None:
        missing = "flagged" if counts.labelled[True] == 0 else "unflagged"
        return f"Between {span}: no {missing} answer has a label yet, so nobody knows more; {alone}."
    return f"{percent(whole.value, 1)} are bad (95 % interval {span}), by {counts.labels:,} labels of people; {alone}."


async def _rows(store: Store, asked: Asked, report: Report) -> list[dict[str, Any]]:
    """Counts by bin and flag. A trace that was judged or labelled more than once has the mean of it."""
    open_ended = replace(asked, range=Range(asked.range.since_ns, _END), group_by=None, labels_ever=True)
    before, params = units(open_ended, [Metric("score", score=report.score)])
    bad = "< ?" if report.below is not None else "> ?"
    bar = report.below if report.below is not None else report.above
    judge = "FILTER (source IN ('judge', 'code'))"
    sql = lines(
        before + ",",
        "judged AS (SELECT trace_id, min(at_ns)",
        judge + " AS at_ns, avg(v0)",
        judge + " " + bad + " AS flag, avg(v0) FILTER (source = 'human') " + bad + " AS bad",
        "FROM u WHERE trace_id <> '' GROUP BY trace_id)",
        "SELECT at_ns // ? AS b, flag, count(*) AS judged, count(bad) AS labelled, count(*) FILTER (bad) AS bad",
        "FROM judged WHERE flag IS NOT NULL AND at_ns < ? GROUP BY b, flag",
    )
    width_ns = width_of(asked.range) * SECOND_NS
    return await store.scan(sql, [*params, bar, bar, width_ns, asked.range.until_ns], limits=LARGE)


def _counted(rows: Sequence[Mapping[str, Any]]) -> _Counts:
    sums: dict[str, dict[bool, int]] = {name: defaultdict(int) for name in ("judged", "labelled", "bad")}
    for row in rows:
        for name, found in sums.items():
            found[row["flag"]] += row[name]
    return _Counts(**sums)


def _bin(counts: _Counts, judged: Mapping[bool, int]) -> CorrectedRate | None:
    if not sum(judged.values()) or not counts.labels:
        return None
    return corrected_rate(counts.verdict(True, judged[True]), counts.verdict(False, judged[False]))


def _rate_json(rate: CorrectedRate) -> dict[str, Any]:
    return {"value": rate.value, "n": rate.n, "labels": rate.labels, "ci": [rate.lower, rate.upper]}


def _verdict_json(verdict: Verdict) -> dict[str, int]:
    return {"judged": verdict.judged, "labelled": verdict.labelled, "bad": verdict.bad}


def _link(asked: Asked, report: Report) -> dict[str, Any] | None:
    words = traces_of(asked.narrow, None, None, None)
    if words is None:
        return None
    bar = f"lt:{report.below:g}" if report.below is not None else f"gt:{report.above:g}"
    return {**words, "score": [f"{report.score}:{bar}"]}
