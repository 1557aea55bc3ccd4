"""`assay dashboard`: what they show, and their files in git."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, connected, filters, group, names, near
from assay_server.cli.exits import NO
from assay_server.cli.terminal import answer, emit, hint, interval, safe, say, table, when
from assay_server.core.words import percent

app = group("dashboard", "Dashboards: included ones and your own, as YAML in git.")

Name = Annotated[str, typer.Argument(metavar="DASHBOARD", help="Its name.")]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="YAML files, or folders of them.", exists=True)]

_RANGES = {"1h": 1, "6h": 6, "24h": 24, "7d": 168, "30d": 720, "90d": 2160}


@app.command("list", epilog="Example: assay dashboard list")
def list_(as_json: AsJson = False) -> None:
    """Lists the dashboards, ready-made ones first."""
    with connected() as client:
        found = client.dashboards.list()
    if not emit({"items": found}, as_json):
        rows = [
            (one["name"], one["title"], one["panels"], "ready made" if one["ready_made"] else when(one["updated_at"]))
            for one in found
        ]
        table(("dashboard", "title", "panels", "saved"), rows)


@app.command(epilog="Example: assay dashboard show performance --range 7d -w model=openai/gpt-5")
def show(
    name: Name,
    range_name: Annotated[
        str | None, typer.Option("--range", help="1h, 6h, 24h, 7d, 30d or 90d back from now.")
    ] = None,
    narrow: Annotated[list[str] | None, typer.Option("--where", "-w", help="FIELD=VALUE; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the figures of every panel over its range."""
    with connected() as client, near(name, lambda: names(client.dashboards.list())):
        found = client.dashboards.get(name)
        until = datetime.now(UTC)
        since = until - timedelta(hours=_hours(range_name or found["range"]))
        edges = since.isoformat(), until.isoformat()
        filter_ = filters(narrow or [], "--where")
        shown = [{"panel": panel, "shows": client.dashboards.read(panel, *edges, filter_)} for panel in found["panels"]]
    if not emit({"dashboard": name, "panels": shown}, as_json):
        rows = [row for each in shown for row in _rows(each["panel"], each["shows"])]
        table(("panel", "of", "value", "95 % interval", "n", "unknown"), rows)


