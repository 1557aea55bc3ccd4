"""What gates decided: recorded once, never changed, with the ids of all they were computed from."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import InvalidInput, NotFound
from assay_server.core.ids import new_id
from assay_server.ledger import AuditTrail, Ledger, tables
from assay_server.registry import versions
from assay_server.registry.fields import check_json

_table = tables.registry.verdicts
_releases = tables.registry.releases

WORDS = ("pass", "fail", "inconclusive")

_COLUMNS = ("verdict", "release", "run", "baseline_run", "suite", "alpha", "n", "metrics", "sentence")

Page = tuple[list[dict[str, Any]], int, Any]


class Verdicts:
    """Verdicts of a project, in the shapes of the REST API."""

    def __init__(self, ledger: Ledger, audit: AuditTrail, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock

    async def record(self, project: str, actor: str, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """Keeps a verdict in the shape of the REST API, without `id`, `created_at` and `created_by`.

        Whatever else it holds is kept beside. Raises InvalidInput, NotFound for an unknown release.
        """
        if verdict["verdict"] not in WORDS:
            raise InvalidInput("There is no such verdict.", field="verdict", value=verdict["verdict"])
        check_json(dict(verdict), "verdict")
        columns = {name: verdict[name] for name in _COLUMNS}
        details = {name: value for name, value in verdict.items() if name not in _COLUMNS}

        def write(connection: Connection) -> dict[str, Any]:
            _refuse_foreign_release(connection, project, verdict["release"])
            made: dict[str, Any] = {"id": new_id("ver"), "created_ns": self._clock.now_ns(), "created_by": actor}
            connection.execute(_table.insert().values(project=project, **columns, details=details, **made))
            told = {name: verdict[name] for name in ("verdict", "release", "run", "baseline_run", "suite", "n")}
            self._audit.append(
                connection, project=project, actor=actor, action="verdict.record", subject=made["id"], after=told
            )
            return verdict_json(_row(connection, project, made["id"]))

        return await self._ledger.write(write)

    async def get(self, project: str, verdict: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: verdict_json(_row(connection, project, verdict)))

    async def list(
        self,
        project: str,
        *,
        limit: int = 50,
        after: tuple[int, str] | None = None,
        release: str | None = None,
        run: str | None = None,
        suite: str | None = None,
    ) -> Page:
        """Newest first: verdicts, how many match, the key of the next page."""
        wanted = {"release": release, "run": run, "suite": suite}
        conditions = [_table.c[name] == value for name, value in wanted.items() if value is not None]

        def read(connection: Connection) -> Page:
            rows, total, following = versions.latest(connection, _table, project, limit, after, *conditions)
            return [verdict_json(row) for row in rows], total, following

        return await self._ledger.read(read)


def passing(connection: Connection, project: str, release: str) -> tuple[str | None, str]:
    """The verdict that lets a release out, or None; and why.

    It needs a pass, and no suite may have failed it since that suite last passed it. An inconclusive verdict says
    nothing either way: it neither opens the gate nor closes it.
    """
    mine = (_table.c.project == project, _table.c.release == release)
    query = select(_table.c.id, _table.c.verdict, _table.c.suite, _table.c.sentence).where(*mine)
    rows = connection.execute(query.order_by(_table.c.created_ns, _table.c.id)).all()
    deciding = {row.suite: row for row in rows if row.verdict != "inconclusive"}
    failed = next((row for row in deciding.values() if row.verdict == "fail"), None)
    if failed is not None:
        return None, f"the suite '{failed.suite}' failed it ({failed.id}): {failed.sentence}"
    passed = [row for row in rows if row.verdict == "pass"]
    if passed:
        return passed[-1].id, f"passed ({passed[-1].id})"
    if rows:
        why = rows[-1].sentence.removeprefix("inconclusive: ")
        return None, f"its verdict is inconclusive ({rows[-1].id}): {why}"
    return None, "no gate has judged it"


def of_releases(connection: Connection, project: str, releases: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The verdicts of some releases, newest first, without their metrics."""
    found: dict[str, list[dict[str, Any]]] = {release: [] for release in releases}
    query = select(_table).where(_table.c.project == project, _table.c.release.in_(releases))
    for row in connection.execute(query.order_by(_table.c.created_ns.desc(), _table.c.id.desc())):
        told = verdict_json(row)
        found[row.release].append({name: value for name, value in told.items() if name in _SHORT})
    return found


_SHORT = frozenset({"id", "created_at", "created_by", *_COLUMNS} - {"metrics"})


def verdict_json(row: Row[Any]) -> dict[str, Any]:
    """The shape of the REST API."""
    values = row._mapping
    return {
        "id": row.id,
        **{name: values[name] for name in _COLUMNS},
        **row.details,
        "created_at": rfc3339(row.created_ns),
        "created_by": row.created_by,
    }


def _row(connection: Connection, project: str, verdict: str) -> Row[Any]:
    row = connection.execute(select(_table).where(_table.c.project == project, _table.c.id == verdict)).one_or_none()
    if row is None:
        raise NotFound("There is no such verdict in this project.", field="verdict", value=verdict)
    return row


def _refuse_foreign_release(connection: Connection, project: str, release: str | None) -> None:
    if release is None:
        return
    mine = (_releases.c.project == project, _releases.c.id == release)
    if connection.execute(select(_releases.c.id).where(*mine)).one_or_none() is None:
        raise NotFound("There is no such release in this project.", field="release", value=release)
