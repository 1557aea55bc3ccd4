"""A thin face over DBOS: one workflow that looks up the registered function by name and runs it.

The contract of a job function is deliberately small: it may be started again *from the beginning* after a
crash, so it looks at what it has already stored and goes on from there. It needs no steps of DBOS (a step
costs 2 to 30 ms), and moves to another engine without change.

DBOS is process-wide by its design, hence one running `Jobs` per process. It is imported when the jobs are
launched, not before: that costs about a second and 45 MB, which the server pays after it is ready.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from assay_server.core.errors import InvalidInput, Unavailable
from assay_server.jobs.older_sqlite import connect_arguments

Job = Callable[[dict[str, Any]], Awaitable[None]]
"""Runs on the event loop that launched the jobs. Its arguments are JSON. It may be called again with the same ones."""

# A constant: with DBOS's default (a hash of the code) every upgrade would strand the jobs that were running.
_APPLICATION_VERSION = "assay-jobs-1"

_log = logging.getLogger(__name__)


class Jobs:
    """Register functions, launch once, start jobs by id. `url` is SQLAlchemy's (`sqlite:///…`, `postgresql+psycopg://…`).

    `executor` names this process where several share one database: each resumes its own jobs only.
    """

    def __init__(self, url: str, *, executor: str = "local") -> None:
        self._url = url
        self._executor = executor
        self._functions: dict[str, Job] = {}
        self._running: dict[str, concurrent.futures.Future[None]] = {}
        self._launching: asyncio.Task[_Dbos] | None = None
        self._stopping = False

    def register(self, name: str, function: Job) -> None:
        """Make `function` known under `name`, before `launch`: a job left by the last process needs it then."""
        if name in self._functions:
            raise InvalidInput("A job of this name is registered already.", field="name", value=name)
        self._functions[name] = function

    async def launch(self) -> None:
        """Start the engine and resume what a killed process left. Waits until it runs; a second call does nothing."""
        await self._engine()

    async def start(self, name: str, job_id: str, args: dict[str, Any]) -> None:
        """Run the job `name` once under this id. Durable on return. An id that is known already is not run again.

        Raises InvalidInput for an unregistered name and Unavailable while shutting down.
        """
        if name not in self._functions:
            known = ", ".join(sorted(self._functions)) or "none"
            raise InvalidInput(
                "No job of this name.", field="name", value=name, fix=f"register it first; known: {known}"
            )
        engine = await self._engine()
        await asyncio.to_thread(engine.start, name, job_id, args)

    async def cancel(self, job_id: str) -> None:
        """Stop the job, never to resume. The function sees `asyncio.CancelledError`. Unknown ids are ignored."""
        engine = await self._engine()
        await asyncio.to_thread(engine.cancel, job_id)
        running = self._running.get(job_id)
        if running is not None:
            running.cancel()

    async def shutdown(self) -> None:
        """Stop; running jobs are interrupted and resumed by the next launch."""
        self._stopping = True
        if self._launching is None:
            return
        try:
            engine = await self._launching
        except Unavailable:
            return
        for running in list(self._running.values()):
            running.cancel()
        await asyncio.to_thread(engine.destroy)
        self._launching = None

    async def _engine(self) -> "_Dbos":
        if self._stopping:
            raise Unavailable("Jobs are shutting down.", retry_after_s=1)
        if self._launching is None:
            loop = asyncio.get_running_loop()
            self._launching = loop.create_task(asyncio.to_thread(_Dbos, self._url, self._executor, self._body(loop)))
        try:
            # Shielded: a caller that goes away must not tear down the engine for everyone else.
            return await asyncio.shield(self._launching)
        except Unavailable:
            self._launching = None  # the next call tries again
            raise

    def _body(self, loop: asyncio.AbstractEventLoop) -> Callable[[str, str, dict[str, Any]], None]:
        """What DBOS runs in a thread of its own: the job on our loop, waited for here."""

        def body(job_id: str, name: str, args: dict[str, Any]) -> None:
            future = asyncio.run_coroutine_threadsafe(self._run(name, args), loop)
            self._running[job_id] = future
            if self._stopping:  # shutdown may have looked before the line above
                future.cancel()
            try:
                future.result()
            except concurrent.futures.CancelledError:
                raise _Interrupted from None
            finally:
                self._running.pop(job_id, None)

        return body

    async def _run(self, name: str, args: dict[str, Any]) -> None:
        function = self._functions.get(name)
        if function is None:
            raise InvalidInput("A stored job names a function that this version does not have.", value=name)
        try:
            await function(args)
        except Exception:
            _log.exception("Job %s failed", name)
            raise


class _Interrupted(BaseException):
    """Not an `Exception`, so that DBOS leaves the workflow pending instead of recording a failure."""


class _Dbos:
    """The calls into DBOS, all blocking: they run in threads. Constructing it launches the engine."""

    def __init__(self, url: str, executor: str, body: Callable[[str, str, dict[str, Any]], None]) -> None:
        from dbos import DBOS, SetWorkflowID, WorkflowSerializationFormat

        self._dbos, self._set_id = DBOS, SetWorkflowID
        arguments = connect_arguments(url)
        # Quiet and offline: no tracing, no conductor. Its errors reach us as exceptions, which are logged once, by us.
        DBOS(
            config={
                "name": "assay",
                "system_database_url": url,
                "application_version": _APPLICATION_VERSION,
                "executor_id": executor,
                "enable_otlp": False,
                "log_level": "CRITICAL",
                **({"db_engine_kwargs": {"connect_args": arguments}} if arguments else {}),
            }
        )

        # PORTABLE is JSON: what is stored can be read by people, and reading it back runs no code as pickle would.
        @DBOS.workflow(name="assay.job", serialization_type=WorkflowSerializationFormat.PORTABLE)
        def job(name: str, args: dict[str, Any]) -> None:
            id_ = DBOS.workflow_id
            assert id_ is not None  # noqa: S101  (inside a workflow there is one)
            body(id_, name, args)

        self._job = job
        try:
            DBOS.launch()
        except Exception as error:
            self.destroy()  # a half-launched engine would answer the next attempt with itself
            raise Unavailable(f"The job engine does not start: {error}", fix="check the data directory") from error

    def start(self, name: str, job_id: str, args: dict[str, Any]) -> None:
        with self._set_id(job_id):
            self._dbos.start_workflow(self._job, name, args)

    def cancel(self, job_id: str) -> None:
        self._dbos.cancel_workflow(job_id)

    def destroy(self) -> None:
        self._dbos.destroy(destroy_registry=True)
