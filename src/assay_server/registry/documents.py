"""Releases as documents: rows put together with the prompts and the retrieval config they name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from assay_server.core.clock import rfc3339
from assay_server.ledger import tables
from assay_server.registry import verdicts
from assay_server.registry.prompts import prompt_json
from assay_server.registry.retrieval import retrieval_json

_channels = tables.registry.channels
_prompts = tables.registry.prompt_versions
_retrieval = tables.registry.retrieval_configs


def contents(connection: Connection, project: str, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """What never changes about releases: the REST shape without `verdicts` and `live_on`."""
    prompts = _by_id(connection, _prompts, project, {each for row in rows for each in row.prompts.values()})
    configs = _by_id(connection, _retrieval, project, {row.retrieval_config for row in rows if row.retrieval_config})
    return [_content(row, prompts, configs) for row in rows]


def documents(connection: Connection, project: str, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """The whole REST shape."""
    ids = [row.id for row in rows]
    judged = verdicts.of_releases(connection, project, ids)
    live = _live_on(connection, project, ids)
    return [
        {**content, "verdicts": judged[content["id"]], "live_on": live[content["id"]]}
        for content in contents(connection, project, rows)
    ]


def _by_id(connection: Connection, table: Table, project: str, ids: set[str]) -> dict[str, Row[Any]]:
    if not ids:
        return {}
    query = select(table).where(table.c.project == project, table.c.id.in_(sorted(ids)))
    return {row.id: row for row in connection.execute(query)}


def _live_on(connection: Connection, project: str, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {release: [] for release in ids}
    query = select(_channels.c.name, _channels.c.release).where(
        _channels.c.project == project, _channels.c.release.in_(ids)
    )
    for row in connection.execute(query.order_by(_channels.c.name)):
        found[row.release].append(row.name)
    return found


def _content(row: Row[Any], prompts: dict[str, Row[Any]], configs: dict[str, Row[Any]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        "content_hash": row.content_hash,
        "prompts": {role: prompt_json(prompts[ref]) for role, ref in row.prompts.items()},
        "model": row.model,
        "parameters": row.parameters,
        "output_schema": row.output_schema,
        "retrieval_config": None if row.retrieval_config is None else retrieval_json(configs[row.retrieval_config]),
        "guard_policy": row.guard_policy,
        "code_ref": row.code_ref,
        "changelog": row.changelog,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }
