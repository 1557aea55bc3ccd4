"""`assay quotas`, `sampling`, `flags`, `exports` and `forwards`: what a project lets in, and what leaves on its own."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Limit, connected, filters, group, names, near, pairs
from assay_server.cli.exits import NO
from assay_server.cli.json_files import read_object
from assay_server.cli.terminal import answer, emit, hint, money, safe, say, table, when
from assay_server.core.words import percent

quotas = group("quotas", "How much a project may send per day and month.")
sampling = group("sampling", "Which spans keep their content.")
flags = group("flags", "Which checks run on live traffic.")
exports = group("exports", "Scheduled exports: a file every hour, day or week, to a folder or S3.")
forwards = group("forwards", "Forward spans to another collector.")

Export = Annotated[str, typer.Argument(metavar="EXPORT", help="Its name, or its id, exp_….")]
Why = Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")]
Rules = Annotated[Path, typer.Argument(help="A JSON file: {rules: […], tail: {…} | null}.")]


@quotas.command("show", epilog="Example: assay quotas show")
def show_quotas(as_json: AsJson = False) -> None:
    """Shows the quotas and how much of each is used."""
    with connected() as client:
        found = client.quotas.get()
    if not emit(found, as_json):
        columns = ("quota", "limit", "used", "share", "state", "resets", "refused")
        table(columns, [_quota(use) for use in found["use"]])


@quotas.command("set", epilog="Example: assay quotas set spans_per_day=5000000 --reason 'the budget of the team'")
def set_quotas(
    limits: Annotated[list[str], typer.Argument(help="QUOTA=N; quotas you leave out have no limit.")],
    warn_at: Annotated[
        float, typer.Option("--warn-at", help="The share of a quota at which people are notified.")
    ] = 0.8,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """Sets the quotas, in place of those there are."""
    given = {name: _whole(name, value) for name, value in pairs(limits, "QUOTA=N").items()}
    with connected() as client:
        found = client.quotas.set(given, warn_at, reason)
    if not emit(found, as_json):
        answer("the quotas hold from the next request on")
        hint("assay quotas show")


@sampling.command("show", epilog="Example: assay sampling show --json > rules.json")
def show_sampling(as_json: AsJson = False) -> None:
    """Shows the rules, the tail, and what waits for a decision."""
    with connected() as client:
        found = client.sampling.get()
    if emit(found, as_json):
        return
    rules = found["rules"]
    table(
        ("rule", "match", "action", "rate"),
        [(r["name"], _words(r["match"]), r["action"], r.get("rate")) for r in rules],
    )
    answer(f"tail: {_words(found['tail'])}" if found["tail"] else "no tail: what no rule names is kept")
    if found["waiting"]["spans"]:
        say(f"{found['waiting']['spans']} spans of {found['waiting']['traces']} traces wait for a decision")


@sampling.command("preview", epilog="Example: assay sampling preview rules.json")
def preview(file: Rules, as_json: AsJson = False) -> None:
    """Says what rules would have done to the spans of the last 24 hours."""
    given = _policy(file)
    with connected() as client:
        found = client.sampling.preview(given["rules"], given["tail"])
    if emit(found, as_json):
        return
    answer(
        f"of {found['spans']} spans ({found['of']} came in all) {found['kept_content']} would have kept their content"
    )
    answer(f"{found['sampled_out']} would have lost it, {found['dropped']} would not have been stored")
    if found.get("lacking"):
        calls, cost = found["lacking"]["calls"], money(found["lacking"]["cost"])
        answer(f"{calls} of these are calls of models ({cost}): they would be in no sum of costs")
    table(("rule", "action", "spans"), [(one["rule"], one["action"], one["spans"]) for one in found["by_rule"]])
    hint(f"assay sampling set {file}")


@sampling.command("set", epilog="Example: assay sampling set rules.json --reason 'health checks fill the disk'")
def set_sampling(file: Rules, reason: Why = None, as_json: AsJson = False) -> None:
    """Sets the rules, in place of those there are."""
    given = _policy(file)
    with connected() as client:
        found = client.sampling.set(given["rules"], given["tail"], reason)
    if not emit(found, as_json):
        answer(f"{len(found['rules'])} rules hold from the next request on")


@flags.command("show", epilog="Example: assay flags show")
def show_flags(as_json: AsJson = False) -> None:
    """Shows the checks, the share of the traces, and what they did today."""
    with connected() as client:
        found = client.flags.get()
    if emit(found, as_json):
        return
    if not found["checks"]:
        answer(f"off; there are: {', '.join(found['available'])}")
        hint(f"assay flags set {' '.join(found['available'])} --share 0.1")
        return
    answer(f"{', '.join(found['checks'])} on {found['share']:.3g} of the traces")
    today = found["today"]
    say(
        f"today {today['scored']} scored, {today['skipped']} did not apply, {today['dropped']} dropped for want of room"
    )


@flags.command("set", epilog="Example: assay flags set toxicity groundedness --share 0.1")
def set_flags(
    checks: Annotated[list[str] | None, typer.Argument(help="The checks; none turns them off.")] = None,
    share: Annotated[float, typer.Option("--share", help="Of the traces, more than 0 and at most 1.")] = 1.0,
    reason: Why = None,
    as_json: AsJson = False,
) -> None:
    """Sets the checks, in place of those there are."""
    with connected() as client:
        found = client.flags.set(list(checks or []), share, reason)
    if not emit(found, as_json):
        answer("off" if not found["checks"] else "the checks look at what comes from now on")


@exports.command("list", epilog="Example: assay exports list")
def list_exports(as_json: AsJson = False) -> None:
    """Lists scheduled exports with their last file."""
    with connected() as client:
        found = client.exports.list()
    if not emit({"items": found}, as_json):
        columns = ("name", "what", "every", "format", "target", "on", "last", "rows", "next")
        table(columns, [_export(one) for one in found])


@exports.command("add", epilog="Example: assay exports add spans --what spans --every day --folder bi")
def add_export(
    name: Annotated[str, typer.Argument(help="Its name.")],
    what: Annotated[str, typer.Option("--what", help="traces, spans or scores.")] = "spans",
    every: Annotated[str, typer.Option("--every", help="hour, day or week; UTC.")] = "day",
    form: Annotated[str, typer.Option("--format", "-f", help="parquet, csv or jsonl.")] = "parquet",
    folder: Annotated[str | None, typer.Option("--folder", help="A folder below the export directory.")] = None,
    s3: Annotated[str | None, typer.Option("--s3", help="bucket/prefix.")] = None,
    s3_setting: Annotated[
        list[str] | None, typer.Option("--s3-setting", help="key_env=, secret_env=, region=, endpoint=; repeatable.")
    ] = None,
    narrow: Annotated[
        list[str] | None, typer.Option("--filter", "-w", help="FIELD=VALUE; -FIELD=VALUE excludes; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Writes a file every hour, day or week; the first at once, of the last whole window."""
    if (folder is None) == (s3 is None):
        raise typer.BadParameter("say one of --folder and --s3")
    target = {"folder": folder} if s3 is None else {"s3": s3, **pairs(s3_setting or [], "--s3-setting")}
    asked = {"name": name, "what": what, "every": every, "format": form, "target": target}
    with connected() as client:
        made = client.exports.create(asked | {"filter": filters(narrow or [], "--filter")})
    if not emit(made, as_json):
        answer(f"{made['name']} ({made['id']}) writes {what} every {every}")
        hint(f"assay exports runs {made['name']}")


