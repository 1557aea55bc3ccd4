"""What a panel shows: the one door for panels of every kind."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.known import refuse_unknown_values
from assay_server.core.ports import Embeds
from assay_server.query.dashboards import bins
from assay_server.query.dashboards.corrected import corrected_rate_of
from assay_server.query.dashboards.definition import Dashboard, Panel, Report
from assay_server.query.dashboards.histogram import Spread, histogram_of
from assay_server.query.dashboards.links import traces_of
from assay_server.query.dashboards.parameters import parameter_of
from assay_server.query.dashboards.questions import Questions
from assay_server.query.dashboards.rows import refuse_unreadable, rows_of
from assay_server.query.dashboards.series import (
    Figure,
    Groups,
    Series,
    axis,
    found_with_series,
    groups_of,
    in_one,
    series_of,
)
from assay_server.query.dimensions import MARGIN_NS
from assay_server.query.metrics.asked import Asked, Range, knowing
from assay_server.query.metrics.live import has_runs
from assay_server.query.metrics.measures import COUNTS, MEASURES, Metric, label_of, unit_of
from assay_server.query.metrics.source import CALLS, source_of
from assay_server.query.sandbox.sandbox import Sql
from assay_server.store import Store

_TIMED = {"line", "bar"}
_ZEROS = COUNTS | {"cost", "tokens"}

Narrow = Mapping[str, Sequence[str]]


class Panels:
    """Reads panels of one project at a time; every answer is JSON in the shape of docs/api/dashboards.md."""

    def __init__(self, store: Store, sql: Sql, embeds: Embeds | None = None) -> None:
        """`embeds`: a model that tells what questions mean, where this machine has one."""
        self._store = store
        self._sql = sql
        self._questions = Questions(store, embeds)

    async def close(self) -> None:
        await self._questions.close()

    async def check(self, dashboard: Dashboard) -> None:
        """Whether the SQL of its panels could run, and their filters find anything. Raises InvalidInput with the
        panel's place."""
        for at, panel in enumerate(dashboard.panels):
            refuse_unknown_values(panel.filter, f"panels[{at}].filter")
        await refuse_unreadable(self._sql, dashboard)

    async def read(
        self, project: str, panel: Panel, since_ns: int, until_ns: int, narrow: Narrow, *, compare: bool = False
    ) -> dict[str, Any]:
        """`narrow` is what the reader set on top of the panel's own filter. Raises InvalidInput.

        `unused` in the answer names what the reader set and the panel cannot follow.
        """
        began = time.perf_counter()
        asked_range = bins.checked(since_ns, until_ns)
        shown = await self._shown(project, panel, asked_range, narrow, compare)
        unused = [*shown.pop("unused", []), *(["compare"] if compare and shown["type"] != "series" else [])]
        edges = {"since": rfc3339(since_ns), "until": rfc3339(until_ns)}
        return {**shown, **edges, "unused": unused, "elapsed_ms": round((time.perf_counter() - began) * 1000, 1)}

    async def _shown(
        self, project: str, panel: Panel, asked_range: Range, narrow: Narrow, compare: bool
    ) -> dict[str, Any]:
        if panel.sql is not None:
            return await rows_of(self._sql, project, panel.sql, asked_range, narrow)
        asked = await knowing(
            self._store,
            Asked(project, asked_range, [panel.filter, narrow], panel.group_by),
            of_scores=_is_of_scores(panel),
            margin_ns=MARGIN_NS + (asked_range.width_ns if compare else 0),
        )
        if asked.only_live and not _of_calls(panel):
            asked = replace(asked, runs=await has_runs(self._store, [project, 0, 1 << 62]))
        if panel.report is not None:
            return await self._report(asked, panel.report)
        read = self._histogram if panel.kind == "histogram" else partial(self._series, compare=compare)
        return await read(asked, panel)

    async def _report(self, asked: Asked, report: Report) -> dict[str, Any]:
        if report.name == "questions":
            return await self._questions.read(asked)
        read = corrected_rate_of if report.name == "corrected_rate" else parameter_of
        return await read(self._store, asked, report)

    async def _series(self, asked: Asked, panel: Panel, *, compare: bool) -> dict[str, Any]:
        binned = panel.kind in _TIMED
        groups, now, before = await self._read(asked, panel, binned=binned, compare=compare)
        starts = axis(asked, binned=binned)
        earlier = partial(_earlier, before)
        shown = [
            _series_json(asked, metric, at, groups, starts, _at(now, metric, at, place), earlier(metric, at, place))
            for at, metric in enumerate(panel.metrics)
            for place in ([_ALL] if asked.group_by is None else _places(now[at]))
        ]
        return {
            "type": "series",
            "bin_s": bins.width_of(asked.range) if binned else None,
            "starts": [rfc3339(start) for start in starts],
            "groups": groups.count,
            "series": shown,
        }

    async def _read(
        self, asked: Asked, panel: Panel, *, binned: bool, compare: bool
    ) -> tuple[Groups, list[dict[int, Series]], list[dict[int, Series]] | None]:
        """The groups, their figures now, and those of the same groups in the range before."""
        metrics, now = panel.metrics, None
        if in_one(asked, metrics):
            groups, now = await found_with_series(self._store, asked, metrics, panel.top, binned=binned)
        else:
            groups = await groups_of(self._store, asked, metrics[0], panel.top)
        reading = [] if now is not None else [series_of(self._store, asked, metrics, groups, binned=binned)]
        if compare:
            earlier = replace(asked, range=asked.range.before())
            width = asked.range.width_ns
            reading.append(series_of(self._store, earlier, metrics, groups, binned=binned, shift_ns=width))
        found = [*([] if now is None else [now]), *await asyncio.gather(*reading)]
        return groups, found[0], found[1] if compare else None

    async def _histogram(self, asked: Asked, panel: Panel) -> dict[str, Any]:
        metric = panel.metrics[0]
        groups = await groups_of(self._store, asked, metric, panel.top)
        found = await histogram_of(self._store, asked, metric, groups)
        spreads = sorted(found.spreads, key=lambda each: each.place or len(groups.shown) + 1)
        return {
            "type": "histogram",
            "unit": unit_of(metric),
            "edges": found.edges,
            "groups": groups.count,
            "series": [_spread_json(asked, metric, groups, each) for each in spreads],
        }


