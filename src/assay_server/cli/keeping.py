"""`assay retention`, `privacy`, `backup` and `compact`: what is kept and what is let go."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Limit, Reason, connected, group
from assay_server.cli.exits import NO
from assay_server.cli.terminal import answer, emit, hint, say, table, when

retention = group("retention", "How long data is kept; without rules, for ever.")
privacy = group("privacy", "Delete a person or one trace, with a proof.")
backup = typer.Typer(name="backup", help="Backups while the server runs.", rich_markup_mode=None, add_completion=False)

_POLL_S = 0.3
_DAYS = (("metadata", "metadata_days"), ("text", "text_days"), ("scores", "scores_days"), ("runs", "runs_days"))

Environment = Annotated[str | None, typer.Option("--environment", "-e", help="Only this one; default: the project.")]
Days = Annotated[int | None, typer.Option(min=1, max=36_500, show_default="kept")]
User = Annotated[str | None, typer.Option("--user", "-u", help="The user id as it appears in spans.")]
Trace = Annotated[str | None, typer.Option("--trace", "-t", help="One trace, instead of a user.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]


@retention.command("show", epilog="Example: assay retention show")
def show_rules(as_json: AsJson = False) -> None:
    """Shows the rules, and what the last pass took away."""
    with connected() as client:
        found = client.retention.get()
    if emit(found, as_json):
        return
    if not found["rules"]:
        answer("everything is kept")
        hint("assay retention set --metadata 365 --text 30 --reason '…'")
        return
    columns = ("environment", *(name for name, _ in _DAYS))
    table(columns, [(r["environment"] or "all", *(_kept(r.get(field)) for _, field in _DAYS)) for r in found["rules"]])
    say(f"next pass {when(found['next'])}")
    if found["last"]:
        last = found["last"]
        say(f"last pass {when(last['started_at'])}, {last['status']}: {_counts(last['removed'])}")


@retention.command("set", epilog="Example: assay retention set --metadata 365 --text 30 --reason 'our policy'")
def set_rule(
    metadata: Days = None,
    text: Days = None,
    scores: Days = None,
    runs: Days = None,
    environment: Environment = None,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show how much would be deleted now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sets one rule, in place of the one for the same environment. Days that are not given: kept for ever."""
    days = {"metadata_days": metadata, "text_days": text, "scores_days": scores, "runs_days": runs}
    rule = {"environment": environment, **days}
    with connected() as client:
        before = client.retention.get()
        others = [r for r in before["rules"] if r["environment"] != environment]
        rules = [*others, rule] if any(days.values()) else others
        would = client.retention.preview(rules)
        made = would if dry_run else client.retention.put(rules, reason, before.get("revision"))
    if emit(made, as_json):
        return
    answer(f"would take away now: {_counts(would)}")
    if not dry_run:
        say(f"nothing goes before {when(made['applies_from'])}")
        hint("assay retention apply   (now, without the hour)")


@retention.command("apply", epilog="Example: assay retention apply")
def apply(as_json: AsJson = False) -> None:
    """Makes a pass now."""
    with connected() as client:
        asked = client.retention.apply()
    if not emit(asked, as_json):
        answer(f"{asked['id']} has begun")
        hint("assay retention show")