@exports.command("runs", epilog="Example: assay exports runs spans")
def export_runs(export: Export, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Lists the files of an export, the newest window first."""
    with connected() as client, near(export, lambda: names(client.exports.list())):
        found = client.exports.runs(export, limit)
    if not emit({"items": found}, as_json):
        columns = ("window", "status", "rows", "bytes", "tries", "file or error")
        table(columns, [_run(one) for one in found])


@exports.command("run", epilog="Example: assay exports run spans --window 2026-11-21T00:00:00Z")
def run_export(
    export: Export,
    window: Annotated[
        str | None, typer.Option("--window", help="A time in the window; default: the last complete window.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Writes the file of one window now, again where it was written."""
    with connected() as client, near(export, lambda: names(client.exports.list())):
        found = client.exports.run(export, window)
    if not emit(found, as_json):
        answer(f"the window from {when(found['window_start'])} is written")
        hint(f"assay exports runs {export}")


@exports.command("remove", epilog="Example: assay exports remove spans")
def remove_export(export: Export, as_json: AsJson = False) -> None:
    """Ends an export; its files stay."""
    with connected() as client, near(export, lambda: names(client.exports.list())):
        client.exports.delete(export)
    if not emit({"removed": export}, as_json):
        answer(f"{export} is removed; its files stay")


@forwards.command("list", epilog="Example: assay forwards list")
def list_forwards(as_json: AsJson = False) -> None:
    """Lists where spans are sent on, and how far behind that is."""
    with connected() as client:
        found = client.forwards.list()
    if not emit({"items": found}, as_json):
        columns = ("name", "endpoint", "state", "waiting", "sent", "rejected", "last error")
        table(columns, [tuple(one[key.replace(" ", "_")] for key in columns) for one in found])


@forwards.command(
    "put", epilog="Example: assay forwards put lake https://otel.example.com -H authorization=env:LAKE_TOKEN"
)
def put_forward(
    name: Annotated[str, typer.Argument(help="Its name.")],
    endpoint: Annotated[str, typer.Argument(help="OTLP over HTTP.")],
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help="NAME=env:VARIABLE; repeatable.")] = None,
    narrow: Annotated[
        list[str] | None, typer.Option("--filter", "-w", help="FIELD=PATTERN; -FIELD=PATTERN excludes; repeatable.")
    ] = None,
    share: Annotated[float, typer.Option("--share", help="Of the traces.")] = 1.0,
    logs: Annotated[bool, typer.Option("--logs", help="Include log records.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sends spans on from now, in place of the forward of that name."""
    headers, wanted = pairs(header or [], "--header"), filters(narrow or [], "--filter")
    with connected() as client:
        signals = ["traces", "logs"] if logs else ["traces"]
        asked = {"endpoint": endpoint, "headers": headers, "filter": wanted, "share": share, "signals": signals}
        made = client.forwards.put(name, asked)
    if not emit(made, as_json):
        answer(f"spans {'and log records ' if logs else ''}are sent on to {safe(made['endpoint'])}")
        hint(f"assay forwards test {name}")


@forwards.command("test", epilog="Example: assay forwards test lake")
def try_forward(name: Annotated[str, typer.Argument(help="Its name.")], as_json: AsJson = False) -> None:
    """Sends an empty request now. Exit code 1 where it was not taken."""
    with connected() as client, near(name, lambda: names(client.forwards.list())):
        found = client.forwards.test(name)
    if not emit(found, as_json):
        answer("taken" if found["ok"] else f"NOT TAKEN: {safe(found['error'])}")
    if not found["ok"]:
        raise typer.Exit(NO)


@forwards.command("remove", epilog="Example: assay forwards remove lake")
def remove_forward(name: Annotated[str, typer.Argument(help="Its name.")], as_json: AsJson = False) -> None:
    """Sends nothing on any more."""
    with connected() as client, near(name, lambda: names(client.forwards.list())):
        client.forwards.delete(name)
    if not emit({"removed": name}, as_json):
        answer(f"{name} is removed")


def _policy(file: Path) -> assay.Json:
    given = read_object(file, "{rules: […], tail: …}")
    return {"rules": given.get("rules", []), "tail": given.get("tail")}


def _whole(name: str, value: str) -> int:
    if not value.isdecimal():
        raise typer.BadParameter(f"'{value}' is no whole number", param_hint=name)
    return int(value)


def _quota(use: assay.Json) -> tuple[Any, ...]:
    share = None if use["share"] is None else percent(use["share"])
    return use["quota"], use["limit"], use["used"], share, use["state"], when(use["resets_at"]), use["refused"]


def _export(one: assay.Json) -> tuple[Any, ...]:
    target, last = one["target"], one["last"] or {}
    place = target.get("folder") or f"s3://{target['s3']}"
    run = (last.get("status"), last.get("rows"), when(one["next_at"]))
    return one["name"], one["what"], one["every"], one["format"], place, one["enabled"], *run


def _run(one: assay.Json) -> tuple[Any, ...]:
    told = one["error"] or one["file"]
    return when(one["window_start"]), one["status"], one["rows"], one["bytes"], one["attempts"], told


def _words(values: assay.Json) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None) or "everything"
