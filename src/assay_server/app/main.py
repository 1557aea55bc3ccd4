"""The command `assay`: everything the CLI does over the API, and the two commands that need the server's code."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from assay_server.cli import app, run

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
    as_json: JSON = False,
) -> None:
    """Start the server and keep it running. The first start prints a sign-in link and an admin key, once."""
    from assay_server.app.config import load
    from assay_server.app.serve import serve

    flags = {"data": data, "host": host, "port": port, "ledger_url": ledger_url, "public_url": public_url}
    serve(load(flags | {"grpc_port": grpc_port, "local_llm": local_llm, "log_level": log_level}), as_json=as_json)


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


def main() -> None:
    """The entry point; its exit code is the answer."""
    from assay_server.core.errors import AssayError, InvalidInput

    try:
        code = run(app)
    except AssayError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"fix: {error.fix}\n" if error.fix else ""))
        code = 2 if isinstance(error, InvalidInput) else 1
    sys.exit(code)


if __name__ == "__main__":
    main()