_ALL = 1  # the place of the one group where nobody asked for groups


def _of_calls(panel: Panel) -> bool:
    """Calls say themselves whether their trace is of a run."""
    return panel.report is None and all(source_of(metric) in CALLS for metric in panel.metrics)


def _is_of_scores(panel: Panel) -> bool:
    """What is judged may have begun long before."""
    of_scores = any(MEASURES[metric.name].family == "scores" for metric in panel.metrics)
    return of_scores or (panel.report is not None and panel.report.score is not None)


def _earlier(before: list[dict[int, Series]] | None, metric: Metric, at: int, place: int) -> Series | None:
    """None where nobody compares."""
    return None if before is None else _at(before, metric, at, place)


def _at(found: list[dict[int, Series]], metric: Metric, at: int, place: int) -> Series:
    """Where there was nothing, that is said: no calls cost nothing."""
    return found[at].get(place, Series(place, _nothing(metric)))


def _nothing(metric: Metric) -> Figure:
    return Figure(0.0 if metric.name in _ZEROS else None, 0, 0)


def _places(found: Mapping[int, Series]) -> list[int]:
    """Largest first, the others last."""
    return sorted(found, key=lambda place: place or len(found) + 1)


def _series_json(
    asked: Asked,
    metric: Metric,
    at: int,
    groups: Groups,
    starts: Sequence[int],
    now: Series,
    before: Series | None,
) -> dict[str, Any]:
    nothing = _nothing(metric)
    figures = [now.bins.get(start, nothing) for start in starts]
    return {
        "metric": at,
        "label": label_of(metric),
        "unit": unit_of(metric),
        **_group_json(asked, metric, groups, now.place),
        "total": _figure_json(now.total),
        "before": None if before is None else _figure_json(before.total),
        "values": [figure.value for figure in figures],
        "n": [figure.n for figure in figures],
        "unknown": [figure.unknown for figure in figures],
        "lower": [figure.ci[0] if figure.ci else None for figure in figures],
        "upper": [figure.ci[1] if figure.ci else None for figure in figures],
        "before_values": None if before is None else [before.bins.get(start, nothing).value for start in starts],
    }


def _spread_json(asked: Asked, metric: Metric, groups: Groups, spread: Spread) -> dict[str, Any]:
    return {
        "label": label_of(metric),
        **_group_json(asked, metric, groups, spread.place),
        "n": spread.n,
        "unknown": spread.unknown,
        "counts": spread.counts,
        "p50": spread.p50,
        "p95": spread.p95,
    }


def _group_json(asked: Asked, metric: Metric, groups: Groups, place: int) -> dict[str, Any]:
    """`group` is None for all, for the others and for an unknown field; `others` says how many those are."""
    group = groups.shown[place - 1] or None if place else None
    traces = traces_of(asked.narrow, metric, asked.group_by, group)
    return {"group": group, "others": 0 if place else groups.others, "traces": traces}


def _figure_json(figure: Figure) -> dict[str, Any]:
    ci = None if figure.ci is None else list(figure.ci)
    return {"value": figure.value, "n": figure.n, "unknown": figure.unknown, "ci": ci}
