"""`assay monitor` and `assay notify`: what is watched, and who is told."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Reason, connected, group, names, near, seconds
from assay_server.cli.exits import NO
from assay_server.cli.json_files import read_object
from assay_server.cli.monitor_words import metric_of, metric_words, over_words, rule_words, span_words
from assay_server.cli.terminal import answer, emit, hint, safe, say, table, when

app = group("monitor", "Monitors: rules over live traffic that open incidents and notify people.")
notify = group("notify", "Notification channels: Slack, e-mail, PagerDuty, webhooks and others of Apprise.")

Ref = Annotated[str, typer.Argument(metavar="MONITOR", help="Its name, or its id, mon_….")]


@app.command("list", epilog="Example: assay monitor list")
def list_(as_json: AsJson = False) -> None:
    """Lists the monitors with what they say now."""
    with connected() as client:
        found = client.monitors.list()
    if not emit({"items": found}, as_json):
        columns = ("monitor", "status", "severity", "metric", "alarm when", "window", "evaluated")
        table(columns, [_row(each) for each in found])


@app.command(epilog="Example: assay monitor create slow --metric latency --above 2000 --window 15m --filter kind=llm")
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    *,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            "-m",
            help="count, requests, error_rate, latency, latency:p99, slow_rate:2000, cost, tokens:output, score:NAME,"
            " score_rate:NAME<0.5, judgements:NAME, …",
        ),
    ] = None,
    above: Annotated[float | None, typer.Option("--above", help="Alert above this value.")] = None,
    below: Annotated[float | None, typer.Option("--below", help="Alert below this value.")] = None,
    change: Annotated[
        float | None, typer.Option("--change", help="Alert this far from the baseline for the hour and weekday (0.2).")
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Alert when data stops arriving.")] = False,
    objective: Annotated[
        float | None, typer.Option("--objective", help="Alert when the error budget burns too fast (objective: 0.99).")
    ] = None,
    narrow: Annotated[
        list[str] | None, typer.Option("--filter", help="FIELD=VALUE; -FIELD=VALUE excludes; repeatable.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option("--group-by", help="One state per value: user, endpoint, tag:KEY, attribute:KEY, …")
    ] = None,
    window: Annotated[str | None, typer.Option("--window", "-w", help="15m, 1h, 1d", show_default="15m")] = None,
    min_n: Annotated[
        int | None, typer.Option("--min-n", min=0, help="Minimum n; below it the state is unknown.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="The whole definition as JSON; the name above wins."),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--try", help="Create nothing; show how often it would have alerted in the past week.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Watches something from now on; with --try says first what it would have said."""
    if file is not None:
        beside = (metric, above, below, change, objective, narrow, group_by, window, min_n)
        definition = {**_whole(file, alone=not missing and all(each is None for each in beside)), "name": name}
    else:
        definition = {
            "name": name,
            "metric": metric_of(metric),
            "rule": _rule(above, below, change, objective, missing=missing),
            "filter": _filter(narrow or []),
            "window_s": seconds(window or "15m", "--window"),
        }
        definition |= {} if min_n is None else {"min_n": min_n}
        definition |= {} if group_by is None else {"group_by": group_by}
    if rehearse:
        _rehearse(definition, as_json=as_json)
        return
    with connected() as client:
        made = client.monitors.create(definition)
    if not emit(made, as_json):
        answer(
            f"{made['name']} ({made['id']}) looks every {span_words(made['every_s'])} at the last {over_words(made)}"
        )
        hint(f"assay monitor test {made['name']}")


def _rehearse(definition: assay.Json, *, as_json: bool) -> None:
    with connected() as client:
        found = client.monitors.preview(definition)
    if emit(found, as_json):
        return
    times = "once" if found["fired"] == 1 else f"{found['fired']} times"
    blind = f", {found['blind']} of them with too little data" if found["blind"] else ""
    answer(f"It would have rung {times} since {when(found['since'])} ({found['looks']} looks{blind}).")
    for fire in found["fires"]:
        until = "still ringing" if fire["until"] is None else f"until {when(fire['until'])}"
        answer(f"{when(fire['at'])}, {until}: {safe(fire['finding']['sentence'])}")
    for finding in found["findings"]:
        say(f"now {finding['status']}: {safe(finding['sentence'])}")


@app.command(epilog="Example: assay monitor show error-rate")
def show(monitor: Ref, as_json: AsJson = False) -> None:
    """Shows a monitor and each of its groups."""
    with connected() as client, near(monitor, lambda: names(client.monitors.list())):
        found = client.monitors.get(monitor)
    if emit(found, as_json):
        return
    table(("monitor", "status", "severity", "metric", "alarm when", "window", "evaluated"), [_row(found)])
    if found.get("silenced_until"):
        say(f"silenced until {when(found['silenced_until'])}")
    for state in found["states"]:
        answer(f"{state['status']} since {when(state['since'])}: {safe(state['finding']['sentence'])}")


