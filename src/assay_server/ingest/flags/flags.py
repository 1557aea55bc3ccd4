"""Checks of the catalogue on live traffic: a share of the traces, behind the commit, as scores of source `code`.

Which checks, and of how many traces, a project says (`governance.Flags`); it is off unless somebody does. Only answers
that were asked to obey a schema are always held against it. What waits is bounded and in memory: a check for which
there is no room is dropped and counted, and a restart forgets what waits.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from assay_server.checks import Check, Outcome, Sample
from assay_server.core.errors import AssayError
from assay_server.core.ports import Sink
from assay_server.core.records import Facts, Score, Span
from assay_server.governance import DROPPED, SCORED, SKIPPED, Flagging, fraction
from assay_server.ingest.flags.answer_schema import Schema, schema_asked
from assay_server.ingest.flags.answers import answer_of, text_answered
from assay_server.ingest.flags.schema_around import SchemasAround, is_step
from assay_server.ingest.normalise.documents import documents_of
from assay_server.ingest.scrub import is_scrubbed
from assay_server.store import GATEWAY

_ROOM = 1000  # calls that wait
_AT_ONCE = 50  # scores in one commit
_MOST_TRACES = 1000  # whose documents are remembered
_MOST_DOCUMENTS = 50
_MOST_ANSWERS = 5000  # of which it is known when they were given
_LONGEST_OUTPUT = 200_000  # characters of messages that are taken apart
_LONGEST = 8000  # characters of an answer or a document
_LONGEST_JSON = 50_000  # the same of an answer with a schema, which is looked at whole or not at all
_SCHEMA_VALID = "schema_valid"
_REST = 3.0  # times as long as it worked: a quarter of one core at most
_FINDERS = frozenset({"retriever", "reranker"})

_log = logging.getLogger(__name__)

Contexts = list[dict[str, Any]]


class Policies(Protocol):
    """What `governance.Flags` does."""

    def of(self, project: str) -> Flagging: ...

    def count(self, project: str, what: str, n: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    project: str
    trace_id: str
    span_id: str
    time_ns: int
    contexts: Contexts
    answer: str
    checks: tuple[str, ...]
    structured: tuple[str, Schema] | None  # an answer, whole, and what it was asked to obey


class FlagWatch:
    """A listener of ingest. `heard` only takes note; the judging is a task that rests longer than it works."""

    def __init__(self, sink: Sink, policies: Policies, check: Callable[[str], Check]) -> None:
        self._sink = sink
        self._policies = policies
        self._check = check
        self._documents: OrderedDict[tuple[str, str], Contexts] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str, bytes], tuple[int, int, tuple[str | None, ...]]] = OrderedDict()
        self._around = SchemasAround()
        self._waiting: deque[_Waiting] = deque()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="flags")

    async def heard(self, facts: Facts) -> None:
        sampled = [(span, self._sampled(span)) for span in facts.spans if span.run is None]
        for span, checks in sampled:  # first: an answer may come in one request with what was retrieved for it
            if checks:
                self._remember(span)
            for answer, schema, call in self._around.said(span):
                self._wait(
                    _Waiting(call.project, call.trace_id, call.span_id, call.end_ns, [], "", (), (answer, schema))
                )
        for span, checks in sampled:
            if span.kind == "llm" and span.output:
                self._note(span, span.output, checks)

    async def settled(self) -> None:
        """Returns when nothing waits."""
        await self._idle.wait()

    async def close(self) -> None:
        """What waits is let go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _sampled(self, span: Span) -> tuple[str, ...]:
        """The checks that its project asks for, where its trace is among those that are looked at."""
        policy = self._policies.of(span.project)
        return policy.checks if policy.checks and fraction(span.trace_id) < policy.share else ()

    def _remember(self, span: Span) -> None:
        if span.kind not in _FINDERS:
            return
        found = documents_of(span.attributes.get("retrieval.documents")) or []
        key = (span.project, span.trace_id)
        kept = self._documents.setdefault(key, [])
        self._documents.move_to_end(key)
        for one in found[: _MOST_DOCUMENTS - len(kept)]:
            kept.append({"id": one.get("id"), "text": str(one.get("content") or "")[:_LONGEST]})
        if len(self._documents) > _MOST_TRACES:
            self._documents.popitem(last=False)

    def _note(self, span: Span, output: str, checks: tuple[str, ...]) -> None:
        answer = answer_of(output) if checks and len(output) <= _LONGEST_OUTPUT else None
        if answer is None:
            self._count(span.project, SKIPPED, len(checks))
        asked = checks if answer is not None and not self._is_told_again(span, answer, "checks") else ()
        structured = self._structured(span, output)
        if not asked and structured is None:
            return
        contexts = self._documents.get((span.project, span.trace_id), [])
        place = span.project, span.trace_id, span.span_id, span.end_ns
        self._wait(_Waiting(*place, contexts, (answer or "")[:_LONGEST], asked, structured))

    def _wait(self, waiting: _Waiting) -> None:
        if len(self._waiting) >= _ROOM:
            self._count(waiting.project, DROPPED, len(waiting.checks))
            return
        self._waiting.append(waiting)
        self._idle.clear()
        self._woken.set()

    def _structured(self, span: Span, output: str) -> tuple[str, Schema] | None:
        """Not of a call that was cut off, nor of an answer that is not as it was given: a number that was scrubbed and
        became `[PHONE_NUMBER]` is no JSON."""
        if span.status == "error" or len(output) > _LONGEST_OUTPUT:
            return None
        schema = schema_asked(span.attributes)
        around = not schema and is_step(span)
        answer = text_answered(output) if around or schema is not None else None
        if answer is None or len(answer) > _LONGEST_JSON:
            return None
        if is_scrubbed(answer, span.pii) or self._is_told_again(span, answer, "schema"):
            return None
        if around:
            schema = self._around.schema_of(span, answer)
        elif not schema:  # any JSON, by its own word: the span around it may say more
            schema = self._around.known(span, answer) or schema
        return None if schema is None else (answer, schema)

    def _count(self, project: str, what: str, n: int) -> None:
        if n:
            self._policies.count(project, what, n)

    def _is_told_again(self, span: Span, answer: str, asked: str) -> bool:
        """The same answer within the time of a call that was looked at, or around it: a client and the gateway both
        tell of one call, and it is counted once, as its cost is."""
        said = f"{asked} {answer}".encode("utf-8", "replace")
        key = (span.project, span.trace_id, blake2b(said, digest_size=16).digest())
        known = self._answers.get(key)
        place = span.parent_id, GATEWAY if span.service == GATEWAY else span.scope
        self._answers[key] = span.start_ns, span.end_ns, place
        self._answers.move_to_end(key)
        if len(self._answers) > _MOST_ANSWERS:
            self._answers.popitem(last=False)
        if known is None or known[2] == place:  # two calls, unless another instrument tells
            return False
        began, ended, _ = known
        return began <= span.start_ns <= span.end_ns <= ended or span.start_ns <= began <= ended <= span.end_ns

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                scores: list[Score] = []
                while self._waiting and len(scores) < _AT_ONCE:
                    began = loop.time()
                    scores += await self._judge(self._waiting.popleft())
                    await asyncio.sleep((loop.time() - began) * _REST)
                await self._write(scores)
            self._idle.set()

    async def _judge(self, waiting: _Waiting) -> list[Score]:
        sample = Sample(input="", output=waiting.answer, contexts=waiting.contexts)
        outcomes = [(check, await check.check(sample)) for check in map(self._check, waiting.checks)]
        self._count(waiting.project, SKIPPED, sum(outcome.skipped is not None for _, outcome in outcomes))
        if waiting.structured is not None:
            answer, schema = waiting.structured
            check = self._check(_SCHEMA_VALID)
            outcomes.append((check, await check.check(Sample(input="", output=answer, output_schema=schema))))
        return [_score(waiting, check, outcome) for check, outcome in outcomes if outcome.skipped is None]

    async def _write(self, scores: list[Score]) -> None:
        what = SCORED
        try:
            if scores:
                await self._sink.write(Facts(scores=scores))
        except AssayError as error:
            what = DROPPED
            _log.warning("%d flags could not be written: %s", len(scores), error)
        for score in scores:
            if score.name != _SCHEMA_VALID:  # nobody asked for it: it is no part of what a policy did
                self._count(score.project, what, 1)


def _score(waiting: _Waiting, check: Check, outcome: Outcome) -> Score:
    return Score(
        project=waiting.project,
        id=f"scr_flag_{check.name}_{waiting.trace_id}_{waiting.span_id}",
        name=check.name,
        time_ns=waiting.time_ns,
        source="code",
        value=outcome.value,
        error=outcome.error,
        reason=outcome.reason,
        author=check.name,
        version=check.version,
        trace_id=waiting.trace_id,
        span_id=waiting.span_id,
    )
