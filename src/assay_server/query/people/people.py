"""Sessions as conversations, and users with their history and cost."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.errors import NotFound
from assay_server.query.commits import commits_of
from assay_server.query.filters.traces import TOKENS_OF_SUMS, TraceFilter
from assay_server.query.metrics.narrowing import found_by
from assay_server.query.metrics.searched import Found
from assay_server.query.ordering import Order, Rank, behind, cut_ranked, ordered
from assay_server.query.people import sql as people_sql
from assay_server.query.people.sql import Group
from assay_server.query.scores import score_json
from assay_server.query.shapes import body_json
from assay_server.query.sql import Page, Where, cut
from assay_server.query.traces.logs import Logs
from assay_server.query.traces.rows import NO_TEXTS, shown_of
from assay_server.query.traces.traces import Traces
from assay_server.store import Store

_VALUES = {
    "last": "latest_ns",
    "traces": "traces",
    "errors": "errors",
    "tokens": f"({TOKENS_OF_SUMS})::DOUBLE",
    "cost": "usd",
}
_OF_USERS = {**_VALUES, "sessions": "sessions"}
_OF_SESSIONS = {**_VALUES, "start": "first_ns"}
ORDERS_OF_USERS, ORDERS_OF_SESSIONS = tuple(_OF_USERS), tuple(_OF_SESSIONS)

_TURNS = 500
_TEXTS = ("input", "output")
_RECENT = 20
_DAY_S = 86_400
_OF_SESSION = (
    "SELECT * FROM scores WHERE project = ? AND session = ? AND trace_id IS NULL ORDER BY time_ns, id LIMIT 200"
)
_FULL_TEXTS = (
    "SELECT trace_id, span_id, input, output FROM spans WHERE project = ?"
    " AND stored_ns IN (SELECT unnest(?::BIGINT[])) AND span_id IN (SELECT unnest(?::VARCHAR[]))"
)


@dataclass(slots=True, frozen=True)
class PeopleFilter:
    """None does not narrow. Times are nanoseconds, `until_ns` is exclusive; all of it of one and the same trace."""

    since_ns: int | None = None
    until_ns: int | None = None
    user: str | None = None
    environment: str | None = None
    part: str | None = None
    """Of the name of the session or user that is listed, in upper or lower case."""
    began_since_ns: int | None = None
    began_until_ns: int | None = None
    """When the session or user is seen for the first time, in what else is asked for."""
    search: str | None = None
    """A line of the list of traces, without times: what has a trace that it finds."""
    found: Found | None = None
    """Which these are; `People` works it out."""

    def began(self) -> Where:
        where = Where()
        if self.began_since_ns is not None:
            where.add("min(start_ns) >= ?", self.began_since_ns)
        if self.began_until_ns is not None:
            where.add("min(start_ns) < ?", self.began_until_ns)
        return where

    def conditions(self, project: str, group: Group) -> Where:
        where = Where.project(project)
        if self.part:
            where.add(f'contains(lower("{group}"), lower(?))', self.part)
        where.equal('"user"', self.user)
        where.equal("environment", self.environment)
        if self.since_ns is not None:
            where.add("last_ns >= ?", self.since_ns)
        if self.until_ns is not None:
            where.add("start_ns < ?", self.until_ns)
        if self.found is not None:
            where.add("trace_id IN (" + self.found.sql + ")", *self.found.params)
        return where


class People:
    """Reads sessions and users of one project at a time."""

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store = store
        self._traces = traces

    async def sessions(
        self,
        project: str,
        narrow: PeopleFilter = PeopleFilter(),
        *,
        limit: int = 50,
        after: Sequence[Any] | None = None,
        skip: int = 0,
    ) -> Page:
        """Session rows, the last active first. `after`: (last_ns, session) of the page before; `skip`: how many stand
        on pages before, for clients that count pages."""
        narrow = await self._searched(project, narrow)
        names, total, following = await self._newest("session", project, narrow, limit, after, skip)
        return Page(await self._sessions(project, names), total, following)

    async def ranked_sessions(
        self, project: str, narrow: PeopleFilter, order: Order, *, limit: int = 50, after: Rank | None = None
    ) -> Page:
        """Session rows in another order (`ORDERS_OF_SESSIONS`). `after`, and `following` of the answer: (value,
        last_ns, session)."""
        narrow = await self._searched(project, narrow)
        names, total, following = await self._ranked("session", project, narrow, order, limit, after)
        return Page(await self._sessions(project, names), total, following)

    async def session(self, project: str, name: str) -> dict[str, Any]:
        """The row with `turns`, in order, texts in full; `more` where only the newest 500 are shown. `scores`: what was
        said of the session as a whole."""
        rows, found, scores = await asyncio.gather(
            self._sessions(project, [name]),
            self._traces.find(project, TraceFilter(session=name), limit=_TURNS),
            self._store.scan(_OF_SESSION, [project, name]),
        )
        if not rows:
            rows = [_session(await self._named("session", project, name), None, None)]
        turns = await self._in_full(project, found.items[::-1])
        of_all = [score_json(score) for score in scores]
        return {**rows[0], "turns": turns, "more": found.following is not None, "scores": of_all}

    async def users(
        self,
        project: str,
        narrow: PeopleFilter = PeopleFilter(),
        *,
        limit: int = 50,
        after: Sequence[Any] | None = None,
    ) -> Page:
        """User rows, the last active first, with what they did in the window and environment that are asked for.
        `after`: (last_ns, user) of the page before."""
        narrow = await self._searched(project, narrow)
        names, total, following = await self._newest("user", project, narrow, limit, after)
        return Page(await self._users(project, names, narrow), total, following)

    async def ranked_users(
        self, project: str, narrow: PeopleFilter, order: Order, *, limit: int = 50, after: Rank | None = None
    ) -> Page:
        """The same in another order (`ORDERS_OF_USERS`). `after`, and `following`: (value, last_ns, user)."""
        narrow = await self._searched(project, narrow)
        names, total, following = await self._ranked("user", project, narrow, order, limit, after)
        return Page(await self._users(project, names, narrow), total, following)

    async def user(self, project: str, name: str) -> dict[str, Any]:
        """The row with days, models, scores and the newest sessions."""
        rows, scores, recent = await asyncio.gather(
            self._store.scan(people_sql.person("user"), [project, [name], project]),
            self._store.scan(people_sql.scores("user"), [project, [name], project]),
            self.sessions(project, PeopleFilter(user=name), limit=_RECENT),
        )
        whole = next(row for row in rows if row["part"] == "all")
        if not whole["traces"]:
            whole = await self._named("user", project, name)
        days = sorted((row for row in rows if row["part"] == "day"), key=lambda row: int(row["name"]))
        models = sorted((row for row in rows if row["part"] == "model"), key=_dearest)
        return {
            **_user({**whole, "whose": name}),
            "days": [_day(row) for row in days],
            "models": [{"model": row["name"], "calls": row["traces"], **_used(row)} for row in models],
            "scores": scores,
            "recent": recent.items,
        }

    async def _searched(self, project: str, narrow: PeopleFilter) -> PeopleFilter:
        return replace(narrow, found=await found_by(self._store, project, narrow.search, narrow.since_ns))

    async def _named(self, group: Group, project: str, name: str) -> dict[str, Any]:
        """One to whom no trace belongs, and whom a span names all the same. Raises NotFound where none does."""
        rows = await self._store.scan(people_sql.named(group), [project, [name]])
        if not rows:
            raise NotFound(f"There is no {group} {name}.", field=group, value=name)
        return rows[0]

    async def _newest(
        self, group: Group, project: str, narrow: PeopleFilter, limit: int, after: Sequence[Any] | None, skip: int = 0
    ) -> tuple[list[str], int, list[Any] | None]:
        where, began = narrow.conditions(project, group), narrow.began()
        params = [*where.params, *began.params]
        if after is not None:
            Where().follows(("last_ns", "whose"), after, (int, str), "<")  # raises where another list made it
            params += after
        sql = people_sql.newest(group, str(where), str(began), after is not None, limit + 1, skip)
        rows = await self._store.scan(sql, params)
        if not rows and (
            after is not None or skip
        ):  # behind the end, or the list became shorter while pages were turned
            _, total, _ = await self._newest(group, project, narrow, 1, None)
            return [], total, None
        kept, following = cut(rows, limit, "latest_ns", "whose")
        return [row["whose"] for row in kept], rows[0]["n"] if rows else 0, following

    async def _ranked(
        self, group: Group, project: str, narrow: PeopleFilter, order: Order, limit: int, after: Rank | None
    ) -> tuple[list[str], int, list[Any] | None]:
        where, later = narrow.conditions(project, group), behind(after, order, "latest_ns", "whose")
        value = (_OF_USERS if group == "user" else _OF_SESSIONS)[order.by]
        end = ordered(order, "latest_ns", "whose", limit + 1)
        sql = people_sql.ranked(group, str(where), value, str(later), end)
        own = [project] if group == "session" else []
        rows = await self._store.scan(sql, [*own, *where.params, *later.params])
        names, following = cut_ranked([Rank(row["v"], row["latest_ns"], row["whose"]) for row in rows], limit)
        return names, rows[0]["n"] if rows else 0, following and list(following)

    async def _sessions(self, project: str, names: list[str]) -> list[dict[str, Any]]:
        """Each as a whole, whatever of it was asked for."""
        found = await self._store.scan(people_sql.conversations(), [project, names]) if names else []
        rows = {row["whose"]: row for row in found}
        said = await self._said(project, rows.values())
        return [_session(rows[name], *said.get(name, (None, None))) for name in names if name in rows]

    async def _users(self, project: str, names: list[str], narrow: PeopleFilter) -> list[dict[str, Any]]:
        where = narrow.conditions(project, "user")
        params = [*where.params, project, names]
        found = await self._store.scan(people_sql.users(str(where)), params) if names else []
        rows = {row["whose"]: row for row in found if row["last_ns"] is not None}
        return [_user(rows[name]) for name in names if name in rows]

    async def _said(
        self, project: str, sessions: Collection[dict[str, Any]]
    ) -> dict[str, tuple[str | None, str | None]]:
        """The first question and the last answer of each, cut: of its first and its last trace."""
        traces = list({row[end] for row in sessions for end in ("first_trace", "last_trace")})
        if not traces:
            return {}
        commits = await commits_of(self._store, project, traces)
        roots = await self._store.scan(people_sql.ROOTS, [project, traces, commits])
        first = {root["trace_id"]: root["key"] for root in reversed(roots)}
        last = {root["trace_id"]: root["key"] for root in roots}
        chosen = {*first.values(), *last.values()}
        shown = await shown_of(self._store, project, [root for root in roots if root["key"] in chosen])
        asked = {trace: shown.get(root, NO_TEXTS)["input"] for trace, root in first.items()}
        answered = {trace: shown.get(root, NO_TEXTS)["output"] for trace, root in last.items()}
        silent = [trace for trace in traces if asked.get(trace) is None or answered.get(trace) is None]
        for row in await self._traces.rows(project, silent):
            asked[row["trace_id"]] = asked.get(row["trace_id"]) or row["input"]
            answered[row["trace_id"]] = answered.get(row["trace_id"]) or row["output"]
        return {row["whose"]: (asked.get(row["first_trace"]), answered.get(row["last_trace"])) for row in sessions}

    async def _in_full(self, project: str, turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """With the whole inputs and outputs of the spans that say them, also where these came in log records."""
        if not turns:
            return []
        traces = [turn["trace_id"] for turn in turns]
        spans = list({span for turn in turns for span in turn["said_by"].values() if span is not None})
        commits, logs = await asyncio.gather(
            commits_of(self._store, project, traces), Logs.read(self._store, project, traces)
        )
        said: dict[tuple[str, str], dict[str, Any]] = {}
        for row in await self._store.scan(_FULL_TEXTS, [project, commits, spans]):
            texts = {name: body_json(row[name]) for name in _TEXTS}
            said[row["trace_id"], row["span_id"]] = logs.complete({**row, **texts, "pii": []})
        return [
            {**turn, **{name: said.get((turn["trace_id"], turn["said_by"][name]), turn)[name] for name in _TEXTS}}
            for turn in turns
        ]


def _session(row: dict[str, Any], first: str | None, last: str | None) -> dict[str, Any]:
    return {
        "session": row["whose"],
        "user": row["user"],
        "environment": row["environment"],
        "start": rfc3339(row["start_ns"]),
        "last": rfc3339(row["last_ns"]),
        "traces": row["traces"],
        "errors": row["errors"],
        **_used(row),
        "input": first,
        "output": last,
    }


def _user(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "user": row["whose"],
        "first": rfc3339(row["start_ns"]),
        "last": rfc3339(row["last_ns"]),
        "traces": row["traces"],
        "sessions": row["sessions"],
        "errors": row["errors"],
        **_used(row),
    }


def _day(row: dict[str, Any]) -> dict[str, Any]:
    day: date = datetime.fromtimestamp(int(row["name"]) * _DAY_S, UTC).date()
    return {"day": day.isoformat(), "traces": row["traces"], "errors": row["errors"], **_used(row)}


def _dearest(row: dict[str, Any]) -> tuple[Any, ...]:
    """Dearest first; what nobody could price comes last."""
    return row["usd"] is None, -(row["usd"] or 0.0), -row["traces"], row["name"]


def _used(row: dict[str, Any]) -> dict[str, Any]:
    """Tokens and cost; DuckDB's sums of whole numbers are HUGEINTs, NULL stays unknown."""
    tokens = {name: _whole(row[name + "_tokens"]) for name in ("input", "output")}
    return {"tokens": tokens, "cost": {"usd": row["usd"], "unknown": _whole(row["unknown"]) or 0}}


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
