"""Who keeps what: a project's sampling policy in the ledger, and in memory for the door."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Conflict
from assay_server.governance.audit import Audit
from assay_server.governance.revisions import put_revision
from assay_server.governance.sampling_policy import Policy, parse, refuse_idle_rules, rule_json, tail_json
from assay_server.ledger import Ledger, tables, without_values

_rows = tables.intake.sampling
_ALL = Policy()


class Sampling:
    """`policies` holds those that do anything; it is replaced, never changed."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._known: dict[str, Policy] = {}
        self.policies: Mapping[str, Policy] = {}

    async def load(self) -> None:
        rows = await self._ledger.read(lambda connection: connection.execute(select(_rows)).all())
        self._known = {row.project: _policy(row) for row in rows}
        self._show()

    def policy(self, project: str) -> Policy:
        return self._known.get(project, _ALL)

    def get(self, project: str) -> dict[str, Any]:
        policy = self.policy(project)
        return {
            **_json(policy),
            "updated_at": None if policy.updated_ns is None else rfc3339(policy.updated_ns),
            "updated_by": policy.updated_by,
        }

    async def put(
        self,
        project: str,
        actor: str,
        rules: Sequence[Mapping[str, Any]],
        tail: Mapping[str, Any] | None,
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> dict[str, Any]:
        """Holds from the next request on. Raises InvalidInput, and Conflict for another `revision` than there is."""
        checked = parse(rules, tail)
        refuse_idle_rules(checked)

        def write(connection: Connection) -> Policy:
            row = connection.execute(select(_rows).where(_rows.c.project == project)).one_or_none()
            before = _ALL if row is None else _policy(row)
            if revision is not None and revision != before.revision:
                raise Conflict(fix="read the rules again and repeat the change")
            after = replace(checked, revision=before.revision + 1, updated_ns=self._clock.now_ns(), updated_by=actor)
            put_revision(connection, _rows, project, after, _json(after))
            self._audit.append(
                connection, project=project, actor=actor, action="sampling.change", subject=project, reason=reason,
                before=without_values(connection, project, _json(before), ("match",)),
                after=without_values(connection, project, _json(after), ("match",)),
            )  # fmt: skip
            return after

        self._known = {**self._known, project: await self._ledger.write(write)}
        self._show()
        return self.get(project)

    def _show(self) -> None:
        self.policies = {project: policy for project, policy in self._known.items() if not policy.keeps_all}


def _json(policy: Policy) -> dict[str, Any]:
    return {"rules": [rule_json(rule) for rule in policy.rules], "tail": tail_json(policy.tail)}


def _policy(row: Row[Any]) -> Policy:
    checked = parse(row.rules, row.tail)
    return replace(checked, revision=row.revision, updated_ns=row.updated_ns, updated_by=row.updated_by)
