"""`assay audit`, `key` and `incident`."""

import json
from typing import Annotated, Any

import typer

from assay_server.cli.common import AsJson, Limit, connected, group
from assay_server.cli.exits import NO
from assay_server.cli.terminal import answer, emit, hint, safe, say, table, text, when

audit = group("audit", "Who did what, when and why; hash-chained.")
keys = group("key", "API keys of the project.")
incidents = group("incident", "Incidents: what went wrong on live traffic, with the numbers.")


@audit.command("list", epilog="Example: assay audit list --action channel.rollback --since 2026-11-01T00:00:00Z")
def list_audit(
    actor: Annotated[str | None, typer.Option("--actor", help="By whom.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="What was done.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="To what.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="RFC 3339, such as 2026-11-21T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="RFC 3339.")] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="'next' of the previous page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lists audit events, newest first."""
    with connected() as client:
        page = client.audit.list(limit, cursor, actor, action, subject, since, until)
    if not emit(page, as_json):
        columns = ("at", "actor", "action", "subject", "reason")
        table(columns, [(when(e.get("at")), *(e.get(key) for key in columns[1:])) for e in page["items"]])
        say(f"{len(page['items'])} of {page['total']}")
        if page.get("next"):
            hint(f"assay audit list --cursor {page['next']}   (and what this page was narrowed to)")


@audit.command("verify", epilog="Example: assay audit verify")
def verify_audit(as_json: AsJson = False) -> None:
    """Checks the chain of hashes. Exit code 1 where it is broken."""
    with connected() as client:
        found = client.audit.verify()
    broken = found.get("broken")
    if not emit(found, as_json):
        answer(f"{'the chain is whole' if found['ok'] else 'THE CHAIN IS BROKEN'}: {found['checked']} events checked")
        if broken:
            say(f"{broken['id']}: {broken['why']}")
    if not found["ok"]:
        raise typer.Exit(NO)


@keys.command("create", epilog="Example: assay key create my-app --role ingest")
def create_key(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    role: Annotated[str, typer.Option("--role", help="admin, editor, viewer, ingest or score")] = "ingest",
    as_json: AsJson = False,
) -> None:
    """Makes a key. Its secret is shown this once."""
    with connected() as client:
        made = client.keys.create(name, role)
    if not emit(made, as_json):
        answer(str(made["secret"]))
        say(f"{made['id']} ({role}); the secret is not shown again")
        hint("export ASSAY_API_KEY=…   (in the application that uses it)")


@keys.command("list", epilog="Example: assay key list")
def list_keys(as_json: AsJson = False) -> None:
    """Lists the keys, without their secrets."""
    with connected() as client:
        found = client.keys.list()
    if not emit({"items": found}, as_json):
        table(("key", "name", "role", "created", "last used", "revoked"), [_key(each) for each in found])


@keys.command("revoke", epilog="Example: assay key revoke key_01k9zq3v7e8m4t2x6c5b1n0d9f")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's id, key_….")],
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ends a key, at once."""
    with connected() as client:
        client.keys.revoke(key, reason)
    if not emit({"revoked": key}, as_json):
        answer(f"{key} is revoked")


@incidents.command("list", epilog="Example: assay incident list --status open")
def list_incidents(
    status: Annotated[str | None, typer.Option("--status", help="open, acknowledged or resolved")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Lists incidents, newest first."""
    with connected() as client:
        page = client.incidents.list(status, limit)
    if not emit(page, as_json):
        columns = ("incident", "status", "severity", "opened", "title")
        rows = [(i["id"], i["status"], i.get("severity"), when(i.get("opened_at")), i["title"]) for i in page["items"]]
        table(columns, rows)
        if page["items"]:
            hint(f"assay incident show {page['items'][0]['id']}")


@incidents.command("show", epilog="Example: assay incident show inc_01k9zq3v7e8m4t2x6c5b1n0d9f")
def show_incident(
    incident: Annotated[str, typer.Argument(help="The incident's id, inc_….")],
    as_json: AsJson = False,
) -> None:
    """Shows an incident with its evidence and timeline."""
    with connected() as client:
        found = client.incidents.get(incident)
    if emit(found, as_json):
        return
    answer(f"{safe(found['title'])}  ({found['status']}, {found.get('severity')})\n{safe(found.get('sentence') or '')}")
    table(("evidence", "value"), [(name, _evidence(value)) for name, value in (found.get("evidence") or {}).items()])
    rows = [(when(e.get("at")), e.get("what"), e.get("by")) for e in found.get("timeline") or []]
    table(("at", "what", "by"), rows)


def _key(key: dict[str, Any]) -> tuple[Any, ...]:
    return key["id"], key["name"], key["role"], when(key["created_at"]), _last_used(key), when(key["revoked_at"])


def _last_used(key: dict[str, Any]) -> str:
    """A key that is older than the noting of uses may have been used before that."""
    if key["last_used_at"] is not None:
        return when(key["last_used_at"])
    since = key["use_known_since"]
    return "never" if since == key["created_at"] else f"not since {when(since)}"


def _evidence(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else text(value)
