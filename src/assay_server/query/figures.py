"""Figures for Prometheus: what a project has stored, counted from the facts, so that no restart loses any."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from assay_server.query.sql import lines
from assay_server.store import Store

BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_TOKENS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")


@dataclass(slots=True, frozen=True)
class Family:
    """Samples of one name: labels and value. A histogram's are `_bucket`, `_sum` and `_count`, by suffix."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: list[tuple[str, dict[str, str], float]]


class Figures:
    """Reads the figures of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, project: str) -> list[Family]:
        spans = await self._store.scan(_SPANS, [project])
        used = await self._store.scan(_USED, [project])
        called = await self._store.scan(_CALLED, [project])
        scores = await self._store.scan(_SCORES, [project])
        return [
            _family("assay_spans_total", "Spans stored.", spans, ("kind", "status"), "n"),
            _durations(spans),
            _family("assay_calls_total", "Model calls, each counted once.", used, ("provider", "model"), "n"),
            _family(
                "assay_cost_usd_total", "What the calls cost, where it is known.", used, ("provider", "model"), "usd"
            ),
            _family(
                "assay_calls_unpriced_total", "Calls whose cost is unknown.", used, ("provider", "model"), "unpriced"
            ),
            _tokens(used),
            _family("assay_calls_failed_total", "Model calls that failed.", called, ("provider", "model"), "failed"),
            _first_tokens(called),
            _family("assay_scores_total", "Scores stored.", scores, ("name", "source"), "n"),
            _family("assay_score_value_sum", "Sum of their values.", scores, ("name", "source"), "total"),
            _family("assay_score_errors_total", "Judgements that failed.", scores, ("name", "source"), "errors"),
        ]


def exposition(families: list[Family]) -> str:
    """Prometheus' text format, version 0.0.4."""
    told: list[str] = []
    for family in families:
        told += [f"# HELP {family.name} {family.about}", f"# TYPE {family.name} {family.kind}"]
        told += [f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in family.samples]
    return "\n".join(told) + "\n"


# Bins take their upper edge, as Prometheus' buckets do; nine counts with a condition take half as long again.
_WITHIN = f"histogram(end_ns - start_ns, {[int(edge * 1e9) for edge in BUCKETS_S]}::BIGINT[]) AS bins"

_SPANS = lines(
    "SELECT kind, status, count(*) AS n, sum(end_ns - start_ns) / 1e9 AS seconds,",
    _WITHIN,
    "FROM spans WHERE project = ? GROUP BY kind, status ORDER BY kind, status",
)
# A call that names no model costs what it costs: the sum over all of them is the bill.
# Sums are exact: those of floats end in other digits each time they are read, and a counter that is a hair smaller than
# before has begun anew to Prometheus, which then adds all of it once more.
_USED = lines(
    "SELECT provider, model, count(*) AS n, sum(TRY_CAST(cost AS DECIMAL(38, 12)))::DOUBLE AS usd,",
    "count(*) FILTER (cost IS NULL) AS unpriced,",
    ", ".join(f"sum({name}) AS {name}" for name in _TOKENS),
    "FROM counted_calls WHERE project = ? GROUP BY provider, model ORDER BY n DESC, model LIMIT 500",
)
_SOONER = f"histogram(ttft_ms, {[edge * 1e3 for edge in BUCKETS_S]}::DOUBLE[]) AS bins"
_CALLED = lines(
    "SELECT provider, model, count(*) FILTER (status = 'error') AS failed, count(ttft_ms) AS n,",
    "coalesce(sum(TRY_CAST(ttft_ms AS DECIMAL(38, 6))), 0)::DOUBLE / 1e3 AS seconds,",
    _SOONER,
    "FROM spans WHERE project = ? AND kind = 'llm'",
    "GROUP BY provider, model ORDER BY count(*) DESC, model LIMIT 500",
)
_SCORES = (
    "SELECT name, source, count(value) AS n, sum(value) AS total, count(error) AS errors FROM scores"
    " WHERE project = ? GROUP BY name, source ORDER BY name, source LIMIT 500"
)


def _family(name: str, about: str, rows: list[dict[str, Any]], labels: tuple[str, ...], column: str) -> Family:
    """A row without a value (a cost nobody knows) is not told: it is not zero."""
    samples = [
        ("", {label: row[label] or "" for label in labels}, float(row[column]))
        for row in rows
        if row[column] is not None
    ]
    return Family(name, "gauge" if column == "total" else "counter", about, samples)


def _tokens(rows: list[dict[str, Any]]) -> Family:
    samples = [
        (
            "",
            {"model": row["model"] or "", "provider": row["provider"] or "", "bucket": bucket.removesuffix("_tokens")},
            float(row[bucket]),
        )
        for row in rows
        for bucket in _TOKENS
        if row[bucket] is not None
    ]
    return Family("assay_tokens_total", "counter", "Tokens by bucket; the buckets do not overlap.", samples)


def _durations(rows: list[dict[str, Any]]) -> Family:
    return _histogram("assay_span_duration_seconds", "How long spans took.", rows, ("kind", "status"))


def _first_tokens(rows: list[dict[str, Any]]) -> Family:
    about = "Time to the first token, of the calls that say it."
    known = [row for row in rows if row["n"]]
    return _histogram("assay_time_to_first_token_seconds", about, known, ("provider", "model"))


def _histogram(name: str, about: str, rows: list[dict[str, Any]], named: tuple[str, ...]) -> Family:
    """Rows with `bins` (how many up to each of `BUCKETS_S` and over the one before), `n` and the sum `seconds`."""
    samples: list[tuple[str, dict[str, str], float]] = []
    for row in rows:
        labels = {label: row[label] or "" for label in named}
        within = accumulate(row["bins"][edge] for edge in sorted(row["bins"])[: len(BUCKETS_S)])
        samples += [
            ("_bucket", {**labels, "le": f"{edge:g}"}, float(n)) for edge, n in zip(BUCKETS_S, within, strict=True)
        ]
        samples += [
            ("_bucket", {**labels, "le": "+Inf"}, float(row["n"])),
            ("_sum", labels, float(row["seconds"])),
            ("_count", labels, float(row["n"])),
        ]
    return Family(name, "histogram", about, samples)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    """To Prometheus' reader a NUL is the end of the text: one in a model's name cost the whole scrape."""
    return value.replace("\0", "\ufffd").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
