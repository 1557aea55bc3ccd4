"""Prompt versions: immutable, told apart by their content."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.ids import content_hash
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.registry import versions
from assay_server.registry.fields import check_json, check_name, check_schema, check_text
from assay_server.registry.templates import parts_of, variables_of
from assay_server.registry.versions import Kind
from assay_server.registry.words import word_diff

PROMPTS = Kind(tables.registry.prompt_versions, "prv", "prompt")

Page = tuple[list[dict[str, Any]], int, str | None]


class Prompts:
    """Prompt versions of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock

    async def create(
        self,
        project: str,
        actor: str,
        *,
        name: str,
        template: Mapping[str, Any],
        model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        output_schema: Any = None,
        changelog: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """The version with this content, and whether it is new. Raises InvalidInput naming the field.

        Content is the template, the model, the parameters and the output schema; a changelog is about it.
        """
        check_name(name)
        content = {
            "template": check_json(dict(template), "template"),
            "model": None if model is None else check_text(model, "model", 300),
            "parameters": check_json(dict(parameters or {}), "parameters"),
            "output_schema": check_schema(output_schema),
        }
        about = {
            "changelog": check_json(changelog, "changelog"),
            "metadata": check_json(dict(metadata or {}), "metadata"),
        }
        variables = variables_of(template)
        hashed = content_hash(content)

        def write(connection: Connection) -> tuple[dict[str, Any], bool]:
            known = versions.existing(connection, PROMPTS, project, name, hashed)
            if known is not None:
                return prompt_json(known), False
            made = {"content_hash": hashed, "variables": variables, "created_ns": self._clock.now_ns()}
            row = versions.add(connection, PROMPTS, project, name, {**content, **about, **made, "created_by": actor})
            told = {"name": name, "version": row.version, "content_hash": hashed}
            self._audit.append(
                connection, project=project, actor=actor, action=PROMPTS.action, subject=row.id, after=told
            )
            return prompt_json(row), True

        return await self._ledger.write(write)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """One version. Raises NotFound."""
        return await self._ledger.read(lambda c: prompt_json(versions.find(c, PROMPTS, project, ref)))

    async def versions(self, project: str, name: str) -> list[dict[str, Any]]:
        """All versions of a prompt, newest first. Raises NotFound."""
        return await self._ledger.read(
            lambda c: [prompt_json(row) for row in versions.all_of(c, PROMPTS, project, name)]
        )

    async def list(self, project: str, *, limit: int = 50, after: str | None = None) -> Page:
        """The newest version of every prompt by name, how many prompts there are, the key of the next page."""

        def read(connection: Connection) -> Page:
            rows, total, following = versions.newest(connection, PROMPTS, project, limit, after)
            return [prompt_json(row) for row in rows], total, following

        return await self._ledger.read(read)

    async def diff(self, project: str, before: str, after: str) -> dict[str, Any]:
        """`{"from", "to", "messages": [{"part", "role", "words": [{"op", "text"}]}]}`. Raises NotFound."""

        def read(connection: Connection) -> tuple[Row[Any], Row[Any]]:
            return (
                versions.find(connection, PROMPTS, project, before, "from"),
                versions.find(connection, PROMPTS, project, after, "to"),
            )

        old, new = await self._ledger.read(read)
        return {
            "from": prompt_json(old),
            "to": prompt_json(new),
            "messages": _changed(old.template, new.template),
        }


def prompt_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "content_hash": row.content_hash,
        "template": row.template,
        "variables": row.variables,
        "model": row.model,
        "parameters": row.parameters,
        "output_schema": row.output_schema,
        "changelog": row.changelog,
        "metadata": row._mapping["metadata"],
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message that only one of them has is compared with nothing."""
    old = {(part, role): text for part, role, text in parts_of(before)}
    new = {(part, role): text for part, role, text in parts_of(after)}
    return [
        {"part": part, "role": role, "words": word_diff(old.get((part, role), ""), new.get((part, role), ""))}
        for part, role in dict.fromkeys([*old, *new])
    ]
