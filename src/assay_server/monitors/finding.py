"""What a monitor says about one group at one moment, in numbers and in a sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.clock import parse_rfc3339, rfc3339
from assay_server.monitors.definition import Definition
from assay_server.query import QUANTILES, RATES, Metric, Window, label_of, unit_of

_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Signs that are not seen and turn what stands behind them: a sentence would say its figures backwards."""

_WORDS = {
    "count": "calls",
    "error_rate": "error rate",
    "slow_rate": "share of slow calls",
    "schema_violations": "share of answers against their schema",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`value`, `expected` and `bound` (the line that was crossed, or would be) are None where unknown."""

    group: str
    status: str  # ok | alarm | unknown
    n: int
    value: float | None
    window: Window
    sentence: str
    expected: float | None = None
    bound: float | None = None
    unit: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def finding_json(finding: Finding) -> dict[str, Any]:
    """As the API shows it, and as it is stored."""
    return {
        "group": finding.group or None,
        "status": finding.status,
        "n": finding.n,
        "value": finding.value,
        "expected": finding.expected,
        "bound": finding.bound,
        "unit": finding.unit,
        "window": {"since": rfc3339(finding.window.since_ns), "until": rfc3339(finding.window.until_ns)},
        "sentence": finding.sentence,
        "details": dict(finding.details),
    }


def until_ns(stored: Mapping[str, Any]) -> int:
    """The end of a stored finding's window."""
    return parse_rfc3339(stored["window"]["until"])


def subject_of(definition: Definition, group: str) -> str:
    """What is measured, in words: `latency p95 of openai/gpt-5`."""
    words = _WORDS.get(definition.metric.name) or label_of(definition.metric)
    return f"{words} of {_BIDI.sub('', group)}" if group else words


def amount(metric: Metric, value: float | None) -> str:
    """A value with its unit: `3,412 ms`, `4.1 %`, `$12.30`."""
    if value is None:
        return "unknown"
    if metric.name in RATES:
        return f"{value * 100:.3g} %"
    if metric.name.startswith("cost"):
        return f"${value:,.2f}" if value >= 1 else f"${value:.4g}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return f"{text} {unit_of(metric)}" if metric.name in QUANTILES else text


def span_of(seconds: float) -> str:
    """A duration in the largest unit that divides it: `15 min`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def lasted_of(seconds: int) -> str:
    """How long something lasted, by its two largest units: `3 d 5 min`."""
    parts, left = [], seconds
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        n, left = divmod(left, size)
        parts += [f"{n} {unit}"] if n else []
    return " ".join(parts[:2]) or "0 s"
