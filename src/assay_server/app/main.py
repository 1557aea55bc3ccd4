"""The command `assay`: everything the CLI does over the API, and the two commands that need the server's code."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assay_server.cli import app, backup, run, speak_unicode

JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Data = Annotated[Path | None, typer.Option(help="Where facts and decisions are kept.", show_default="assay-data")]
Host = Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="The port.", show_default="4600")]


@app.command("up", epilog="Example: assay up --data ./assay-data --port 4600")
def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    grpc_port: Annotated[int | None, typer.Option(help="OTLP over gRPC; 0: off.", show_default="4317")] = None,
    ledger_url: Annotated[str | None, typer.Option(help="Decisions in PostgreSQL.", show_default="SQLite")] = None,
    public_url: Annotated[str | None, typer.Option(help="The address people use.", show_default="http://…")] = None,
    local_llm: Annotated[bool | None, typer.Option("--local-llm", help="Also start the small local LLM.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning, error.", show_default="warning")] = None,
    backups: Annotated[Path | None, typer.Option(help="Where backups go.", show_default="DATA/backups")] = None,
    as_json: JSON = False,
) -> None:
    """Start the server and keep it running. The first start prints a sign-in link and an admin key, once."""
    from assay_server.app.config import load
    from assay_server.app.serve import serve

    flags = {"data": data, "host": host, "port": port, "ledger_url": ledger_url, "public_url": public_url}
    flags |= {"grpc_port": grpc_port, "local_llm": local_llm, "log_level": log_level, "backups": backups}
    serve(load(flags), as_json=as_json)


@app.command("doctor", epilog="Example: assay doctor --port 4600")
def doctor(data: Data = None, host: Host = None, port: Port = None, as_json: JSON = False) -> None:
    """Say what is wrong with this installation and how to fix it. Exit code 1 where the server would not start."""
    from assay_server.app.config import load
    from assay_server.app.doctor import examine, healthy

    findings = examine(load({"data": data, "host": host, "port": port}))
    if as_json:
        rows = [{"about": f.about, "level": f.level, "says": f.says, "fix": f.fix} for f in findings]
        sys.stdout.write(json.dumps({"healthy": healthy(findings), "findings": rows}) + "\n")
    else:
        marks = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}
        for finding in findings:
            fix = f"\n           fix: {finding.fix}" if finding.fix else ""
            sys.stdout.write(f"{marks[finding.level]}  {finding.about}: {finding.says}{fix}\n")
    if not healthy(findings):
        raise typer.Exit(1)


@backup.command("verify", epilog="Example: assay backup verify /var/backups/assay-20261125T172000Z-1n0d9f")
def verify_backup(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that 'assay backup' made.")],
    as_json: JSON = False,
) -> None:
    """Restore a backup into a temporary folder, open it, and compare. Exit code 1 where it is not what it says."""
    from assay_server.keeping import verify

    _tell_manifest(asyncio.run(verify(folder.absolute())), "is whole", folder, as_json=as_json)


@app.command("restore", epilog="Example: assay restore /var/backups/assay-20261125T172000Z-1n0d9f --data ./assay-data")
def restore_backup(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that 'assay backup' made.")],
    data: Annotated[Path, typer.Option(help="The new data directory: missing or empty.")],
    live: Annotated[
        bool,
        typer.Option("--live", help="The original is gone: send messages, forwards and exports immediately."),
    ] = False,
    as_json: JSON = False,
) -> None:
    """Make a data directory from a backup; every file is checked before. Nothing leaves it until you say so."""
    from assay_server.keeping import restore

    manifest = asyncio.run(restore(folder.absolute(), data, live=live))
    _tell_manifest(manifest, f"was restored into {data}", folder, as_json=as_json)
    if not as_json:
        sys.stderr.write(_next_steps(data, dumped=manifest["ledger"] == "ledger.dump"))
        if not live:
            sys.stderr.write(f"then: assay outgoing start, once the original is stopped. {_HELD}\n")


_HELD = "Until then messages, forwards, scheduled exports and runs wait, as both would send them."


def _next_steps(data: Path, *, dumped: bool) -> str:
    if not dumped:
        return f"next: assay up --data {data}\n"
    first = f"pg_restore --no-owner --exit-on-error --dbname=URL {data / 'ledger.dump'}"
    return f"next: {first}, then assay up --data {data} --ledger-url URL (of an empty database)\n"


def _tell_manifest(manifest: dict[str, Any], what: str, folder: Path, *, as_json: bool) -> None:
    from assay_server.keeping import facts_of

    held = facts_of(manifest) or {}
    told = {"version": manifest["version"], "made_at": manifest["made_at"], "rows": held, "ledger": manifest["ledger"]}
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    rows = ", ".join(f"{n} {table.replace('_', ' ')}" for table, n in held.items() if n)
    sys.stdout.write(f"{folder.name} of {manifest['made_at']} {what}: {rows or 'no facts'}\n")


def main() -> None:
    """The entry point; its exit code is the answer."""
    from assay_server.core.errors import AssayError, InvalidInput

    speak_unicode()
    try:
        code = run(app)
    except AssayError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"fix: {error.fix}\n" if error.fix else ""))
        code = 2 if isinstance(error, InvalidInput) else 1
    sys.exit(code)


if __name__ == "__main__":
    main()
