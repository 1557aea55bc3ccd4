"""Langfuse's Python SDK, which reads whatever is in a project: its models refuse what lacks a field. Versions 2 to 5
run the same lines, each as far as its API goes. Not a client of the bench: nothing is sent.

Settings: LANGFUSE_HOST and LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY; READ_AT_LEAST, traces.
"""

import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from langfuse import Langfuse

VERSION = int(version("langfuse").partition(".")[0])
GROUPS = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
at_least = int(os.environ["READ_AT_LEAST"])
client = Langfuse()
api = client.client if VERSION == 2 else client.api


def paged(ask: Any, **more: Any) -> Iterator[Any]:
    page, pages = 1, 1
    while page <= pages:
        found = ask(page=page, limit=20, **more)
        yield from found.data
        page, pages = page + 1, found.meta.total_pages


def followed(ask: Any, **more: Any) -> Iterator[Any]:
    cursor = None
    while True:
        found = ask(limit=20, cursor=cursor, **more)
        yield from found.data
        cursor = found.meta["cursor"] if isinstance(found.meta, dict) else found.meta.cursor
        if not cursor:
            return


def same(listed: Any, whole: Any) -> None:
    """A list says of a trace what the trace itself says."""
    for name in ("name", "input", "output", "tags", "session_id", "user_id", "metadata", "latency", "total_cost"):
        assert getattr(listed, name) == getattr(whole, name), (name, listed.id)
    assert sorted(listed.observations) == sorted(one.id for one in whole.observations), listed.id
    assert sorted(listed.scores) == sorted(one.id for one in whole.scores), listed.id
    assert {one.trace_id for one in whole.observations} == {listed.id}


def read_by_pages() -> None:
    traces = list(paged(api.trace.list))
    assert len({trace.id for trace in traces}) == len(traces) >= at_least, len(traces)
    for trace in traces:
        same(trace, api.trace.get(trace.id))
    observations = api.observations if VERSION < 4 else api.legacy.observations_v1
    found = list(paged(observations.get_many))
    assert len(found) == sum(len(trace.observations) for trace in traces)
    for one in found:
        again = observations.get(one.id)
        assert (again.name, again.input, again.parent_observation_id) == (
            one.name,
            one.input,
            one.parent_observation_id,
        )
    for session in paged(api.sessions.list):
        assert api.sessions.get(session.id).traces != []
    scores = {2: "score", 3: "score_v_2", 4: "scores"}[VERSION]
    for score in paged(getattr(api, scores).get_many if VERSION == 4 else getattr(api, scores).get):
        assert getattr(api, scores).get_by_id(score.id).name == score.name


if VERSION < 5:
    read_by_pages()
if VERSION > 2:
    observations = api.observations_v_2 if VERSION == 3 else api.observations
    assert len(list(followed(observations.get_many, fields=GROUPS))) >= at_least
if VERSION > 3:
    scores = api.scores_v3.get_many_v3 if VERSION == 4 else api.scores.get_many
    assert list(followed(scores, fields="details,subject,annotation")) != []
