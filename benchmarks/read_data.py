"""A store with a given number of spans, as a busy week leaves it: the data that `benchmarks.read` asks about.

A trace is one turn of a conversation: an agent, a retriever, a reranker, a guard, two tools and two model calls, each
call repeating what was said before, about 3.6 kB a span. 2,000 users, most of them rare; sessions of a few turns; five
models; 2 % of the spans failed; a score on every third trace. Past a million spans the same week is multiplied: the
same texts under other ids, in the order of time.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay_server.core.records import Facts, Score, Span, SpanKind, Tokens
from assay_server.store import DuckStore

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
DAYS = 8
BASE = 1_000_000
"""Spans that are made one by one; more are copies."""

KINDS: tuple[SpanKind, ...] = ("agent", "retriever", "reranker", "guardrail", "tool", "tool", "llm", "llm")
MODELS = {
    "gpt-4o-2024-11-20": (2.5e-6, 1e-5),
    "gpt-4o-mini-2024-07-18": (1.5e-7, 6e-7),
    "claude-sonnet-4-20250514": (3e-6, 1.5e-5),
    "mistral-large-2411": (2e-6, 6e-6),
    "in-house-7b": None,  # nobody knows its price
}
AGENTS = ("support", "search", "billing", "triage")
TOOLS = ("lookup_order", "get_invoice", "search_docs", "create_ticket", "convert_currency")
RARE = "quicksilver"
"""A word that stands in one trace of about 10,000."""

_STEMS = [f"{a}{b}{c}" for a in ("con", "pro", "re", "un", "de") for b in ("tract", "port", "serv", "form", "duct", "mit") for c in ("", "ing", "ed", "s", "ion", "able")]  # fmt: skip  # noqa: E501
_NATURAL = """
    the order has not arrived and the customer asks for a refund under our policy please check invoice number date of
    delivery address account password reset shipping cost days late return label warranty broken screen charger
    subscription cancel renew upgrade plan price discount code expired payment failed card declined bank transfer
    thank you for your patience we are sorry about this and will send a replacement today""".split()  # noqa: SIM905  (prose, not a list)
_BATCH = 2_000


def build(folder: Path, project: str, spans: int) -> None:
    """Fills the empty store in `folder`, as ingest leaves it, not compacted; the newest span is a minute old."""
    asyncio.run(_build(folder, project, min(spans, BASE)))
    if spans > BASE:
        from benchmarks.read_copies import multiply

        multiply(folder, -(-spans // BASE))


async def _build(folder: Path, project: str, spans: int) -> None:
    store = await DuckStore.open(folder)
    try:
        waiting = Facts()
        for trace in traces(project, spans // len(KINDS), random.Random(1)):
            waiting.spans += trace.spans
            waiting.scores += trace.scores
            if len(waiting.spans) >= _BATCH:
                await store.append(waiting)
                waiting = Facts()
        await store.append(waiting)
    finally:
        await store.close()


@dataclass(slots=True)
class _Session:
    name: str
    user: str
    agent: str
    turns: int
    said: list[dict[str, Any]] = field(default_factory=list)


def traces(project: str, number: int, rng: random.Random) -> Iterator[Facts]:
    """So many turns, evenly over the days before now."""
    writer = _Writer(rng)
    begin = time.time_ns() - 60 * SECOND - DAYS * DAY
    open_sessions: list[_Session] = []
    for n in range(number):
        if len(open_sessions) < 200:
            user = f"u{min(int(rng.paretovariate(0.6)), 2000) if rng.random() < 0.5 else rng.randrange(2000)}"
            open_sessions.append(_Session(f"s{n}", user, rng.choice(AGENTS), 1 + int(rng.expovariate(0.3))))
        session = rng.choice(open_sessions)
        session.turns -= 1
        if session.turns <= 0:
            open_sessions.remove(session)
        yield _turn(project, n, begin + n * DAYS * DAY // number, session, writer, rng)


def _turn(project: str, n: int, start: int, session: _Session, writer: "_Writer", rng: random.Random) -> Facts:
    trace_id = rng.randbytes(16).hex()
    question, answer, found = writer.text(45), writer.text(60), writer.text(180)
    asked = [*session.said, _message("user", question)]
    session.said = [*asked, _message("assistant", answer)][-6:]
    texts = {
        "agent": (question, answer),
        "retriever": (question, found),
        "reranker": (found, found[: len(found) // 2]),
        "guardrail": (question, "passed"),
        "tool": (json.dumps({"order": rng.randrange(10**8), "note": writer.text(8)}), writer.text(70)),
        "llm": (json.dumps([_message("system", writer.system(session.agent)), *asked, _message("tool", found)]),
                json.dumps([_message("assistant", answer)])),
    }  # fmt: skip
    root = rng.randbytes(8).hex()
    made = Facts()
    for place, kind in enumerate(KINDS):
        made.spans.append(_span(project, trace_id, root, place, kind, start, session, texts[kind], rng))
    if n % 3 == 0:
        value = float(rng.random() < 0.8)
        made.scores.append(Score(project, f"scr_{trace_id}", "user_feedback", start + 9 * SECOND, "end_user", value,
                                 trace_id=trace_id, session=session.name))  # fmt: skip
    return made


def _span(
    project: str, trace_id: str, root: str, place: int, kind: SpanKind, start: int, session: _Session,
    texts: tuple[str, str], rng: random.Random,
) -> Span:  # fmt: skip
    begin = start + place * 100_000_000
    failed = rng.random() < 0.02
    span = Span(
        project=project, trace_id=trace_id, span_id=root if place == 0 else rng.randbytes(8).hex(),
        parent_id=None if place == 0 else root, name=_name(kind, session, rng), kind=kind, start_ns=begin,
        end_ns=begin + int(rng.lognormvariate(0, 1) * 4e8), status="error" if failed else "ok",
        status_message="upstream timed out after 30 s" if failed else None, service=f"{session.agent}-service",
        environment="staging" if rng.random() < 0.05 else "production", scope="bench", session=session.name,
        user=session.user, input=texts[0], output=texts[1], resource={"service.name": f"{session.agent}-service"},
        attributes={"openinference.span.kind": kind.upper(), "session.id": session.name, "user.id": session.user,
                    "input.value": texts[0], "output.value": texts[1]},
    )  # fmt: skip
    if place == 0:
        span.tags = [rng.choice(("beta", "internal", "paid", "free"))]
        span.attributes["http.route"] = f"/v1/{session.agent}/{rng.randrange(20)}"
        span.tenant = span.attributes["tenant"] = f"tenant-{rng.randrange(50)}"
    if kind == "llm":
        _call(span, rng)
    return span


def _call(span: Span, rng: random.Random) -> None:
    span.model = rng.choice(list(MODELS))
    span.provider, span.release = "openai", f"rel_{rng.randrange(6)}"
    tokens = Tokens(len(span.input or "") // 4, output=len(span.output or "") // 4)
    price = MODELS[span.model]
    span.tokens, span.ttft_ms = tokens, rng.lognormvariate(0, 0.5) * 300
    if price is not None:
        span.cost = (tokens.fresh_input or 0) * price[0] + (tokens.output or 0) * price[1]
        span.cost_source = "prices:2026-11-20"
    span.attributes |= {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": span.model, "gen_ai.request.temperature":
        rng.choice((0.0, 0.2, 0.7)), "gen_ai.input.messages": span.input, "gen_ai.output.messages": span.output,
        "gen_ai.usage.input_tokens": tokens.fresh_input, "gen_ai.usage.output_tokens": tokens.output,
    }  # fmt: skip


def _name(kind: SpanKind, session: _Session, rng: random.Random) -> str:
    if kind == "agent":
        return f"{session.agent}-agent"
    return rng.choice(TOOLS) if kind == "tool" else {"llm": "chat"}.get(kind, kind)


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


class _Writer:
    """Texts of made-up and of natural words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._words = [*_STEMS, *_NATURAL, *_NATURAL]

    def text(self, words: int) -> str:
        """So many words, and a number that nobody else has among them."""
        rare = f" {RARE}" if self._rng.random() < 1 / 50_000 else ""
        return f"{' '.join(self._rng.choices(self._words, k=words))} case {self._rng.randrange(10**9):09d}{rare}."

    def system(self, agent: str) -> str:
        return f"You are the {agent} assistant. {' '.join(_NATURAL)}. Never promise a refund."
