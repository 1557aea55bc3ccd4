"""One trace more closely, in the shapes of docs/api/tracing.md; graph and comparison by the server's own code."""

# ruff: noqa: E501  rows of data read best as rows

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from assay_server.core.words import percent
from assay_server.query import asked_again, dataset_item, replay_test
from assay_server.query.agents.call_graph import call_graph
from assay_server.query.traces.pair_words import sentence_of
from assay_server.query.traces.pairs import paired
from tests.fakes.ui_agent import AGENT, NAME, PICTURE, SOUND
from tests.fakes.ui_world import Json, World

WIDE = ("input", "output", "documents", "attributes", "resource", "events", "links")
BUCKETS = ("fresh_input", "cache_read", "cache_write", "reasoning")


def tracing_routes(world: Callable[[], World]) -> list[tuple[str, Any]]:
    """(path, answer) below `/api/v1`."""

    def spans(trace: str) -> list[Json]:
        if trace not in world().spans:
            raise HTTPException(404)
        return world().spans[trace]

    def span(request: Request) -> Json:
        for one in spans(request.path_params["id"]):
            if one["span_id"] == request.path_params["span"]:
                return one
        raise HTTPException(404)

    def test(request: Request) -> Json:
        return dict(replay_test(span(request), "http://127.0.0.1:4600"))

    def item(request: Request) -> Json:
        return dataset_item(span(request))

    def asked(request: Request) -> Json:
        again = asked_again(span(request))
        return {"body": again.body, "left_out": again.left_out}

    def graph(request: Request) -> Json:
        trace = request.path_params["id"]
        rows = [_row(one) for one in spans(trace)]
        return {
            "trace_id": trace,
            "name": None,
            "traces": 1,
            "matching": 1,
            "spans": len(rows),
            **call_graph([rows], ids=True),
        }

    def kind_graph(request: Request) -> Json:
        found = [one["trace_id"] for one in world().agents]
        rows = [[_row(one) for one in spans(trace)] for trace in found]
        return {
            "trace_id": None,
            "name": NAME,
            "traces": len(rows),
            "matching": 240,
            "spans": sum(map(len, rows)),
            **call_graph(rows, ids=False),
        }

    def compare(request: Request) -> Json:
        sides = [request.path_params[side] for side in "ab"]
        a, b = (next(row for row in (*world().traces, *world().agents) if row["trace_id"] == side) for side in sides)
        rows = paired(*([_compared(one) for one in spans(side)] for side in sides))
        counts = {
            "matched": sum(1 for row in rows if row["a"] and row["b"]),
            "only_a": sum(1 for row in rows if not row["b"]),
            "only_b": sum(1 for row in rows if not row["a"]),
        }
        return {"a": a, "b": b, "sentence": sentence_of(a, b, rows, counts), "rows": rows, **counts}

    def tokens(request: Request) -> Json:
        return _tokens(request.path_params["id"], spans(request.path_params["id"]))

    def media(request: Request) -> Json:
        trace = request.path_params["id"]
        told = [("image/png", 4100, True), ("application/pdf", None, False)] if trace == AGENT else []
        items = [
            {
                "id": f"med{n}",
                "content_type": kind,
                "bytes": size,
                "sha256": None,
                "span_id": spans(trace)[-2]["span_id"],
                "field": "ticket",
                "stored": is_stored,
                "url": f"/api/v1/media/med{n}",
            }
            for n, (kind, size, is_stored) in enumerate(told)
        ]
        return {"items": items, "total": len(items), "next": None}

    def prompt_diff(request: Request) -> Json:
        words = [
            {"op": "equal", "text": "You plan journeys. "},
            {"op": "insert", "text": "Use the tools for times and prices; never guess a price. "},
            {"op": "equal", "text": "Cite the documents you used."},
        ]
        return {"messages": [{"part": "system", "role": "system", "words": words}]}

    return [
        ("/traces/{id}/spans/{span}/test", test),
        ("/traces/{id}/spans/{span}/item", item),
        ("/traces/{id}/spans/{span}/request", asked),
        ("/traces/{id}/spans/{span}", span),
        ("/traces/{id}/graph", graph),
        ("/traces/{id}/media", media),
        ("/media/sound", lambda request: Response(SOUND, media_type="audio/wav")),
        ("/media/{media}", lambda request: Response(PICTURE, media_type="image/png")),
        ("/traces/{id}/tokens", tokens),
        ("/traces/{a}/compare/{b}", compare),
        ("/graph", kind_graph),
        ("/steps", lambda request: _steps(request, world())),
        ("/prompt-diff", prompt_diff),
    ]


