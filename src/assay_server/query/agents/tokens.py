"""Where tokens go: what each call of a trace added to the context and sent again, and how steps fare over traces."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.errors import NotFound
from assay_server.core.words import percent
from assay_server.query.agents.prompt_parts import Part, documents_of, find_documents, parts_of, text_of, tokens_of
from assay_server.query.agents.steps import names_sql, one_in_sql, step_json, steps_sentence, steps_sql
from assay_server.query.amounts import dollars
from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.costs.sql import LARGE, SUMS, money, token_sums
from assay_server.query.message_parts import DEFINITIONS
from assay_server.query.shapes import body_json
from assay_server.query.sql import lines
from assay_server.query.traces.rollup import told_again
from assay_server.store import Limits, Store, part_key

_MOST_SPANS = 100_000  # of steps: their percentiles are known to half of one by then, and more take too long
_LARGEST_TRACE = Limits(rows=100_000, seconds=60)
_PREVIEW = 200
_MOST_REPEATED = 50
_MOST_BEFORE = 300  # newest outputs, and retrieved documents, that are looked for in what a call adds
_SHORTEST_OUTPUT = 8  # characters
_SOURCES = ("tool", "retriever", "reranker", "agent", "llm", "embedding", "guardrail")

_COLUMNS = (
    "trace_id, span_id, parent_id, kind, name, service, scope, model, start_ns, end_ns, cost, fresh_input,"
    " cache_read, cache_write, output_tokens, reasoning, input, output,"
    " CASE WHEN kind = 'llm' THEN coalesce("
    + ", ".join(f"variant_extract(attributes, '{name}')::VARCHAR" for name in DEFINITIONS)
    + ") END AS tools,"
    " CASE WHEN kind IN ('retriever', 'reranker') THEN"
    " variant_extract(attributes, 'retrieval.documents')::JSON::VARCHAR END AS documents,"
    " empty_result AS empty"
)


class TokenUse:
    """Reads one trace, or all traces of a kind."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def trace(self, project: str, trace_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        of_trace = "FROM spans WHERE project = ? AND trace_id = ? AND " + IN_COMMITS + " ORDER BY start_ns, span_id"
        commits = await commits_of(self._store, project, [trace_id])
        spans = await self._store.scan(
            lines("SELECT", _COLUMNS, of_trace), [project, trace_id, commits], limits=_LARGEST_TRACE
        )
        if not spans:
            raise NotFound(f"There is no trace {trace_id}.", field="trace_id", value=trace_id)
        by_node = "FROM counted_calls WHERE project = ? AND trace = ? GROUP BY ALL ORDER BY usd DESC NULLS LAST, name"
        nodes = await self._store.scan(
            lines("SELECT kind, name,", SUMS, by_node), [project, part_key(project, trace_id)], limits=LARGE
        )
        return {"trace_id": trace_id, **_summed(nodes), **await asyncio.to_thread(_flow, spans)}

    async def steps(
        self, project: str, name: str | None, since_ns: int, until_ns: int, limit: int = 100
    ) -> dict[str, Any]:
        """Every (kind, name) of the traces whose root has that name; the one that takes most time is marked."""
        counted = await self._store.scan(*one_in_sql(project, name, since_ns, until_ns, _MOST_SPANS), limits=LARGE)
        one_in = counted[0]["one_in"]
        sql, params = steps_sql(project, name, since_ns, until_ns, limit, one_in)
        names = names_sql(project, since_ns, until_ns)
        rows, named = await asyncio.gather(
            self._store.scan(sql, params, limits=LARGE), self._store.scan(*names, limits=LARGE)
        )
        whole = rows[0]["whole_ns"] if rows else 0.0
        items = [step_json(row, whole) for row in rows]
        if items:
            max(items, key=lambda item: item["time_share"] or 0.0)["bottleneck"] = True
        first: Mapping[str, Any] = rows[0] if rows else {"all_traces": 0, "trace_p50": None, "trace_p95": None}
        return {
            "name": name,
            "traces": first["all_traces"],
            "one_in": one_in,
            "latency_ms": {"p50": first["trace_p50"], "p95": first["trace_p95"]},
            "sentence": steps_sentence(items, first["all_traces"], one_in),
            "names": named,
            "items": items,
            "total": rows[0]["all_steps"] if rows else 0,
            "next": None,
        }


@dataclass(slots=True, frozen=True)
class _Output:
    """What a step gave, and which it was."""

    text: str
    step: dict[str, Any]


@dataclass(slots=True)
class _Seen:
    """One text over all calls of the trace."""

    part: Part
    times: int = 0
    wasted: float = 0.0
    usd: float | None = None
    counts: list[float] = field(default_factory=list)


