"""Checks of the catalogue on live traffic: a share of the traces, behind the commit, as scores of source `code`.

Which checks, and of how many traces, a project says (`governance.Flags`); it is off unless somebody does. What waits is
bounded and in memory: a check for which there is no room is dropped and counted, and a restart forgets what waits.
"""

import asyncio
import contextlib
import json
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from assay_server.checks import Check, Sample
from assay_server.core.errors import AssayError
from assay_server.core.ports import Sink
from assay_server.core.records import Facts, Score, Span
from assay_server.governance import DROPPED, SCORED, SKIPPED, Flagging, fraction
from assay_server.ingest.documents import documents_of
from assay_server.store import GATEWAY

_ROOM = 1000  # calls that wait
_AT_ONCE = 50  # scores in one commit
_MOST_TRACES = 1000  # whose documents are remembered
_MOST_DOCUMENTS = 50
_MOST_ANSWERS = 5000  # of which it is known when they were given
_LONGEST_OUTPUT = 200_000  # characters of messages that are taken apart
_LONGEST = 8000  # characters of an answer or a document
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
    answer: str
    contexts: Contexts
    checks: tuple[str, ...]


class FlagWatch:
    """A listener of ingest. `heard` only takes note; the judging is a task that rests longer than it works."""

    def __init__(self, sink: Sink, policies: Policies, check: Callable[[str], Check]) -> None:
        self._sink = sink
        self._policies = policies
        self._check = check
        self._documents: OrderedDict[tuple[str, str], Contexts] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str, bytes], tuple[int, int, tuple[str | None, ...]]] = OrderedDict()
        self._waiting: deque[_Waiting] = deque()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="flags")

    async def heard(self, facts: Facts) -> None:
        looked_at = [(span, policy) for span in facts.spans if (policy := self._asked(span)) is not None]
        for span, _ in looked_at:  # first: an answer may come in one request with what was retrieved for it
            self._remember(span)
        for span, policy in looked_at:
            self._note(span, policy)

    async def settled(self) -> None:
        """Returns when nothing waits."""
        await self._idle.wait()

    async def close(self) -> None:
        """What waits is let go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _asked(self, span: Span) -> Flagging | None:
        policy = self._policies.of(span.project)
        if not policy.checks or span.run is not None or fraction(span.trace_id) >= policy.share:
            return None
        return policy

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

    def _note(self, span: Span, policy: Flagging) -> None:
        if span.kind != "llm" or not span.output:
            return
        answer = answer_of(span.output) if len(span.output) <= _LONGEST_OUTPUT else None
        if answer is None:
            self._policies.count(span.project, SKIPPED, len(policy.checks))
            return
        if self._is_told_again(span, answer):
            return
        if len(self._waiting) >= _ROOM:
            self._policies.count(span.project, DROPPED, len(policy.checks))
            return
        contexts = self._documents.get((span.project, span.trace_id), [])
        self._waiting.append(
            _Waiting(span.project, span.trace_id, span.span_id, span.end_ns, answer[:_LONGEST], contexts, policy.checks)
        )
        self._idle.clear()
        self._woken.set()

    def _is_told_again(self, span: Span, answer: str) -> bool:
        """The same answer within the time of a call that was looked at, or around it: a client and the gateway both
        tell of one call, and it is counted once, as its cost is."""
        key = (span.project, span.trace_id, blake2b(answer.encode("utf-8", "replace"), digest_size=16).digest())
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
        scores = []
        for name in waiting.checks:
            check = self._check(name)
            outcome = await check.check(sample)
            if outcome.skipped is not None:
                self._policies.count(waiting.project, SKIPPED, 1)
                continue
            scores.append(
                Score(
                    project=waiting.project,
                    id=f"scr_flag_{name}_{waiting.trace_id}_{waiting.span_id}",
                    name=name,
                    time_ns=waiting.time_ns,
                    source="code",
                    value=outcome.value,
                    error=outcome.error,
                    reason=outcome.reason,
                    author=name,
                    version=check.version,
                    trace_id=waiting.trace_id,
                    span_id=waiting.span_id,
                )
            )
        return scores

    async def _write(self, scores: list[Score]) -> None:
        what = SCORED
        try:
            if scores:
                await self._sink.write(Facts(scores=scores))
        except AssayError as error:
            what = DROPPED
            _log.warning("%d flags could not be written: %s", len(scores), error)
        for score in scores:
            self._policies.count(score.project, what, 1)


def answer_of(output: str) -> str | None:
    """What a model said in words: the text of its messages without tool calls; None where there is none."""
    body: Any = output
    if output.lstrip()[:1] in ("[", "{"):
        with contextlib.suppress(ValueError, RecursionError):  # a text may begin so
            body = json.loads(output)
    messages = body if isinstance(body, list) else [body]
    said = [text for message in messages if (text := _words(message))]
    return "\n".join(said) or None


def _words(message: Any) -> str:
    if isinstance(message, str):
        return message.strip()
    if not isinstance(message, dict):
        return ""
    content = message.get("content") if message.get("content") is not None else message.get("parts")
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else [message]
    texts = [
        text
        for part in parts
        if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text")
        for text in (part.get("text") or part.get("content"),)
        if isinstance(text, str)
    ]
    return "\n".join(texts).strip()
