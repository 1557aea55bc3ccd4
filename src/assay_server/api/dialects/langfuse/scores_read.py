"""Langfuse's scores read back, in each of the three forms that its clients ask for: those of traces alone (version 2),
all of them by pages (3 and 4), and with values of their own kind (4 and 5)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from assay_server.api.auth import principal
from assay_server.api.dialects.langfuse.errors import LangfuseRoute
from assay_server.api.dialects.langfuse.paging import Paged, Strict, groups
from assay_server.api.dialects.langfuse.score_filters import (
    Asked,
    narrowed,
    of_data_type,
    of_environment,
    of_observations,
    of_source,
    of_value,
    read_conditions,
    refuse,
    several,
    single,
)
from assay_server.api.dialects.langfuse.score_shapes import score_v1_json, score_v2_json, score_v3_json
from assay_server.api.dialects.langfuse.shapes import ABOUT_TRACE, SPAN_ID
from assay_server.api.pages import decode_cursor, encode_cursor
from assay_server.api.services import Services, services
from assay_server.core.errors import NotFound
from assay_server.core.ports import Principal
from assay_server.query import Head, ScoreFilter

router = APIRouter(route_class=LangfuseRoute)

Reader = Annotated[Principal, Depends(principal("read"))]

_GROUPS = frozenset({"score", "trace"})
_GROUPS_V3 = frozenset({"details", "subject", "annotation"})
_NO_TRACE = "ask GET /api/public/traces for those traces: their scores come along"


class ScoreQuery(Paged):
    name: str | None = None
    user_id: str | None = Field(None, alias="userId", description="Cannot be asked for")
    from_timestamp: str | None = Field(None, alias="fromTimestamp", description="RFC 3339")
    to_timestamp: str | None = Field(None, alias="toTimestamp", description="RFC 3339, exclusive")
    environment: list[str] | None = Field(None, max_length=20, description="One at a time")
    source: str | None = Field(None, description="API, ANNOTATION or EVAL")
    operator: str | None = Field(None, description="With a value: =, !=, <, <=, > or >=")
    value: float | None = None
    score_ids: str | None = Field(None, alias="scoreIds", description="With commas between them")
    config_id: str | None = Field(None, alias="configId")
    queue_id: str | None = Field(None, alias="queueId")
    data_type: str | None = Field(None, alias="dataType", description="NUMERIC, BOOLEAN, CATEGORICAL, …")
    trace_tags: list[str] | None = Field(None, alias="traceTags", description="Cannot be asked for")

    def asked(self) -> Asked:
        refuse("userId", self.user_id, _NO_TRACE)
        refuse("traceTags", self.trace_tags, _NO_TRACE)
        return [
            {"name": self.name, "ids": several(self.score_ids, "scoreIds")},
            {"since": ("fromTimestamp", self.from_timestamp), "until": ("toTimestamp", self.to_timestamp)},
            {"told": tuple(pair for pair in (("config", self.config_id), ("queue", self.queue_id)) if pair[1])},
            of_environment(self.environment),
            of_source(self.source),
            of_value(self.operator, self.value),
            of_data_type(self.data_type),
        ]


class ScoreV2Query(ScoreQuery):
    session_id: str | None = Field(None, alias="sessionId")
    dataset_run_id: str | None = Field(None, alias="datasetRunId")
    trace_id: str | None = Field(None, alias="traceId")
    observation_id: str | None = Field(None, alias="observationId", description="With commas between them")
    fields: str | None = Field(None, description="Groups: score, trace")
    filter: str | None = Field(None, max_length=20_000, description="Conditions in JSON: docs/langfuse.md")

    def asked(self) -> Asked:
        of_all = {"session": self.session_id, "run": self.dataset_run_id, "trace": self.trace_id}
        return [*super().asked(), of_all, of_observations(self.observation_id), read_conditions(self.filter)]


class ScoreV3Query(Strict):
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = None
    fields: str | None = Field(None, description=f"Groups: {', '.join(sorted(_GROUPS_V3))}")
    id: str | None = Field(None, description="With commas between them")
    name: str | None = Field(None, description="With commas between them")
    source: str | None = Field(None, description="One of API, ANNOTATION and EVAL")
    data_type: str | None = Field(None, alias="dataType", description="One of NUMERIC, BOOLEAN, CATEGORICAL, …")
    environment: str | None = Field(None, description="One")
    config_id: str | None = Field(None, alias="configId", description="One")
    queue_id: str | None = Field(None, alias="queueId", description="One")
    author_user_id: str | None = Field(None, alias="authorUserId", description="One")
    value: str | None = Field(None, description="One, with its dataType")
    value_min: float | None = Field(None, alias="valueMin", description="Within")
    value_max: float | None = Field(None, alias="valueMax", description="Within")
    trace_id: str | None = Field(None, alias="traceId", description="One")
    session_id: str | None = Field(None, alias="sessionId", description="One")
    observation_id: str | None = Field(None, alias="observationId", description="With commas between them")
    experiment_id: str | None = Field(None, alias="experimentId", description="One")
    from_timestamp: str | None = Field(None, alias="fromTimestamp", description="RFC 3339")
    to_timestamp: str | None = Field(None, alias="toTimestamp", description="RFC 3339, exclusive")

    def asked(self) -> Asked:
        told = (("config", single(self.config_id, "configId")), ("queue", single(self.queue_id, "queueId")))
        author = single(self.author_user_id, "authorUserId")
        return [
            {
                "names": several(self.name, "name"),
                "ids": several(self.id, "id"),
                "told": tuple(pair for pair in told if pair[1]),
            },
            {"author": author, "source": "human" if author else None},
            {"trace": single(self.trace_id, "traceId"), "session": single(self.session_id, "sessionId")},
            {"run": single(self.experiment_id, "experimentId")},
            {"since": ("fromTimestamp", self.from_timestamp), "until": ("toTimestamp", self.to_timestamp)},
            of_environment([self.environment] if self.environment else None),
            of_source(single(self.source, "source")),
            of_data_type(single(self.data_type, "dataType"), self.value, self.value_min, self.value_max),
            of_observations(self.observation_id),
        ]


@router.get("/scores", summary="Langfuse: scores of traces, by pages")
async def scores_v1(request: Request, caller: Reader, query: Annotated[ScoreQuery, Query()]) -> dict[str, Any]:
    """As version 2 asks for them: what is said of a session or a run alone is in `/v2/scores`."""
    narrow = narrowed([*query.asked(), {"of_traces": True}])
    found, heads, total = await _page(services(request), caller.project, narrow, query)
    data = [_v1(score, caller.project, heads.get(score["trace_id"])) for score in found]
    return {"data": data, "meta": query.told(total)}


@router.get("/v2/scores", summary="Langfuse: scores, by pages")
async def scores_v2(request: Request, caller: Reader, query: Annotated[ScoreV2Query, Query()]) -> dict[str, Any]:
    with_trace = "trace" in groups(query.fields, _GROUPS, _GROUPS)
    found, heads, total = await _page(services(request), caller.project, narrowed(query.asked()), query)
    data = [
        score_v2_json(score, caller.project, heads.get(score["trace_id"]), with_trace=with_trace) for score in found
    ]
    return {"data": data, "meta": query.told(total)}


@router.get("/v3/scores", summary="Langfuse: scores, newest first")
async def scores_v3(request: Request, caller: Reader, query: Annotated[ScoreV3Query, Query()]) -> dict[str, Any]:
    shown, rooms = groups(query.fields, _GROUPS_V3, frozenset()), services(request)
    after = decode_cursor(query.cursor, 2)
    found = await rooms.scores.find(caller.project, narrowed(query.asked()), limit=query.limit, after=after)
    heads = await _heads(rooms, caller.project, found.items) if "subject" in shown else {}
    data = [score_v3_json(score, caller.project, heads.get(score["trace_id"]), shown) for score in found.items]
    cursor = {} if found.following is None else {"cursor": encode_cursor(found.following)}
    return {"data": data, "meta": {"limit": query.limit, **cursor}}


@router.get("/scores/{score_id:path}", summary="Langfuse: a score of a trace")
async def one_v1(request: Request, caller: Reader, score_id: str) -> dict[str, Any]:
    score, head = await _one(services(request), caller.project, score_id, of_traces=True)
    return _v1(score, caller.project, head)


@router.get("/v2/scores/{score_id:path}", summary="Langfuse: a score")
async def one_v2(request: Request, caller: Reader, score_id: str) -> dict[str, Any]:
    score, head = await _one(services(request), caller.project, score_id, of_traces=False)
    return score_v2_json(score, caller.project, head, with_trace=False)


async def _page(
    rooms: Services, project: str, narrow: ScoreFilter, query: ScoreQuery
) -> tuple[list[dict[str, Any]], dict[str, Head], int]:
    skipped = query.skipped("fromTimestamp", "toTimestamp")
    found = await rooms.scores.find(project, narrow, limit=query.limit, skip=skipped)
    return found.items, await _heads(rooms, project, found.items), found.total


async def _heads(rooms: Services, project: str, scores: list[dict[str, Any]]) -> dict[str, Head]:
    trace_ids = list(dict.fromkeys(score["trace_id"] for score in scores if score["trace_id"]))
    found: dict[str, Head] = await rooms.traces.heads(project, trace_ids, SPAN_ID, ABOUT_TRACE)
    return found


async def _one(rooms: Services, project: str, score_id: str, *, of_traces: bool) -> tuple[dict[str, Any], Head | None]:
    """The newest that a client sent under that id: where Langfuse would have replaced a score, each is kept."""
    narrow = ScoreFilter(ids=(score_id,), answered=True, of_traces=of_traces)
    found = (await rooms.scores.find(project, narrow, limit=1)).items
    if not found:
        raise NotFound(
            "There is no such score.",
            field="scoreId",
            value=score_id[:80],
            fix="look it up in GET /api/public/v2/scores",
        )
    return found[0], (await _heads(rooms, project, found)).get(found[0]["trace_id"])


def _v1(score: dict[str, Any], project: str, head: Head | None) -> dict[str, Any]:
    """Version 2 demands a trace, also of one of which nothing is stored yet."""
    told = score_v2_json(score, project, head, with_trace=True)
    told["trace"] = told["trace"] or {"userId": None, "tags": [], "environment": None, "sessionId": None}
    plain = score_v1_json(score, project, told["traceId"], {}) or {}
    return {**told, **{name: plain[name] for name in ("dataType", "value", "stringValue") if name in plain}}
