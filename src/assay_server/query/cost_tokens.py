"""Where tokens go: what each call of a trace added to the context, what was sent again, and how steps fare over traces.

A provider counts a call's input as one number. Here it is divided among the messages by their length, which is right
for the whole and near for the parts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from assay_server.core.clock import rfc3339
from assay_server.core.errors import NotFound
from assay_server.core.records import Tokens
from assay_server.query.cost_sql import LARGE, SUMS, money, token_sums
from assay_server.query.cost_steps import steps_sql
from assay_server.query.rollup import counted
from assay_server.query.shapes import body_json
from assay_server.query.sql import lines
from assay_server.store import Limits, Store

_LARGEST_TRACE = Limits(rows=100_000, seconds=60)
_PREVIEW = 200
_MOST_REPEATED = 50
_MOST_MESSAGES = 10_000
_SOURCES = ("tool", "retriever", "reranker", "agent", "llm", "embedding", "guardrail")

_COLUMNS = (
    "trace_id, span_id, parent_id, kind, name, model, start_ns, end_ns, cost, fresh_input, cache_read, cache_write,"
    " output_tokens, reasoning, input, output"
)


class TokenUse:
    """Reads one trace, or all traces of a kind."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def trace(self, project: str, trace_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        spans = await self._store.scan(
            lines("SELECT", _COLUMNS, "FROM spans WHERE project = ? AND trace_id = ? ORDER BY start_ns, span_id"),
            [project, trace_id],
            limits=_LARGEST_TRACE,
        )
        if not spans:
            raise NotFound(f"There is no trace {trace_id}.", field="trace_id", value=trace_id)
        source = lines("(SELECT * FROM spans WHERE project = ? AND trace_id = ?)")
        once = [project, trace_id] * counted(source).count(source)
        nodes = await self._store.scan(
            lines(
                "SELECT kind, name,",
                SUMS,
                "FROM (",
                counted(source),
                ") GROUP BY ALL ORDER BY usd DESC NULLS LAST, name",
            ),
            once,
            limits=LARGE,
        )
        return {"trace_id": trace_id, **_summed(nodes), **_flow(spans)}

    async def steps(
        self, project: str, name: str | None, since_ns: int, until_ns: int, limit: int = 100
    ) -> dict[str, Any]:
        """Every (kind, name) of the traces whose root has that name; the one that takes most time is marked."""
        sql, params = steps_sql(project, name, since_ns, until_ns, limit)
        rows = await self._store.scan(sql, params, limits=LARGE)
        whole = sum(row["all_own_ns"] or 0 for row in rows)
        items = [_step(row, whole) for row in rows]
        if items:
            max(items, key=lambda item: item["time_share"] or 0.0)["bottleneck"] = True
        first: Mapping[str, Any] = rows[0] if rows else {"all_traces": 0, "trace_p50": None, "trace_p95": None}
        return {
            "name": name,
            "traces": first["all_traces"],
            "latency_ms": {"p50": first["trace_p50"], "p95": first["trace_p95"]},
            "items": items,
            "total": len(items),
            "next": None,
        }


