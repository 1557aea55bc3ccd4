"""Langfuse's clients, and what must be found of each. Their versions exclude each other: each runs in its own."""

import httpx

from tests.clients.bench import ROOT, Trace, find_trace, texts
from tests.clients.expect_otlp import TOKENS, check_scrubbed
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting

UV = ROOT / ".venv" / "bin" / "uv"


def langfuse(setting: Setting) -> dict[str, str]:
    return {
        "LANGFUSE_HOST": setting.url,
        "LANGFUSE_BASE_URL": setting.url,
        "LANGFUSE_PUBLIC_KEY": "pk_bench",
        "LANGFUSE_SECRET_KEY": setting.key,
    }


def released(name: str, version: str, script: str) -> Client:
    """A client of exactly that version."""
    run = (str(UV), "run", "--no-project", "--system-certs", "--quiet", "--with", f"langfuse=={version}")
    return Client(
        name,
        "langfuse",
        langfuse,
        check,
        version=lambda: version,
        command=(*run, "python", f"{script}.py"),
    )


def check(api: httpx.Client, session: str) -> None:
    trace = find_trace(api, session=session)
    leaves = [("search", "retriever", []), ("look_up", "tool", []), ("chat", "llm", [])]
    assert trace.tree() == [("answer", "agent", leaves)]
    _check_call(trace.span("chat"))
    assert "refunds" in texts(trace.span("look_up")["input"])
    assert "14 days" in texts(trace.span("look_up")["output"])
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    assert all(span["tags"] == ["bench"] for span in trace.spans)
    _check_scores(api, trace, session)
    check_scrubbed(trace)


def _check_call(span: dict) -> None:
    assert (span["model"], span["kind"], span["tokens"]) == (DATED, "llm", TOKENS)
    assert span["environment"] == "staging"
    assert "How long do refunds take?" in texts(span["input"])
    assert ANSWER in texts(span["output"])
    assert span["cost"] > 0
    assert "exp" in str(span["attributes"])


def _check_scores(api: httpx.Client, trace: Trace, session: str) -> None:
    given = {score["name"]: score for score in trace.body["scores"]}
    assert {name: (score["value"], score["label"]) for name, score in given.items()} == {
        "correct": (1.0, None),
        "helpful": (0.75, None),
        "tone": (None, "friendly"),
    }
    assert given["correct"]["span_id"] == trace.span("chat")["span_id"]
    assert "said" in given["correct"]["reason"]
    solved = api.get("/api/v1/scores", params={"name": "solved"}).json()["items"]
    assert [(one["session"], one["value"]) for one in solved] == [(session, 1.0)]


CLIENTS = [
    released("langfuse5", "5.0.4", "langfuse5"),
    released("langfuse4", "4.18.0", "langfuse5"),
    released("langfuse3", "3.15.0", "langfuse5"),
]
