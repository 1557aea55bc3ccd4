"""Retrieval configs: how documents are found, immutable and versioned."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from assay_server.core.clock import Clock, parse_rfc3339, rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import content_hash
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.registry import versions
from assay_server.registry.fields import check_json, check_name
from assay_server.registry.versions import Kind

RETRIEVAL_CONFIGS = Kind(tables.registry.retrieval_configs, "rc", "retrieval config")

Page = tuple[list[dict[str, Any]], int, str | None]


class RetrievalConfigs:
    """Retrieval configs of a project, in the shapes of the REST API."""

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
        embedding_model: str,
        chunking: Mapping[str, Any] | None = None,
        top_k: int | None = None,
        threshold: float | None = None,
        index_version: str | None = None,
        index_built_at: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, Any], bool]:
        """The version with this content, and whether it is new. Raises InvalidInput naming the field."""
        check_name(name)
        settings = {
            "embedding_model": embedding_model,
            "chunking": dict(chunking or {}),
            "top_k": _positive(top_k),
            "threshold": threshold,
            "index_version": index_version,
            "index_built_at": _time(index_built_at),
        }
        check_json(settings, "settings")
        about = check_json(dict(metadata or {}), "metadata")
        hashed = content_hash(settings)

        def write(connection: Connection) -> tuple[dict[str, Any], bool]:
            known = versions.existing(connection, RETRIEVAL_CONFIGS, project, name, hashed)
            if known is not None:
                return retrieval_json(known), False
            made = {"created_ns": self._clock.now_ns(), "created_by": actor}
            values = {"content_hash": hashed, "settings": settings, "metadata": about, **made}
            row = versions.add(connection, RETRIEVAL_CONFIGS, project, name, values)
            told = {"name": name, "version": row.version, "content_hash": hashed}
            self._audit.append(
                connection, project=project, actor=actor, action=RETRIEVAL_CONFIGS.action, subject=row.id, after=told
            )
            return retrieval_json(row), True

        return await self._ledger.write(write)

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        """One version. Raises NotFound."""
        return await self._ledger.read(lambda c: retrieval_json(versions.find(c, RETRIEVAL_CONFIGS, project, ref)))

    async def list(self, project: str, *, limit: int = 50, after: str | None = None) -> Page:
        """The newest version of every config by name, how many configs there are, the key of the next page."""

        def read(connection: Connection) -> Page:
            rows, total, following = versions.newest(connection, RETRIEVAL_CONFIGS, project, limit, after)
            return [retrieval_json(row) for row in rows], total, following

        return await self._ledger.read(read)


def retrieval_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "content_hash": row.content_hash,
        **row.settings,
        "metadata": row._mapping["metadata"],
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }


def _positive(top_k: int | None) -> int | None:
    if top_k is not None and not 1 <= top_k <= 10_000:
        raise InvalidInput("How many documents are found: from 1 to 10,000.", field="top_k", value=top_k)
    return top_k


def _time(value: str | None) -> str | None:
    """One way to write a time, so that equal times are equal content."""
    if value is None:
        return None
    try:
        return rfc3339(parse_rfc3339(value))
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(
            "This is no time.", field="index_built_at", value=value, fix="write it like 2026-11-21T08:00:00Z"
        ) from error
