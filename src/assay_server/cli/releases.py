"""`assay release`: the unit that ships."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import assay
from assay_server.cli import diffs
from assay_server.cli.common import AsJson, Limit, connected, group, names, near, pairs, reference
from assay_server.cli.terminal import answer, emit, hint, say, table, when

app = group("release", "Releases: prompts, model, parameters and retrieval that belong together.")

Ref = Annotated[str, typer.Argument(help="An id, NAME@VERSION, or NAME for the newest.")]


@app.command(epilog="Example: assay release create support --prompt answer=support/answer@2 --model local/smol-2024-11")
def create(
    name: Annotated[str, typer.Argument(help="The release's name; versions are numbered.")],
    prompt: Annotated[list[str], typer.Option("--prompt", "-p", help="ROLE=REF; repeatable.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="PROVIDER/DATED-NAME, never a floating name.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="NAME=VALUE, such as temperature=0.")
    ] = None,
    retrieval: Annotated[str | None, typer.Option("--retrieval", help="A retrieval config's reference.")] = None,
    output_schema: Annotated[
        Path | None, typer.Option("--output-schema", exists=True, dir_okay=False, help="A JSON Schema file.")
    ] = None,
    code_ref: Annotated[str | None, typer.Option("--code-ref", help="The commit it belongs to.")] = None,
    changelog: Annotated[str | None, typer.Option("--changelog", help="The changelog.")] = None,
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment", exists=True, dir_okay=False, help="A 'deployment:' file: model, prompt and retrieval."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Puts a release together. Equal content gives the release that exists already."""
    prompts = pairs(prompt, "--prompt")
    with connected() as client:
        told = {} if deployment is None else _deployment(client, deployment, prompts)
        if not (model or told.get("model")):
            raise typer.BadParameter("is missing: name it, or a --deployment file", param_hint="--model")
        made = client.releases.create(
            name,
            prompts=prompts,
            model=model or told["model"],
            parameters=_parameters(parameter or []) or None,
            output_schema=_schema(output_schema),
            retrieval_config=retrieval or told.get("retrieval_config"),
            code_ref=code_ref,
            changelog=changelog or told.get("changelog"),
        )
    if not emit(made, as_json):
        answer(f"{reference(made)}  {made['id']}  {made['content_hash']}")
        hint(f"assay run DATASET --release {reference(made)} --wait")


@app.command("list", epilog="Example: assay release list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Lists releases, newest first."""
    with connected() as client:
        page = client.releases.list(limit)
    if not emit(page, as_json):
        table(("release", "id", "model", "live on", "verdicts", "created"), [_row(each) for each in page["items"]])
        if not page["items"]:
            hint("assay release create NAME --prompt ROLE=REF --model PROVIDER/DATED-NAME")


@app.command(epilog="Example: assay release show support@3")
def show(ref: Ref, as_json: AsJson = False) -> None:
    """Shows what a release is made of, its verdicts, and where it is live."""
    with connected() as client, near(ref, lambda: known(client)):
        found = client.releases.get(ref)
    if emit(found, as_json):
        return
    config = found.get("retrieval_config")
    rows: list[tuple[str, Any]] = [
        ("release", reference(found)),
        ("id", found["id"]),
        ("hash", found["content_hash"]),
        ("model", found["model"]),
        ("parameters", json.dumps(found.get("parameters") or {})),
        *((f"prompt {role}", reference(prompt)) for role, prompt in found["prompts"].items()),
        ("retrieval", None if config is None else reference(config)),
        ("code", found.get("code_ref")),
        ("changelog", found.get("changelog")),
        ("live on", found.get("live_on")),
        ("created", f"{when(found.get('created_at'))} by {found.get('created_by')}"),
    ]
    table(("part", "value"), rows)
    for verdict in found.get("verdicts") or []:
        say(f"{verdict['id']}  {verdict['verdict']}  {verdict.get('sentence') or ''}")


@app.command(epilog="Example: assay release diff support@1 support@2")
def diff(
    before: Annotated[str, typer.Argument(help="The earlier release.")],
    after: Annotated[str, typer.Argument(help="The later release.")],
    as_json: AsJson = False,
) -> None:
    """Shows what a release changes against another, part by part and word by word."""
    with connected() as client, near(before, lambda: known(client)):
        found = client.releases.diff(before, after)
    if not emit(found, as_json):
        diffs.show_release(found)
        say(str(found.get("summary") or ""))


def known(client: assay.Client) -> list[str]:
    """The names of releases."""
    return names(client.releases.list(500)["items"])


def _deployment(client: assay.Client, file: Path, prompts: dict[str, str]) -> dict[str, Any]:
    """What a deployment file says, its prompt version put into the one prompt named without a version."""
    from assay_server.cli import prompt_files

    found = prompt_files.read(file).deployments
    if not found:
        raise assay.InvalidInput(f"{file} holds no 'deployment:'.", field="deployment", value=str(file))
    told = found[0]
    for role, ref in prompts.items():
        if "@" not in ref and not ref.startswith("prv_"):
            prompts[role] = _version(client, ref, told.prompt_version)
    return {"model": told.model, "retrieval_config": told.retrieval_config_version, "changelog": told.changelog}


def _version(client: assay.Client, name: str, version: str) -> str:
    """The id of the version a file calls `version`: as the file said it when it was pushed, else by number."""
    if "@" in version or version.startswith("prv_"):
        return version
    for each in client.prompts.versions(name):
        if (each.get("metadata") or {}).get("version") == version:
            return str(each["id"])
    return f"{name}@{version.removeprefix('v')}"


def _parameters(values: list[str]) -> dict[str, Any]:
    """Numbers, truth values and lists as JSON; everything else is text."""
    found: dict[str, Any] = {}
    for key, value in pairs(values, "--parameter").items():
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _schema(file: Path | None) -> Any:
    if file is None:
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise assay.InvalidInput(f"{file}: not JSON: {error}", field="output_schema", value=str(file)) from error


def _row(release: assay.Json) -> tuple[Any, ...]:
    verdicts = [verdict["verdict"] for verdict in release.get("verdicts") or []]
    created = when(release.get("created_at"))
    return reference(release), release["id"], release["model"], release.get("live_on"), verdicts, created
