"""Langfuse's clients, and what must be found of each. Their versions exclude each other: each runs in its own."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.clients.bench import Trace, find_trace, js_version, node, texts
from tests.clients.expect_otlp import TOKENS, check_scrubbed
from tests.clients.planted import EMAIL
from tests.clients.provider import ANSWER, DATED
from tests.clients.registered import Client, Setting, alone

SLEPT_MS = 1200
PYTHON_VERSIONS = ("5.0.4", "4.18.0", "3.15.0", "2.60.10")


def langfuse(setting: Setting) -> dict[str, str]:
    return {
        "LANGFUSE_HOST": setting.url,
        "LANGFUSE_BASE_URL": setting.url,
        "LANGFUSE_PUBLIC_KEY": "pk_bench",
        "LANGFUSE_SECRET_KEY": setting.key,
    }


def released(name: str, version: str, script: str, check: Callable[[httpx.Client, str], None]) -> Client:
    """A client of exactly that version."""
    return Client(
        name,
        "langfuse",
        langfuse,
        check,
        version=lambda: version,
        command=(*alone("langfuse", version), f"{script}.py"),
    )


def check_otel(api: httpx.Client, session: str) -> None:
    """Versions 3 to 5, and JavaScript's."""
    trace = find_trace(api, session=session)
    _check_picture(api, trace)
    leaves = [("chat", "llm", []), ("look_up", "tool", []), ("search", "retriever", [])]
    assert _sorted(trace) == [("answer", "agent", leaves)]
    _check_both(trace, session)
    solved = api.get("/api/v1/scores", params={"name": "solved"}).json()["items"]
    assert [one["value"] for one in solved if one["session"] == session] == [1.0]


def check_pieces(api: httpx.Client, session: str) -> None:
    """Version 2: the trace is the outermost span."""
    trace = find_trace(api, session=session)
    assert trace.tree() == [("answer", "span", [("look_up", "span", []), ("chat", "llm", [])])]
    _check_both(trace, session)
    assert ANSWER in texts(trace.span("answer")["output"])
    assert trace.span("chat")["latency_ms"] >= SLEPT_MS


def _check_both(trace: Trace, session: str) -> None:
    _check_call(trace.span("chat"))
    assert "refunds" in texts(trace.span("look_up")["input"])
    assert "14 days" in texts(trace.span("look_up")["output"])
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    assert all((span["tags"], span["user"]) == (["bench"], "ada") for span in trace.spans)
    _check_scores(trace)
    check_scrubbed(trace)


def _check_call(span: dict) -> None:
    assert (span["model"], span["kind"], span["tokens"]) == (DATED, "llm", TOKENS)
    assert (span["environment"], span["release"]) == ("staging", "v7")
    assert "How long do refunds take?" in texts(span["input"])
    assert ANSWER in texts(span["output"])
    assert span["cost"] > 0
    assert "exp" in str(span["attributes"])


def _check_picture(api: httpx.Client, trace: Trace) -> None:
    """It can be shown, and says nothing of who made it."""
    [picture] = api.get(f"/api/v1/traces/{trace.body['trace_id']}/media").json()["items"]
    assert (picture["content_type"], picture["field"], picture["stored"]) == ("image/png", "input", True)
    assert picture["span_id"] == trace.span("chat")["span_id"]
    assert f"id={picture['id']}" in texts(trace.span("chat")["input"])
    shown = api.get(picture["url"])
    assert (shown.headers["content-type"], shown.content[:4]) == ("image/png", b"\x89PNG")
    assert EMAIL.encode() not in shown.content
    assert len(shown.content) == picture["bytes"]


def _check_scores(trace: Trace) -> None:
    given = {score["name"]: score for score in trace.body["scores"]}
    assert {name: (score["value"], score["label"]) for name, score in given.items()} == {
        "correct": (1.0, None),
        "helpful": (0.75, None),
        "tone": (None, "friendly"),
    }
    assert given["correct"]["span_id"] == trace.span("chat")["span_id"]
    assert "said" in given["correct"]["reason"]


def check_data(api: httpx.Client, session: str) -> None:
    """And a score of the run."""
    runs = check_items(api, session)
    given = api.get("/api/v1/scores", params={"name": "mean_exact"}).json()["items"]
    # A client that is told the run's id says one that is another in every project.
    given = [one for one in given if one["run"] in runs[0] & runs[1]] or given
    assert [(one["value"], bool(one["run"])) for one in given] == [(0.5, True)]


