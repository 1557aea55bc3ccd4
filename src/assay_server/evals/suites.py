"""Suites by name. `golden` is there without being created; a suite of that name replaces it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from assay_server.checks import Catalogue
from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.evals.rules import Rule, Suite, parse_suite
from assay_server.ledger import AuditTrail, Ledger, tables

_suites = tables.evaluation.suites

GOLDEN = Suite(
    "golden",
    description="A first gate for a question-answering feature: bars to begin with, margins once there is a baseline.",
    rules=(
        Rule("refusal", "higher", bar=0.75, margin=0.1, optional=True),
        Rule("hit_rate", "higher", bar=0.6, margin=0.1, optional=True),
        Rule("groundedness", "higher", bar=0.6, margin=0.1, optional=True),
        Rule("citation", "higher", margin=0.1, optional=True),
        Rule("fuzzy_match", "higher", margin=0.1, optional=True),
        Rule("schema_valid", "higher", bar=0.9, margin=0.05, optional=True),
    ),
)
"""Every rule is optional: what the dataset does not label is left out, and a gate that judges nothing never passes."""


class Suites:
    """The suites of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, catalogue: Catalogue, audit: AuditTrail, clock: Clock) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._audit = audit
        self._clock = clock

    async def put(self, project: str, actor: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Creates or replaces a suite. Raises InvalidInput naming every fault."""
        _refuse_odd(name)
        suite = parse_suite(name, body, self._catalogue)
        now = self._clock.now_ns()

        def write(connection: Connection) -> dict[str, Any]:
            before = _stored(connection, project, name)
            values = _columns(suite) | {"updated_ns": now, "updated_by": actor}
            if before is None:
                connection.execute(_suites.insert().values(project=project, name=name, **values))
            else:
                connection.execute(
                    _suites.update().where(_suites.c.project == project, _suites.c.name == name).values(**values)
                )
            self._audit.append(
                connection,
                project=project,
                actor=actor,
                action="suite.put",
                subject=name,
                before=None if before is None else _json(_suite(before)),
                after=_json(suite),
            )
            return _json(suite, now, actor)

        return await self._ledger.write(write)

    async def get(self, project: str, name: str) -> Suite:
        """Raises NotFound, naming the suites there are."""

        def read(connection: Connection) -> tuple[Row[Any] | None, list[str]]:
            names = connection.execute(select(_suites.c.name).where(_suites.c.project == project)).scalars()
            return _stored(connection, project, name), sorted({*names, GOLDEN.name})

        row, names = await self._ledger.read(read)
        if row is not None:
            return _suite(row)
        if name == GOLDEN.name:
            return GOLDEN
        raise NotFound("No suite of this name.", field="suite", value=name, fix=f"use one of: {', '.join(names)}")

    async def list(self, project: str) -> list[dict[str, Any]]:
        """By name, `golden` included."""

        def read(connection: Connection) -> list[dict[str, Any]]:
            rows = connection.execute(select(_suites).where(_suites.c.project == project)).all()
            return [_json(_suite(row), row.updated_ns, row.updated_by) for row in rows]

        stored = await self._ledger.read(read)
        if all(suite["name"] != GOLDEN.name for suite in stored):
            stored.append(_json(GOLDEN))
        return sorted(stored, key=lambda suite: str(suite["name"]))


def _refuse_odd(name: str) -> None:
    import re

    if re.fullmatch(r"[a-z0-9][a-z0-9._/-]{0,99}", name) is None:
        raise InvalidInput(
            "Not a name for a suite.",
            field="name",
            value=name,
            fix="begin with a-z or 0-9, then a-z, 0-9, '.', '_', '/', '-', 100 characters at most",
        )


def _stored(connection: Connection, project: str, name: str) -> Row[Any] | None:
    return connection.execute(select(_suites).where(_suites.c.project == project, _suites.c.name == name)).one_or_none()


def _columns(suite: Suite) -> dict[str, Any]:
    return {
        "description": suite.description,
        "metrics": [rule.as_json() for rule in suite.rules],
        "alpha": suite.alpha,
        "min_items": suite.min_items,
        "max_error_rate": suite.max_error_rate,
    }


def _suite(row: Row[Any]) -> Suite:
    rules = tuple(Rule(**rule) for rule in row.metrics)
    return Suite(row.name, rules, row.alpha, row.min_items, row.max_error_rate, row.description)


def _json(suite: Suite, updated_ns: int | None = None, updated_by: str | None = None) -> dict[str, Any]:
    return {
        "name": suite.name,
        **_columns(suite),
        "built_in": suite is GOLDEN,
        "updated_at": None if updated_ns is None else rfc3339(updated_ns),
        "updated_by": updated_by,
    }
