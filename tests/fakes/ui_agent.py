"""Two runs of a travel agent: branches, a retry, a loop, pictures, reasoning, documents with their age."""

# ruff: noqa: E501  rows of data read best as rows

import base64
import json
import struct
import zlib
from datetime import timedelta
from typing import Any

from tests.fakes.ui_world import NOW, Json, World, an_id, ui_span


def _png(width: int, height: int) -> bytes:
    """A picture in one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x7b\x3f\xa0" * width for _ in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


AGENT = "a9e17" + "0" * 26 + "1"
EARLIER = "a9e17" + "0" * 26 + "2"
NAME = "plan a journey"


def _wav(seconds: int) -> bytes:
    """Silence."""
    samples = bytes(8000 * seconds)
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI", b"RIFF", len(body)) + body


PICTURE = _png(96, 48)
SOUND = _wav(2)
ASKED = "Find me a train from Copenhagen to Aarhus on Friday morning, under 300 kroner, and tell me what to see there in three hours."
SYSTEM = "You plan journeys. Use the tools for times and prices; never guess a price. Answer in at most six sentences and cite the documents you used."
FARES = "Orange tickets are sold up to 60 days ahead and cannot be refunded; they cost between 99 and 299 kroner depending on the hour."
GUIDE = "ARoS is open from 10 to 21 on weekdays. The rainbow panorama takes forty minutes; the old town, Den Gamle By, about two hours."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "search_trains",
            "description": "Trains between two stations on a day",
            "parameters": {
                "type": "object",
                "properties": {"from": {"type": "string"}, "to": {"type": "string"}, "day": {"type": "string"}},
            },
        },
    }
]


def with_agents(world: World) -> World:
    """The same world. The two runs stand beside the list of traces: counts of that list are what other tests look at."""
    for trace, slow, loops, days in ((AGENT, 1.0, 4, 0.02), (EARLIER, 0.55, 1, 1.1)):
        spans = _journey(trace, slow, loops, days)
        world.spans[trace] = spans
        world.agents.append(_row(trace, spans, loops))
    return world


def _journey(trace: str, slow: float, loops: int, days: float) -> list[Json]:
    begin = NOW - timedelta(days=days)
    made: list[Json] = []

    def add(parent: int | None, name: str, kind: str, start: float, took: float, **more: Any) -> int:
        made.append(ui_span(trace, len(made), parent, name, kind, start * slow, took * slow, begin, **more))
        return len(made) - 1

    version = "3" if trace == AGENT else "2"
    call = {
        "model": "gpt-4o-2024-11-20" if trace == AGENT else "gpt-4o-mini-2024-07-18",
        "provider": "openai",
        "prompt": "journey",
        "prompt_version": version,
        "release": an_id("rel", 3 if trace == AGENT else 1),
        "cost_source": "genai-prices",
    }
    say = [
        {"role": "system", "content": SYSTEM},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": ASKED},
                {
                    "type": "image_url",
                    "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"},
                },
                {"type": "image_url", "image_url": {"url": "https://maps.example.org/aarhus.png"}},
            ],
        },
    ]
    ask = {
        "id": "call_1",
        "type": "function",
        "function": {
            "name": "search_trains",
            "arguments": json.dumps({"from": "København H", "to": "Aarhus H", "day": "2026-11-27"}),
        },
    }
    found = '[{"departs": "07:56", "arrives": "10:41", "kroner": 249}, {"departs": "08:56", "arrives": "11:41", "kroner": 319}]'
    add(None, NAME, "agent", 0, 9400, input=ASKED, output="Take the 07:56 …", status="unset")
    add(
        0,
        "plan",
        "llm",
        40,
        1480,
        **call,
        input=say,
        output=[
            {
                "role": "assistant",
                "reasoning_content": "The traveller wants a price ceiling. I need times with prices first, then something near the station that fits three hours.",
                "content": None,
                "tool_calls": [ask],
            }
        ],
        tokens=_tokens(1240, 0, 86, 120),
        cost=0.0052,
        ttft_ms=410.0,
    )
    search = add(0, "gather", "chain", 1540, 2210)
    add(
        search,
        "search_trains",
        "tool",
        1550,
        640,
        input='{"from": "København H", "to": "Aarhus H", "day": "2026-11-27"}',
        status="error",
        status_message="HTTP 503 from the timetable: try again",
        output=None,
    )
    add(
        search,
        "search_trains",
        "tool",
        2260,
        700,
        input='{"from": "København H", "to": "Aarhus H", "day": "2026-11-27"}',
        output=found,
    )
    rag = add(
        search,
        "find documents",
        "retriever",
        1560,
        910,
        input="what to see in Aarhus in three hours",
        documents=[
            {
                "id": "aarhus-guide-07",
                "content": GUIDE,
                "score": 0.83,
                "metadata": {"updated_at": "2026-09-30", "language": "en"},
            },
            {"id": "fares-2024", "content": FARES, "score": 0.61, "metadata": {"updated_at": "2024-03-02"}},
            {
                "id": "station-map",
                "content": "Lockers stand at the northern entrance.",
                "score": 0.34,
                "metadata": None,
            },
        ],
    )
    add(
        rag,
        "embed",
        "embedding",
        1570,
        120,
        model="all-minilm-l6-v2",
        provider="local",
        tokens=_tokens(14, 0, None),
        cost=0.0,
    )
    add(search, "rerank", "reranker", 2480, 240)
    add(search, "weather", "tool", 1570, 380, input='{"city": "Aarhus", "day": "2026-11-27"}', output="[]")
    history = [
        *say,
        {"role": "assistant", "content": None, "tool_calls": [ask]},
        {"role": "tool", "tool_call_id": "call_1", "content": found},
    ]
    at = 3800.0
    for n in range(loops):
        add(
            0,
            "decide",
            "llm",
            at,
            620,
            **call,
            input=[*history, {"role": "user", "content": f"Documents:\n{GUIDE}\n{FARES}"}],
            output=[
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": f"call_{n + 2}",
                            "type": "function",
                            "function": {"name": "check_price", "arguments": '{"train": "07:56"}'},
                        }
                    ],
                }
            ],
            tokens=_tokens(600 + 90 * n, 1310, 31),
            cost=0.0041 + n * 0.0003,
        )
        add(
            0,
            "check_price",
            "tool",
            at + 640,
            210,
            input='{"train": "07:56", "class": 2}',
            output='{"kroner": null}' if n < loops - 1 else '{"kroner": 249}',
        )
        at += 900
    add(
        0,
        "answer",
        "llm",
        at,
        1300,
        **call,
        input=[*history, {"role": "user", "content": f"Documents:\n{GUIDE}\n{FARES}"}],
        output=[
            {
                "role": "assistant",
                "content": "Take the 07:56, which arrives at 10:41 and costs 249 kroner. "
                + (
                    "ARoS opens at 10 and its rainbow panorama takes forty minutes."
                    if trace == AGENT
                    else "Den Gamle By takes about two hours."
                ),
            }
        ],
        tokens=_tokens(910, 1310, 142),
        cost=0.0066,
    )
    add(0, "check the answer", "guardrail", at + 1310, 60)
    made[0]["latency_ms"] = at * slow + 1400 * slow
    return made


def _tokens(fresh: int, cached: int, output: int | None, reasoning: int | None = None) -> Json:
    out = None if output is None else output + (reasoning or 0)
    return {
        "fresh_input": fresh,
        "cache_read": cached,
        "cache_write": 0,
        "output": output,
        "reasoning": reasoning,
        "input_total": fresh + cached,
        "output_total": out,
    }


def _row(trace: str, spans: list[Json], loops: int) -> Json:
    llm = [span for span in spans if span["kind"] == "llm"]
    first = spans[0]
    return {
        "trace_id": trace, "root_span_id": first["span_id"], "name": NAME, "kind": "agent", "service": "travel", "start": first["start"], "latency_ms": first["latency_ms"],
        "status": "error", "spans": len(spans), "errors": 1, "models": sorted({span["model"] for span in llm}), "user": "u-0007", "session": "s-journey", "release": llm[0]["release"],
        "channel": None, "arm": None, "tokens": {"input": sum(span["tokens"]["input_total"] for span in llm), "output": sum(span["tokens"]["output_total"] for span in llm)},
        "cost": {"usd": round(sum(span["cost"] for span in llm), 4), "unknown": 0}, "input": ASKED, "output": "Take the 07:56 …",
        "scores": {"tool_loop": {"n": 1, "mean": 1.0}} if loops > 2 else {}, "pii": [],
    }  # fmt: skip


def loop_score(spans: list[Json]) -> list[Json]:
    """What ingest says of three calls of the same tool with the same arguments."""
    calls = [span["span_id"] for span in spans if span["name"] == "check_price"]
    if len(calls) < 3:
        return []
    return [
        {
            "id": f"scr_loop_{spans[0]['trace_id']}",
            "name": "tool_loop",
            "time": spans[0]["start"],
            "source": "code",
            "value": 1.0,
            "label": "check_price",
            "error": None,
            "reason": f"check_price was called {len(calls)} times with the same arguments",
            "author": "tool_loop",
            "version": "1",
            "trace_id": spans[0]["trace_id"],
            "span_id": calls[0],
            "metadata": {"first_cycle": calls[:1], "spans": calls, "repeats": len(calls), "counted": True},
        }
    ]
