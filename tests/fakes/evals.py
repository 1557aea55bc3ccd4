"""What evals needs around it, in memory: facts, datasets, releases, verdicts, an audit trail, jobs, an endpoint."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from assay_server.core.errors import Busy, NotFound
from assay_server.core.ports import Completion, CompletionRequest
from assay_server.core.records import Facts, RunItem, Score, Span
from assay_server.evals import Answered, Scored
from assay_server.ledger import Ledger, tables


class MemoryFacts:
    """A sink that keeps facts, and the reader over them. `refuse` answers that many writes with Busy first."""

    def __init__(self, *, refuse: int = 0) -> None:
        self.run_items: dict[tuple[str, str, int], RunItem] = {}
        self.scores: dict[str, Score] = {}
        self.spans: list[Span] = []
        self.writes = 0
        self._refuse = refuse

    async def write(self, facts: Facts) -> None:
        if self._refuse:
            self._refuse -= 1
            raise Busy(retry_after_s=0.001)
        self.writes += 1
        for row in facts.run_items:
            self.run_items.setdefault((row.run, row.item, row.repeat), row)
        for score in facts.scores:
            self.scores.setdefault(score.id, score)
        self.spans.extend(facts.spans)

    async def answered(self, project: str, run: str) -> list[Answered]:
        rows = [row for row in self.run_items.values() if (row.project, row.run) == (project, run)]
        return [_answered(row, self._scores_of(row)) for row in rows]

    async def costs(self, project: str, run: str) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for span in self.spans:
            if (span.project, span.run, span.kind) == (project, run, "llm"):
                found[span.trace_id] = span.cost
        return found

    def _scores_of(self, row: RunItem) -> dict[str, Scored]:
        return {
            score.name: Scored(score.value, score.error, score.reason)
            for score in self.scores.values()
            if (score.run, score.item, score.metadata["repeat"]) == (row.run, row.item, row.repeat)
        }


def _answered(row: RunItem, scores: Mapping[str, Scored]) -> Answered:
    return Answered(
        row.item, row.repeat, row.input, row.output, row.expected, row.contexts, row.error, row.trace_id,
        row.latency_ms, row.cost, row.cluster, scores,
    )  # fmt: skip


class FakeDatasets:
    """Datasets given as lists of items; `add` also writes the row that runs refer to."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._versions: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}

    async def add(self, project: str, name: str, items: list[dict[str, Any]]) -> str:
        version = {
            "id": f"dsv_{name}",
            "name": name,
            "version": 1,
            "content_hash": f"sha256:{name}",
            "items": len(items),
        }
        row = version | {"project": project, "scrubbed": {}, "created_ns": 0, "created_by": "key:test"}
        await self._ledger.write(lambda c: c.execute(tables.registry.dataset_versions.insert().values(**row)) and None)
        for ref in (name, f"{name}@1", str(version["id"])):
            self._versions[ref] = (version, items)
        return name

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        if ref not in self._versions:
            raise NotFound("No dataset of this name.", field="dataset", value=ref)
        return self._versions[ref][0]

    async def items(self, project: str, ref: str) -> list[dict[str, Any]]:
        return self._versions[ref][1]


class FakeReleases:
    """Releases by id, in the REST API's shape; `add` also writes the row that runs refer to."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, dict[str, Any]] = {}

    async def add(self, project: str, release: str, *, variables: Sequence[str] = (), schema: Any = None) -> str:
        row = {
            "id": release, "project": project, "name": release, "version": 1, "content_hash": f"sha256:{release}",
            "prompts": {}, "model": "fake/model-2026-01-01", "parameters": {}, "created_ns": 0, "created_by": "t",
        }  # fmt: skip
        await self._ledger.write(lambda c: c.execute(tables.registry.releases.insert().values(**row)) and None)
        prompt = {"template": {"system": "Answer."}, "variables": list(variables)}
        self._known[release] = row | {"prompts": {"answer": prompt}, "output_schema": schema}
        return release

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        if ref not in self._known:
            raise NotFound("No release of this name.", field="release", value=ref)
        return self._known[ref]


class FakeVerdicts:
    def __init__(self) -> None:
        self.recorded: list[dict[str, Any]] = []

    async def record(self, project: str, actor: str, verdict: Mapping[str, Any]) -> dict[str, Any]:
        found = {"id": f"ver_{len(self.recorded)}", **verdict, "created_by": actor}
        self.recorded.append(found)
        return found


class FakeAudit:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def append(self, connection: Connection, **event: Any) -> None:
        self.events.append(event)


class TaskJobs:
    """Jobs as plain tasks: not durable, but with the same face."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def register(self, name: str, function: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._functions[name] = function

    async def start(self, name: str, job_id: str, args: dict[str, Any]) -> None:
        if job_id not in self._tasks:
            self._tasks[job_id] = asyncio.ensure_future(self._functions[name](args))

    async def cancel(self, job_id: str) -> None:
        self._tasks[job_id].cancel()
        await asyncio.gather(self._tasks[job_id], return_exceptions=True)

    async def finished(self, job_id: str) -> None:
        """Waits for the job; its failure is no failure of the wait."""
        await asyncio.gather(self._tasks[job_id], return_exceptions=True)


class FakeComplete:
    """A model that answers by a function of the request."""

    def __init__(self, answer: Callable[[CompletionRequest], str]) -> None:
        self._answer = answer
        self.requests: list[CompletionRequest] = []

    async def __call__(self, request: CompletionRequest) -> Completion:
        self.requests.append(request)
        return Completion(self._answer(request), "0" * 32, "0" * 16, request.model, latency_ms=5.0)


Handler = Callable[[dict[str, Any], web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def endpoint(handler: Handler) -> AsyncIterator[str]:
    """A real HTTP server on the loopback interface that answers with `handler(body, request)`; yields its address."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return await handler(await request.json(), request)

    app = web.Application()
    app.router.add_post("/eval", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/eval"
    finally:
        await runner.cleanup()


def answer(output: Any, contexts: Sequence[Mapping[str, Any]] = ()) -> web.Response:
    """The answer of a well-behaved application."""
    return web.Response(
        text=json.dumps({"output": output, "contexts": list(contexts)}), content_type="application/json"
    )
