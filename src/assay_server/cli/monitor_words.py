"""A monitor's rule and window in the words of its page."""

from typing import Any

from assay_server.core.words import percent

_SHARES = frozenset({"error_rate", "slow_rate", "schema_violations", "score_rate"})
_UNITS = {"latency": " ms", "ttft": " ms", "cost": " USD", "cost_per_request": " USD", "tokens": " tokens",
          "tokens_per_request": " tokens"}  # fmt: skip
_WAYS = {"up": "above", "down": "below"}
_SPANS = ((86_400, "d"), (3600, "h"), (60, "m"))


def rule_words(rule: dict[str, Any], metric: str) -> str:
    """`above 5 %`, `20 % above what is usual`."""

    def limit(value: float) -> str:
        return percent(value) if metric in _SHARES else f"{value:,.10g}{_UNITS.get(metric, '')}"

    if rule["kind"] == "threshold":
        return " or ".join(f"{way} {limit(rule[way])}" for way in ("above", "below") if rule.get(way) is not None)
    if rule["kind"] == "missing":
        return f"fewer than {rule.get('min_count', 1)}"
    if rule["kind"] == "burn":
        return f"spends the error budget of {percent(rule['objective'], 3)} too fast"
    return f"{percent(rule['change'])} {_WAYS.get(rule['direction'], 'away from')} what is usual"


def span_words(seconds: int) -> str:
    """`15m`, as `--window` takes it."""
    return next((f"{seconds // size}{name}" for size, name in _SPANS if seconds % size == 0), f"{seconds}s")
