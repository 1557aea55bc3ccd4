"""What a project may send by day and month: a warning first, then no more until the window turns.

The check is made before a request is read, over what has been counted; what is on its way at that moment may go a
little over. Days and months are UTC's.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Row, select

from assay_server.core.beat import Beat
from assay_server.core.clock import DAY_NS, Clock, in_utc, parse_rfc3339, rfc3339
from assay_server.core.errors import Conflict, InvalidInput, RateLimited
from assay_server.core.words import percent
from assay_server.governance.audit import Audit
from assay_server.governance.counts import BYTES, REFUSED, SPANS, Counts, next_month, windows
from assay_server.governance.revisions import put_revision
from assay_server.ledger import Ledger, tables

_rows = tables.intake.quotas

_LONGEST_WAIT_S = 3600.0
_LOOK_S = 5.0
_MOST = 2**62
_WARN_AT = 0.8
_ACTOR = "assay:quotas"
_KIND = "quota"


@dataclass(frozen=True, slots=True)
class _Quota:
    name: str
    what: str
    monthly: bool
    said: str


_QUOTAS = (
    _Quota("spans_per_day", SPANS, False, "spans a day"),
    _Quota("bytes_per_day", BYTES, False, "bytes a day"),
    _Quota("spans_per_month", SPANS, True, "spans a month"),
    _Quota("bytes_per_month", BYTES, True, "bytes a month"),
)
QUOTAS = tuple(quota.name for quota in _QUOTAS)


@dataclass(frozen=True, slots=True)
class Limits:
    """One project's; a quota that is not in `limits` has none."""

    limits: Mapping[str, int] = field(default_factory=dict)
    warn_at: float = _WARN_AT
    revision: int = 0
    updated_ns: int | None = None
    updated_by: str | None = None


class OpenIncident(Protocol):
    """What `monitors.Incidents.open` does: the same `key` opens one incident."""

    async def __call__(
        self, project: str, *, key: str, kind: str, severity: str, title: str, subject: str, sentence: str,
        evidence: Mapping[str, Any], actions: Sequence[Mapping[str, str]], by: str,
    ) -> str: ...  # fmt: skip


class ResolveIncident(Protocol):
    """What `monitors.Incidents.resolve` does."""

    async def __call__(self, project: str, incident: str, *, by: str, reason: str) -> Any: ...


class UnresolvedIncidents(Protocol):
    """What `monitors.Incidents.unresolved` does: ids and keys."""

    async def __call__(self, project: str, *, kind: str) -> Sequence[tuple[str, str]]: ...


