"""Every metric there is, once: what monitors watch and what panels draw.

A metric is made of units: spans, calls (spans whose tokens and cost count, see `rollup`), requests (traces) or
judgements. `each` is SQL over one unit; its NULL is *unknown*, which is counted and never averaged in. `shape` says
how units become one number: their sum, mean, the share of bad ones, a quantile, or how many different ones there are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assay_server.core.errors import InvalidInput
from assay_server.store import TOKENS

Family = Literal["spans", "calls", "requests", "scores"]
Shape = Literal["sum", "mean", "rate", "quantile", "distinct"]

BUCKETS = ("fresh_input", "cache_read", "cache_write", "output", "reasoning")
SOURCES = ("code", "judge", "human", "end_user")

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured, with the settings its measure takes.

    `quantile`: of latency (ms), ttft (ms) and tokens_per_second. `threshold_ms`: above it a span is slow. `score`:
    the score's name, `source`: whose judgement alone. `below` or `above`: where one is bad. `bucket`: one bucket
    of tokens instead of all.
    """

    name: str
    quantile: float = 0.95
    threshold_ms: float | None = None
    score: str | None = None
    source: str | None = None
    bucket: str | None = None
    below: float | None = None
    above: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """`each` reads columns of one unit; in the family `requests` it adds up the spans of one trace."""

    family: Family
    shape: Shape
    unit: str
    about: str
    each: str
    settings: tuple[str, ...] = ()


_TOKENS = (
    f"CASE WHEN coalesce(fresh_input, cache_read, cache_write, output_tokens, reasoning) IS NOT NULL THEN {TOKENS} END"
)
"""A call from before there was a limit may have more than a number can be: nobody knows what that was."""

_TOOK_MS = "(end_ns - start_ns) / 1e6"
_SPEED = (
    "CASE WHEN output_tokens IS NOT NULL AND end_ns > start_ns THEN"
    " (output_tokens::DOUBLE + coalesce(reasoning, 0)) / ((end_ns - start_ns) / 1e9) END"
)

MEASURES: dict[str, Measure] = {
    "count": Measure("spans", "sum", "", "spans", "1.0"),
    "requests": Measure("requests", "sum", "", "traces", "1.0"),
    "errors": Measure("spans", "sum", "", "spans that failed", "(status = 'error')::DOUBLE"),
    "error_rate": Measure("spans", "rate", "share", "share of spans that failed", "(status = 'error')::DOUBLE"),
    "slow_rate": Measure(
        "spans", "rate", "share", "share of spans over threshold_ms", f"({_TOOK_MS} > {{}})::DOUBLE", ("threshold_ms",)
    ),
    "latency": Measure("spans", "quantile", "ms", "how long a span took", _TOOK_MS, ("quantile",)),
    "ttft": Measure("spans", "quantile", "ms", "time to the first token", "ttft_ms", ("quantile",)),
    "tokens_per_second": Measure(
        "calls", "quantile", "tokens/s", "output tokens by the time the whole call took", _SPEED, ("quantile",)
    ),
    "cost": Measure("calls", "sum", "USD", "cost of the calls", "cost"),
    "cost_per_request": Measure("requests", "mean", "USD", "cost of a trace", "sum(cost)"),
    "tokens": Measure("calls", "sum", "tokens", "tokens of the calls", _TOKENS, ("bucket",)),
    "tokens_per_request": Measure("requests", "mean", "tokens", "tokens of a trace", f"sum({_TOKENS})::DOUBLE"),
    "users": Measure("spans", "distinct", "", "different users", '"user"'),
    "sessions": Measure("spans", "distinct", "", "different sessions", "session"),
    "schema_violations": Measure(
        "scores", "rate", "share", "share of schema_valid scores below 1", "(value < 1)::DOUBLE"
    ),
    "score_rate": Measure(
        "scores",
        "rate",
        "share",
        "share of a score's judgements below or above a line",
        "(value {} {})::DOUBLE",
        ("score", "source", "below", "above"),
    ),
    "score": Measure("scores", "mean", "", "mean of a score", "value", ("score", "source")),
    "judgements": Measure(
        "scores",
        "sum",
        "",
        "how often a score was given",
        "CASE WHEN error IS NULL THEN 1.0 END",
        ("score", "source"),
    ),
}

METRICS = tuple(MEASURES)
_ONES = frozenset(name for name, measure in MEASURES.items() if measure.each == "1.0")
RATES = frozenset(name for name, measure in MEASURES.items() if measure.shape == "rate")
"""Metrics that are the share of bad ones among n."""

COUNTS = frozenset({"count", "requests", "errors", "users", "sessions", "judgements"})
"""Metrics that count things: without data they are 0, and chance alone makes them vary like Poisson's."""

QUANTILES = frozenset(name for name, measure in MEASURES.items() if measure.shape == "quantile")


EVERY_SCORE = "*"
"""In place of a score's name, where panels are grouped by it."""


def parse_metric(given: Any, at: str = "metric", *, by_score: bool = False) -> Metric:
    """From JSON: a name, or an object with its settings. `by_score`: it is grouped by the names of scores. Raises
    InvalidInput naming the field below `at`."""
    given = {"name": given} if isinstance(given, str) else given
    name = given.get("name") if isinstance(given, Mapping) else given
    if not isinstance(given, Mapping) or not isinstance(name, str) or name not in MEASURES:
        raise InvalidInput("There is no such metric.", field=f"{at}.name", value=name, fix=", ".join(METRICS))
    known = ("name", *MEASURES[name].settings)
    for key in given:
        if key not in known:
            raise InvalidInput(f"'{name}' has no such setting.", field=f"{at}.{key}", fix=", ".join(known))
    metric = Metric(name, **{key: _SETTINGS[key](given.get(key), f"{at}.{key}") for key in known[1:]})
    _refuse_half(metric, known, at, by_score=by_score)
    return metric