def outlined(span: Json) -> Json:
    return {name: value for name, value in span.items() if name not in WIDE}


def _row(span: Json) -> Json:
    """Span JSON as the row of the store that it came from."""
    tokens = span["tokens"] or {}
    start = int(span["start_ns"])
    return {
        **span, **{name: tokens.get(name) for name in BUCKETS}, "output_tokens": tokens.get("output"), "start_ns": start, "end_ns": start + round(span["latency_ms"] * 1e6),
        "step": None, "counts": span["kind"] in ("llm", "embedding"), "empty": span["kind"] == "tool" and span["output"] in (None, "[]"),
    }  # fmt: skip


def _compared(span: Json) -> Json:
    """The store tells of texts here only whether they are the same."""
    texts = {name: None if span[name] is None else repr(span[name]) for name in ("input", "output")}
    return {**_row(span), **texts}


def _tokens(trace: str, spans: list[Json]) -> Json:
    asked = [span for span in spans if span["kind"] == "llm" and span["tokens"]]
    nobody = {
        "fresh_input": None,
        "cache_read": None,
        "cache_write": None,
        "output": None,
        "reasoning": None,
        "input_total": None,
        "output_total": None,
    }
    if not asked:
        return {
            "trace_id": trace,
            "sentence": "These calls did not report their tokens.",
            "cost": {"usd": None, "unknown": 0},
            "tokens": nobody,
            "llm_calls": 0,
            "tool_calls": 0,
            "empty_tool_results": 0,
            "resent_tokens": None,
            "resent_share": None,
            "nodes": [],
            "sections": [],
            "calls": [],
            "repeated": [],
        }
    calls = []
    for n, span in enumerate(asked):
        whole = span["tokens"]["input_total"]
        fresh = whole if n == 0 else 140 + 260 * (n == 1)
        added = (
            [
                {
                    "role": "user",
                    "tokens": fresh - 100,
                    "from": None,
                    "preview": "Find me a train from Copenhagen to Aarhus on Friday morning",
                }
            ]
            if n == 0
            else [
                {
                    "role": "tool",
                    "tokens": fresh,
                    "from": {"kind": "tool", "name": "search_trains", "span_id": spans[4]["span_id"]}
                    if n == 1
                    else None,
                    "preview": '[{"departs": "07:56", "arrives": "10:41", "kroner": 249}]',
                }
            ]
        )
        calls.append(
            {
                "span_id": span["span_id"],
                "name": span["name"],
                "model": span["model"],
                "start": span["start"],
                "input_tokens": whole,
                "added_tokens": fresh,
                "resent_tokens": whole - fresh,
                "output_tokens": span["tokens"]["output_total"],
                "cost": span["cost"],
                "added": added,
            }
        )
    sent, again = sum(call["input_tokens"] for call in calls), sum(call["resent_tokens"] for call in calls)
    parts = {
        "history": 0.42,
        "documents": 0.24,
        "system": 0.16,
        "tool results": 0.09,
        "user": 0.06,
        "tool definitions": 0.03,
    }
    model = {**asked[0]["tokens"], "input_total": sent, "output_total": sum(call["output_tokens"] for call in calls)}
    cost = {"usd": sum(span["cost"] for span in asked), "unknown": 0}
    return {
        "trace_id": trace, "sentence": f"{percent(again / sent)} of the input of {len(calls)} model calls had been sent before. Most of that: a user text, 5 times, 3,120 tokens, $0.0081 at most. 2 of 7 tool results were empty.",
        "cost": cost, "tokens": model, "llm_calls": len(calls), "tool_calls": 7, "empty_tool_results": 2, "resent_tokens": again, "resent_share": again / sent,
        "nodes": [{"kind": "llm", "name": name, "calls": n, "tokens": model, "cost": cost} for name, n in (("decide", 4), ("plan", 1), ("answer", 1))],
        "sections": [{"section": name, "messages": 4, "tokens": round(sent * share), "share": share} for name, share in parts.items()], "calls": calls,
        "repeated": [
            {"hash": "a1", "role": "user", "times": 5, "tokens_each": 780, "tokens_wasted": 3120, "usd": 0.0081, "preview": "Documents: ARoS is open from 10 to 21 on weekdays. The rainbow panorama takes forty minutes"},
            {"hash": "b2", "role": "system", "times": 6, "tokens_each": 210, "tokens_wasted": 1050, "usd": None, "preview": "You plan journeys. Use the tools for times and prices; never guess a price."},
        ],
    }  # fmt: skip


