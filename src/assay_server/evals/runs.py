"""Runs: start, watch, read, compare, cancel. A run is a durable job; its answers are facts."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from assay_server.checks import Catalogue
from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import AssayError, Conflict
from assay_server.core.ids import new_id
from assay_server.core.ports import Complete, Sink
from assay_server.evals import rows
from assay_server.evals.comparison import compare_runs
from assay_server.evals.items import Item, parse_item
from assay_server.evals.points import by_item
from assay_server.evals.ports import Answered, DatasetReader, ReleaseReader, RunFacts
from assay_server.evals.requests import RunRequest, parse_recorded, parse_request
from assay_server.evals.runner import Plan, Progress, Runner
from assay_server.evals.suites import Suites
from assay_server.evals.summary import cost_of, summarise
from assay_server.jobs import Jobs
from assay_server.ledger import AuditTrail, Ledger

JOB = "evals.run"

Json = dict[str, Any]
JsonList = list[Json]


class Runs:
    """The runs of a project, in the shapes of the REST API. Constructing it registers its job: do so before launch."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        jobs: Jobs,
        sink: Sink,
        facts: RunFacts,
        complete: Complete,
        datasets: DatasetReader,
        releases: ReleaseReader,
        suites: Suites,
        catalogue: Catalogue,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._audit = audit
        self._jobs = jobs
        self._facts = facts
        self._datasets = datasets
        self._releases = releases
        self._suites = suites
        self._catalogue = catalogue
        self._clock = clock
        self._runner = Runner(sink, facts, complete, clock)
        self._live: dict[str, Progress] = {}
        jobs.register(JOB, self._execute)

    async def start(self, project: str, actor: str, body: Mapping[str, Any]) -> Json:
        """Accepts a run: it will be finished, a kill in between included. Raises InvalidInput, NotFound."""
        suite = body.get("suite")
        named = [rule.metric for rule in (await self._suites.get(project, str(suite))).rules] if suite else []
        request = parse_request(body, self._catalogue, named)
        dataset = await self._datasets.get(project, request.dataset)
        release = None if request.release is None else await self._releases.get(project, request.release)
        run = new_id("run")
        total = await self._record(project, run, request, dataset, release)
        values = _new_row(project, run, actor, request, dataset, release, total, self._versions(request.metrics))
        values["created_ns"] = self._clock.now_ns()
        await self._ledger.write(lambda connection: rows.insert_run(connection, values))
        await self._jobs.start(JOB, run, {"project": project, "run": run})
        return await self.get(project, run)

    async def resume(self) -> None:
        """Once after the jobs were launched: starts what was accepted and never reached its job."""
        for project, run in await self._ledger.read(rows.unfinished_runs):
            await self._jobs.start(JOB, run, {"project": project, "run": run})

    async def get(self, project: str, run: str) -> Json:
        """Raises NotFound."""
        return self._json(await self._ledger.read(lambda connection: rows.get_run(connection, project, run)))

    async def list(
        self, project: str, *, limit: int, after: Sequence[Any] | None = None
    ) -> tuple[JsonList, int, list[Any] | None]:
        """`(runs, total, key of the last one where there is more)`, newest first."""
        found, total = await self._ledger.read(lambda connection: rows.list_runs(connection, project, limit, after))
        following = [found[limit - 1].created_ns, found[limit - 1].id] if len(found) > limit else None
        return [self._json(row) for row in found[:limit]], total, following

    async def items(self, project: str, run: str) -> JsonList:
        """Every answer with its scores, in the order of the dataset."""
        row = await self._row(project, run)
        answered, items = await self.answers(project, run)
        costs = await self._facts.costs(project, run)
        place = {item: index for index, item in enumerate(items)}
        ordered = sorted(answered, key=lambda answer: (place.get(answer.item, len(place)), answer.repeat))
        metrics = [metric["metric"] for metric in row.metrics]
        return [_answer_json(answer, items.get(answer.item), metrics, costs) for answer in ordered]

    async def answers(self, project: str, run: str) -> tuple[Sequence[Answered], dict[str, Item]]:
        """The stored answers, and the dataset's items by id."""
        row = await self._row(project, run)
        items = [parse_item(raw) for raw in await self._datasets.items(project, row.dataset)]
        return await self._facts.answered(project, run), by_item(items)

    async def compare(self, project: str, a: str, b: str) -> Json:
        """Two runs item by item, the largest differences first; `b` minus `a`."""
        metrics_a, metrics_b = [await self._metrics_of(project, run) for run in (a, b)]
        common = [metric for metric in metrics_a if metric in metrics_b]
        before, items_before = await self.answers(project, a)
        after, items_after = await self.answers(project, b)
        found = await asyncio.to_thread(
            compare_runs, common, (before, items_before), (after, items_after), self._catalogue
        )
        return {"a": a, "b": b, **found}

    async def cancel(self, project: str, run: str, *, actor: str, reason: str | None = None) -> Json:
        """Stops it for good; what was answered stays and is summarised. Raises Conflict when it has ended."""
        row = await self._row(project, run)
        values = {"status": "cancelled", "ended_ns": self._clock.now_ns()}

        def write(connection: Connection) -> bool:
            ended = rows.end_run(connection, project, run, values)
            if ended:
                self._audit.append(
                    connection, project=project, actor=actor, action="run.cancel", subject=run, reason=reason
                )
            return ended

        if not await self._ledger.write(write):
            raise Conflict(f"This run has ended: it is {row.status}.", field="run", value=run)
        await self._jobs.cancel(run)
        await self.recompute(project, run)
        return await self.get(project, run)

    async def recompute(self, project: str, run: str) -> Json:
        """The aggregate anew from the facts, stored with the run."""
        metrics = await self._metrics_of(project, run)
        answered, items = await self.answers(project, run)
        costs = await self._facts.costs(project, run)
        summary = await asyncio.to_thread(summarise, metrics, answered, items, costs, self._catalogue)
        await self._ledger.write(lambda connection: rows.set_summary(connection, project, run, summary))
        return summary

    async def _execute(self, args: Json) -> None:
        """The job. Started again after a kill it goes on where the facts end."""
        project, run, now = args["project"], args["run"], self._clock.now_ns()
        row = await self._ledger.write(lambda connection: rows.begin_run(connection, project, run, now))
        if row is None:
            return
        try:
            await self._carry_out(project, run, row)
        except Exception as error:
            await self._end(project, run, "failed", _in_words(error))
            raise
        else:
            await self._end(project, run, "done")
        finally:
            # Interrupted by a shutdown the run stays open: the next process goes on with it.
            self._live.pop(run, None)

    async def _carry_out(self, project: str, run: str, row: Row[Any]) -> None:
        progress = self._live[run] = Progress(total=row.total)
        plan = await self._plan(project, run, row)
        await self._runner.run(plan, progress)
        await self._runner.score_late(plan)
        await self.recompute(project, run)

    async def _end(self, project: str, run: str, status: str, error: str | None = None) -> None:
        values = {"status": status, "ended_ns": self._clock.now_ns(), "error": error}
        await self._ledger.write(lambda connection: rows.end_run(connection, project, run, values))

    async def _plan(self, project: str, run: str, row: Row[Any]) -> Plan:
        return Plan(
            project=project,
            run=run,
            items=[parse_item(raw) for raw in await self._datasets.items(project, row.dataset)],
            checks=[self._catalogue.get(metric["metric"]) for metric in row.metrics],
            release=None if row.release is None else await self._releases.get(project, row.release),
            endpoint=row.endpoint,
            recorded=row.recorded is not None,
            concurrency=row.concurrency,
            repeats=row.repeats,
        )

    async def _record(
        self,
        project: str,
        run: str,
        request: RunRequest,
        dataset: Mapping[str, Any],
        release: Mapping[str, Any] | None,
    ) -> int:
        """Stores recorded answers, if there are any. Returns how many answers the run will have."""
        if request.recorded is None:
            return int(dataset["items"]) * request.repeats
        items = [parse_item(raw) for raw in await self._datasets.items(project, str(dataset["id"]))]
        answers = parse_recorded(request.recorded, by_item(items))
        plan = Plan(project, run, items, [], release, None, recorded=True, concurrency=1, repeats=1)
        await self._runner.record(plan, answers)
        return len(answers)

    async def _metrics_of(self, project: str, run: str) -> Sequence[str]:
        row = await self._row(project, run)
        return [str(metric["metric"]) for metric in row.metrics]

    async def _row(self, project: str, run: str) -> Row[Any]:
        return await self._ledger.read(lambda connection: rows.get_run(connection, project, run))

    def _versions(self, metrics: Sequence[str]) -> Sequence[Mapping[str, str]]:
        return [{"metric": name, "version": self._catalogue.get(name).version} for name in metrics]

    def _json(self, row: Row[Any]) -> Json:
        summary = row.summary or {}
        live = self._live.get(row.id)
        done, errors = (live.done, live.errors) if live else (summary.get("done", 0), summary.get("errors", 0))
        return {
            "id": row.id,
            "status": row.status,
            "dataset": {"name": row.dataset_name, "version": row.dataset_version, "id": row.dataset},
            "release": row.release,
            "endpoint": row.endpoint,
            "recorded": row.recorded,
            "metrics": row.metrics,
            "concurrency": row.concurrency,
            "repeats": row.repeats,
            "created_at": rfc3339(row.created_ns),
            "started_at": None if row.started_ns is None else rfc3339(row.started_ns),
            "ended_at": None if row.ended_ns is None else rfc3339(row.ended_ns),
            "progress": {"done": done, "total": row.total, "errors": errors},
            "scores": summary.get("scores", {}),
            "cost": summary.get("cost", {"usd": None, "unknown": 0}),
            "latency_ms": summary.get("latency_ms", {"p50": None, "p95": None}),
            "error": row.error,
            "created_by": row.created_by,
        }


