"""Dashboards as people write them: checked whole, with every fault named by its place."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.dashboards.words import (
    KINDS,
    RANGES,
    REPORTS,
    VARIABLES,
    WIDTHS,
    filter_of,
    listed,
    one_of,
    refuse_unknown,
    text,
)
from assay_server.query.dimensions import BY_SCORE, GROUPS, is_group
from assay_server.query.metrics.measures import MEASURES, Metric, metric_json, parse_metric, unit_of
from assay_server.query.sandbox.sandbox import LONGEST

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MOST_PANELS = 40
_MOST_METRICS = 6
_MOST_SHOWN = 20
_FIELDS = ("title", "description", "range", "variables", "panels")
_PANEL_FIELDS = (
    *("id", "title", "description", "width", "kind", "metrics", "filter", "group_by", "top", "sql", "report"),
)
_SETTINGS = {"corrected_rate": ("score", "below", "above"), "questions": (), "parameter": ("parameter", "score")}


@dataclass(frozen=True, slots=True)
class Report:
    """Something a panel works out that no metric is: `corrected_rate`, `questions` or `parameter`.

    `score` names a score; an answer is bad where it lies below `below`, or above `above`. `parameter` names one of the
    call's parameters, as in `gen_ai.request.temperature`.
    """

    name: str
    score: str | None = None
    below: float | None = None
    above: float | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One of `metrics`, `sql` and `report` says what it shows; a report has no `kind`."""

    id: str
    title: str
    description: str = ""
    width: int = 6
    kind: str | None = None
    metrics: tuple[Metric, ...] = ()
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group_by: str | None = None
    top: int = 8
    sql: str | None = None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`range` is one of RANGES; `variables` are filter words that a reader may set."""

    name: str
    title: str
    description: str
    range: str
    variables: tuple[str, ...]
    panels: tuple[Panel, ...]


def parse(name: str, given: Any) -> Dashboard:
    """From JSON. Raises InvalidInput naming the place: `panels[2].metrics[0].quantile`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            "A dashboard's name has 1 to 64 of a-z, 0-9, '-', '_', and begins with a letter or a digit.",
            field="name",
            value=name,
        )
    if not isinstance(given, Mapping):
        raise InvalidInput("A dashboard is an object.", field="dashboard", fix=", ".join(_FIELDS))
    refuse_unknown(given, _FIELDS, "")
    variables = listed(given, "variables", "", 0, len(VARIABLES))
    for at, each in enumerate(variables):
        if each not in VARIABLES:
            raise InvalidInput(field=f"variables[{at}]", value=each, fix=f"one of {', '.join(VARIABLES)}")
    panels = [
        parse_panel(each, f"panels[{at}]") for at, each in enumerate(listed(given, "panels", "", 0, _MOST_PANELS))
    ]
    _refuse_twice([panel.id for panel in panels])
    return Dashboard(
        name=name,
        title=text(given, "title", "", 200),
        description=text(given, "description", "", 2000, ""),
        range=one_of(given, "range", "", tuple(RANGES), "24h"),
        variables=tuple(dict.fromkeys(variables)),
        panels=tuple(panels),
    )


def parse_panel(given: Any, at: str = "panel") -> Panel:
    """From JSON; `at` is where it stands. Raises InvalidInput."""
    if not isinstance(given, Mapping):
        raise InvalidInput("A panel is an object.", field=at, value=given, fix=", ".join(_PANEL_FIELDS))
    dot = f"{at}."
    refuse_unknown(given, _PANEL_FIELDS, dot)
    shows = [name for name in ("metrics", "sql", "report") if given.get(name) not in (None, [])]
    if len(shows) != 1:
        raise InvalidInput("Say one of metrics, sql and report.", field=dot + "metrics", value=shows)
    title = text(given, "title", dot, 200)
    group_by = given.get("group_by")
    if group_by is not None and (not (is_group(group_by) or group_by == BY_SCORE) or shows != ["metrics"]):
        fix = ", ".join((*GROUPS, BY_SCORE))
        raise InvalidInput("Nothing is grouped by this.", field=dot + "group_by", value=group_by, fix=fix)
    top = given.get("top", 8)
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= _MOST_SHOWN:
        raise InvalidInput(field=dot + "top", value=top, fix=f"a whole number from 1 to {_MOST_SHOWN}")
    kind = None if shows == ["report"] else one_of(given, "kind", dot, KINDS, "line")
    return Panel(
        id=_id(given.get("id"), title, dot),
        title=title,
        description=text(given, "description", dot, 2000, ""),
        width=one_of(given, "width", dot, WIDTHS, 6),
        kind=kind,
        metrics=_metrics(given, dot, str(kind)) if shows == ["metrics"] else (),
        filter=filter_of(given.get("filter"), dot + "filter"),
        group_by=group_by,
        top=top,
        sql=_sql(given, dot, kind) if shows == ["sql"] else None,
        report=_report(given["report"], dot + "report") if shows == ["report"] else None,
    )


