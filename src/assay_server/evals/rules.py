"""What a gate asks for: a suite of rules, validated, with all faults named at once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assay_server.checks import Catalogue, Direction
from assay_server.core.errors import InvalidInput

MIN_ITEMS = 20
"""Below this the approximations behind the intervals are not to be trusted, so nothing is decided."""

MAX_ERROR_RATE = 0.05
"""Above this share of failed judgements those that succeeded may be no fair sample."""


@dataclass(slots=True, frozen=True)
class Rule:
    """A bar for the metric itself, a margin against the baseline, or both. In the metric's own units."""

    metric: str
    direction: Direction
    bar: float | None = None
    margin: float | None = None
    slice: str | None = None  # only items with this tag
    optional: bool = False  # where it applies to no item at all, it is left out instead of being inconclusive

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None and value is not False}


@dataclass(slots=True, frozen=True)
class Suite:
    """The rules of a gate. `alpha` is the two-sided level of every interval shown."""

    name: str
    rules: tuple[Rule, ...]
    alpha: float = 0.05
    min_items: int = MIN_ITEMS
    max_error_rate: float = MAX_ERROR_RATE
    description: str | None = None


def parse_suite(name: str, body: Mapping[str, Any], catalogue: Catalogue) -> Suite:
    """A suite from `PUT /suites/{name}`. Raises InvalidInput naming every fault."""
    faults: list[str] = []
    metrics = body.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        raise InvalidInput("A suite needs at least one metric.", field="metrics", value=metrics)
    rules = tuple(rule for index, raw in enumerate(metrics) if (rule := _rule(index, raw, catalogue, faults)))
    alpha = _number(body, "alpha", 0.05, lambda x: 0 < x < 0.5, "between 0 and 0.5", faults)
    smallest = _number(body, "min_items", MIN_ITEMS, lambda x: x >= 1 and x == int(x), "a whole number from 1", faults)
    errors = _number(body, "max_error_rate", MAX_ERROR_RATE, lambda x: 0 <= x < 1, "from 0 to below 1", faults)
    _refuse_doubles(rules, faults)
    if faults:
        raise InvalidInput("; ".join(faults), field="metrics", value=name, fix="see GET /api/v1/checks for the metrics")
    return Suite(name, rules, alpha, int(smallest), errors, body.get("description"))


def _rule(index: int, raw: Any, catalogue: Catalogue, faults: list[str]) -> Rule | None:
    where = f"metrics[{index}]"
    if not isinstance(raw, Mapping) or not isinstance(raw.get("metric"), str):
        faults.append(f"{where}: 'metric' must name a check")
        return None
    try:
        about = catalogue.get(raw["metric"]).about
    except InvalidInput as error:
        faults.append(f"{where}: no check '{raw['metric']}', {error.fix}")
        return None
    direction = raw.get("direction") or about.direction
    if direction not in ("higher", "lower"):
        faults.append(f"{where}: 'direction' must be 'higher' or 'lower'")
        return None
    bar, margin = _limit(where, raw, "bar", faults), _limit(where, raw, "margin", faults)
    if bar is None and margin is None:
        faults.append(f"{where}: give a 'bar', a 'margin' or both")
    if margin is not None and margin < 0:
        faults.append(f"{where}: 'margin' must not be negative")
    _refuse_hopeless(where, bar, direction, about.range, faults)
    return Rule(raw["metric"], direction, bar, margin, raw.get("slice"), bool(raw.get("optional", False)))


def _limit(where: str, raw: Mapping[str, Any], key: str, faults: list[str]) -> float | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        faults.append(f"{where}: '{key}' must be a number")
        return None
    return float(value)


def _refuse_hopeless(
    where: str, bar: float | None, direction: Direction, limits: tuple[float | None, float | None], faults: list[str]
) -> None:
    """A bar at the end of the range can never be shown to be reached: some doubt always remains."""
    end = limits[1] if direction == "higher" else limits[0]
    if bar is None or end is None:
        return
    if (bar >= end) if direction == "higher" else (bar <= end):
        faults.append(
            f"{where}: no sample can show that {bar:g} is reached, the end of the range; set it inside, e.g. 0.95"
        )


def _number(
    body: Mapping[str, Any], key: str, default: float, valid: Callable[[float], bool], wanted: str, faults: list[str]
) -> float:
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not valid(value):
        faults.append(f"'{key}' must be {wanted}")
        return default
    return float(value)


def _refuse_doubles(rules: Sequence[Rule], faults: list[str]) -> None:
    seen: set[tuple[str, str | None]] = set()
    for rule in rules:
        if (rule.metric, rule.slice) in seen:
            faults.append(f"'{rule.metric}' stands twice for the same slice")
        seen.add((rule.metric, rule.slice))