def _flow(spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What each model call added and what it sent again, in the order of their start."""
    seen: dict[str, _Seen] = {}
    sections: dict[str, list[float]] = {}
    documents: deque[str] = deque(maxlen=_MOST_BEFORE)
    told, again = [], told_again(spans)
    before: deque[_Output] = deque(maxlen=_MOST_BEFORE)
    for span in spans:
        documents.extend(documents_of(span))
        if span["kind"] == "llm" and span["span_id"] not in again:
            parts = parts_of(span)
            for part in parts:
                known = part.key in seen
                if not known:
                    find_documents(part, documents)
                for name, tokens in part.sections(known=known).items():
                    section = sections.setdefault(name, [0, 0.0])
                    section[0] += 1
                    section[1] += tokens
            told.append(_call(span, parts, seen, before))
        if span["kind"] in _SOURCES and (text := _plain((span["output"] or "").strip())):
            before.append(_Output(text, {"kind": span["kind"], "name": span["name"], "span_id": span["span_id"]}))
    flow = {
        "llm_calls": len(told),
        "tool_calls": sum(1 for span in spans if span["kind"] == "tool"),
        "empty_tool_results": _empty([span["empty"] for span in spans if span["kind"] == "tool"]),
        **_resent(told),
        "sections": _sections(sections, sum(call["input_tokens"] or 0 for call in told)),
        "calls": told,
        "repeated": _repeated(seen),
    }
    return {"sentence": _sentence(flow), **flow}


def _empty(results: Sequence[bool | None]) -> int | None:
    """How many found nothing; None where there are results, and none of them is known."""
    return None if results and all(one is None for one in results) else sum(map(bool, results))


def _resent(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counted = [call for call in told if call["resent_tokens"] is not None]
    sent = sum(call["input_tokens"] for call in counted)
    resent = sum(call["resent_tokens"] for call in counted)
    return {"resent_tokens": resent if counted else None, "resent_share": resent / sent if sent else None}


def _sections(sections: Mapping[str, Sequence[float]], sent: int) -> list[dict[str, Any]]:
    return [
        {"section": name, "messages": int(n), "tokens": round(tokens), "share": tokens / sent if sent else None}
        for name, (n, tokens) in sorted(sections.items(), key=lambda one: -one[1][1])
    ]


def _sentence(flow: Mapping[str, Any]) -> str:
    """What a trace's tokens went to, dearest first."""
    parts = []
    if flow["resent_share"] is not None:
        calls = "one model call" if flow["llm_calls"] == 1 else f"{flow['llm_calls']:,} model calls"
        parts.append(f"{percent(flow['resent_share'])} of the input of {calls} had been sent before.")
    worst = next((one for one in flow["repeated"] if one["tokens_wasted"]), None)
    if worst is not None:
        cost = f", {dollars(worst['usd'])} at most" if worst["usd"] else ""
        parts.append(
            f"Most of that: a {worst['role']} text, {worst['times']:,} times, {worst['tokens_wasted']:,} tokens{cost}."
        )
    if flow["empty_tool_results"]:
        parts.append(f"{flow['empty_tool_results']:,} of {flow['tool_calls']:,} tool results were empty.")
    return " ".join(parts) or "Nobody counted the tokens of these calls."


def _call(
    span: dict[str, Any], parts: Sequence[Part], seen: dict[str, _Seen], before: deque[_Output]
) -> dict[str, Any]:
    added, resent = [], 0.0
    tokens = tokens_of(span)
    for message in parts:
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


def _share_of_cost(known: float | None, span: dict[str, Any], message: Part) -> float | None:
    """What sending a text again cost at most: its part of the call's tokens, at the call's mean price."""
    tokens = tokens_of(span)
    whole = (tokens.input_total or 0) + (tokens.output_total or 0)
    if span["cost"] is None or not whole or message.tokens is None:
        return known
    return (known or 0.0) + float(span["cost"]) * message.tokens / whole


def _origin(message: Part, before: deque[_Output]) -> dict[str, Any] | None:
    """The step whose output stands in the message: the newest of those that began before."""
    return next((output.step for output in reversed(before) if output.text in message.text), None)


def _plain(output: str) -> str | None:
    """The text of an output, also of one that is stored as messages; None where it is too short to be known again."""
    messages = body_json(output)
    if isinstance(messages, list) and messages:
        text = text_of(messages[-1])
        output = text if len(text) >= _SHORTEST_OUTPUT else output
    return output if len(output) >= _SHORTEST_OUTPUT else None


def _repeated(seen: Mapping[str, _Seen]) -> list[dict[str, Any]]:
    again = sorted((item for item in seen.items() if item[1].times > 1), key=lambda item: -item[1].wasted)
    return [
        {
            "hash": key,
            "role": one.part.role,
            "times": one.times,
            "tokens_each": round(sum(one.counts) / len(one.counts)) if one.counts else None,
            "tokens_wasted": round(one.wasted) if one.counts else None,
            "usd": one.usd,
            "preview": _cut(one.part.text),
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


def _rounded(tokens: float | None) -> int | None:
    return None if tokens is None else round(tokens)


def _cut(text: str) -> str:
    return text if len(text) <= _PREVIEW else text[: _PREVIEW - 1] + "…"
