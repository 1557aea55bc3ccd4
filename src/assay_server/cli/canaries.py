"""`assay canary`: a share of live traffic for a candidate, until the evidence decides."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import sys
import time
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Limit, Reason, connected, group, near
from assay_server.cli.exits import INCONCLUSIVE, NO, YES
from assay_server.cli.releases import known
from assay_server.cli.terminal import answer, emit, hint, interval, safe, say, signed, table, text, when

app = group("canary", "Canaries: a candidate on a share of live traffic.")

Id = Annotated[str, typer.Argument(metavar="CANARY", help="Its id, can_…, or the channel it runs on.")]

_CODES = {"promoted": YES, "held": INCONCLUSIVE}


@app.command(epilog="Example: assay canary start production support@4 --score user_feedback=0.05 --steps 20,50")
def start(
    channel: Annotated[str, typer.Argument(help="The channel.")],
    release: Annotated[str, typer.Argument(help="The candidate: an id, NAME@VERSION, or NAME for the newest.")],
    score: Annotated[
        list[str],
        typer.Option("--score", help="NAME=MARGIN to decide by, or NAME=MARGIN:lower if lower is better; repeatable."),
    ],
    steps: Annotated[str | None, typer.Option("--steps", help="Shares in per cent, separated by commas.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="The unit that keeps its arm: user, session, …")] = None,
    alpha: Annotated[float | None, typer.Option("--alpha", help="The error rate you accept.")] = None,
    min_units: Annotated[int | None, typer.Option("--min-units", min=1, help="Units per arm before deciding.")] = None,
    max_units: Annotated[
        int | None, typer.Option("--max-units", min=1, help="Stop deciding after this many units.")
    ] = None,
    error_margin: Annotated[
        float | None, typer.Option("--error-margin", help="Roll back when errors rise by more (0.02: 2 points).")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Starts a canary. The machine advances, holds or rolls back by itself when the evidence is there."""
    with connected() as client, near(release, lambda: known(client)):
        made = client.canaries.start(
            channel,
            release,
            steps=None if steps is None else [_number(step, "--steps") for step in steps.split(",")],
            unit=unit,
            scores=[_score(each) for each in score],
            alpha=alpha,
            min_units=min_units,
            max_units=max_units,
            guardrails=None if error_margin is None else {"error_rate": {"margin": error_margin}},
            reason=reason,
        )
    if not emit(made, as_json):
        answer(f"{made['id']}: {made['share']:g} % of {channel}")
        hint(f"assay canary watch {made['id']}")


@app.command("list", epilog="Example: assay canary list --channel production")
def list_(
    channel: Annotated[str | None, typer.Option("--channel", "-c", help="Only on this channel.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="running, promoted, rolled_back, aborted, held")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Lists canaries, newest first."""
    with connected() as client:
        page = client.canaries.list(channel, status, limit)
    if not emit(page, as_json):
        table(("canary", "channel", "status", "share", "candidate", "started"), [_row(each) for each in page["items"]])


@app.command(epilog="Example: assay canary show production")
def show(canary: Id, as_json: AsJson = False) -> None:
    """Shows a canary with its evidence so far."""
    with connected() as client:
        found = _find(client, canary)
    if not emit(found, as_json):
        _tell(found)


@app.command(epilog="Example: assay canary watch production")
def watch(
    canary: Id,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between checks.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Follows a canary to its decision. Exit code 0 promoted, 1 rolled back or aborted, 4 held for a person."""
    told = ""
    with connected() as client:
        identity = _find(client, canary)["id"]
        while (found := client.canaries.get(identity))["status"] == "running":
            line = _line(found)
            if line != told:
                say(line)
            told = line
            time.sleep(every)
    if not emit(found, as_json):
        _tell(found)
    raise typer.Exit(_CODES.get(found["status"], NO))


@app.command(epilog="Example: assay canary abort production --reason 'wrong candidate'")
def abort(canary: Id, reason: Reason, as_json: AsJson = False) -> None:
    """Ends a canary without a decision; the baseline stays."""
    with connected() as client:
        found = client.canaries.abort(_find(client, canary)["id"], reason)
    if not emit(found, as_json):
        answer(f"{found['id']} is {found['status']}")


def _find(client: assay.Client, canary: str) -> assay.Json:
    """By id, or the newest on a channel."""
    if canary.startswith("can_"):
        return client.canaries.get(canary)
    found = client.canaries.list(channel=canary, limit=1)["items"]
    if not found:
        raise assay.NotFound(
            f"There is no canary on '{canary}'.", field="canary", value=canary, fix="see assay canary list"
        )
    return found[0]


def _tell(canary: assay.Json) -> None:
    units = canary.get("units") or {}
    table(("canary", "channel", "status", "share", "candidate", "started"), [_row(canary)])
    answer(f"units: baseline {text(units.get('baseline'))}, candidate {text(units.get('candidate'))}; "
           f"split as planned: p = {text(canary.get('srm_p'))}")  # fmt: skip
    columns = ("score", "n baseline", "n candidate", "baseline", "candidate", "difference", "ci", "margin", "decision")
    table(columns, [_metric(each) for each in canary.get("metrics") or []])
    decision = canary.get("decision")
    if decision:
        answer(f"{decision['action']}: {safe(decision['sentence'])}")
    elif sys.stdout.isatty():
        hint(f"assay canary watch {canary['id']}")


def _line(canary: assay.Json) -> str:
    units = canary.get("units") or {}
    figures = [
        f"{each['name']} {signed(each.get('difference'))} {interval(each.get('ci'))} margin {text(each['margin'])}"
        for each in canary.get("metrics") or []
    ]
    share = (
        f"{canary['status']} {canary['share']:g} %, units {text(units.get('baseline'))}/{text(units.get('candidate'))}"
    )
    return "; ".join([share, *figures])


def _metric(metric: assay.Json) -> tuple[Any, ...]:
    n, mean = metric.get("n") or {}, metric.get("mean") or {}
    return (
        metric["name"],
        n.get("baseline"),
        n.get("candidate"),
        mean.get("baseline"),
        mean.get("candidate"),
        signed(metric.get("difference")),
        interval(metric.get("ci")),
        metric.get("margin"),
        metric.get("decision"),
    )


def _row(canary: assay.Json) -> tuple[Any, ...]:
    started = when(canary.get("started_at"))
    share = f"{canary['share']:g} %"
    return canary["id"], canary["channel"], canary["status"], share, _release(canary.get("candidate")), started


def _release(release: Any) -> Any:
    return f"{release['name']}@{release['version']}" if isinstance(release, dict) else release


def _score(value: str) -> assay.Json:
    name, sign, margin = value.partition("=")
    if not sign:
        raise typer.BadParameter(f"'{value}' should look like user_feedback=0.05", param_hint="--score")
    margin, colon, direction = margin.partition(":")
    if colon and direction not in {"higher", "lower"}:
        raise typer.BadParameter(f"'{direction}' should be higher or lower", param_hint="--score")
    found: assay.Json = {"name": name, "margin": _number(margin, "--score")}
    return found | ({"direction": direction} if colon else {})


def _number(value: str, option: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise typer.BadParameter(f"'{value}' is not a number", param_hint=option) from error
