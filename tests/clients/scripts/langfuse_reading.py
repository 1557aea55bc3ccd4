"""Langfuse's Python SDK from version 3 on, which reads back what it sent: traces, observations, sessions and scores,
and an evaluation over what it finds. Versions 3, 4 and 5 run the same lines; each asks for all that its API has.

Settings: LANGFUSE_HOST and LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import httpx
from langfuse import Evaluation, Langfuse, propagate_attributes
from langfuse.batch_evaluation import EvaluatorInputs

PERSON = "ada.lovelace@mail-box.org"
MODEL = "gpt-4o-mini-2024-07-18"
USAGE = {"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10}
COUNTED = {**USAGE, "total": 150}
ASKED = [{"role": "user", "content": f"I am {PERSON}. How long do refunds take?"}]
ANSWERED = {"role": "assistant", "content": "Refunds take 14 days."}
VERSION = int(version("langfuse").partition(".")[0])

session = os.environ["BENCH_SESSION"]
began = datetime.now(UTC) - timedelta(minutes=1)
client = Langfuse(environment="staging", release="v7")
with (
    propagate_attributes(user_id="ada", session_id=session, tags=["bench", "reading"], metadata={"team": "support"}),
    client.start_as_current_observation(as_type="agent", name="answer", input={"question": "refunds"}) as root,
):
    with client.start_as_current_observation(as_type="generation", name="chat", model=MODEL, input=ASKED) as call:
        call.update(
            output=ANSWERED,
            model_parameters={"temperature": 0},
            usage_details=USAGE,
            metadata={"experiment": "exp"},
            level="WARNING",
            status_message="slow",
        )
        if VERSION == 3:  # which says of the trace what it likes, on whichever span
            client.update_current_trace(metadata={"shop": "north"})
        call.score(name="correct", value=1, data_type="BOOLEAN", comment="so it is")
    root.update(output=["14 days"])
    client.score_current_trace(name="helpful", value=0.75)
    client.score_current_trace(name="tone", value="friendly", data_type="CATEGORICAL")
client.create_score(name="solved", value=1.0, session_id=session)
client.flush()
api = client.api


def holds(told: Any, *, body: Any = lambda text: text) -> None:
    """The call, in either form of an observation."""
    assert (told.id, told.trace_id, told.parent_observation_id) == (call.id, root.trace_id, root.id)
    assert (told.type, told.name, told.model, told.level) == ("GENERATION", "chat", MODEL, "WARNING")
    assert (told.status_message, told.environment) == ("slow", "staging")
    assert (told.usage_details, body(told.output)) == (COUNTED, ANSWERED)
    assert told.cost_details["total"] > 0
    assert body(told.input)[0]["role"] == "user"
    assert PERSON not in str(told.input)
    assert told.metadata["experiment"] == "exp"
    assert told.start_time >= began
    assert told.latency >= 0


def is_whole(told: Any) -> None:
    assert (told.id, told.name, told.input, told.output) == (
        root.trace_id,
        "answer",
        {"question": "refunds"},
        ["14 days"],
    )
    assert (told.user_id, told.session_id, told.tags) == ("ada", session, ["bench", "reading"])
    assert (told.release, told.environment, told.metadata["team"]) == ("v7", "staging", "support")
    assert VERSION != 3 or told.metadata["shop"] == "north"
    assert told.timestamp >= began
    assert told.total_cost > 0
    assert root.trace_id in told.html_path


def is_refused(ask: Any, word: str) -> None:
    """No filter is ignored: what cannot be asked for is told."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - each version has its own
        assert getattr(error, "status_code", None) == 400, error
        assert word in str(error), error
    else:
        raise AssertionError(f"{word} was ignored")


def read_traces() -> None:
    listed = api.trace.list(session_id=session, user_id="ada", name="answer", tags=["bench", "reading"])
    [told] = listed.data
    is_whole(told)
    assert (listed.meta.page, listed.meta.total_items, listed.meta.total_pages) == (1, 1, 1)
    assert told.observations == [root.id, call.id]
    assert len(told.scores) == 3
    conditions = [
        {"type": "string", "column": "sessionId", "operator": "=", "value": session},
        {"type": "datetime", "column": "timestamp", "operator": ">=", "value": began.isoformat()},
    ]
    again = api.trace.list(filter=json.dumps(conditions), order_by="timestamp.asc", environment="staging", release="v7")
    assert [one.id for one in again.data] == [root.trace_id]
    assert api.trace.list(session_id=session, name="chat").data == []
    assert api.trace.list(session_id=session, to_timestamp=began).data == []
    assert api.trace.list(session_id=session, page=2).data == []
    whole = api.trace.get(root.trace_id)
    is_whole(whole)
    outer, inner = whole.observations
    assert (outer.id, outer.type, outer.parent_observation_id) == (root.id, "AGENT", None)
    holds(inner)
    given = {score.name: score for score in whole.scores}
    assert (given["helpful"].value, given["correct"].value, given["tone"].string_value) == (0.75, 1, "friendly")
    assert (given["correct"].observation_id, given["correct"].comment) == (call.id, "so it is")
    is_refused(lambda: api.trace.list(order_by="name.asc"), "orderBy")
    bookmarked = [{"type": "boolean", "column": "bookmarked", "operator": "=", "value": True}]
    is_refused(lambda: api.trace.list(filter=json.dumps(bookmarked)), "bookmarked")
    try:
        api.trace.get("0" * 31 + "1")
    except Exception as error:  # noqa: BLE001 - each version has its own
        assert getattr(error, "status_code", None) == 404, error
    else:
        raise AssertionError("a trace that nobody knows was found")


