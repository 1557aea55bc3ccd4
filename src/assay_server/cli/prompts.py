"""`assay prompt`: prompts from files, and back."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli import diffs
from assay_server.cli.common import AsJson, connected, group, names, near, reference
from assay_server.cli.terminal import answer, emit, hint, say, table, when

app = group("prompt", "Prompts: immutable versions, from YAML files or the API.")

Ref = Annotated[str, typer.Argument(help="An id, NAME@VERSION, or NAME for the newest.")]


@app.command(epilog="Example: assay prompt push prompts/")
def push(
    path: Annotated[Path, typer.Argument(exists=True, help="A YAML file, or a folder of them.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pushes prompts from YAML files, in both layouts; equal content makes no new version.

    All files are checked before the first is sent.
    """
    from assay_server.cli import prompt_files

    found = prompt_files.read(path)
    for prompt in found.prompts:
        if prompt.metadata.get("literal_braces"):
            say(f"note: {prompt.file}: braces in 'system' that are no {{fields}} are taken literally")
    pushed = [] if dry_run else _push_all(found.prompts)
    if emit({"items": pushed, "checked": len(found.prompts)}, as_json):
        return
    if dry_run:
        answer(f"{len(found.prompts)} prompt(s) are in order, nothing was sent")
    else:
        table(("prompt", "from", "hash"), [(reference(p), p["file"], p["content_hash"][:19]) for p in pushed])
    for deployment in found.deployments:
        hint(f"assay release create NAME --prompt ROLE=NAME --deployment {deployment.file}")
    if pushed and not found.deployments:
        hint(f"assay release create NAME --prompt answer={reference(pushed[-1])} --model PROVIDER/DATED-NAME")


@app.command(epilog="Example: assay prompt pull prompts/ support/answer")
def pull(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where to write; created if missing.")],
    refs: Annotated[list[str] | None, typer.Argument(help="Which prompts; default: all.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes prompts as YAML files, each in the layout it came in."""
    from assay_server.cli import prompt_writing

    with connected() as client:
        wanted = [_get(client, ref) for ref in refs or names(client.prompts.all())]
    texts = {directory / prompt_writing.path_of(prompt): prompt_writing.write(prompt) for prompt in wanted}
    differing = [file for file, text in texts.items() if file.exists() and file.read_text() != text]
    if differing and not force:
        raise assay.Conflict(
            f"These files differ from the server's: {', '.join(map(str, differing))}.", fix="push them, or use --force"
        )
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if not emit({"files": [str(file) for file in texts]}, as_json):
        for file, prompt in zip(texts, wanted, strict=False):
            answer(f"{file}  {reference(prompt)}")


@app.command("list", epilog="Example: assay prompt list")
def list_(as_json: AsJson = False) -> None:
    """Lists prompts with their newest version."""
    with connected() as client:
        found = client.prompts.all()
    if not emit({"items": found}, as_json):
        table(("name", "version", "variables", "created", "by"), [_row(each) for each in found])
        if not found:
            hint("assay prompt push FILE_OR_FOLDER")


@app.command(epilog="Example: assay prompt show support/answer@2")
def show(ref: Ref, as_json: AsJson = False) -> None:
    """Shows one version."""
    with connected() as client:
        found = _get(client, ref)
    if emit(found, as_json):
        return
    table(("prompt", "id", "model", "variables", "created"), [_head(found)])
    for message in _messages(found["template"]):
        answer(f"\n[{message['role']}]\n{message['content']}")
    if found.get("changelog"):
        say(f"\nchangelog: {found['changelog']}")


@app.command(epilog="Example: assay prompt diff support/answer@1 support/answer@2")
def diff(
    before: Annotated[str, typer.Argument(help="The earlier version.")],
    after: Annotated[str, typer.Argument(help="The later version.")],
    as_json: AsJson = False,
) -> None:
    """Shows what changed between two versions, word by word."""
    with connected() as client, near(before, lambda: names(client.prompts.all())):
        found = client.prompts.diff(before, after)
    if not emit(found, as_json):
        diffs.show_prompt(found)


def _push_all(prompts: list[Any]) -> list[assay.Json]:
    pushed = []
    with connected() as client:
        for prompt in prompts:
            made = client.prompts.push(
                prompt.name,
                prompt.template,
                model=prompt.model,
                parameters=prompt.parameters or None,
                changelog=prompt.changelog,
                metadata=prompt.metadata,
            )
            pushed.append({**made, "file": str(prompt.file)})
    return pushed


def _get(client: assay.Client, ref: str) -> assay.Json:
    with near(ref, lambda: names(client.prompts.all())):
        return client.prompts.get(ref)


def _row(prompt: assay.Json) -> tuple[object, ...]:
    created = when(prompt.get("created_at"))
    return prompt["name"], prompt.get("version"), prompt.get("variables"), created, prompt.get("created_by")


def _head(prompt: assay.Json) -> tuple[object, ...]:
    return reference(prompt), prompt["id"], prompt.get("model"), prompt.get("variables"), when(prompt.get("created_at"))


def _messages(template: assay.Json) -> list[assay.Json]:
    ends = [{"role": role, "content": template[role]} for role in ("system", "user") if template.get(role)]
    return (
        ends[:1] + (template.get("messages") or []) + ends[1:]
        if template.get("system")
        else ((template.get("messages") or []) + ends)
    )