@app.command("test", epilog="Example: assay monitor test error-rate")
def try_out(monitor: Ref, as_json: AsJson = False) -> None:
    """Says what it would say now; nobody is told. Exit code 1 where it would raise an alarm."""
    with connected() as client, near(monitor, lambda: names(client.monitors.list())):
        found = client.monitors.test(monitor)
    findings = found["findings"]
    if not emit(found, as_json):
        for finding in findings:
            answer(f"{finding['status']}: {safe(finding['sentence'])}")
        if not findings:
            say("no data in the window")
    if any(finding["status"] == "alarm" for finding in findings):
        raise typer.Exit(NO)


@app.command(epilog="Example: assay monitor silence error-rate --for 2h --reason 'migration'")
def silence(
    monitor: Ref,
    reason: Reason,
    duration: Annotated[str, typer.Option("--for", help="30m, 2h, 1d")] = "1h",
    as_json: AsJson = False,
) -> None:
    """Tells nobody about it for a while; incidents are opened all the same."""
    with connected() as client, near(monitor, lambda: names(client.monitors.list())):
        made = client.monitors.silence(monitor, seconds(duration, "--for") / 60, reason)
    if not emit(made, as_json):
        answer(f"{monitor} is silent until {when(made['ends_at'])}")


@app.command(epilog="Example: assay monitor delete tokens-per-request")
def delete(monitor: Ref, as_json: AsJson = False) -> None:
    """Ends a monitor; its open incidents are resolved."""
    with connected() as client, near(monitor, lambda: names(client.monitors.list())):
        client.monitors.delete(monitor)
    if not emit({"deleted": monitor}, as_json):
        answer(f"{monitor} is deleted")


@notify.command("list", epilog="Example: assay notify list")
def list_channels(as_json: AsJson = False) -> None:
    """Lists where people are told, without the addresses."""
    with connected() as client:
        found = client.notification_channels.list()
    if not emit({"items": found}, as_json):
        rows = [
            (c["name"], c["service"], c["enabled"], when(c["last_sent_at"]), c["last_error"], c["id"]) for c in found
        ]
        table(("name", "service", "on", "last sent", "last error", "channel"), rows)


@notify.command("add", epilog="Example: assay notify add ops --url - < address.txt")
def add(
    name: Annotated[str, typer.Argument(help="Its name.")],
    url: Annotated[str, typer.Option("--url", help="An Apprise address, or - to read it from stdin.")],
    as_json: AsJson = False,
) -> None:
    """Tells people here from now on. The address is a secret: the server never shows it again."""
    with connected() as client:
        made = client.notification_channels.create(name, sys.stdin.read().strip() if url == "-" else url)
    if not emit(made, as_json):
        answer(f"{made['name']} ({made['service']}) is told from now on")
        hint(f"assay notify test {made['name']}")


@notify.command("test", epilog="Example: assay notify test ops")
def try_channel(name: Annotated[str, typer.Argument(help="Its name.")], as_json: AsJson = False) -> None:
    """Sends a message now. Exit code 1 where it did not arrive."""
    with connected() as client:
        found = client.notification_channels.test(_channel(client, name)["id"])
    if not emit(found, as_json):
        answer("sent" if found["sent"] else f"NOT SENT: {safe(found['error'])}")
    if not found["sent"]:
        raise typer.Exit(NO)


@notify.command("remove", epilog="Example: assay notify remove ops")
def remove(name: Annotated[str, typer.Argument(help="Its name.")], as_json: AsJson = False) -> None:
    """Tells nobody here any more."""
    with connected() as client:
        client.notification_channels.delete(_channel(client, name)["id"])
    if not emit({"removed": name}, as_json):
        answer(f"{name} is removed")


def _channel(client: assay.Client, name: str) -> assay.Json:
    for found in client.notification_channels.list():
        if name in {found["name"], found["id"]}:
            return found
    raise assay.NotFound(f"There is no notification channel '{name}'.", field="name", value=name,
                         fix="see assay notify list")  # fmt: skip


def _row(monitor: assay.Json) -> tuple[Any, ...]:
    metric = monitor["metric"]
    return (
        monitor["name"],
        monitor["status"],
        monitor["severity"],
        metric_words(metric),
        rule_words(monitor["rule"], metric["name"]),
        over_words(monitor),
        when(monitor["evaluated_at"]),
    )


def _whole(file: Path, *, alone: bool) -> assay.Json:
    if not alone:
        raise typer.BadParameter("holds the whole definition: write what else you say into it", param_hint="--file")
    return read_object(file, '{"metric": "latency", "rule": {"kind": "threshold", "above": 2000}, "window_s": 900}')


def _rule(
    above: float | None, below: float | None, change: float | None, objective: float | None, *, missing: bool
) -> assay.Json:
    line = {key: value for key, value in (("above", above), ("below", below)) if value is not None}
    rules: list[assay.Json] = [{"kind": "threshold", **line}] if line else []
    rules += [{"kind": "change", "change": change}] if change is not None else []
    rules += [{"kind": "missing"}] if missing else []
    rules += [{"kind": "burn", "objective": objective}] if objective is not None else []
    if len(rules) != 1:
        raise typer.BadParameter("say one of --above/--below, --change, --missing and --objective")
    return rules[0]


def _filter(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in given:
        field, sign, value = each.partition("=")
        if not sign or not value:
            raise typer.BadParameter(f"'{each}' should look like model=openai/…", param_hint="--filter")
        found.setdefault(field, []).append(value)
    return found
