"""`assay sql` and `assay export`: all the facts, in the caller's own way."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import csv
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, connected, filters
from assay_server.cli.terminal import emit, hint, say, table

_KINDS = {"traces", "spans", "scores"}


def sql(
    query: Annotated[str, typer.Argument(metavar="SELECT", help="One SELECT; - reads it from stdin.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many rows.")] = 1000,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    as_json: AsJson = False,
) -> None:
    """Runs one SELECT over the project's facts: spans, calls, traces, scores, run_items, events."""
    text = sys.stdin.read() if query == "-" else query
    with connected() as client:
        found = client.sql.run(text, limit)
    names = [column["name"] for column in found["columns"]]
    if as_csv:
        csv.writer(sys.stdout).writerows([names, *found["rows"]])
    elif not emit(found, as_json):
        table(names, [[_shown(value) for value in row] for row in found["rows"]])
    if found["truncated"]:
        say(f"more than {limit} rows: only the first are shown")
        hint("assay sql … --limit 10000, or aggregate")


def _shown(value: Any) -> Any:
    """A figure as the page of SQL shows it: six decimals from 1 on, so that a sum keeps its cents, six digits below."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value) or abs(value) < 1:
        return f"{value:.6g}"
    return f"{value:.6f}".rstrip("0").rstrip(".")


_ENDINGS = {"": "jsonl", "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "csv": "csv", "parquet": "parquet"}


def export(
    kind: Annotated[str, typer.Argument(help="traces, spans or scores.")],
    to: Annotated[Path | None, typer.Option("--to", "-o", help="A file; default: stdout.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", help="jsonl, csv or parquet.", show_default="what --to ends with, else jsonl"),
    ] = None,
    narrow: Annotated[
        list[str], typer.Option("--where", "-w", help="NAME=VALUE, a filter of the list; repeatable.")
    ] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Writes traces, spans or scores to a file, however many there are. --json tells about it, and wants --to."""
    if kind not in _KINDS:
        raise typer.BadParameter("use traces, spans or scores", param_hint="KIND")
    form = form or _form_of(to)
    if to is None and form == "parquet" and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is not for terminals: say where it should go", param_hint="--to")
    if to is None and as_json:
        raise typer.BadParameter("--json tells about a file: say which", param_hint="--to")
    if to is not None and to.is_dir():
        raise typer.BadParameter(f"{to} is a folder: name a file in it", param_hint="--to")
    with connected() as client:
        if to is None:
            size = client.export(kind, sys.stdout.buffer, form, **filters(narrow, "--where"))
        else:
            size = _to_file(client, kind, to, form, filters(narrow, "--where"))
    if not emit({"kind": kind, "format": form, "to": str(to), "bytes": size}, as_json):
        say(f"{size} bytes of {form} written" + (f" to {to}" if to else ""))


def _form_of(to: Path | None) -> str:
    """What a file's name says of its format: JSON Lines in `traces.csv` or `traces.xlsx` would be found out late."""
    ending = "" if to is None else to.suffix.lower().lstrip(".")
    if ending not in _ENDINGS:
        raise typer.BadParameter(
            f"there is no format '{ending}': end it with .jsonl, .csv or .parquet, or say --format", param_hint="--to"
        )
    return _ENDINGS[ending]


def _to_file(client: assay.Client, kind: str, to: Path, form: str, narrow: dict[str, str | list[str]]) -> int:
    """A file that is not whole does not stay."""
    part = to.with_name(to.name + ".part")
    try:
        with part.open("wb") as out:
            size = client.export(kind, out, form, **narrow)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return size
