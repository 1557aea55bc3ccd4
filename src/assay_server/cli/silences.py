"""`assay silence`: when nobody is told, once or again and again."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Reason, connected, group, names, near, seconds
from assay_server.cli.terminal import answer, emit, say, table, when

app = group("silence", "Silences: when nobody is notified. Incidents still open.")


@app.command("list", epilog="Example: assay silence list")
def list_(
    past: Annotated[bool, typer.Option("--past", help="Include those that ended.")] = False, as_json: AsJson = False
) -> None:
    """Lists the silences, and which of them are in force now."""
    with connected() as client:
        found = client.silences.list(past=past)
        named = {each["id"]: each["name"] for each in client.monitors.list()} if found and not as_json else {}
    if not emit({"items": found}, as_json):
        columns = ("about", "when", "silent until", "next", "ends", "reason", "silence")
        table(columns, [_row(each, named) for each in found])


@app.command(
    epilog="Example: assay silence add --from 02:00 --until 04:00 --zone Europe/Berlin --reason 'nightly load'"
)
def add(
    reason: Reason,
    *,
    duration: Annotated[str | None, typer.Option("--for", help="Once, from now: 30m, 2h, 1d.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Repeat, from this time of day: 02:00.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Until this time of day: 04:00; may be on the next day.")
    ] = None,
    days: Annotated[
        str | None, typer.Option("--days", help="Weekdays on which it starts: sat,sun; default: every day.")
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="Time zone: Europe/Berlin, UTC, …")] = None,
    monitor: Annotated[str | None, typer.Option("--monitor", help="Only this monitor, by name or id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tells nobody for a while (--for), or at the same times again and again (--from, --until, --zone)."""
    again = _repeats(since, until, days, zone)
    if (duration is None) == (again is None):
        raise typer.BadParameter("say either --for, or --from, --until and --zone")
    minutes = None if duration is None else seconds(duration, "--for") / 60
    with connected() as client:
        made = client.silences.create(None, reason, subject=_subject(client, monitor), repeats=again, minutes=minutes)
    if not emit(made, as_json):
        about = monitor or "everything"
        answer(f"{about} is silent {_times(made)} ({made['id']})")
        if made["next_at"] is not None:
            say(f"next from {when(made['next_at'])}")


@app.command(epilog="Example: assay silence end sil_01k9…")
def end(
    silence: Annotated[str, typer.Argument(metavar="SILENCE", help="Its id, sil_….")], as_json: AsJson = False
) -> None:
    """Ends it now, or for good where it comes again; what waited for it goes out."""
    with connected() as client:
        client.silences.end(silence)
    if not emit({"ended": silence}, as_json):
        answer(f"{silence} has ended")


def _subject(client: assay.Client, monitor: str | None) -> str | None:
    if monitor is None:
        return None
    with near(monitor, lambda: names(client.monitors.list())):
        return str(client.monitors.get(monitor)["id"])


def _repeats(since: str | None, until: str | None, days: str | None, zone: str | None) -> assay.Json | None:
    if since is None and until is None and days is None and zone is None:
        return None
    if since is None or until is None or zone is None:
        raise typer.BadParameter("what comes again needs --from, --until and --zone")
    found: assay.Json = {"from": since, "until": until, "time_zone": zone}
    return found if days is None else {"days": [day.strip().lower() for day in days.split(",")], **found}


def _times(silence: assay.Json) -> str:
    """`sat, sun 02:00–04:00 Europe/Berlin`, or from when until when."""
    again = silence["repeats"]
    if again is None:
        return f"from {when(silence['starts_at'])} until {when(silence['ends_at'])}"
    days = "every day" if len(again["days"]) == 7 else ", ".join(again["days"])
    return f"{days} {again['from']}–{again['until']} {again['time_zone']}"


def _row(silence: assay.Json, named: dict[str, str]) -> tuple[Any, ...]:
    subject = silence["subject"]
    return (
        "everything" if subject is None else named.get(subject, subject),
        _times(silence) if silence["repeats"] else "once",
        when(silence["silent_until"]),
        when(silence["next_at"]),
        when(silence["ends_at"]),
        silence["reason"],
        silence["id"],
    )
