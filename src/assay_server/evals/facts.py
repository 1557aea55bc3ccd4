"""The answers and costs of a run, read back from the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.evals.ports import Answered, Scored
from assay_server.query import ItemScore, JudgedItem, RunItems, TraceFilter, Traces

_PAGE = 500


class StoredFacts:
    """The port `RunFacts` over the read side."""

    def __init__(self, run_items: RunItems, traces: Traces) -> None:
        self._run_items = run_items
        self._traces = traces

    async def answered(self, project: str, run: str) -> Sequence[Answered]:
        return [_answered(judged) for judged in await self._run_items.all(project, run)]

    async def costs(self, project: str, run: str) -> Mapping[str, float | None]:
        found: dict[str, float | None] = {}
        after: Sequence[Any] | None = None
        while True:
            page = await self._traces.find(project, TraceFilter(run=run), limit=_PAGE, after=after)
            found.update({row["trace_id"]: _cost(row) for row in page.items if row["models"]})
            after = page.following
            if after is None:
                return found


def _answered(judged: JudgedItem) -> Answered:
    record = judged.record
    return Answered(
        item=record.item,
        repeat=record.repeat,
        input=record.input,
        output=record.output,
        expected=record.expected,
        contexts=record.contexts,
        error=record.error,
        trace_id=record.trace_id,
        latency_ms=record.latency_ms,
        cost=record.cost,
        cluster=record.cluster,
        scores={name: _scored(score) for name, score in judged.scores.items()},
    )


def _scored(score: ItemScore) -> Scored:
    """Only checks sign with a version. A score posted from outside under a metric's name must not sway a gate."""
    if score.version is None:
        return Scored(error="a score of this name was posted from outside")
    return Scored(score.value, score.error, score.reason)


def _cost(row: Mapping[str, Any]) -> float | None:
    """Known only when the price of every model call is."""
    usd: float | None = row["cost"]["usd"]
    return None if row["cost"]["unknown"] else usd
