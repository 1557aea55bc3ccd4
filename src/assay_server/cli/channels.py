"""`assay promote`, `rollback` and `channel`: what is live."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Reason, connected, group, names, near, reference
from assay_server.cli.releases import known
from assay_server.cli.terminal import answer, emit, hint, table, when

app = group("channel", "Channels: production, staging, …: which release is live there.")

Name = Annotated[str, typer.Argument(help="The channel.")]

# Whoever has to undo something at three in the morning should not have to learn of an option first.
_UNSAID = "no reason given"


def promote(
    release: Annotated[str, typer.Argument(help="An id, NAME@VERSION, or NAME for the newest.")],
    to: Annotated[str, typer.Option("--to", help="The channel.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Makes a release live. Refused (exit code 1) without a passing verdict where the channel wants one."""
    with connected() as client, near(release, lambda: known(client)):
        found = client.channels.promote(to, release, reason)
    if not emit(found, as_json):
        answer(f"{to} → {_live(found)}")
        hint(f"assay rollback {to} --reason '…'   (puts the earlier one back)")


def rollback(
    channel: Name,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = _UNSAID,
    to: Annotated[str | None, typer.Option("--to", help="A release; default: the previous one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Puts the earlier release back, at once."""
    with connected() as client, near(channel, lambda: _channels(client)):
        found = client.channels.rollback(channel, reason, to)
    if not emit(found, as_json):
        answer(f"{channel} → {_live(found)}")
        hint(f"assay audit list --subject {channel}")


@app.command("list", epilog="Example: assay channel list")
def list_(as_json: AsJson = False) -> None:
    """Lists channels and what is live on each."""
    with connected() as client:
        page = client.channels.list(500)
    if not emit(page, as_json):
        table(("channel", "release", "canary", "since", "by"), [_row(each) for each in page["items"]])
        if not page["items"]:
            hint("assay channel create production")


@app.command(epilog="Example: assay channel show production")
def show(name: Name, as_json: AsJson = False) -> None:
    """Shows what is live on a channel, and how it came to be."""
    with connected() as client, near(name, lambda: _channels(client)):
        found = client.channels.get(name)
    if not emit(found, as_json):
        table(("channel", "release", "canary", "since", "by"), [_row(found)])
        columns = ("at", "action", "from", "to", "by", "reason")
        table(columns, [_step(each) for each in found.get("history") or []])


@app.command(epilog="Example: assay channel create production")
def create(
    name: Name,
    gate: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Whether promotion requires a passing verdict.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Creates a channel, or changes whether it wants a verdict."""
    with connected() as client:
        found = client.channels.put(name, requires_gate=gate)
    if not emit(found, as_json):
        answer(f"{name} {'wants a passing verdict' if gate else 'takes any release'}")
        hint(f"assay promote RELEASE --to {name} --reason '…'")


def _channels(client: assay.Client) -> list[str]:
    return names(client.channels.list(500)["items"])


def _live(channel: assay.Json) -> str:
    release = channel.get("release")
    return "nothing" if release is None else f"{reference(release)} ({release['id']})"


def _row(channel: assay.Json) -> tuple[Any, ...]:
    canary = channel.get("canary")
    share = None if canary is None else f"{canary['id']} {canary['share']:g} %"
    return channel["name"], _live(channel), share, when(channel.get("since")), channel.get("by")


def _step(step: assay.Json) -> tuple[Any, ...]:
    return when(step.get("at")), *(step.get(key) for key in ("action", "from", "to", "by", "reason"))