def to_json(dashboard: Dashboard) -> dict[str, Any]:
    """As people write it, without its name; `parse` is its inverse."""
    return {
        "title": dashboard.title,
        "description": dashboard.description,
        "range": dashboard.range,
        "variables": list(dashboard.variables),
        "panels": [panel_json(panel) for panel in dashboard.panels],
    }


def panel_json(panel: Panel) -> dict[str, Any]:
    """`parse_panel` is its inverse."""
    about = {"id": panel.id, "title": panel.title, "description": panel.description, "width": panel.width}
    narrow = {name: list(values) for name, values in panel.filter.items()}
    if panel.report is not None:
        settings = {name: getattr(panel.report, name) for name in _SETTINGS[panel.report.name]}
        said = {name: value for name, value in settings.items() if value is not None}
        return {**about, "report": {"name": panel.report.name, **said}, "filter": narrow}
    if panel.sql is not None:
        return {**about, "kind": panel.kind, "sql": panel.sql}
    metrics = [metric_json(metric) for metric in panel.metrics]
    shown = {"filter": narrow, "group_by": panel.group_by, "top": panel.top}
    return {**about, "kind": panel.kind, "metrics": metrics, **shown}


def _metrics(given: Mapping[str, Any], dot: str, kind: str) -> tuple[Metric, ...]:
    most = 1 if kind == "histogram" else _MOST_METRICS
    found = [
        parse_metric(each, f"{dot}metrics[{at}]", by_score=given.get("group_by") == BY_SCORE)
        for at, each in enumerate(listed(given, "metrics", dot, 1, most))
    ]
    if kind in {"line", "bar"} and len({unit_of(metric) for metric in found}) > 1:
        units = ", ".join(sorted(f"{metric.name} in {unit_of(metric) or 'no unit'}" for metric in found))
        raise InvalidInput(
            f"One axis has one unit: {units}.", field=dot + "metrics", fix="a panel for each unit, or kind: table"
        )
    if kind == "histogram" and MEASURES[found[0].name].shape in {"distinct", "rate"}:
        raise InvalidInput(
            "This has no distribution.", field=dot + "metrics[0].name", value=found[0].name, fix="latency, cost, score"
        )
    return tuple(found)


def _sql(given: Mapping[str, Any], dot: str, kind: str | None) -> str:
    if kind == "histogram":
        raise InvalidInput("SQL is drawn as it is.", field=dot + "kind", value=kind, fix="line, bar, table or number")
    return text(given, "sql", dot, LONGEST)


def _report(given: Any, at: str) -> Report:
    given = {"name": given} if isinstance(given, str) else given
    if not isinstance(given, Mapping):
        raise InvalidInput("A report is an object.", field=at, value=given, fix='{"name": "questions"}')
    name = one_of(given, "name", f"{at}.", REPORTS)
    refuse_unknown(given, ("name", *_SETTINGS[name]), f"{at}.")
    wanted = _SETTINGS[name]
    return Report(
        name,
        score=text(given, "score", f"{at}.", 200) if "score" in wanted else None,
        parameter=text(given, "parameter", f"{at}.", 100, "temperature") if "parameter" in wanted else None,
        **(_bar(given, at) if "below" in wanted else {}),
    )


def _bar(given: Mapping[str, Any], at: str) -> dict[str, float]:
    """Which answers are bad: below 0.5 unless it says otherwise."""
    said = {name: given[name] for name in ("below", "above") if given.get(name) is not None} or {"below": 0.5}
    if len(said) > 1:
        raise InvalidInput("Bad is below or above, not both.", field=f"{at}.above", fix="leave one out")
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidInput(field=f"{at}.{name}", value=value, fix="a number, such as 0.5")
    return {name: float(value) for name, value in said.items()}


def _id(given: Any, title: str, dot: str) -> str:
    """Its own, else one made of the title."""
    made = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:64] or "panel"
    value = made if given is None else given
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidInput(field=dot + "id", value=given, fix="1 to 64 of a-z, 0-9, '-', '_'")
    return value


def _refuse_twice(ids: list[str]) -> None:
    for at, each in enumerate(ids):
        if each in ids[:at]:
            raise InvalidInput(
                f"Panel {ids.index(each)} has this id too.", field=f"panels[{at}].id", value=each, fix="give it another"
            )
