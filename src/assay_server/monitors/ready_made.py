"""What every project watches from its first day. They may be changed or deleted; a deleted one does not come back."""

from typing import Any

_LLM = {"kind": ["llm"]}

READY_MADE: tuple[dict[str, Any], ...] = (
    {
        "name": "daily-cost",
        "description": "Daily cost is 20 % above the baseline for this weekday.",
        "metric": {"name": "cost"},
        "rule": {"kind": "change", "change": 0.2, "direction": "up"},
        "window_s": 86_400,
        "every_s": 6 * 3600,
        "min_n": 20,
    },
    {
        "name": "error-rate",
        "description": "More than 5 % of model calls fail.",
        "metric": {"name": "error_rate"},
        "filter": _LLM,
        "rule": {"kind": "threshold", "above": 0.05},
        "window_s": 900,
        "every_s": 300,
        "min_n": 50,
        "severity": "critical",
    },
    {
        "name": "p95-latency",
        "description": "The 95th percentile of model call latency is 50 % above the baseline for this hour.",
        "metric": {"name": "latency", "quantile": 0.95},
        "filter": _LLM,
        "rule": {"kind": "change", "change": 0.5, "direction": "up"},
        "window_s": 3600,
        "every_s": 900,
        "min_n": 100,
    },
    {
        "name": "schema-violations",
        "description": "More than 2 % of answers break their output schema.",
        "metric": {"name": "schema_violations"},
        "rule": {"kind": "threshold", "above": 0.02},
        "window_s": 3600,
        "every_s": 900,
        "min_n": 50,
    },
    {
        "name": "tokens-per-request",
        "description": "Requests take 25 % more tokens than the baseline for this hour.",
        "metric": {"name": "tokens_per_request"},
        "rule": {"kind": "change", "change": 0.25, "direction": "up"},
        "window_s": 6 * 3600,
        "every_s": 3600,
        "min_n": 100,
    },
)
