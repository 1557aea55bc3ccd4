"""What a monitor watches and when it speaks up: checked once, when it is written, with every fault named."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.monitors.incidents import SEVERITIES
from assay_server.notify import zone_of
from assay_server.query import GROUPS, RATES, Metric, is_group, metric_json, panel_filter, parse_metric

RULES = ("threshold", "change", "missing", "burn")
DIRECTIONS = ("up", "down", "both")

DAY_S = 86_400
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LONGEST_WINDOW_S = 31 * DAY_S
_SHORTEST_WINDOW_S = 10
_SHORTEST_EVERY_S = 5
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Rule:
    """One of four kinds; what does not belong to a kind is None.

    `threshold`: `above`, `below`. `change`: relative `change`, `direction`, `false_alarms_per_year` for each group,
    `days` of history, as they are in the `time_zone`. `missing`: fewer than `min_count`. `burn`: share of good calls
    `objective` over `days`.
    """

    kind: str
    above: float | None = None
    below: float | None = None
    change: float | None = None
    direction: str | None = None
    false_alarms_per_year: float | None = None
    days: int | None = None
    time_zone: str | None = None
    min_count: int | None = None
    objective: float | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A monitor as people write it. `min_n`: below it nothing is said. `notify`: channel names, None for all."""

    name: str
    metric: Metric
    rule: Rule
    window_s: int
    every_s: int
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group_by: str | None = None
    min_n: int = 1
    severity: str = "warning"
    notify: tuple[str, ...] | None = None
    enabled: bool = True
    description: str = ""


