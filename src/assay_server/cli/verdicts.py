"""How runs and verdicts look on a terminal."""

import sys
from typing import Any

import assay
from assay_server.cli.exits import INCONCLUSIVE, NO, YES
from assay_server.cli.terminal import answer, colour, interval, milliseconds, money, safe, say, signed, table, text

CODES = {"pass": YES, "fail": NO, "inconclusive": INCONCLUSIVE}
_COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def show(verdict: assay.Json) -> None:
    """Each metric with its n, the difference, its interval, the bound and the margin; then the verdict's sentence."""
    if not verdict["metrics"]:
        answer(_sentence(verdict))
        return
    columns = ("metric", "against", "n", "errors", "value", "baseline", "difference", "ci", "bound", "limit", "verdict")
    table(columns, [_metric(each) for each in verdict["metrics"]])
    for each in verdict["metrics"]:
        if each["verdict"] != "pass" and each.get("sentence"):
            say(f"· {safe(each['sentence'])}")
    answer(_sentence(verdict))


def _sentence(verdict: assay.Json) -> str:
    """Its first word is the verdict's own: it stands in capitals and in its colour."""
    opening, _, rest = (verdict.get("sentence") or "").partition(": ")
    return f"{coloured(verdict['verdict'])}: {safe(rest or opening)}"


def show_run(run: assay.Json) -> None:
    """A run's scores, each with its n, errors and interval."""
    rows = [
        (name, score.get("n"), score.get("errors"), _figure(score.get("mean")), interval(score.get("ci")))
        for name, score in (run.get("scores") or {}).items()
    ]
    table(("metric", "n", "errors", "mean", "95% ci"), rows)
    latency = run.get("latency_ms") or {}
    progress = run.get("progress") or {}
    say(
        f"{run['id']}: {run['status']}, {progress.get('done')} of {progress.get('total')} items, "
        f"{progress.get('errors')} errors, cost {money(run.get('cost'))}, "
        f"latency p50 {milliseconds(latency.get('p50'))}, p95 {milliseconds(latency.get('p95'))}"
    )


def coloured(verdict: str) -> str:
    """A verdict in its colour."""
    return colour(verdict.upper(), _COLOURS.get(verdict, "white"), sys.stdout)


def _metric(metric: assay.Json) -> tuple[Any, ...]:
    bar = metric.get("kind") == "bar"
    limit = metric.get("bar") if bar else metric.get("margin")
    return (
        metric["metric"],
        metric.get("kind"),
        metric.get("n"),
        metric.get("errors"),
        _figure(metric.get("value")),
        _figure(metric.get("baseline")),
        signed(metric.get("difference")),
        interval(metric.get("ci")),
        signed(metric.get("bound")),
        None if limit is None else f"{'bar' if bar else 'margin'} {text(limit)}",
        coloured(metric["verdict"]),
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}".replace("-", "−")
