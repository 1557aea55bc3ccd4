"""Langfuse's prompts, read from Assay's registry: numbers are versions, labels are channels.

A label is not something one sets here: `latest` is the newest version, any other label is the channel of that name, and
holds the version that the channel's live release names. What is live goes through gates, so no label is written: one
that the version holds already is confirmed, any other is refused with the release to promote.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.status import HTTP_201_CREATED

from assay_server.api.auth import principal
from assay_server.api.dialects.bodies import json_body, required, text, texts_in
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.templates import from_langfuse, to_langfuse
from assay_server.api.openapi import answers
from assay_server.api.services import Services, services
from assay_server.core.errors import InvalidInput, NotFound, Refused
from assay_server.core.ports import Principal

router = APIRouter(prefix="/v2/prompts", route_class=LangfuseRoute)

Resolver = Annotated[Principal, Depends(principal("resolve"))]
Writer = Annotated[Principal, Depends(principal("write"))]

Document = Mapping[str, Any]

_NEWEST = "latest"
_LOOKED_AT = 200  # newest releases
_DEFAULT = "production"  # what Langfuse serves where no label is asked for


@router.get("/{name:path}", summary="Langfuse: one version of a prompt, by label or number")
async def get(
    request: Request,
    name: str,
    caller: Resolver,
    label: Annotated[str | None, Query(max_length=200)] = None,
    version: Annotated[int | None, Query(ge=1, lt=10**9)] = None,
) -> dict[str, Any]:
    """Without either: what is live on `production`; the newest, where no release there names this prompt.

    Raises NotFound (which evicts it from the SDK's cache) telling which labels there are.
    """
    if label is not None and version is not None:
        raise InvalidInput("Ask for a label or for a version.", field="label", value=label, fix="leave one out")
    found = await services(request).prompts.versions(caller.project, name)
    labels = _labels(await services(request).channels.list(caller.project), found)
    number = version if version is not None else _labelled(name, label, labels)
    return _shown(_version(found, name, number), labels, caller.project)


@router.post(
    "",
    status_code=HTTP_201_CREATED,
    responses=answers("application/json", status=HTTP_201_CREATED),
    summary="Langfuse: push a version of a prompt",
)
async def push(request: Request, caller: Writer) -> dict[str, Any]:
    """Equal content is the same version. Raises Refused for labels: a prompt goes live with a release."""
    body = await json_body(request)
    name = required(body, "name")
    _refuse_labels(texts_in(body, "labels"))
    config = body.get("config") or {}
    if not isinstance(config, dict):
        raise InvalidInput("'config' is an object here.", field="config", value=str(config)[:80])
    model = config.get("model")
    tags = texts_in(body, "tags")
    made, _ = await services(request).prompts.create(
        caller.project,
        caller.actor,
        name=name,
        template=from_langfuse(body),
        model=model if isinstance(model, str) else None,
        parameters={key: value for key, value in config.items() if key != "model" or not isinstance(value, str)},
        changelog=text(body, "commitMessage"),
        metadata={"tags": tags} if tags else {},
    )
    found = await services(request).prompts.versions(caller.project, name)
    return _shown(made, _labels(await services(request).channels.list(caller.project), found), caller.project)


@router.patch("/{name:path}/versions/{version}", summary="Langfuse: set the labels of a version")
async def label(request: Request, caller: Writer, name: str, version: int) -> dict[str, Any]:
    """The version, where it holds these labels already. Raises Refused for any other: it would go around the gate."""
    told = texts_in(await json_body(request), "newLabels")
    rooms = services(request)
    found = await rooms.prompts.versions(caller.project, name)
    chosen = _version(found, name, version)
    labels = _labels(await rooms.channels.list(caller.project), found)
    for one in told:
        if labels.get(one) != version:
            raise await _refusal(rooms, caller.project, chosen, one)
    return _shown(chosen, labels, caller.project)


async def _refusal(rooms: Services, project: str, prompt: Document, label: str) -> Refused:
    named = f"{prompt['name']}@{prompt['version']}"
    if label == _NEWEST:
        return Refused(
            f"'{_NEWEST}' is always the newest version, and '{named}' is not.",
            field="newLabels",
            value=label,
            fix="push its content again with a change, or ask for it by its number",
        )
    releases, _, _ = await rooms.releases.list(project, limit=_LOOKED_AT)
    with_it = next((one for one in releases if _names(one, prompt["id"])), None)
    promote = "assay promote {} --to {} --reason …, once a gate has passed it"
    release = "RELEASE" if with_it is None else f"{with_it['name']}@{with_it['version']}"
    first = f"make a release with {named}, then: " if with_it is None else ""
    return Refused(
        f"The label '{label[:60]}' is the channel of that name: a prompt goes live there with a release that passed "
        "its gate, not by a label.",
        field="newLabels",
        value=label[:200],
        fix=first + promote.format(release, label[:60]),
    )


def _names(release: Document, prompt: str) -> bool:
    return any(one["id"] == prompt for one in release["prompts"].values())


def _version(found: Sequence[Document], name: str, number: int) -> Document:
    chosen = next((one for one in found if one["version"] == number), None)
    if chosen is None:
        newest = found[0]["version"]
        told = f"'{name}' has no version {number}."
        raise NotFound(told, field="version", value=number, fix=f"its newest is {newest}")
    return chosen


def _labels(channels: Sequence[Document], versions: Sequence[Document]) -> dict[str, int]:
    """The version that each label means. `versions` come newest first.

    A channel whose release has the prompt in two versions means neither.
    """
    found = {}
    for channel in channels:
        named = (channel["release"] or {"prompts": {}})["prompts"].values()
        numbers = {prompt["version"] for prompt in named if prompt["name"] == versions[0]["name"]}
        if len(numbers) == 1:
            found[channel["name"]] = numbers.pop()
    return found | {_NEWEST: versions[0]["version"]}


def _labelled(name: str, label: str | None, labels: Mapping[str, int]) -> int:
    if label is None:
        return labels.get(_DEFAULT, labels[_NEWEST])
    if label not in labels:
        raise NotFound(
            f"'{name}' has no label '{label}': labels are channels whose live release names the prompt, and 'latest'.",
            field="label",
            value=label,
            fix=f"use one of {', '.join(sorted(labels))}, or promote a release with it to the channel",
        )
    return labels[label]


def _shown(prompt: Document, labels: Mapping[str, int], project: str) -> dict[str, Any]:
    """A prompt that has nothing but what the user says is a text, any other a chat."""
    messages = to_langfuse(prompt["template"], prompt["variables"])
    is_text = set(prompt["template"]) == {"user"}
    tags = prompt["metadata"].get("tags")
    model = {} if prompt["model"] is None else {"model": prompt["model"]}
    return {
        "id": prompt["id"],
        "projectId": project,
        "name": prompt["name"],
        "version": prompt["version"],
        "type": "text" if is_text else "chat",
        "prompt": messages[0]["content"] if is_text else messages,
        "labels": sorted(label for label, version in labels.items() if version == prompt["version"]),
        "tags": tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else [],
        "config": prompt["parameters"] | model,
        "commitMessage": prompt["changelog"] if isinstance(prompt["changelog"], str) else None,
        "resolutionGraph": None,
        "createdAt": prompt["created_at"],
        "updatedAt": prompt["created_at"],
        "createdBy": prompt["created_by"],
    }


def _refuse_labels(labels: Sequence[str]) -> None:
    told = [label for label in labels if label != _NEWEST]
    if told:
        raise Refused(
            "A label is not set on a prompt here: it goes live with a release.",
            field="labels",
            value=", ".join(told)[:200],
            fix=f"push it without labels, then promote a release that names it to the channel '{told[0][:60]}'",
        )