@privacy.command("delete", epilog="Example: assay privacy delete --user u12 --reason 'request of 25 November'")
def delete(
    reason: Reason,
    user: User = None,
    trace: Trace = None,
    datasets: Annotated[str, typer.Option("--datasets", help="keep or erase items made from their spans")] = "keep",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Deletes what is stored of a user, or one trace. Exit code 1 where it failed."""
    with connected() as client:
        if dry_run:
            found = client.deletions.preview(user, trace)
        else:
            made = client.deletions.create(user, reason, datasets, trace)
            found = _deleted(client, made) if wait else made
    if not emit(found, as_json):
        told = "there are" if dry_run else "deleted" if found["status"] == "done" else found["status"]
        answer(f"{told}: {_counts(found['found'])}")
        if dry_run:
            for held in found["held"]:
                say(f"dataset {held['dataset']} holds items made from them: {', '.join(held['items'][:10])}")
        else:
            _tell_remaining(found["remaining"])
            hint(f"assay privacy proof {found['id']} --to proof.json")
    if not dry_run and found["status"] == "failed":
        raise typer.Exit(NO)


@privacy.command("proof", epilog="Example: assay privacy proof del_01k9… --to proof.json")
def proof(
    deletion: Annotated[str, typer.Argument(help="The deletion's id, del_….")],
    to: Annotated[Path | None, typer.Option("--to", help="A file for the whole document.")] = None,
    as_json: AsJson = False,
) -> None:
    """The certificate of a deletion, signed by the audit chain."""
    with connected() as client:
        found = client.deletions.proof(deletion)
    if to is not None:
        to.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"written to {to}")
    if emit(found, as_json) or to is not None:
        return
    answer(f"{found['deletion']} is done since {when(found['done_at'])}; deleted: {_counts(found['deleted'])}")
    table(("what remains", "why"), [(each["where"], each["why"]) for each in found["remaining"]])
    say(f"signed by audit event {found['audit']['event']}")


@privacy.command("list", epilog="Example: assay privacy list")
def list_deletions(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Lists deletions, newest first."""
    with connected() as client:
        page = client.deletions.list(limit)
    if not emit(page, as_json):
        columns = ("deletion", "status", "remains", "asked", "reason")
        table(
            columns, [(d["id"], d["status"], _remains(d), when(d["requested_at"]), d["reason"]) for d in page["items"]]
        )


@backup.callback(invoke_without_command=True, epilog="Example: assay backup --reason 'before the upgrade'")
def make(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = None,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Makes a backup of everything while the server runs, into its --backups folder."""
    if context.invoked_subcommand is not None:
        return
    with connected() as client:
        made = client.backups.create(reason)
        while wait and made["status"] == "running":
            time.sleep(_POLL_S)
            made = client.backups.get(made["id"])
    if not emit(made, as_json):
        _tell_backup(made)
    if made["status"] == "failed":
        raise typer.Exit(NO)


@backup.command("list", epilog="Example: assay backup list")
def list_backups(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Lists backups, newest first."""
    with connected() as client:
        page = client.backups.list(limit)
    if not emit(page, as_json):
        columns = ("backup", "status", "made", "verified", "expires", "where")
        moments = ("made_at", "verified_at", "expires_at")
        rows = [(b["id"], b["status"], *(when(b[name]) for name in moments), b["path"]) for b in page["items"]]
        table(columns, rows)


def compact(as_json: AsJson = False) -> None:
    """Writes the facts anew, without what was deleted. The server goes on meanwhile."""
    with connected() as client:
        asked = client.compactions.create()
    if not emit(asked, as_json):
        answer("it has begun")


def _deleted(client: assay.Client, made: dict[str, Any]) -> dict[str, Any]:
    while made["status"] in {"queued", "running"} and not made["error"]:
        time.sleep(_POLL_S)
        made = client.deletions.get(made["id"])
    return made


def _tell_remaining(remaining: list[dict[str, Any]]) -> None:
    for each in remaining:
        say(f"remains: {each['where']}{_items(each)}: {each['why']}")


def _items(remains: dict[str, Any]) -> str:
    return f" ({', '.join(remains['items'][:10])})" if "items" in remains else ""


def _remains(deletion: dict[str, Any]) -> str:
    if deletion["status"] != "done":
        return "–"
    return ", ".join(each["where"] for each in deletion["remaining"]) or "nothing here"


def _tell_backup(made: dict[str, Any]) -> None:
    if made["status"] == "failed":
        answer(f"{made['id']} failed: {made['error']}")
        return
    answer(made["path"])
    if made["status"] == "done":
        say(f"{made['bytes'] / 1e6:.1f} MB in {made['took_s']:.1f} s: {_counts(made['rows'])}")
        hint(f"assay backup verify {made['path']}   (and keep a copy on another disk)")


def _kept(days: int | None) -> str:
    return "kept" if days is None else f"{days} days"


def _counts(counts: dict[str, Any]) -> str:
    told = [f"{n} {_called(name, n)}" for name, n in counts.items() if isinstance(n, int) and n]
    return ", ".join(told) or "nothing"


def _called(name: str, n: int) -> str:
    """One of `scores` is a score; what has no plural stays."""
    words = name.replace("_", " ")
    return words.removesuffix("s") if n == 1 else words
