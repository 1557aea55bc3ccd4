"""Step 1, observe: 200 questions, instrumented in four ways; each trace shows its tree; secrets are not stored."""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from examples.support.questions import Question, live
from examples.tour import making
from examples.tour.context import Tour
from examples.tour.expect import expect, until

QUESTIONS = 200
STAGING = "staging"
_VIA = {"opentelemetry": 44, "client": 20, "small": 4}  # the rest through the SDK
_AT_A_TIME = 16
_PRIVATE = ("jane.doe@example.com", "+44 20 7946 0958", "4111 1111 1111 1111")
_SECRET = Question(
    "secret",
    f"My e-mail is {_PRIVATE[0]}, my phone {_PRIVATE[1]} and my card {_PRIVATE[2]}. "
    "How long is the warranty on Wrenfield products?",
    "warranty-standard",
    ("3 years",),
)
_TYPES = {"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD"}


@dataclass(slots=True, frozen=True)
class Asked:
    """A question, how it was asked, and what came back."""

    question: Question
    via: str
    reply: dict[str, Any]


async def observe(tour: Tour) -> None:
    """Everything is asked on `staging`, a channel that wants no verdict: nothing has been evaluated yet."""
    for name, url in tour.providers.items():
        await tour.assay("provider", "add", name, "--kind", "openai", "--base-url", url)
    await making.push_parts(tour)
    first = await making.make(tour, "A")
    await tour.assay("channel", "create", STAGING, "--no-gate", show=False)
    if await _live(tour) != first["id"]:
        await tour.assay("promote", making.ref(first), "--to", STAGING, "--reason", "first try")
    asked = await _ask_all(tour)
    found = await until(
        f"{QUESTIONS} traces are stored",
        lambda: tour.client.traces.list(limit=1, since=tour.began),
        lambda page: page["total"] >= QUESTIONS,
    )
    tour.screen.good(f"{found['total']} traces, from two applications, OpenAI's client and a streamed small model")
    await _check_sdk_tree(tour, _first(asked, "sdk"))
    await _check_opentelemetry_tree(tour, _first(asked, "opentelemetry"))
    await _check_client(tour, _first(asked, "client"))
    await _check_small_model(tour, [each for each in asked if each.via == "small"])
    await _check_scrubbed(tour, asked[0].reply)
    kinds = Counter(each.via for each in asked)
    by = ", ".join(f"{n} {_SPOKEN[via]}" for via, n in kinds.most_common())
    tour.tell("Observe", f"{found['total']} questions traced ({by}); 3 kinds of personal data scrubbed", "/traces")


_SPOKEN = {
    "sdk": "by the SDK",
    "opentelemetry": "by plain OpenTelemetry",
    "client": "by OpenAI's client alone",
    "small": "on the small LLM",
}


async def _live(tour: Tour) -> str | None:
    release = (await tour.client.channels.get(STAGING))["release"]
    return None if release is None else str(release["id"])


async def _ask_all(tour: Tour) -> list[Asked]:
    """The question with secrets first, then the live ones in a seeded order; at most 16 at a time."""
    questions = live()
    random.Random(1).shuffle(questions)
    plan = [(_SECRET, "sdk"), *zip(questions, _ways(QUESTIONS - 1), strict=False)]
    gate, done = asyncio.Semaphore(_AT_A_TIME), itertools.count(1)

    async def one(number: int, question: Question, via: str) -> Asked:
        user, session = f"visitor-{number % 60:02d}", f"visit-{number % 60:02d}"
        async with gate:
            reply = await tour.ask(question.text, user, session, channel=STAGING, via=via)
        report(next(done))
        return Asked(question, via, reply)

    with tour.screen.progress("questions", QUESTIONS) as report:
        return list(await asyncio.gather(*(one(number, *planned) for number, planned in enumerate(plan))))


def _ways(n: int) -> list[str]:
    ways = [via for via, times in _VIA.items() for _ in range(times)]
    ways += ["sdk"] * (n - len(ways))
    random.Random(2).shuffle(ways)
    return ways


def _first(asked: Sequence[Asked], via: str) -> str:
    """A trace of that kind, but not the one with the secrets."""
    return next(str(each.reply["trace_id"]) for each in asked[1:] if each.via == via)


async def _check_sdk_tree(tour: Tour, trace_id: str) -> None:
    trace = await _trace(tour, trace_id, 4)
    spans = trace["spans"]
    root, retriever, model = _root(spans), _of(spans, "retriever"), _of(spans, "llm")
    expect(root["name"] == "answer" and root["kind"] == "chain", "the root is the chain 'answer'", root["name"])
    expect(retriever["parent_id"] == root["span_id"], "the retriever is a child of the root", retriever["parent_id"])
    _expect_documents(retriever)
    _expect_call(spans, model)
    expect(model["prompt"] == making.PROMPT, f"the call says its prompt, {making.PROMPT}", model["prompt"])
    expect(model["release"] == tour.releases["A"]["id"], "the call says its release", model["release"])
    for field, begins in (("user", "visitor-"), ("session", "visit-")):
        expect(all(str(span[field]).startswith(begins) for span in spans), f"every span says its {field}",
               [span[field] for span in spans])  # fmt: skip
    tour.screen.good(
        f"a trace across processes: answer → retrieve ({len(retriever['documents'])} document, with its score), "
        f"prompt → {model['model']} ({model['tokens']['input_total']} + {model['tokens']['output_total']} tokens, "
        f"{model['latency_ms']:.0f} ms, {_cost(model)})"
    )