@app.command(epilog="Example: assay dashboard export performance > dashboards/performance.yaml")
def export(
    name: Annotated[str | None, typer.Argument(metavar="[DASHBOARD]", help="Its name; without one, all.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="A folder; one file per dashboard.")] = None,
    as_json: AsJson = False,
) -> None:
    """Writes dashboards as YAML: to stdout, or each into a file of a folder."""
    if name is None and to is None:
        raise typer.BadParameter("name a dashboard, or a folder with --to", param_hint="DASHBOARD")
    with connected() as client, near(name or "", lambda: names(client.dashboards.list())):
        wanted = [name] if name is not None else [one["name"] for one in client.dashboards.list()]
        found = [client.dashboards.get(each) for each in wanted]
    if to is None:
        if not emit(found[0], as_json):
            answer(found[0]["yaml"].rstrip("\n"))
        return
    to.mkdir(parents=True, exist_ok=True)
    for one in found:
        (to / f"{one['name']}.yaml").write_text(one["yaml"], "utf-8")
        say(f"{one['name']}.yaml")
    if not emit({"files": [str(to / f"{one['name']}.yaml") for one in found]}, as_json):
        hint(f"assay dashboard diff {to}")


@app.command(epilog="Example: assay dashboard diff dashboards/")
def diff(paths: Paths, as_json: AsJson = False) -> None:
    """Shows what `apply` would change. Exit code 1 where it would change something."""
    with connected() as client:
        changes = _changes(client, paths)
    if not emit(
        {"items": [{"name": each.name, "file": str(each.file), "diff": each.lines} for each in changes]}, as_json
    ):
        for each in changes:
            for line in each.lines:
                answer(safe(line))
        say(f"{sum(each.is_change for each in changes)} of {len(changes)} would change")
    if any(each.is_change for each in changes):
        raise typer.Exit(NO)


@app.command(epilog="Example: assay dashboard apply dashboards/")
def apply(paths: Paths, as_json: AsJson = False) -> None:
    """Saves the dashboards of the files; none where one is wrong. Those without a file stay as they are."""
    with connected() as client:
        changes = _changes(client, paths)
        for each in changes:
            if each.is_change:
                client.dashboards.put(each.name, each.definition)
    if not emit({"items": [{"name": each.name, "changed": each.is_change} for each in changes]}, as_json):
        for each in changes:
            answer(f"{each.name}: {'saved' if each.is_change else 'as it was'}")


@app.command(epilog="Example: assay dashboard delete my-team")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Deletes one of the project's own; a ready-made one of that name is back."""
    with connected() as client, near(name, lambda: names(client.dashboards.list())):
        client.dashboards.delete(name)
    if not emit({"deleted": name}, as_json):
        answer(f"{name} is deleted")


class _Change:
    """A file beside what the server has."""

    def __init__(self, file: Path, parsed: assay.Json, now: assay.Json | None) -> None:
        self.file = file
        self.name = str(parsed["name"])
        self.definition = {key: parsed[key] for key in ("title", "description", "range", "variables", "panels")}
        old = [] if now is None else now["yaml"].splitlines()
        new = parsed["yaml"].splitlines()
        self.lines = list(difflib.unified_diff(old, new, f"server/{self.name}", str(file), lineterm=""))

    @property
    def is_change(self) -> bool:
        return bool(self.lines)


def _changes(client: assay.Client, paths: Sequence[Path]) -> list[_Change]:
    """Every file is read and checked before anything is said of one. Raises InvalidInput with all faults."""
    faults: list[str] = []
    found: dict[str, _Change] = {}
    known = {one["name"] for one in client.dashboards.list()}
    for file in _files(paths):
        try:
            parsed = client.dashboards.parse(file.read_text("utf-8"), file.stem)
        except UnicodeDecodeError:
            faults.append(f"{file}: not UTF-8 text.")
            continue
        except assay.InvalidInput as error:
            fix = f" Fix: {error.fix}." if error.fix else ""
            faults.append(f"{file}: {error.where or error.field}: {error.message}{fix}")
            continue
        name = parsed["name"]
        if name in found:
            faults.append(f"{file}: name: {found[name].file} is called '{name}' too.")
            continue
        found[name] = _Change(file, parsed, client.dashboards.get(name) if name in known else None)
    if faults:
        raise assay.InvalidInput("\n".join(faults), field="files", fix="nothing was changed; correct these files")
    return list(found.values())


def _files(paths: Sequence[Path]) -> list[Path]:
    found = [
        file
        for path in paths
        for file in ([path] if path.is_file() else sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]))
    ]
    if not found:
        told = ", ".join(map(str, paths))
        raise assay.InvalidInput(f"No YAML file at {told}.", field="path", value=told, fix="name a .yaml file")
    return found


def _hours(name: str) -> int:
    if name not in _RANGES:
        raise typer.BadParameter(f"'{name}' should be one of {', '.join(_RANGES)}", param_hint="--range")
    return _RANGES[name]


def _rows(panel: assay.Json, shows: assay.Json) -> list[tuple[Any, ...]]:
    """A line for each series; a report is its sentence."""
    if shows["type"] == "series":
        return [
            (
                panel["title"],
                _of(one),
                _amount(one),
                interval(one["total"]["ci"]),
                one["total"]["n"],
                one["total"]["unknown"],
            )
            for one in shows["series"]
        ]
    if shows["type"] == "histogram":
        return [
            (panel["title"], _of(one), f"median {_in(one['p50'], shows['unit'])}", None, one["n"], one["unknown"])
            for one in shows["series"]
        ]
    if shows["type"] == "questions":
        return [(panel["title"], one["label"], percent(one['share'], 1), interval(one["ci"]), one["n"], None)
                for one in shows["clusters"]]  # fmt: skip
    if shows["type"] == "rows":
        return [(panel["title"], ", ".join(map(str, row)), None, None, None, None) for row in shows["rows"][:10]]
    return [(panel["title"], shows["sentence"], None, None, None, None)]


def _of(series: assay.Json) -> str:
    group = f"{series['others']} more" if series["others"] else series["group"]
    return series["label"] if group is None else f"{series['label']}, {group}"


def _amount(series: assay.Json) -> str | None:
    value = series["total"]["value"]
    return None if value is None else _in(value, series["unit"])


def _in(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:,.6g} {unit}".rstrip()
