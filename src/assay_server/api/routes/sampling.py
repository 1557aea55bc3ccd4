"""Which spans keep their content."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, etag, revision_of
from assay_server.api.services import Services, services
from assay_server.api.times import nanoseconds
from assay_server.core.clock import rfc3339
from assay_server.core.ports import Principal
from assay_server.governance import DROP, SAMPLE, parse, refuse_idle_rules

router = APIRouter(prefix="/sampling", tags=["sampling"])

Reader = Annotated[Principal, Depends(principal("read"))]
Admin = Annotated[Principal, Depends(principal("admin"))]
Rooms = Annotated[Services, Depends(services)]

_LAST_NS = 2**62


class Policy(BaseModel):
    """The room checks rules and tail, field by field."""

    model_config = ConfigDict(extra="forbid")

    rules: list[dict[str, Any]] = Field([], description="[{name, match, action: keep | sample | drop, rate}]")
    tail: dict[str, Any] | None = Field(
        None, description="{share, quiet_s, patience_s, errors, slower_than_ms, slower_than_quantile, flagged}"
    )


class NewPolicy(Policy):
    reason: str | None = Field(None, max_length=2000)


@router.get("", summary="The project's sampling rules, and what waits for a decision")
async def get_sampling(caller: Reader, rooms: Rooms, response: Response) -> dict[str, Any]:
    sampling = rooms.intake.sampling
    response.headers["ETag"] = etag(sampling.policy(caller.project).revision)
    return {**sampling.get(caller.project), "waiting": await rooms.intake.decider.waiting(caller.project)}


@router.put("", summary="Set the sampling rules; they hold from the next request on")
async def put_sampling(
    body: NewPolicy, caller: Admin, rooms: Rooms, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    sampling = rooms.intake.sampling
    told = await sampling.put(
        caller.project, caller.actor, body.rules, body.tail, reason=body.reason, revision=revision_of(if_match)
    )
    response.headers["ETag"] = etag(sampling.policy(caller.project).revision)
    rooms.intake.decider.held()
    return {**told, "waiting": await rooms.intake.decider.waiting(caller.project)}


@router.post("/preview", summary="What rules would have done to the spans of the last 24 hours")
async def preview(body: Policy, caller: Reader, rooms: Rooms) -> dict[str, Any]:
    policy = parse(body.rules, body.tail)
    refuse_idle_rules(policy)
    return dict(await rooms.intake.preview.of(caller.project, policy))


@router.get("/counts", summary="Spans dropped or thinned out, by rule and minute")
async def counts(caller: Reader, rooms: Rooms, since: str | None = None, until: str | None = None) -> dict[str, Any]:
    found = await rooms.intake.counts.minutes(
        caller.project, nanoseconds(since, "since") or 0, nanoseconds(until, "until") or _LAST_NS
    )
    return {"items": [item for row in found if (item := _counted(*row)) is not None]}


def _counted(what: str, at_ns: int, n: int) -> dict[str, Any] | None:
    for prefix in (DROP, SAMPLE):
        if what.startswith(prefix):
            return {"at": rfc3339(at_ns), "rule": what.removeprefix(prefix), "action": prefix[:-1], "spans": n}
    return None
