"""`assay dataset` and `assay retrieval`: golden sets, and how documents are found."""

import codecs
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli.common import AsJson, Limit, connected, group, names, near, reference
from assay_server.cli.terminal import answer, emit, hint, say, table, text, when

app = group("dataset", "Golden sets; each version is a content hash.")
retrieval = group("retrieval", "Retrieval configs: embedding model, chunking, index.")

Name = Annotated[str, typer.Argument(help="The dataset's name.")]
Version = Annotated[int | None, typer.Option("--version", "-v", help="Which version; default: the newest.")]

_CELL = 60
_RETRIEVAL_KEYS = frozenset(
    {"embedding_model", "chunking", "top_k", "threshold", "index_version", "index_built_at", "metadata", "name"}
)


@app.command("import", epilog="Example: assay dataset import support-golden golden.jsonl")
def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON Lines, one item a line.")],
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Imports a new version from JSON Lines: {"input": …, "expected"?, "cluster"?, "tags"?, "metadata"?, …}."""
    items = _read(file)
    with connected() as client:
        made = client.datasets.push(name, items, description=description)
    if not emit(made, as_json):
        answer(f"{reference(made)}: {made['items']} items, {made['content_hash']}")
        if made.get("scrubbed"):
            say(f"scrubbed: {text(made['scrubbed'])}")
        hint(f"assay run {reference(made)} --release RELEASE --wait")


@app.command("list", epilog="Example: assay dataset list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Lists datasets."""
    with connected() as client:
        page = client.datasets.list(limit)
    if not emit(page, as_json):
        table(("name", "version", "items", "created"), [_row(each) for each in page["items"]])
        if not page["items"]:
            hint("assay dataset import NAME FILE.jsonl")


@app.command(epilog="Example: assay dataset show support-golden")
def show(name: Name, version: Version = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Shows the first items of a version."""
    with connected() as client, near(name, lambda: names(client.datasets.list(500)["items"])):
        items = client.datasets.items(name, version, limit)
    if not emit({"items": items}, as_json):
        rows = [(i.get("id"), _short(i.get("input")), _short(i.get("expected")), i.get("cluster")) for i in items]
        table(("item", "input", "expected", "cluster"), rows)


@app.command(epilog="Example: assay dataset export support-golden > golden.jsonl")
def export(name: Name, version: Version = None, as_json: AsJson = False) -> None:
    """Writes all items of a version to stdout, as JSON Lines (with --json as one document)."""
    with connected() as client, near(name, lambda: names(client.datasets.list(500)["items"])):
        items = client.datasets.items(name, version)
    if not emit({"items": items}, as_json):
        for item in items:
            answer(json.dumps(item, ensure_ascii=False))


@retrieval.command("push", epilog="Example: assay retrieval push retrieval/minilm.yaml")
def push(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML with the fields of the API.")],
    as_json: AsJson = False,
) -> None:
    """Pushes a retrieval config: name, embedding_model, chunking, top_k, threshold, index_version, index_built_at."""
    from assay_server.cli.yaml_files import read_mapping

    config = read_mapping(file, _RETRIEVAL_KEYS, {"name", "embedding_model"})
    fields = dict(config.fields)
    if isinstance(built := fields.get("index_built_at"), date):  # so YAML reads it
        fields["index_built_at"] = built.isoformat()
    with connected() as client, config.sent():
        made = client.retrieval_configs.push(fields.pop("name"), **fields)
    if not emit(made, as_json):
        answer(f"{reference(made)}  {made['id']}")
        hint(f"assay release create NAME --prompt ROLE=REF --model MODEL --retrieval {reference(made)}")


@retrieval.command("list", epilog="Example: assay retrieval list")
def list_retrieval(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Lists retrieval configs."""
    with connected() as client:
        page = client.retrieval_configs.list(limit)
    if not emit(page, as_json):
        columns = ("name", "version", "embedding_model", "top_k", "threshold", "index_version", "index_built_at")
        table(columns, [[each.get(column) for column in columns] for each in page["items"]])


def _read(file: Path) -> list[assay.Json]:
    """The items; all lines that cannot be read are told at once."""
    items, faults = [], []
    # Not by str.splitlines: a text may hold U+2028 or U+0085, which end a line there and none in JSON Lines.
    for number, line in enumerate(file.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line.decode())
        except UnicodeDecodeError:
            faults.append(f"{file}:{number}: not UTF-8 text")
            continue
        except ValueError as error:
            faults.append(f"{file}:{number}: not JSON: {error}")
            continue
        if isinstance(item, dict):
            items.append(item)
        else:
            faults.append(f'{file}:{number}: an item is an object, such as {{"input": "…"}}')
    if faults:
        told = "\n".join(f"  {fault}" for fault in faults)
        raise assay.InvalidInput(f"{len(faults)} line(s) cannot be read, nothing was sent:\n{told}", field="items")
    return items


def _row(dataset: assay.Json) -> tuple[object, ...]:
    return dataset["name"], dataset.get("version"), dataset.get("items"), when(dataset.get("created_at"))


def _short(value: Any) -> str:
    told = value if isinstance(value, str) else text(None) if value is None else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= _CELL else told[: _CELL - 1] + "…"