def parse(given: Mapping[str, Any]) -> Definition:
    """From JSON. Raises InvalidInput naming the field."""
    rule = _rule(given.get("rule"), given.get("metric"))
    window_s = _whole(given, "window_s", 300, _SHORTEST_WINDOW_S, _LONGEST_WINDOW_S)
    if rule.kind == "change" and window_s > DAY_S:
        raise InvalidInput(
            "A change is judged against the same hour of other days.", field="window_s", value=window_s, fix="<= 86400"
        )
    group_by = given.get("group_by")
    if group_by is not None and not is_group(group_by):
        raise InvalidInput("Nothing is grouped by this.", field="group_by", value=group_by, fix=", ".join(GROUPS))
    return Definition(
        name=_name(given.get("name")),
        metric=parse_metric(given.get("metric")),
        rule=rule,
        window_s=window_s,
        every_s=_whole(given, "every_s", min(max(window_s // 4, 60), 3600), _SHORTEST_EVERY_S, DAY_S),
        filter=panel_filter(given.get("filter") or {}, "filter"),
        group_by=group_by,
        min_n=_whole(given, "min_n", 1, 0, 1_000_000_000),
        severity=_one_of(given, "severity", SEVERITIES, "warning"),
        notify=_names(given.get("notify")),
        enabled=bool(given.get("enabled", True)),
        description=_description(given.get("description")),
    )


def refuse_idle_lines(definition: Definition) -> None:
    """A line that no value crosses watches nothing, one that every value crosses says nothing: `5` meant as 5 %.

    Asked when a monitor is written, not when it is read back: those that are there go on. Raises InvalidInput.
    """
    above, below = definition.rule.above, definition.rule.below
    if above is not None and below is not None and above < below:
        raise InvalidInput(
            "Every value would be out of line.", field="rule.below", value=below, fix=f"at most above, {above:g}"
        )
    if definition.metric.name == "score":
        return  # an application's own scale
    most = 1.0 if definition.metric.name in RATES else math.inf
    if above is not None and not 0 <= above < most:
        raise _idle("above", above, most)
    if below is not None and not 0 < below <= most:
        raise _idle("below", below, most)


def _idle(name: str, line: float, most: float) -> InvalidInput:
    fix = "0 or more" if name == "above" else "more than 0"
    if most == 1.0:
        percent = line if 1 < line < 100 else 5.0
        fix = f"a share from 0 to 1: {percent / 100:g} is {percent:g} %"
    return InvalidInput(
        "All values this metric can have are on one side of this line.", field=f"rule.{name}", value=line, fix=fix
    )


def to_json(definition: Definition) -> dict[str, Any]:
    """As people write it; `parse` is its inverse."""
    rule = {name: value for name in Rule.__slots__ if (value := getattr(definition.rule, name)) is not None}
    return {
        "name": definition.name,
        "metric": metric_json(definition.metric),
        "filter": {name: list(values) for name, values in definition.filter.items()},
        "group_by": definition.group_by,
        "rule": rule,
        "window_s": definition.window_s,
        "every_s": definition.every_s,
        "min_n": definition.min_n,
        "severity": definition.severity,
        "notify": None if definition.notify is None else list(definition.notify),
        "enabled": definition.enabled,
        "description": definition.description,
    }


def _description(given: Any) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > _LONGEST_TEXT:
        fix = f"a text of up to {_LONGEST_TEXT} characters"
        raise InvalidInput(field="description", value=str(given)[:80], fix=fix)
    return given.strip()


def _rule(given: Any, metric: Any) -> Rule:
    if not isinstance(given, Mapping) or given.get("kind") not in RULES:
        value = given.get("kind") if isinstance(given, Mapping) else given
        raise InvalidInput("There is no such rule.", field="rule.kind", value=value, fix=", ".join(RULES))
    made = {"threshold": _threshold, "change": _change, "missing": _missing, "burn": _burn}[given["kind"]](given)
    known = {name for name in Rule.__slots__ if getattr(made, name) is not None} | {"above", "below"} & set(given)
    _refuse_unknown(given, known, "rule")
    name = metric.get("name") if isinstance(metric, Mapping) else metric
    if made.kind == "burn" and name not in RATES:
        raise InvalidInput(
            "A budget is burnt by bad calls: the metric must be their share.",
            field="metric.name",
            value=name,
            fix=", ".join(sorted(RATES)),
        )
    return made


def _threshold(given: Mapping[str, Any]) -> Rule:
    above, below = (
        None if given.get(name) is None else _number(given, f"rule.{name}", None) for name in ("above", "below")
    )
    if above is None and below is None:
        raise InvalidInput("Say above or below what.", field="rule.above", value=None, fix='{"above": 0.05}')
    return Rule("threshold", above=above, below=below)


def _change(given: Mapping[str, Any]) -> Rule:
    return Rule(
        "change",
        change=_number(given, "rule.change", 0.2, 0.0, 100.0),
        direction=_one_of(given, "direction", DIRECTIONS, "up", "rule."),
        false_alarms_per_year=_number(given, "rule.false_alarms_per_year", 1.0, 0.001, 1000.0),
        days=_whole(given, "days", 28, 7, 90, "rule."),
        time_zone=zone_of(given.get("time_zone", "UTC"), "rule.time_zone").key,
    )


def _missing(given: Mapping[str, Any]) -> Rule:
    return Rule("missing", min_count=_whole(given, "min_count", 1, 1, 1_000_000_000, "rule."))


def _burn(given: Mapping[str, Any]) -> Rule:
    objective = _number(given, "rule.objective", None, 0.0, 1.0)
    if objective == 1.0:
        raise InvalidInput("A budget of nothing is always spent.", field="rule.objective", value=1.0, fix="0.999")
    return Rule("burn", objective=objective, days=_whole(given, "days", 30, 1, 90, "rule."))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("mon_"):
        raise InvalidInput(
            "A monitor's name has 1 to 100 of a-z, 0-9, '.', '_', '-'; begins with a letter or digit, not with mon_.",
            field="name",
            value=name,
        )
    return name


def _names(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(_is_text(each) for each in given):
        raise InvalidInput("Names of notification channels, or null for all.", field="notify", value=given)
    return tuple(given)


def _number(
    given: Mapping[str, Any], where: str, default: float | None, low: float = -math.inf, high: float = math.inf
) -> float:
    value = given.get(where.rpartition(".")[2], default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high or math.isinf(value):
        bounds = "" if math.isinf(low) and math.isinf(high) else f"{low:g} to {high:g}"
        raise InvalidInput("This is not a number that fits.", field=where, value=value, fix=bounds or "a number")
    return float(value)


def _whole(given: Mapping[str, Any], name: str, default: int, low: int, high: int, at: str = "") -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(field=at + name, value=value, fix=f"a whole number from {low} to {high}")
    return value


def _one_of(given: Mapping[str, Any], name: str, known: tuple[str, ...], default: str, at: str = "") -> str:
    value = given.get(name, default)
    if value not in known:
        raise InvalidInput(field=at + name, value=value, fix=f"one of {', '.join(known)}")
    return str(value)


def _refuse_unknown(given: Mapping[str, Any], known: set[str], at: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidInput(f"'{at}' has no such field.", field=f"{at}.{name}", fix=", ".join(sorted(known)))
