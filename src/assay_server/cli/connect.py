"""`assay connect`: the lines that point a client at Assay."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

import assay
from assay_server.cli import settings
from assay_server.cli.common import AsJson
from assay_server.cli.terminal import answer, emit, hint, say, table
from assay_server.core.connect import Connection, connections

_GRPC_PORT = 4317
_NO_GRPC = "this server takes no OTLP over gRPC: --grpc-port is 0, or the port was taken at its start, as its log says"
_PATIENCE_S = 3.0


def connect(
    client: Annotated[str | None, typer.Argument(help="The client; default: list all.")] = None,
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
    grpc = _grpc(here) if any("{grpc}" in line for line in known[client].lines) else ""
    lines = known[client].filled(here.url, grpc, key)
    if not emit(_document(known[client], lines), as_json):
        for line in lines:
            answer(line)
        if key.startswith("$"):
            say("ASSAY_API_KEY is a key that may write facts")
            hint(f"assay key create {client} --role ingest")


def _document(one: Connection, lines: tuple[str, ...]) -> dict[str, object]:
    return {"client": one.client, "title": one.title, "language": one.language, "lines": list(lines)}


def _grpc(here: settings.Settings) -> str:
    """OTLP over gRPC at the port that the server says; where it does not answer, the one it has by default."""
    parts = urlsplit(here.url)
    host = parts.hostname or "127.0.0.1"
    port = _told_port(here)
    if port == 0:
        raise typer.BadParameter(_NO_GRPC, param_hint="CLIENT")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _told_port(here: settings.Settings) -> int:
    try:
        with assay.Client(here.url, here.api_key, timeout_s=_PATIENCE_S) as client:
            told = client.info().get("grpc_port")
    except assay.AssayError:
        told = None
    return told if isinstance(told, int) else _GRPC_PORT