class Quotas:
    """Limits, and whether a project has reached one. `check` is for the hot path."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock, counts: Counts) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._counts = counts
        self._limits: dict[str, Limits] = {}
        self._recalled: set[str] = set()
        self._told: dict[tuple[str, str, str], tuple[int, str]] = {}  # project, quota, state -> window, incident

    async def load(self) -> None:
        rows = await self._ledger.read(lambda connection: connection.execute(select(_rows)).all())
        self._limits = {row.project: _limits(row) for row in rows}

    def check(self, project: str) -> None:
        """Raises `RateLimited` when a quota is used up, and counts the refusal."""
        known = self._limits.get(project)
        if known is None:
            return
        for quota in _QUOTAS:
            limit = known.limits.get(quota.name)
            if limit is not None and self._counts.used(project, quota.what)[quota.monthly] >= limit:
                self._counts.add(project, REFUSED, 1)
                raise RateLimited(
                    f"The project's quota of {limit:,} {quota.said} is used up.",
                    retry_after_s=min(_LONGEST_WAIT_S, (self._turns(quota) - self._clock.now_ns()) / 1e9),
                    field=quota.name,
                    value=limit,
                    fix=f"wait until {in_utc(self._turns(quota))}, or have an admin raise it (PUT /api/v1/quotas)",
                )

    def get(self, project: str) -> dict[str, Any]:
        """Limits and use as the API shows them."""
        known = self._limits.get(project, Limits())
        refused = self._counts.used(project, REFUSED)
        return {
            "limits": {quota.name: known.limits.get(quota.name) for quota in _QUOTAS},
            "warn_at": known.warn_at,
            "use": [self._use(project, known, quota, refused[quota.monthly]) for quota in _QUOTAS],
            "updated_at": None if known.updated_ns is None else rfc3339(known.updated_ns),
            "updated_by": known.updated_by,
        }

    def revision(self, project: str) -> int:
        return self._limits.get(project, Limits()).revision

    async def put(
        self,
        project: str,
        actor: str,
        limits: Mapping[str, int | None],
        warn_at: float = _WARN_AT,
        *,
        reason: str | None = None,
        revision: int | None = None,
    ) -> dict[str, Any]:
        """Raises InvalidInput, and Conflict when `revision` is not what stands there now."""
        checked = _checked(limits, warn_at)

        def write(connection: Connection) -> Limits:
            before = _stored(connection, project)
            if revision is not None and revision != before.revision:
                raise Conflict(fix="read the quotas again and repeat the change")
            after = Limits(checked, warn_at, before.revision + 1, self._clock.now_ns(), actor)
            put_revision(connection, _rows, project, after, {"limits": dict(after.limits), "warn_at": after.warn_at})
            self._audit.append(
                connection, project=project, actor=actor, action="quotas.change", subject=project, reason=reason,
                before=dict(before.limits), after=dict(after.limits),
            )  # fmt: skip
            return after

        self._limits[project] = await self._ledger.write(write)
        return self.get(project)

    # --- telling people -----------------------------------------------------------------------------

    def watched(self, opens: OpenIncident, resolves: ResolveIncident, unresolved: UnresolvedIncidents) -> Beat:
        """The work that opens an incident at the warning and at the limit, and resolves it when the window turns."""
        return Beat("quotas", lambda: self.look(opens, resolves, unresolved), every_s=_LOOK_S)

    async def look(self, opens: OpenIncident, resolves: ResolveIncident, unresolved: UnresolvedIncidents) -> None:
        for project, known in list(self._limits.items()):
            if project not in self._recalled:
                await self._recall(project, unresolved)
            for use in self.get(project)["use"]:
                await self._over(project, use, resolves)
                if use["state"] in {"warning", "reached"}:
                    await self._tell(project, known, use, opens)

    async def _recall(self, project: str, unresolved: UnresolvedIncidents) -> None:
        """What was told before the start: a window may have turned while the server was off."""
        for incident, key in await unresolved(project, kind=_KIND):
            _, quota, _, window, state = key.split(":")
            self._told[project, quota, state] = (int(window), incident)
        self._recalled.add(project)

    async def _tell(self, project: str, known: Limits, use: dict[str, Any], opens: OpenIncident) -> None:
        quota, state = use["quota"], use["state"]
        window = self._begins(quota)
        if (project, quota, state) in self._told:
            return
        words = quota.replace("_", " ")
        what = "is used up; nothing more is taken" if state == "reached" else f"is used to {percent(use['share'])}"
        until = in_utc(parse_rfc3339(use["resets_at"]))
        incident = await opens(
            project,
            key=f"quota:{quota}:{known.limits[quota]}:{window}:{state}",
            kind=_KIND,
            severity="critical" if state == "reached" else "warning",
            title=f"Quota of {words}: {'reached' if state == 'reached' else 'warning'}",
            subject=f"quota:{quota}",
            sentence=f"The quota of {use['limit']:,} {words} {what} (used {use['used']:,}) until {until}.",
            evidence={name: use[name] for name in ("quota", "limit", "used", "share", "resets_at", "refused")},
            actions=[{"label": "Look at the quotas", "method": "GET", "path": "/api/v1/quotas"}],
            by=_ACTOR,
        )
        self._told[project, quota, state] = (window, incident)

    async def _over(self, project: str, use: dict[str, Any], resolves: ResolveIncident) -> None:
        """What was told of an earlier window, or of a limit that was raised since, is resolved."""
        for state in ("warning", "reached"):
            told = self._told.get((project, use["quota"], state))
            still = use["state"] == "reached" or use["state"] == state
            if told is not None and (told[0] != self._begins(use["quota"]) or not still):
                with contextlib.suppress(Conflict):  # somebody resolved it before
                    await resolves(
                        project, told[1], by=_ACTOR, reason="The window has turned, or the quota was raised."
                    )
                del self._told[project, use["quota"], state]

    def _use(self, project: str, known: Limits, quota: _Quota, refused: int) -> dict[str, Any]:
        limit = known.limits.get(quota.name)
        used = self._counts.used(project, quota.what)[quota.monthly]
        share = None if limit is None else (used / limit if limit else 1.0)
        state = "open"
        if share is not None:
            state = "reached" if share >= 1 else "warning" if share >= known.warn_at else "open"
        return {
            "quota": quota.name,
            "limit": limit,
            "used": used,
            "share": share,
            "state": state,
            "resets_at": rfc3339(self._turns(quota)),
            "refused": refused,
        }

    def _turns(self, quota: _Quota) -> int:
        now = self._clock.now_ns()
        return next_month(now) if quota.monthly else windows(now)[0] + DAY_NS

    def _begins(self, name: str) -> int:
        day, month = windows(self._clock.now_ns())
        return month if name.endswith("month") else day


def _checked(limits: Mapping[str, int | None], warn_at: float) -> dict[str, int]:
    if not 0 < warn_at <= 1:
        raise InvalidInput(
            "The warning comes at a share of the quota.", field="warn_at", value=warn_at, fix="over 0, at most 1"
        )
    for name, limit in limits.items():
        if name not in QUOTAS:
            raise InvalidInput("There is no such quota.", field="limits", value=name, fix=f"one of {', '.join(QUOTAS)}")
        if limit is not None and not 0 <= limit <= _MOST:
            raise InvalidInput(
                "A quota is a number of things.", field=name, value=limit, fix=f"0 to {_MOST:,}, null for none"
            )
    return {name: limit for name, limit in limits.items() if limit is not None}


def _limits(row: Row[Any]) -> Limits:
    return Limits(row.limits, row.warn_at, row.revision, row.updated_ns, row.updated_by)


def _stored(connection: Connection, project: str) -> Limits:
    row = connection.execute(select(_rows).where(_rows.c.project == project)).one_or_none()
    return Limits() if row is None else _limits(row)