def _refuse_half(metric: Metric, known: Sequence[str], at: str, *, by_score: bool) -> None:
    """A metric of which two settings do not go together."""
    if "below" in known and (metric.below is None) == (metric.above is None):
        both = None if metric.below is None else f"{metric.below:g} and {metric.above:g}"
        raise InvalidInput(
            "Say which judgements are bad.", field=f"{at}.below", value=both, fix="either below or above"
        )
    if by_score != (metric.score == EVERY_SCORE):
        raise InvalidInput(
            "Scores of every name are shown by their names, and only they are.",
            field=f"{at}.score",
            value=metric.score,
            fix="in a panel, score: '*' and group_by: score; else one name",
        )


def metric_json(metric: Metric) -> dict[str, Any]:
    """As people write it; `parse_metric` is its inverse."""
    settings = {name: getattr(metric, name) for name in MEASURES[metric.name].settings}
    return {"name": metric.name, **{name: value for name, value in settings.items() if value is not None}}


def each(metric: Metric) -> str:
    """The SQL of one unit. The settings in it are numbers and our own names, checked by `parse_metric`."""
    measure = MEASURES[metric.name]
    if metric.name == "slow_rate":
        return measure.each.format(repr(float(metric.threshold_ms or 0)))
    if metric.name == "score_rate":
        sign, line = ("<", metric.below) if metric.above is None else (">", metric.above)
        return measure.each.format(sign, repr(float(line or 0)))
    if metric.name == "tokens" and metric.bucket is not None:
        if metric.bucket not in BUCKETS:
            raise InvalidInput(field="metric.bucket", value=metric.bucket, fix=", ".join(BUCKETS))
        return "output_tokens" if metric.bucket == "output" else metric.bucket
    return measure.each


def aggregate(metric: Metric, column: str = "v") -> str:
    """How units become the number. NULL where there are none with a value."""
    shape = MEASURES[metric.name].shape
    if shape == "quantile":
        return "quantile_cont(" + column + ", " + repr(float(metric.quantile)) + ")"
    if shape == "distinct":
        return "count(DISTINCT " + column + ")::DOUBLE"
    if metric.name in _ONES:  # adding up ones takes twice as long as counting them
        return "nullif(count(" + column + "), 0)::DOUBLE"
    return ("sum(" if shape == "sum" else "avg(") + column + ")"


def values_of(metrics: Sequence[Metric]) -> list[str]:
    """`aggregate` of each, of columns v0, v1, … Quantiles of one and the same are read off together: each that is asked
    for alone keeps all the values in memory once more, and of ten million spans three were too much for the store."""
    values = [aggregate(metric, f"v{at}") for at, metric in enumerate(metrics)]
    together: dict[str, list[int]] = defaultdict(list)
    for at, metric in enumerate(metrics):
        if metric.name in QUANTILES:
            together[each(metric)].append(at)
    for places in together.values():
        quantiles = [float(metrics[at].quantile) for at in places]
        for number, at in enumerate(places, 1):
            values[at] = f"quantile_cont(v{places[0]}, {quantiles})[{number}]"
    return values


def without_value(metric: Metric, column: str = "v") -> str:
    """How many units had no value. Where different ones are counted, a span that names none hides nothing."""
    return "0" if MEASURES[metric.name].shape == "distinct" else f"count(*) - count({column})"


def unit_of(metric: Metric) -> str:
    """`ms`, `USD`, `tokens`, `tokens/s`, `share`, or empty for counts and scores."""
    return MEASURES[metric.name].unit


def label_of(metric: Metric) -> str:
    """In words: `latency p95`, `tokens cache_read`, `score groundedness`."""
    words = metric.name.replace("_", " ")
    if MEASURES[metric.name].shape == "quantile":
        return f"{words} p{metric.quantile * 100:g}"
    if metric.score is not None:
        if metric.score == EVERY_SCORE and metric.name != "score_rate":
            return words if metric.name == "judgements" else "scores"
        of = "of " if metric.name == "judgements" else ""
        by = f" by {metric.source}" if metric.source else ""
        if metric.name == "score_rate":
            return f"share of {'scores' if metric.score == EVERY_SCORE else metric.score}{by} {_bad(metric)}"
        return f"{words} {of}{metric.score}{by}"
    return f"{words} {metric.bucket}" if metric.bucket else words


def _bad(metric: Metric) -> str:
    return f"below {metric.below:g}" if metric.above is None else f"above {metric.above:g}"


def _line(value: Any, at: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise InvalidInput("This is not a number that fits.", field=at, value=value, fix="a value of the score")
    return float(value)


def _quantile(value: Any, at: str) -> float:
    value = 0.95 if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput("This is not a number that fits.", field=at, value=value, fix="0 to 1")
    return float(value)


def _threshold(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InvalidInput("This is not a number that fits.", field=at, value=value, fix="milliseconds, 0 or more")
    return float(value)


def _score(value: Any, at: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_NAME:
        raise InvalidInput("Say which score.", field=at, value=value)
    return value


def _one_of(known: tuple[str, ...]) -> Any:
    def check(value: Any, at: str) -> str | None:
        if value is not None and value not in known:
            raise InvalidInput(field=at, value=value, fix=f"one of {', '.join(known)}")
        return None if value is None else str(value)

    return check


_SETTINGS: dict[str, Any] = {
    "quantile": _quantile,
    "threshold_ms": _threshold,
    "score": _score,
    "source": _one_of(SOURCES),
    "bucket": _one_of(BUCKETS),
    "below": _line,
    "above": _line,
}
