"""MLflow's tracing client, and what must be found of it."""

import httpx

from tests.clients.bench import find_trace, texts
from tests.clients.expect_otlp import TOKENS, check_call, check_scrubbed, with_openai
from tests.clients.registered import Client, Setting, alone

VERSION = "3.17.2"
OPENAI = "3.57.0"  # whose calls its autolog traces


def mlflow(setting: Setting) -> dict[str, str]:
    return with_openai(setting) | {"MLFLOW_TRACKING_URI": setting.url, "MLFLOW_TRACKING_TOKEN": setting.key}


def check_mlflow(api: httpx.Client, session: str) -> None:
    """User, session and tags come in a request of their own, and are on every span."""
    trace = find_trace(api, session=session)
    leaves = [("search", "retriever", []), ("look_up", "tool", []), ("Completions", "llm", [])]
    assert trace.tree() == [("answer", "agent", leaves)]
    call = trace.span("Completions")
    check_call(call, tokens=TOKENS | {"output": 30, "reasoning": None}, provider=None)  # it passes neither on
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    (document,) = trace.span("search")["documents"]
    assert document == {"id": "faq-1", "content": "14 days", "metadata": {"shelf": 3}}
    tool = trace.span("look_up")
    assert (texts(tool["input"]), tool["output"]) == ('{"topic":"refunds"}', "14 days")
    assert (trace.body["user"], trace.body["session"], trace.body["service"]) == ("ada", session, "support")
    assert all((span["user"], span["tags"]) == ("ada", ["experiment:support", "shop:north"]) for span in trace.spans)
    given = {score["name"]: score for score in trace.body["scores"]}
    assert {name: (score["value"], score["label"], score["source"]) for name, score in given.items()} == {
        "helpful": (0.75, None, "human"),
        "correct": (1.0, None, "code"),
        "tone": (None, "friendly", "code"),
        "days": (None, "14.0", "human"),
    }
    assert "said" in given["helpful"]["reason"]
    check_scrubbed(trace)


CLIENTS = [
    Client(
        "mlflow",
        "mlflow-tracing",
        mlflow,
        check_mlflow,
        "mlflow_tracing",
        version=lambda: VERSION,
        command=(*alone("mlflow-tracing", VERSION, f"openai=={OPENAI}"), "mlflow_tracing.py"),
    ),
]
