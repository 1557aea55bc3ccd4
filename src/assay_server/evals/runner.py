"""The loop of a run: asks, scores and stores, as many at once as allowed. Answers that are stored are not asked again.

Each answer is written with its scores and its root span in one batch as soon as it is there, so a kill costs what
was under way and nothing that was answered. Memory is flat: items wait in a list, answers go to the store.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from assay_server.checks import Check
from assay_server.core.clock import Clock
from assay_server.core.errors import AssayError, Busy
from assay_server.core.ports import Complete, Sink
from assay_server.core.records import Facts, RunItem, Span
from assay_server.evals.items import Item
from assay_server.evals.ports import Answered, RunFacts
from assay_server.evals.scoring import LATE, score
from assay_server.evals.summary import cost_of
from assay_server.evals.targets import (
    Answer,
    EndpointTarget,
    ReleaseTarget,
    Target,
    Trace,
    ask_patiently,
    in_words,
)

_COST_LOOKS = 5
_COST_PAUSE_S = 0.2


@dataclass(slots=True)
class Progress:
    """Answers stored so far, of how many; errors are answers that failed."""

    total: int
    done: int = 0
    errors: int = 0


@dataclass(slots=True, frozen=True)
class Plan:
    """All that a run does. `release` is the REST API's release, or None."""

    project: str
    run: str
    items: Sequence[Item]
    checks: Sequence[Check]
    release: Mapping[str, Any] | None
    endpoint: str | None
    recorded: bool
    concurrency: int
    repeats: int

    @property
    def schema(self) -> Mapping[str, Any] | None:
        return None if self.release is None else self.release.get("output_schema")

    @property
    def prompt_checks(self) -> list[Check]:
        return [check for check in self.checks if check.name not in LATE]

    @property
    def late_checks(self) -> list[Check]:
        return [check for check in self.checks if check.name in LATE]


class Runner:
    """Runs plans; knows nothing of the ledger."""

    def __init__(self, sink: Sink, facts: RunFacts, complete: Complete, clock: Clock) -> None:
        self._sink = sink
        self._facts = facts
        self._complete = complete
        self._clock = clock

    async def run(self, plan: Plan, progress: Progress) -> None:
        """Answers and scores whatever the store does not hold yet."""
        known = {(answer.item, answer.repeat): answer for answer in await self._facts.answered(plan.project, plan.run)}
        progress.done = len(known)
        progress.errors = sum(answer.error is not None for answer in known.values())
        if plan.recorded:
            await self._score(plan, list(known.values()), plan.prompt_checks, {})
            return
        todo = ((i, repeat) for repeat in range(plan.repeats) for i in plan.items if (i.id, repeat) not in known)
        async with self._target(plan) as target, asyncio.TaskGroup() as group:
            for _ in range(plan.concurrency):
                group.create_task(self._work(plan, target, todo, progress))

    async def record(self, plan: Plan, answers: Sequence[tuple[Item, Answer]]) -> None:
        """Stores answers given from outside, through the same door as asked ones: scrubbed, then scored by `run`."""
        now = self._clock.now_ns()
        rows = [_run_item(plan, item, 0, now, answer=answer) for item, answer in answers]
        await self._write(Facts(run_items=rows))

    async def score_late(self, plan: Plan) -> Mapping[str, float | None]:
        """Scores what only the spans know (cost). Returns the cost of each trace.

        The application's spans arrive a little behind its answers. Looks a few times, and takes what never came as
        unknown; a run without model calls waits this second for nothing, once.
        """
        answered = await self._facts.answered(plan.project, plan.run)
        costs = await self._facts.costs(plan.project, plan.run)
        if not plan.late_checks:
            return costs
        for _ in range(_COST_LOOKS):
            if all(cost_of(answer, costs) is not None or _is_closed(answer, costs) for answer in answered):
                break
            await asyncio.sleep(_COST_PAUSE_S)
            costs = await self._facts.costs(plan.project, plan.run)
        await self._score(plan, answered, plan.late_checks, costs)
        return costs

    async def _work(self, plan: Plan, target: Target, todo: Iterator[tuple[Item, int]], progress: Progress) -> None:
        for item, repeat in todo:
            await self._one(plan, target, item, repeat, progress)

    async def _one(self, plan: Plan, target: Target, item: Item, repeat: int, progress: Progress) -> None:
        trace, started = Trace.new(), self._clock.now_ns()
        try:
            answer, error = await ask_patiently(target, item, plan.run, trace), None
        except AssayError as failure:
            answer, error = None, in_words(failure)
        row = _run_item(plan, item, repeat, started, answer=answer, error=error, trace=trace)
        scores = await score(row, plan.prompt_checks, item.metadata, plan.schema)
        span = _root_span(plan, row, trace, started, self._clock.now_ns())
        await self._write(Facts(spans=[span], scores=scores, run_items=[row]))
        progress.done += 1
        progress.errors += error is not None

    async def _score(
        self, plan: Plan, answered: Sequence[Answered], checks: Sequence[Check], costs: Mapping[str, float | None]
    ) -> None:
        """Scores stored answers that lack it. The ids of scores are derived, so a second time adds nothing."""
        items = {item.id: item for item in plan.items}
        for answer in answered:
            missing = [check for check in checks if check.name not in answer.scores]
            item = items.get(answer.item)
            if not missing or item is None:
                continue
            row = _stored(plan, answer, cost_of(answer, costs), self._clock.now_ns())
            scores = await score(row, missing, item.metadata, plan.schema)
            if scores:
                await self._write(Facts(scores=scores))

    async def _write(self, facts: Facts) -> None:
        """Waits where the door is full: a run is never in a hurry."""
        while True:
            try:
                return await self._sink.write(facts)
            except Busy as busy:
                await asyncio.sleep(busy.retry_after_s or 0.2)

    @asynccontextmanager
    async def _target(self, plan: Plan) -> AsyncIterator[Target]:
        if plan.endpoint is not None:
            release = None if plan.release is None else str(plan.release["id"])
            async with EndpointTarget(plan.endpoint, release, concurrency=plan.concurrency) as target:
                yield target
        else:
            assert plan.release is not None  # noqa: S101  (a run has a release, an endpoint or recorded answers)
            yield ReleaseTarget(self._complete, plan.project, plan.release)


