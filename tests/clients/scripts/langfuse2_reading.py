"""Langfuse's Python SDK 2, which reads back what it sent: `fetch_traces` and the others, and scores.

Settings: LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY.
"""

import os
from datetime import UTC, datetime, timedelta

import httpx
from langfuse import Langfuse

PERSON = "ada.lovelace@mail-box.org"
MODEL = "gpt-4o-mini-2024-07-18"
USAGE = {"input": 100, "input_cached_tokens": 20, "output": 20, "output_reasoning_tokens": 10}

session = os.environ["BENCH_SESSION"]
began = datetime.now(UTC) - timedelta(minutes=1)
client = Langfuse(environment="staging", release="v7")
trace = client.trace(
    name="answer",
    user_id="ada",
    session_id=session,
    tags=["bench", "reading"],
    metadata={"team": "support"},
    input={"question": "refunds"},
    output=["14 days"],
)
outer = trace.span(name="outer", input=f"I am {PERSON}.")
call = outer.generation(
    name="chat",
    model=MODEL,
    model_parameters={"temperature": 0, "stop": ["."]},
    input=[{"role": "user", "content": "How long do refunds take?"}],
    metadata={"experiment": "exp"},
)
call.end(
    output={"role": "assistant", "content": "Refunds take 14 days."},
    usage_details=USAGE,
    level="WARNING",
    status_message="slow",
)
outer.end()
call.score(name="correct", value=1, data_type="BOOLEAN", comment="so it is")
trace.score(name="helpful", value=0.75)
trace.score(name="tone", value="friendly", data_type="CATEGORICAL")
client.flush()

# One trace, whole; asked for by its id it is there at once.
whole = client.fetch_trace(trace.id).data
assert (whole.id, whole.name, whole.input, whole.output) == (trace.id, "answer", {"question": "refunds"}, ["14 days"])
assert (whole.user_id, whole.session_id, whole.tags) == ("ada", session, ["bench", "reading"])
assert (whole.release, whole.environment, whole.metadata) == ("v7", "staging", {"team": "support"})
assert whole.total_cost > 0
above, inner = sorted(whole.observations, key=lambda one: one.name, reverse=True)
assert (above.id, above.type, above.parent_observation_id) == (outer.id, "SPAN", None)
assert (inner.id, inner.type, inner.parent_observation_id, inner.trace_id) == (
    call.id,
    "GENERATION",
    outer.id,
    trace.id,
)
assert (inner.model, inner.level, inner.status_message) == (MODEL, "WARNING", "slow")
assert (inner.usage_details, inner.usage.input) == ({**USAGE, "total": 150}, 120)
assert inner.output == {"role": "assistant", "content": "Refunds take 14 days."}
assert inner.cost_details["total"] > 0
assert inner.metadata["experiment"] == "exp"
assert PERSON not in str(above.input)
given = {score.name: score for score in whole.scores}
assert (given["helpful"].value, given["correct"].value, given["tone"].string_value) == (0.75, 1, "friendly")
assert (given["correct"].observation_id, given["correct"].trace_id) == (call.id, trace.id)

# Lists.
listed = client.fetch_traces(session_id=session, name="answer", tags=["bench"], order_by="timestamp.desc")
[told] = listed.data
assert (told.id, sorted(told.observations), listed.meta.total_items) == (trace.id, sorted([outer.id, call.id]), 1)
assert client.fetch_traces(session_id=session, name="chat").data == []
[one] = client.fetch_observations(type="GENERATION", name="chat", from_start_time=began, trace_id=trace.id).data
assert (one.id, one.parent_observation_id, one.trace_id) == (call.id, outer.id, trace.id)
assert client.fetch_observations(parent_observation_id=outer.id).data[0].id == call.id
assert client.fetch_observation(call.id).data.name == "chat"
assert session in [found.id for found in client.fetch_sessions(from_timestamp=began).data]
assert [each.name for each in client.get_generations(trace_id=None, user_id="ada", name="chat").data] != []

# Scores, over the client that is generated from the API.
[tone] = [score for score in client.client.score.get(name="tone").data if score.trace_id == trace.id]
assert (tone.string_value, tone.trace.user_id, tone.trace.tags) == ("friendly", "ada", ["bench", "reading"])
assert client.client.score.get_by_id(tone.id).trace_id == trace.id

# The link that it prints.
shown = httpx.get(trace.get_trace_url())
assert (shown.status_code, shown.headers["location"]) == (307, f"/traces/{trace.id.replace('-', '')}")