def read_sessions() -> None:
    told = api.sessions.list(from_timestamp=began)
    assert [(one.environment, one.created_at >= began) for one in told.data if one.id == session] == [("staging", True)]
    [trace] = api.sessions.get(session).traces
    assert (trace.id, trace.output) == (root.trace_id, ["14 days"])


def read_observations_by_page() -> None:
    observations = api.observations if VERSION == 3 else api.legacy.observations_v1
    told = observations.get_many(trace_id=root.trace_id, type="GENERATION", from_start_time=began)
    [one] = told.data
    holds(one)
    assert told.meta.total_items == 1
    holds(observations.get(call.id))


def read_observations() -> None:
    observations = api.observations_v_2 if VERSION == 3 else api.observations
    groups = "core,basic,io,usage,model,metadata,metrics,trace_context"
    first = observations.get_many(trace_id=root.trace_id, fields=groups, limit=1)
    rest = observations.get_many(trace_id=root.trace_id, fields=groups, limit=1, cursor=first.meta.cursor)
    if VERSION == 3:  # which has no words for them yet
        assert [one["name"] for one in (*first.data, *rest.data)] == ["chat", "answer"]
        assert (first.data[0]["usageDetails"], rest.data[0]["tags"]) == (COUNTED, ["bench", "reading"])
        return
    assert ([one.name for one in (*first.data, *rest.data)], rest.meta.cursor) == (["chat", "answer"], None)
    holds(first.data[0], body=json.loads)
    told = rest.data[0]
    assert (told.user_id, told.session_id, told.tags, told.release) == ("ada", session, ["bench", "reading"], "v7")
    assert [one.id for one in observations.get_many(trace_id=root.trace_id, level="WARNING").data] == [call.id]
    if VERSION == 5:
        found = observations.get_many(session_id=session, is_root_observation=True, environment="staging")
        assert [(one.id, one.is_root_observation) for one in found.data] == [(root.id, True)]


def read_scores_by_page() -> None:
    scores = api.score_v_2 if VERSION == 3 else api.scores
    many = scores.get if VERSION == 3 else scores.get_many
    of_trace = {score.name: score for score in many(trace_id=root.trace_id).data}
    assert {name: score.data_type for name, score in of_trace.items()} == {
        "correct": "BOOLEAN",
        "helpful": "NUMERIC",
        "tone": "CATEGORICAL",
    }
    assert (of_trace["helpful"].trace.user_id, of_trace["correct"].observation_id) == ("ada", call.id)
    assert [score.name for score in many(session_id=session).data] == ["solved"]
    assert scores.get_by_id(of_trace["tone"].id).string_value == "friendly"
    is_refused(lambda: many(user_id="ada"), "userId")


def read_scores() -> None:
    many = api.scores_v3.get_many_v3 if VERSION == 4 else api.scores.get_many
    told = many(trace_id=root.trace_id, fields="details,subject")
    assert {score.name: score.value for score in told.data} == {"correct": True, "helpful": 0.75, "tone": "friendly"}
    subjects = {score.name: (score.subject.kind, score.subject.id) for score in told.data}
    assert (subjects["correct"], subjects["helpful"]) == (("observation", call.id), ("trace", root.trace_id))
    assert [score.value for score in many(session_id=session, name="solved").data] == [1.0]


def evaluate() -> None:
    """Over the traces that a filter finds; version 5 has observations instead."""

    def mapped(*, item: Any, **_: Any) -> EvaluatorInputs:
        return EvaluatorInputs(input=item.input, output=item.output, expected_output=None, metadata={})

    def length(*, output: Any, **_: Any) -> Evaluation:
        return Evaluation(name="length", value=float(len(str(output))))

    column = "sessionId" if VERSION < 5 else "traceId"
    value = session if VERSION < 5 else root.trace_id
    told = json.dumps([{"type": "string", "column": column, "operator": "=", "value": value}])
    scope = {} if VERSION == 5 else {"scope": "traces"}
    result = client.run_batched_evaluation(mapper=mapped, evaluators=[length], filter=told, **scope)
    assert (result.completed, result.total_items_processed, result.total_items_failed) == (
        True,
        2 if VERSION == 5 else 1,
        0,
    )


read_observations()
if VERSION > 3:
    read_scores()
if VERSION < 5:
    read_traces()
    read_sessions()
    read_observations_by_page()
    read_scores_by_page()
evaluate()
shown = httpx.get(client.get_trace_url(trace_id=root.trace_id))
assert (shown.status_code, shown.headers["location"]) == (307, f"/traces/{root.trace_id}")
client.flush()
client.shutdown()