def _is_closed(answer: Answered, costs: Mapping[str, float | None]) -> bool:
    """Nothing more will be learnt: it failed, has no trace, or its trace is there with an unknown price."""
    return answer.error is not None or answer.trace_id is None or answer.trace_id in costs


def _run_item(
    plan: Plan,
    item: Item,
    repeat: int,
    time_ns: int,
    *,
    answer: Answer | None,
    error: str | None = None,
    trace: Trace | None = None,
) -> RunItem:
    row = RunItem(
        project=plan.project,
        run=plan.run,
        item=item.id,
        repeat=repeat,
        time_ns=time_ns,
        cluster=item.cluster,
        input=item.text,
        expected=item.expected,
        error=error,
        trace_id=None if trace is None else trace.trace_id,
    )
    if answer is not None:
        row.output, row.contexts = answer.output, [dict(context) for context in answer.contexts]
        row.latency_ms, row.cost, row.tokens = answer.latency_ms, answer.cost, answer.tokens
    return row


def _stored(plan: Plan, answer: Answered, cost: float | None, now_ns: int) -> RunItem:
    return RunItem(
        project=plan.project,
        run=plan.run,
        item=answer.item,
        repeat=answer.repeat,
        time_ns=now_ns,
        cluster=answer.cluster,
        input=answer.input,
        output=answer.output,
        expected=answer.expected,
        contexts=[dict(context) for context in answer.contexts],
        error=answer.error,
        trace_id=answer.trace_id,
        latency_ms=answer.latency_ms,
        cost=cost,
    )


def _root_span(plan: Plan, row: RunItem, trace: Trace, start_ns: int, end_ns: int) -> Span:
    return Span(
        project=plan.project,
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_id=None,
        name="evaluate item",
        kind="chain",
        start_ns=start_ns,
        end_ns=end_ns,
        status="ok" if row.error is None else "error",
        status_message=row.error,
        service="assay",
        input=row.input,
        output=row.output,
        release=None if plan.release is None else str(plan.release["id"]),
        run=plan.run,
        item=row.item,
    )
