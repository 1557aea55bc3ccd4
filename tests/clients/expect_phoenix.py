"""Phoenix's own client beside its tracing, and what must be found of it."""

import httpx

from tests.clients.bench import Trace, find_trace
from tests.clients.expect_otlp import TOKENS, check_call, check_scrubbed
from tests.clients.registered import Client, Setting, alone

VERSION = "3.5.0"
OTEL = "0.17.2"


def phoenix(setting: Setting) -> dict[str, str]:
    return {"PHOENIX_COLLECTOR_ENDPOINT": setting.url, "PHOENIX_API_KEY": setting.key}


def check_phoenix_client(api: httpx.Client, session: str) -> None:
    """One span came over REST, the others over OTLP."""
    trace = find_trace(api, session=session, name="chat")
    leaves = [("chat", "llm", []), ("search", "retriever", [])]
    assert [(name, kind, sorted(below)) for name, kind, below in trace.tree()] == [("answer", "agent", leaves)]
    call = trace.span("chat")
    check_call(call)
    assert call["tokens"] == TOKENS
    assert all(span["service"] == "support" for span in trace.spans)
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    _check_scores(api, trace, session)
    check_scrubbed(trace)


def _check_scores(api: httpx.Client, trace: Trace, session: str) -> None:
    given = {score["name"]: score for score in trace.body["scores"]}
    assert {name: (score["value"], score["label"], score["source"]) for name, score in given.items()} == {
        "helpful": (0.75, None, "human"),
        "tone": (None, "friendly", "judge"),
        "note": (None, None, "human"),
        "relevance": (1.0, None, "code"),
        "correct": (1.0, None, "code"),
    }
    root, search = trace.span("answer")["span_id"], trace.span("search")["span_id"]
    assert {name: score["span_id"] for name, score in given.items()} == {
        "helpful": root,
        "tone": root,
        "note": root,
        "relevance": search,
        "correct": None,
    }
    assert given["relevance"]["metadata"] == {"document_position": 0}
    assert given["tone"]["metadata"] == {"by": "judge-1"}
    assert "said" in given["helpful"]["reason"]
    solved = api.get("/api/v1/scores", params={"name": "solved"}).json()["items"]
    assert [(one["value"], one["label"]) for one in solved if one["session"] == session] == [(1.0, "yes")]


CLIENTS = [
    Client(
        "phoenix_client",
        "arize-phoenix-client",
        phoenix,
        check_phoenix_client,
        version=lambda: VERSION,
        command=(*alone("arize-phoenix-client", VERSION, f"arize-phoenix-otel=={OTEL}"), "phoenix_client.py"),
    ),
]