def _steps(request: Request, world: World) -> Json:
    names = [{"name": "support answer", "traces": 238}, {"name": NAME, "traces": 2}] if world.traces else []
    name = request.query_params.get("name")
    if not world.traces or name not in (None, "support answer", NAME):
        return {
            "name": name,
            "traces": 0,
            "latency_ms": {"p50": None, "p95": None},
            "sentence": "No trace was found.",
            "names": names,
            "items": [],
            "total": 0,
            "next": None,
        }
    spans = world.spans[AGENT]
    counts = {
        "fresh_input": 4120,
        "cache_read": 6550,
        "cache_write": 0,
        "output": 412,
        "reasoning": None,
        "input_total": 10_670,
        "output_total": 412,
    }
    none = dict.fromkeys(counts)
    made = [
        ("search_trains", "tool", 0.38, 640, 2410, 262, 31, 4, none, None),
        ("answer", "llm", 0.27, 1210, 2950, 240, 0, None, counts, 1.41),
        ("decide", "llm", 0.18, 610, 1220, 610, 2, None, counts, 2.02),
        ("plan", "llm", 0.1, 480, 900, 240, 0, None, counts, None),
        ("find documents", "retriever", 0.05, 290, 610, 238, 0, None, none, None),
        ("check_price", "tool", 0.02, 40, 210, 611, 0, 402, none, None),
    ]
    items = [
        {"kind": kind, "name": step, "calls": calls, "traces": 240, "errors": errors, "latency_ms": {"p50": p50 * 1.2, "p95": p95 * 1.3}, "own_ms": {"p50": p50, "p95": p95}, "time_share": share, "tokens": tokens, "tokens_per_call": {"p50": 1420 if tokens["output"] else None, "p95": 2210 if tokens["output"] else None}, "cost": {"usd": cost, "unknown": 240 if step == "plan" else 0}, "empty_results": empty, "bottleneck": n == 0, "slowest": [{"trace_id": AGENT, "span_id": spans[3 + k]["span_id"], "latency_ms": p95 * (1.6 - k / 5)} for k in range(2)]}
        for n, (step, kind, share, p50, p95, calls, errors, empty, tokens, cost) in enumerate(made)
    ]  # fmt: skip
    return {
        "name": name,
        "traces": 240,
        "latency_ms": {"p50": 6210.0, "p95": 12_480.0},
        "sentence": "search_trains takes 38 % of the time of 240 traces: 640 ms a call by itself at p50, 2.41 s at p95. search_trains fails most: 31 of 262 calls. check_price found nothing in 402 of 611 calls.",
        "names": names,
        "items": items,
        "total": len(items),
        "next": None,
    }