async def _check_opentelemetry_tree(tour: Tour, trace_id: str) -> None:
    spans = (await _trace(tour, trace_id, 3))["spans"]
    root, retriever, model = _root(spans), _of(spans, "retriever"), _of(spans, "llm")
    expect(root["kind"] == "agent", "OpenTelemetry's GenAI names make the root an agent", root["kind"])
    _expect_documents(retriever)
    _expect_call(spans, model)
    tour.screen.good("the same from plain OpenTelemetry: GenAI and OpenInference attributes, the gateway's span inside")


async def _check_client(tour: Tour, trace_id: str) -> None:
    spans = (await _trace(tour, trace_id, 1))["spans"]
    model = _of(spans, "llm")
    expect(len(spans) == 1 and model["parent_id"] is None, "a trace of one span", [span["name"] for span in spans])
    expect(bool(model["user"] and model["session"]), "the call has user and session", (model["user"], model["session"]))
    tour.screen.good("and from OpenAI's client alone, pointed at the gateway: a span a call, with user and session")


async def _check_small_model(tour: Tour, asked: Sequence[Asked]) -> None:
    spans = (await _trace(tour, str(asked[0].reply["trace_id"]), 4))["spans"]
    model = _of(spans, "llm")
    expect(model["ttft_ms"] is not None, "the streamed call has a time to first token", model["ttft_ms"])
    expect((model["tokens"] or {}).get("output_total", 0) > 0, "the streamed call has tokens", model["tokens"])
    right = sum(each.question.answered_by(each.reply["answer"]) for each in asked)
    said = " ".join(str(asked[0].reply["answer"]).split())
    tour.screen.good(
        f"a real LLM on this CPU, streamed: first token after {model['ttft_ms']:.0f} ms. “{asked[0].question.text}” "
        f"“{said[:90]}” {right} of its {len(asked)} answers hold the fact."
    )
    tour.screen.say("So small a model answers badly. From here on an extractive answerer takes its place: a program")
    tour.screen.say("that quotes the nearest sentence of its context. It is no language model, and is called like one.")


async def _check_scrubbed(tour: Tour, reply: dict[str, Any]) -> None:
    trace = await _trace(tour, str(reply["trace_id"]), 4)
    stored = json.dumps(trace, ensure_ascii=False)
    expect(not [text for text in _PRIVATE if text in stored], "no personal data is stored", "some of it is")
    expect(set(trace["pii"]) >= _TYPES, f"the types {sorted(_TYPES)} are recorded", trace["pii"])
    page = await tour.client.traces.list(limit=1, since=tour.began, text=_PRIVATE[0])
    expect(page["total"] == 0, "a search for the e-mail address finds nothing", page["total"])
    tour.screen.good(f"scrubbed before it reached the disk: {', '.join(sorted(trace['pii']))}")


async def _trace(tour: Tour, trace_id: str, spans: int) -> dict[str, Any]:
    """The trace when all its spans have arrived; senders batch."""
    return await until(
        f"{spans} spans in trace {trace_id}",
        lambda: tour.client.traces.get(trace_id),
        lambda trace: len(trace["spans"]) >= spans,
    )


def _expect_documents(retriever: dict[str, Any]) -> None:
    documents = retriever["documents"] or []
    complete = all(each["id"] and each["content"] and isinstance(each["score"], float) for each in documents)
    expect(bool(documents) and complete, "the retriever's documents have id, text and score", documents)


def _expect_call(spans: Sequence[dict[str, Any]], model: dict[str, Any]) -> None:
    """The gateway's span: inside the application's trace, yet from another process."""
    parent = next((span for span in spans if span["span_id"] == model["parent_id"]), None)
    expect(parent is not None, "the gateway's span is inside the application's trace", model["parent_id"])
    expect(parent is not None and parent["service"] != model["service"], "two processes made this trace",
           model["service"])  # fmt: skip
    tokens = model["tokens"] or {}
    expect(bool(tokens.get("input_total") and tokens.get("output_total")), "the call has tokens", tokens)
    expect(model["latency_ms"] > 0, "the call has a latency", model["latency_ms"])


def _root(spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    roots = [span for span in spans if span["parent_id"] is None]
    expect(len(roots) == 1, "one root span", [span["name"] for span in roots])
    return roots[0]


def _of(spans: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = [span for span in spans if span["kind"] == kind]
    expect(len(found) == 1, f"one {kind} span", [f"{span['name']} ({span['kind']})" for span in spans])
    return found[0]


def _cost(model: dict[str, Any]) -> str:
    return "cost unknown: nobody sells this model" if model["cost"] is None else f"{model['cost']:.6f} USD"
