"""`assay connect`: the lines that point a client at Assay."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from assay_server.cli import settings
from assay_server.cli.common import AsJson
from assay_server.cli.terminal import answer, emit, hint, say, table
from assay_server.core.connect import Connection, connections

_GRPC_PORT = 4317


def connect(
    client: Annotated[str | None, typer.Argument(help="Which client; without it, which there are.")] = None,
    show_key: Annotated[bool, typer.Option("--show-key", help="Write the key itself, not $ASSAY_API_KEY.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prints what to set in a client so that it sends to Assay: its own documented settings, nothing else."""
    known = {one.client: one for one in connections()}
    if client is None:
        if not emit({"items": [_document(one, one.lines) for one in known.values()]}, as_json):
            table(("client", "what it is"), [(one.client, one.title) for one in known.values()])
            hint("assay connect otel-python")
        return
    if client not in known:
        raise typer.BadParameter(f"use one of {', '.join(known)}", param_hint="CLIENT")
    here = settings.load()
    key = here.api_key if show_key and here.api_key else "$ASSAY_API_KEY"
    lines = known[client].filled(here.url, _grpc(here.url), key)
    if not emit(_document(known[client], lines), as_json):
        for line in lines:
            answer(line)
        if key.startswith("$"):
            say("ASSAY_API_KEY is a key that may write facts")
            hint(f"assay key create {client} --role ingest")


def _document(one: Connection, lines: tuple[str, ...]) -> dict[str, object]:
    return {"client": one.client, "title": one.title, "language": one.language, "lines": list(lines)}


def _grpc(url: str) -> str:
    """OTLP over gRPC on the port it has unless somebody chose another."""
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{_GRPC_PORT}"
