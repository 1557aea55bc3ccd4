"""How sure a model was, where what a client kept of its answer says how likely each token was (`logprobs`).

The gateway reads that of its own calls; here it is read of those that other clients made.
"""

import math
from collections.abc import Iterator
from typing import Any

from assay_server.core.ids import digest_id
from assay_server.core.records import Score, Span
from assay_server.ingest.normalise.values import parsed
from assay_server.providers import LEAST_LOGPROB

CONFIDENCE = "confidence"
_AUTHOR = "logprobs"
_VERSION = "1"
_ANSWERS = ("output.value", "mlflow.spanOutputs", "langfuse.observation.output", "langsmith.response_metadata")
"""Where clients keep the answer as the vendor gave it."""

_FIELD = "logprobs"
_MOST = 100_000  # values of an answer that are looked at


def confidence_of(span: Span) -> Score | None:
    """exp of the mean logprob of the chosen tokens, 0 to 1. None where the answer says none."""
    for key in _ANSWERS:
        found = _logprobs(span.attributes.get(key))
        if found:
            mean = math.fsum(found) / len(found)
            return Score(
                project=span.project,
                id=digest_id("scr", f"{CONFIDENCE} {span.trace_id} {span.span_id}".encode()),
                name=CONFIDENCE,
                time_ns=span.end_ns,
                source="code",
                value=math.exp(mean),
                reason=f"mean logprob {mean:.4f} of {len(found)} tokens",
                author=_AUTHOR,
                version=_VERSION,
                trace_id=span.trace_id,
                span_id=span.span_id,
                session=span.session,
                run=span.run,
                item=span.item,
            )
    return None


def _logprobs(answer: Any) -> list[float]:
    if isinstance(answer, str):
        if '"logprob"' not in answer:  # nearly all: nothing is parsed for them
            return []
        answer = parsed(answer)
    return [
        max(float(value), LEAST_LOGPROB)
        for token in _tokens(answer)
        if isinstance(token, dict)
        for value in (token.get("logprob"),)
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0
    ]


def _tokens(answer: Any) -> Iterator[Any]:
    """`{"logprobs": {"content": [token, …]}}` of a chat completion, `{"logprobs": [token, …]}` of a response, wherever
    they stand; what might have been said in a token's place is not looked at."""
    waiting, seen = [answer], 0
    while waiting and seen < _MOST:
        value = waiting.pop()
        seen += 1
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            told = value.get(_FIELD)
            chosen = told.get("content") if isinstance(told, dict) else told
            if isinstance(chosen, list):
                yield from chosen
            waiting += [inner for name, inner in value.items() if name != _FIELD]
