"""Figures for Prometheus: what a project has stored, counted from the facts, so that no restart loses any."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from assay_server.query.sql import lines
from assay_server.store import Store

BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

MOST_GROUPS = 500

_TTFT = "Time to the first token, of the calls that say it."
_TOKENS = ("fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning")


@dataclass(slots=True, frozen=True)
class Family:
    """Samples of one name: labels and value. A histogram's are `_bucket`, `_sum` and `_count`, by suffix."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: list[tuple[str, dict[str, str], float]]


@dataclass(slots=True)
class Row:
    """Numbers of one group of facts: `labels` in the order of `LABELS`. One that is not there is unknown, not zero.

    `bin0` and so on count up to each of `BUCKETS_S` and over the one before, the last over all of them.
    """

    labels: tuple[str, ...]
    numbers: dict[str, float]


Rows = dict[str, list[Row]]
"""By table (`LABELS`)."""

LABELS = {
    "spans": ("kind", "status"),
    "used": ("provider", "model"),
    "called": ("provider", "model"),
    "scores": ("name", "source"),
}


class Figures:
    """Reads the figures of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, project: str) -> list[Family]:
        return families(await self.rows(project))

    async def rows(self, project: str) -> Rows:
        found = {"spans": _SPANS, "used": _USED, "called": _CALLED, "scores": _SCORES}
        return {table: [_row(table, row) for row in await self._store.scan(sql, [project])]
                for table, sql in found.items()}  # fmt: skip


def families(rows: Rows) -> list[Family]:
    def told(name: str, about: str, table: str, number: str, kind: Literal["counter", "gauge"] = "counter") -> Family:
        named = [(dict(zip(LABELS[table], row.labels, strict=True)), row.numbers.get(number)) for row in rows[table]]
        return Family(name, kind, about, [("", labels, value) for labels, value in named if value is not None])

    return [
        told("assay_spans_total", "Spans stored.", "spans", "n"),
        _histogram("assay_span_duration_seconds", "How long spans took.", "spans", rows),
        told("assay_calls_total", "Model calls, each counted once.", "used", "n"),
        told("assay_cost_usd_total", "What the calls cost, where it is known.", "used", "usd"),
        told("assay_calls_unpriced_total", "Calls whose cost is unknown.", "used", "unpriced"),
        _tokens(rows["used"]),
        told("assay_calls_failed_total", "Model calls that failed.", "called", "failed"),
        _histogram("assay_time_to_first_token_seconds", _TTFT, "called", rows),
        told("assay_scores_total", "Scores stored.", "scores", "n"),
        told("assay_score_value_sum", "Sum of their values.", "scores", "total", "gauge"),
        told("assay_score_errors_total", "Judgements that failed.", "scores", "errors"),
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
    "FROM counted_calls WHERE project = ? GROUP BY provider, model",
    f"ORDER BY n DESC, model LIMIT {MOST_GROUPS}",
)
_SOONER = f"histogram(ttft_ms, {[edge * 1e3 for edge in BUCKETS_S]}::DOUBLE[]) AS bins"
_CALLED = lines(
    "SELECT provider, model, count(*) FILTER (status = 'error') AS failed, count(ttft_ms) AS n,",
    "coalesce(sum(TRY_CAST(ttft_ms AS DECIMAL(38, 6))), 0)::DOUBLE / 1e3 AS seconds,",
    _SOONER,
    "FROM spans WHERE project = ? AND kind = 'llm'",
    f"GROUP BY provider, model ORDER BY count(*) DESC, model LIMIT {MOST_GROUPS}",
)
_SCORES = lines(
    "SELECT name, source, count(value) AS n, sum(value) AS total, count(error) AS errors FROM scores",
    f"WHERE project = ? GROUP BY name, source ORDER BY name, source LIMIT {MOST_GROUPS}",
)


def _row(table: str, row: dict[str, Any]) -> Row:
    """A row as it was read, its bins as numbers."""
    labels = tuple(row[label] or "" for label in LABELS[table])
    numbers = {name: float(value) for name, value in row.items()
               if name not in {*LABELS[table], "bins"} and value is not None}  # fmt: skip
    if row.get("bins"):
        within = [float(row["bins"][edge]) for edge in sorted(row["bins"])[: len(BUCKETS_S)]]
        numbers |= {f"bin{at}": n for at, n in enumerate([*within, numbers["n"] - sum(within)])}
    return Row(labels, numbers)


def _tokens(rows: list[Row]) -> Family:
    samples = [
        ("", {"model": model, "provider": provider, "bucket": bucket.removesuffix("_tokens")}, row.numbers[bucket])
        for row in rows
        for provider, model in [row.labels]
        for bucket in _TOKENS
        if bucket in row.numbers
    ]
    return Family("assay_tokens_total", "counter", "Tokens by bucket; the buckets do not overlap.", samples)


def _histogram(name: str, about: str, table: str, rows: Rows) -> Family:
    """How many in all is the sum of the bins: so the buckets agree with it whatever became of each."""
    samples: list[tuple[str, dict[str, str], float]] = []
    for row in rows[table]:
        labels = dict(zip(LABELS[table], row.labels, strict=True))
        within = list(accumulate(row.numbers.get(f"bin{at}", 0.0) for at in range(len(BUCKETS_S) + 1)))
        if not within[-1]:
            continue
        edges = [f"{edge:g}" for edge in BUCKETS_S] + ["+Inf"]
        samples += [("_bucket", {**labels, "le": edge}, n) for edge, n in zip(edges, within, strict=True)]
        samples += [("_sum", labels, row.numbers["seconds"]), ("_count", labels, within[-1])]
    return Family(name, "histogram", about, samples)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    """To Prometheus' reader a NUL is the end of the text: one in a model's name cost the whole scrape."""
    return value.replace("\0", "\ufffd").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
