"""Where a port of one room and the face of another differ in shape, the difference is bridged here and nowhere else."""

from collections.abc import Mapping, Sequence

from assay_server.evals import Answered, Scored
from assay_server.query import JudgedItem, RunItems, SpanFilter, Traces

_PAGE = 500


class RunFacts:
    """`evals.RunFacts` on `query`."""

    def __init__(self, run_items: RunItems, traces: Traces) -> None:
        self._run_items = run_items
        self._traces = traces

    async def answered(self, project: str, run: str) -> Sequence[Answered]:
        return [_answered(judged) for judged in await self._run_items.all(project, run)]

    async def costs(self, project: str, run: str) -> Mapping[str, float | None]:
        """Model calls only: the spans around them roll their costs up, and must not be counted again."""
        costs: dict[str, float | None] = {}
        after: Sequence[object] | None = None
        while True:
            page = await self._traces.spans(project, SpanFilter(run=run, kind="llm"), limit=_PAGE, after=after)
            for span in page.items:
                known = costs.get(span["trace_id"], 0.0)
                cost = span["cost"]
                costs[span["trace_id"]] = None if known is None or cost is None else known + cost
            if page.following is None:
                return costs
            after = page.following


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
        scores={name: Scored(score.value, score.error, score.reason) for name, score in judged.scores.items()},
    )