def _new_row(
    project: str,
    run: str,
    actor: str,
    request: RunRequest,
    dataset: Mapping[str, Any],
    release: Mapping[str, Any] | None,
    total: int,
    metrics: Sequence[Mapping[str, str]],
) -> Json:
    return {
        "id": run,
        "project": project,
        "status": "queued",
        "dataset": dataset["id"],
        "dataset_name": dataset["name"],
        "dataset_version": dataset["version"],
        "release": None if release is None else release["id"],
        "endpoint": request.endpoint,
        "recorded": None if request.recorded is None else total,
        "metrics": list(metrics),
        "concurrency": request.concurrency,
        "repeats": request.repeats,
        "total": total,
        "created_by": actor,
    }


def _answer_json(
    answer: Answered, item: Item | None, metrics: Sequence[str], costs: Mapping[str, float | None]
) -> Json:
    return {
        "item": answer.item,
        "repeat": answer.repeat,
        "input": answer.input if item is None else item.input,
        "expected": answer.expected,
        "output": answer.output,
        "contexts": list(answer.contexts),
        "error": answer.error,
        "trace_id": answer.trace_id,
        "latency_ms": answer.latency_ms,
        "cost": cost_of(answer, costs),
        "cluster": answer.cluster,
        "tags": [] if item is None else sorted(item.tags),
        "scores": {
            metric: {"value": score.value, "error": score.error, "reason": score.reason}
            for metric in metrics
            if (score := answer.scores.get(metric)) is not None
        },
    }


def _in_words(error: BaseException) -> str:
    """The first cause: a group of workers fails with a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.message if isinstance(error, AssayError) else f"{type(error).__name__}: {error}"
