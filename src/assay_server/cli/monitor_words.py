"""A monitor's metric as `--metric` takes it, and its rule and window in the words of its page."""

import re
from typing import Any

import typer

from assay_server.core.words import percent

_SHARES = frozenset({"error_rate", "slow_rate", "schema_violations", "score_rate"})
_UNITS = {"latency": " ms", "ttft": " ms", "cost": " USD", "cost_per_request": " USD", "tokens": " tokens",
          "tokens_per_request": " tokens"}  # fmt: skip
_WAYS = {"up": "above", "down": "below"}
_SPANS = ((86_400, "d"), (3600, "h"), (60, "m"))

_SIDES = {"<": "below", ">": "above"}
_LINE = re.compile(r"(.+)([<>])(-?\d+(?:\.\d+)?)")
_SETTING = {"score": "score", "judgements": "score", "tokens": "bucket", "slow_rate": "threshold_ms"} | dict.fromkeys(
    ("latency", "ttft", "tokens_per_second"), "quantile"
)
"""What may stand behind a metric's ':'."""


def metric_of(written: str | None) -> Any:
    """`latency:p99`, `tokens:output`, `score_rate:groundedness<0.5` as the API takes them."""
    if written is None:
        raise typer.BadParameter("say what to measure", param_hint="--metric")
    name, sign, setting = written.partition(":")
    if not sign:
        return name
    if name == "score_rate":
        return {"name": name, **_side_of(setting)}
    if name not in _SETTING:
        fix = f"of '{written}' only {', '.join([*_SETTING, 'score_rate'])} take something behind ':'"
        raise typer.BadParameter(fix, param_hint="--metric")
    return {"name": name, _SETTING[name]: _setting(name, setting, written)}


def metric_words(metric: dict[str, Any]) -> str:
    """The same as `metric_of` takes it, where it has a word for it."""
    name, told = metric["name"], {key: value for key, value in metric.items() if key != "name"}
    line = "".join(f"{sign}{told.pop(side):.10g}" for sign, side in _SIDES.items() if told.get(side) is not None)
    setting = _SETTING.get(name, "score")
    behind = f":{_setting_words(setting, told.pop(setting))}" if told.get(setting) is not None else ""
    return " ".join([f"{name}{behind}{line}", *(str(value) for value in told.values() if value is not None)])


def _setting(name: str, given: str, written: str) -> Any:
    if _SETTING[name] in {"score", "bucket"}:
        return given
    try:
        return float(given[1:]) / 100 if given.startswith("p") else float(given)
    except ValueError:
        like = "slow_rate:2000 (milliseconds)" if name == "slow_rate" else f"{name}:p99 or {name}:0.99"
        raise typer.BadParameter(f"'{written}' should look like {like}", param_hint="--metric") from None


def _setting_words(setting: str, value: Any) -> str:
    if setting == "quantile":
        return f"p{value * 100:.10g}"
    return f"{value:.10g}" if setting == "threshold_ms" else str(value)


def _side_of(written: str) -> dict[str, Any]:
    """`groundedness<0.5`: of which score the judgements on that side of the line are counted."""
    found = _LINE.fullmatch(written)
    if found is None:
        raise typer.BadParameter(
            f"'{written}' should look like groundedness<0.5 or toxicity>0.5", param_hint="--metric"
        )
    return {"score": found[1], _SIDES[found[2]]: float(found[3])}


def rule_words(rule: dict[str, Any], metric: str) -> str:
    """`above 5 %`, `20 % above baseline`."""

    def limit(value: float) -> str:
        return percent(value) if metric in _SHARES else f"{value:,.10g}{_UNITS.get(metric, '')}"

    if rule["kind"] == "threshold":
        return " or ".join(f"{way} {limit(rule[way])}" for way in ("above", "below") if rule.get(way) is not None)
    if rule["kind"] == "missing":
        return f"fewer than {rule.get('min_count', 1)}"
    if rule["kind"] == "burn":
        return f"spends the error budget of {percent(rule['objective'], 3)} too fast"
    return f"{percent(rule['change'])} {_WAYS.get(rule['direction'], 'away from')} baseline"


def over_words(monitor: dict[str, Any]) -> str:
    """How far back each look goes: an error budget has windows of its own."""
    return "5m to 3d" if monitor["rule"]["kind"] == "burn" else span_words(monitor["window_s"])


def span_words(seconds: int) -> str:
    """`15m`, as `--window` takes it."""
    return next((f"{seconds // size}{name}" for size, name in _SPANS if seconds % size == 0), f"{seconds}s")