def check_items(api: httpx.Client, session: str) -> list[set[str]]:
    """Prompts and a dataset in the registry; of an experiment over it a trace per item, found by its run and item."""
    name = f"refunds-{session}".replace("_", "-")
    second, first = api.get(f"/api/v1/prompts/{name}").json()["items"]
    assert (second["version"], [one["content"] for one in second["template"]["messages"]]) == (
        2,
        ["Be kind.", "{question}"],
    )
    assert (first["version"], first["changelog"]) == (1, "first")
    dataset = api.get(f"/api/v1/datasets/{name}").json()
    items = api.get(f"/api/v1/datasets/{name}/items").json()["items"]
    assert [(item["id"], item["expected"]) for item in items] == [(f"{name}-0", "14 days"), (f"{name}-1", "30 days")]
    assert EMAIL not in str((first, second, dataset, items))
    assert "Questions of" in dataset["description"]
    return [_check_item(api, session, name, number, exact) for number, exact in enumerate((1.0, 0.0))]


def check_items_by_hand(api: httpx.Client, session: str) -> None:
    """Version 2: the item and its trace are told apart from the trace, and both are of one run."""
    first, second = check_items(api, session)
    assert len(first & second) == 1
    observed, linked = (_of_item(api, session, number) for number in (0, 1))
    told = ("dataset-run-item", "span", [])
    assert _sorted(observed) == [("answer", "span", [("chat", "llm", []), told])]
    assert linked.tree() == [("answer", "span", [("chat", "llm", [told])])]


def check_read(api: httpx.Client, session: str) -> None:
    """The client asserts what it reads back; here only that all of it was there to be read."""
    trace = find_trace(api, session=session)
    call = trace.span("chat")
    assert (call["model"], call["kind"], call["tokens"]) == (DATED, "llm", TOKENS)
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    assert {"correct", "helpful"} <= {score["name"] for score in trace.body["scores"]}
    check_scrubbed(trace)


def check_evaluated(api: httpx.Client, session: str) -> None:
    """And what came of an evaluation over what it read."""
    check_read(api, session)
    given = [score for score in find_trace(api, session=session).body["scores"] if score["name"] == "length"]
    assert given != []
    assert all(score["value"] > 0 for score in given)


def _of_item(api: httpx.Client, session: str, number: int) -> Trace:
    item = f"refunds-{session}-{number}".replace("_", "-")
    return find_trace(api, session=session, attribute=f"langfuse.experiment.item.id:eq:{item}")


def _sorted(trace: Trace) -> list[Any]:
    return [(name, kind, sorted(below)) for name, kind, below in trace.tree()]


def _check_item(api: httpx.Client, session: str, name: str, number: int, exact: float) -> set[str]:
    """The runs that its spans name."""
    item = f"{name}-{number}"
    trace = _of_item(api, session, number)
    call = trace.span("chat")
    assert (call["model"], call["kind"], call["tokens"]) == (DATED, "llm", TOKENS)
    assert call["cost"] > 0
    assert (call["prompt"], call["prompt_version"]) == (name, "2")
    assert (trace.body["user"], trace.body["session"]) == ("ada", session)
    [score] = [one for one in trace.body["scores"] if one["name"] == "exact"]
    assert score["value"] == exact
    of_experiment = [span for span in trace.spans if span["run"]]
    assert {span["item"] for span in of_experiment} == {item}
    runs = {span["run"] for span in of_experiment}
    for run in runs:
        found = api.get("/api/v1/traces", params={"run": run}).json()["items"]
        assert trace.body["trace_id"] in {one["trace_id"] for one in found}
    assert f"nightly-{session}" in trace.text
    check_scrubbed(trace)
    return runs


CLIENTS = [
    Client(
        "langfuse_js",
        "@langfuse/otel",
        langfuse,
        check_otel,
        command=node("langfuse_js.mjs"),
        version=lambda: js_version("@langfuse/otel"),
    ),
    released("langfuse5", "5.0.4", "langfuse5", check_otel),
    released("langfuse4", "4.18.0", "langfuse5", check_otel),
    released("langfuse3", "3.15.0", "langfuse5", check_otel),
    Client(
        "langfuse_js_data",
        "@langfuse/client",
        langfuse,
        check_data,
        command=node("langfuse_data.mjs"),
        version=lambda: js_version("@langfuse/client"),
    ),
    released("langfuse5_data", "5.0.4", "langfuse_data", check_data),
    released("langfuse4_data", "4.18.0", "langfuse_data", check_data),
    released("langfuse3_data", "3.15.0", "langfuse_data", check_data),
    Client(
        "langfuse_js_reading",
        "@langfuse/client",
        langfuse,
        check_read,
        command=node("langfuse_reading.mjs"),
        version=lambda: js_version("@langfuse/client"),
    ),
    released("langfuse5_reading", "5.0.4", "langfuse_reading", check_evaluated),
    released("langfuse4_reading", "4.18.0", "langfuse_reading", check_evaluated),
    released("langfuse3_reading", "3.15.0", "langfuse_reading", check_evaluated),
    released("langfuse2_reading", "2.60.10", "langfuse2_reading", check_read),
    released("langfuse2", "2.60.10", "langfuse2", check_pieces),
    released("langfuse2_data", "2.60.10", "langfuse2_data", check_items_by_hand),
]
