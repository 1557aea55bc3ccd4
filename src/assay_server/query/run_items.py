"""What a run's target answered, item by item, with the scores each answer got."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from assay_server.core.records import RunItem
from assay_server.query.shapes import tokens_of
from assay_server.query.sql import Page, Where, cut, lines
from assay_server.store import Limits, Store

_WHOLE_RUN = Limits(rows=1_000_000, seconds=60)

_TEXTS = ("cluster", "input", "output", "expected", "error", "trace_id", "latency_ms", "cost")


@dataclass(slots=True, frozen=True)
class ItemScore:
    """One judgement of one answer; `value` is None where judging failed, and `error` says why."""

    value: float | None
    label: str | None
    error: str | None
    reason: str | None
    version: str | None


@dataclass(slots=True, frozen=True)
class JudgedItem:
    """A stored answer and its scores by metric."""

    record: RunItem
    scores: dict[str, ItemScore] = field(default_factory=dict)


class RunItems:
    """Reads run items of one project at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, project: str, run: str, *, limit: int = 50, after: Sequence[Any] | None = None) -> Page:
        """`JudgedItem`s in the order of (item, repeat). `after`: that pair of the page before."""
        where = _of_run(project, run)
        counted = await self._store.scan(lines("SELECT count(*) AS n FROM run_items WHERE", str(where)), where.params)
        if after is not None:
            where.follows(("item", "repeat"), after, (str, int), ">")
        sql = lines("SELECT * FROM run_items WHERE", str(where), "ORDER BY item, repeat", f"LIMIT {limit + 1}")
        kept, following = cut(await self._store.scan(sql, where.params), limit, "item", "repeat")
        items = sorted({row["item"] for row in kept})
        return Page(await self._judged(project, run, kept, items), counted[0]["n"], following)

    async def all(self, project: str, run: str) -> list[JudgedItem]:
        """Every item of the run, in the order of (item, repeat)."""
        where = _of_run(project, run)
        sql = lines("SELECT * FROM run_items WHERE", str(where), "ORDER BY item, repeat")
        rows = await self._store.scan(sql, where.params, limits=_WHOLE_RUN)
        return await self._judged(project, run, rows, None)

    async def done(self, project: str, run: str) -> set[tuple[str, int]]:
        """The (item, repeat) pairs that are stored: what a run that goes on need not ask again."""
        where = _of_run(project, run)
        sql = lines("SELECT item, repeat FROM run_items WHERE", str(where))
        return {(row["item"], row["repeat"]) for row in await self._store.scan(sql, where.params, limits=_WHOLE_RUN)}

    async def _judged(
        self, project: str, run: str, rows: Sequence[dict[str, Any]], items: Sequence[str] | None
    ) -> list[JudgedItem]:
        where = _of_run(project, run)
        where.add("item IS NOT NULL")
        if items is not None:
            where.add("item IN (SELECT unnest(?::VARCHAR[]))", items)
        sql = lines("SELECT * FROM scores WHERE", str(where), "ORDER BY time_ns, id")
        by_item: dict[str, list[dict[str, Any]]] = {}
        for score in await self._store.scan(sql, where.params, limits=_WHOLE_RUN):
            by_item.setdefault(score["item"], []).append(score)
        return [JudgedItem(_record(row), _scores_of(row, by_item.get(row["item"], []))) for row in rows]


def _of_run(project: str, run: str) -> Where:
    where = Where.project(project)
    where.equal("run", run)
    return where


def _record(row: dict[str, Any]) -> RunItem:
    return RunItem(
        project=row["project"],
        run=row["run"],
        item=row["item"],
        repeat=row["repeat"],
        time_ns=row["time_ns"],
        contexts=msgspec.json.decode(row["contexts"]) if row["contexts"] else [],
        tokens=tokens_of(row),
        **{name: row[name] for name in _TEXTS},
    )


def _scores_of(row: dict[str, Any], scores: Sequence[dict[str, Any]]) -> dict[str, ItemScore]:
    """The newest score of each name that judges this repeat."""
    return {
        score["name"]: ItemScore(score["value"], score["label"], score["error"], score["reason"], score["version"])
        for score in scores
        if _judges(score, row)
    }


def _judges(score: dict[str, Any], row: dict[str, Any]) -> bool:
    """A score says by its trace, or by `repeat` in its metadata, which answer it means; otherwise it means all."""
    metadata = msgspec.json.decode(score["metadata"]) if score["metadata"] else {}
    if "repeat" in metadata:
        return bool(metadata["repeat"] == row["repeat"])
    return score["trace_id"] is None or row["trace_id"] is None or score["trace_id"] == row["trace_id"]
