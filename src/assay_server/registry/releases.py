"""Releases: what ships, as one immutable thing with a content hash."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import Clock
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import content_hash
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.registry import versions
from assay_server.registry.differences import differences
from assay_server.registry.documents import contents, documents
from assay_server.registry.fields import check_json, check_name, check_schema, check_text
from assay_server.registry.models import check_model
from assay_server.registry.prompts import PROMPTS
from assay_server.registry.retrieval import RETRIEVAL_CONFIGS
from assay_server.registry.versions import Kind

RELEASES = Kind(tables.registry.releases, "rel", "release")

_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,49}")

Page = tuple[list[dict[str, Any]], int, Any]


class Releases:
    """Releases of a project, in the shapes of the REST API."""

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
        prompts: Mapping[str, str],
        model: str,
        parameters: Mapping[str, Any] | None = None,
        output_schema: Any = None,
        retrieval_config: str | None = None,
        guard_policy: Mapping[str, Any] | None = None,
        code_ref: str | None = None,
        changelog: str | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """The release with this content, and whether it is new. References are resolved now, once and for all.

        Raises InvalidInput (a floating model name, among others), NotFound for a reference to nothing.
        """
        check_name(name)
        _check_roles(prompts)
        values = {
            "model": check_model(model),
            "parameters": check_json(dict(parameters or {}), "parameters"),
            "output_schema": check_schema(output_schema),
            "guard_policy": None if guard_policy is None else check_json(dict(guard_policy), "guard_policy"),
            "code_ref": None if code_ref is None else check_text(code_ref, "code_ref", 500),
        }
        about = None if changelog is None else check_text(changelog, "changelog")

        def write(connection: Connection) -> tuple[dict[str, Any], bool]:
            parts, hashes = _resolved(connection, project, prompts, retrieval_config)
            hashed = content_hash({**values, **hashes})
            row = versions.existing(connection, RELEASES, project, name, hashed)
            is_new = row is None
            if row is None:
                made = {"created_ns": self._clock.now_ns(), "created_by": actor, "changelog": about}
                row = versions.add(
                    connection, RELEASES, project, name, {**values, **parts, **made, "content_hash": hashed}
                )
                told = {"name": name, "version": row.version, "content_hash": hashed}
                self._audit.append(
                    connection, project=project, actor=actor, action=RELEASES.action, subject=row.id, after=told
                )
            return documents(connection, project, [row])[0], is_new

        return await self._ledger.write(write)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """One release with its verdicts and where it is live. Raises NotFound."""

        def read(connection: Connection) -> dict[str, Any]:
            return documents(connection, project, [versions.find(connection, RELEASES, project, ref, "release")])[0]

        return await self._ledger.read(read)

    async def id_of(self, project: str, ref: str) -> str:
        """Raises NotFound."""
        return await self._ledger.read(lambda c: str(versions.find(c, RELEASES, project, ref, "release").id))

    async def names(self, project: str) -> list[str]:
        """The names there are, in order."""
        table = RELEASES.table
        query = table.select().with_only_columns(table.c.name).where(table.c.project == project).distinct()
        return await self._ledger.read(lambda c: list(c.execute(query.order_by(table.c.name)).scalars()))

    async def list(
        self, project: str, *, limit: int = 50, after: tuple[int, str] | None = None, name: str | None = None
    ) -> Page:
        """Newest first: releases, how many there are, the key of the next page."""
        conditions = () if name is None else (RELEASES.table.c.name == name,)

        def read(connection: Connection) -> Page:
            rows, total, following = versions.latest(connection, RELEASES.table, project, limit, after, *conditions)
            return documents(connection, project, rows), total, following

        return await self._ledger.read(read)

    async def differences(self, project: str, before: str, after: str) -> dict[str, Any]:
        """`{"from", "to", "changes", "summary"}` of two references. Raises NotFound."""

        def read(connection: Connection) -> list[dict[str, Any]]:
            refs = ((before, "from"), (after, "to"))
            rows = [versions.find(connection, RELEASES, project, ref, field) for ref, field in refs]
            return contents(connection, project, rows)

        return differences(*await self._ledger.read(read))


def _check_roles(prompts: Mapping[str, str]) -> None:
    for role in prompts:
        if not _ROLE.fullmatch(role):
            raise InvalidInput(
                "A prompt's role has 1 to 50 of a-z, 0-9, '_', '-', and begins with a letter.",
                field=f"prompts.{role}",
                value=role,
                fix="name what the prompt is for, such as 'answer'",
            )


def _resolved(
    connection: Connection, project: str, prompts: Mapping[str, str], retrieval_config: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ids to store, and the content hashes that they stand for."""
    rows = {role: versions.find(connection, PROMPTS, project, ref, f"prompts.{role}") for role, ref in prompts.items()}
    config = None
    if retrieval_config is not None:
        config = versions.find(connection, RETRIEVAL_CONFIGS, project, retrieval_config, "retrieval_config")
    ids = {
        "prompts": {role: row.id for role, row in rows.items()},
        "retrieval_config": None if config is None else config.id,
    }
    hashes = {
        "prompts": {role: row.content_hash for role, row in rows.items()},
        "retrieval_config": None if config is None else config.content_hash,
    }
    return ids, hashes