@dataclass(slots=True)
class _Message:
    role: str
    text: str
    tokens: float | None = None

    @property
    def key(self) -> str:
        return hashlib.blake2b(f"{self.role}\x1f{self.text}".encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(slots=True)
class _Seen:
    """One text over all calls of the trace."""

    message: _Message
    times: int = 0
    wasted: float = 0.0
    usd: float | None = None
    counts: list[float] = field(default_factory=list)


def _flow(spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What each model call added and what it sent again, in the order of their start."""
    seen: dict[str, _Seen] = {}
    sections: dict[str, list[float]] = {}
    told = []
    for number, span in enumerate(spans):
        if span["kind"] == "llm":
            messages = _measured(span)
            told.append(_call(span, messages, seen, spans[:number]))
            for message in messages:
                section = sections.setdefault(message.role, [0, 0.0])
                section[0] += 1
                section[1] += message.tokens or 0.0
    sent = sum(call["input_tokens"] or 0 for call in told)
    resent = sum(call["resent_tokens"] or 0 for call in told)
    return {
        "llm_calls": len(told),
        "empty_tool_results": sum(1 for span in spans if span["kind"] == "tool" and is_empty(span["output"])),
        "resent_tokens": resent,
        "resent_share": resent / sent if sent else None,
        "sections": [
            {"role": role, "messages": int(n), "tokens": round(tokens), "share": tokens / sent if sent else None}
            for role, (n, tokens) in sorted(sections.items(), key=lambda one: -one[1][1])
        ],
        "calls": told,
        "repeated": _repeated(seen),
    }


def is_empty(output: str | None) -> bool:
    """A tool that found nothing: no output, or an empty list, object, string or null."""
    return (output or "").strip().lower() in {"", "[]", "{}", '""', "null", "none"}


def _call(
    span: dict[str, Any], messages: Sequence[_Message], seen: dict[str, _Seen], before: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    added, resent = [], 0.0
    tokens = _tokens(span)
    for message in messages:
        known = seen.get(message.key)
        if known is None:
            seen[message.key] = known = _Seen(message)
            added.append(message)
        else:
            resent += message.tokens or 0.0
            known.wasted += message.tokens or 0.0
            known.usd = _share_of_cost(known.usd, span, message)
        known.times += 1
        if message.tokens is not None:
            known.counts.append(message.tokens)
    counted_input = tokens.input_total is not None
    return {
        "span_id": span["span_id"],
        "name": span["name"],
        "model": span["model"],
        "start": rfc3339(span["start_ns"]),
        "input_tokens": tokens.input_total,
        "added_tokens": round(sum(message.tokens or 0.0 for message in added)) if counted_input else None,
        "resent_tokens": round(resent) if counted_input else None,
        "output_tokens": tokens.output_total,
        "cost": span["cost"],
        "added": [
            {"role": one.role, "tokens": _rounded(one.tokens), "from": _origin(one, before), "preview": _cut(one.text)}
            for one in added
        ],
    }


def _share_of_cost(known: float | None, span: dict[str, Any], message: _Message) -> float | None:
    """What sending a text again cost at most: its part of the call's tokens, at the call's mean price."""
    tokens = _tokens(span)
    whole = (tokens.input_total or 0) + (tokens.output_total or 0)
    if span["cost"] is None or not whole or message.tokens is None:
        return known
    return (known or 0.0) + float(span["cost"]) * message.tokens / whole


def _origin(message: _Message, before: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The step whose output stands in the message: the last one that ended before."""
    for span in reversed(before):
        output = (span["output"] or "").strip()
        if span["kind"] in _SOURCES and len(output) >= 8 and _plain(output) in message.text:
            return {"kind": span["kind"], "name": span["name"], "span_id": span["span_id"]}
    return None


def _plain(output: str) -> str:
    """The text inside an answer that is stored as messages."""
    messages = body_json(output)
    if isinstance(messages, list) and messages:
        text = _text(messages[-1])
        return text if len(text) >= 8 else output
    return output


def _measured(span: dict[str, Any]) -> list[_Message]:
    """The call's messages; its counted input divided among them by length."""
    messages = _messages(span["input"])
    whole, length = _tokens(span).input_total, sum(len(message.text) for message in messages)
    if whole is not None and length:
        for message in messages:
            message.tokens = whole * len(message.text) / length
    return messages


def _messages(text: str | None) -> list[_Message]:
    if not text:
        return []
    body = body_json(text)
    if not isinstance(body, list):
        return [_Message("prompt", str(body))]
    return [_Message(str(part.get("role")), _text(part)) for part in body[:_MOST_MESSAGES]]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") if message.get("content") is not None else message.get("parts")
    calls = message.get("tool_calls")
    texts = [content if isinstance(content, str) else "" if content is None else _json(content)]
    texts += [_json(calls)] if calls else []
    return "\n".join(text for text in texts if text)


def _json(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        texts = [part.get("text") or part.get("content") for part in value]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    return msgspec.json.encode(value).decode()


def _repeated(seen: Mapping[str, _Seen]) -> list[dict[str, Any]]:
    again = sorted((item for item in seen.items() if item[1].times > 1), key=lambda item: (-item[1].wasted, item[0]))
    return [
        {
            "hash": key,
            "role": one.message.role,
            "times": one.times,
            "tokens_each": round(sum(one.counts) / len(one.counts)) if one.counts else None,
            "tokens_wasted": round(one.wasted) if one.counts else None,
            "usd": one.usd,
            "preview": _cut(one.message.text),
        }
        for key, one in again[:_MOST_REPEATED]
    ]


def _summed(nodes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for name in ("usd", "unknown", "fresh_input", "cache_read", "cache_write", "output_tokens", "reasoning"):
        known = [node[name] for node in nodes if node[name] is not None]
        total[name] = sum(known) if known else None
    return {
        "cost": money(total),
        "tokens": token_sums(total),
        "nodes": [
            {"kind": node["kind"], "name": node["name"], "calls": node["calls"]}
            | {"tokens": token_sums(node), "cost": money(node)}
            for node in nodes
        ],
    }


def _step(row: Mapping[str, Any], whole: float) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        "name": row["name"],
        "calls": row["n"],
        "traces": row["traces"],
        "errors": row["errors"],
        "latency_ms": {"p50": row["p50"], "p95": row["p95"]},
        "own_ms": {"p50": row["own_p50"], "p95": row["own_p95"]},
        "time_share": row["all_own_ns"] / whole if whole else None,
        "tokens": token_sums(row),
        "tokens_per_call": {"p50": row["tokens_p50"], "p95": row["tokens_p95"]},
        "cost": money(row),
        "empty_results": row["empty"] if row["kind"] == "tool" else None,
        "bottleneck": False,
    }


def _tokens(row: Mapping[str, Any]) -> Tokens:
    return Tokens(row["fresh_input"], row["cache_read"], row["cache_write"], row["output_tokens"], row["reasoning"])


def _rounded(tokens: float | None) -> int | None:
    return None if tokens is None else round(tokens)


def _cut(text: str) -> str:
    return text if len(text) <= _PREVIEW else text[: _PREVIEW - 1] + "…"
