"""Dashboards, what their panels show, and the marks on their time axes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.status import HTTP_204_NO_CONTENT

from assay_server.api.answers import written
from assay_server.api.auth import principal
from assay_server.api.etags import IfMatch, etag, revision_of
from assay_server.api.gone import unless_gone
from assay_server.api.pages import page
from assay_server.api.routes.marks import marks_of
from assay_server.api.services import services
from assay_server.api.times import nanoseconds
from assay_server.core.errors import InvalidInput
from assay_server.core.ports import Principal
from assay_server.query import (
    dashboard_from_yaml,
    dashboard_json,
    dashboard_yaml,
    panel_filter,
    panel_words,
    parse_dashboard,
    parse_panel,
    refuse_other_name,
    told_by_line,
)

router = APIRouter(tags=["dashboards"])

Reader = Annotated[Principal, Depends(principal("read"))]
Writer = Annotated[Principal, Depends(principal("write"))]

_NOBODY_LISTENS = 499


class DashboardBody(BaseModel):
    """A definition; the room checks the values, field by field."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, description="The address's, or left out; another one is refused")
    title: str
    description: str = ""
    range: str = Field("24h", description="1h, 6h, 24h, 7d, 30d or 90d")
    variables: list[str] = Field([], description="Words of the filter that a reader may set")
    panels: list[dict[str, Any]] = []


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid")

    yaml: str
    name: str = Field("unnamed", description="Taken where the text has none")
    saved_as: str | None = Field(None, description="What it will be saved as: a text that says another name is refused")


class PanelQuery(BaseModel):
    """A panel, saved or not, over a range of time."""

    model_config = ConfigDict(extra="forbid")

    panel: dict[str, Any]
    since: str = Field(description="RFC 3339")
    until: str = Field(description="RFC 3339, exclusive")
    filter: dict[str, str | list[str]] = Field({}, description="Narrows the panel's own filter further")
    compare: bool = Field(False, description="With the same length of time before")


@router.get("/dashboards", summary="The dashboards, ready-made ones first")
async def list_dashboards(request: Request, caller: Reader) -> dict[str, Any]:
    found = await services(request).dashboards.list(caller.project)
    return page(found, len(found), None)


@router.post("/dashboards/parse", summary="Check a dashboard written as YAML; nothing is saved")
async def parse(request: Request, caller: Reader, written: Written) -> dict[str, Any]:
    made = dashboard_from_yaml(written.name, written.yaml, written.saved_as)
    with told_by_line(written.yaml):
        await services(request).panels.check(made)
    return {"name": made.name, **dashboard_json(made), "yaml": dashboard_yaml(made)}


@router.get("/dashboards/{name}", summary="One dashboard with its panels and its YAML")
async def get_dashboard(request: Request, response: Response, caller: Reader, name: str) -> dict[str, Any]:
    found: dict[str, Any] = await services(request).dashboards.get(caller.project, name)
    response.headers["ETag"] = etag(found["revision"])
    return found


@router.put("/dashboards/{name}", summary="Save a dashboard, in place of the one of that name")
async def put_dashboard(
    request: Request, response: Response, caller: Writer, name: str, body: DashboardBody, if_match: IfMatch = None
) -> dict[str, Any]:
    given = body.model_dump(exclude={"name"})
    if body.name is not None:
        refuse_other_name(body.name, name)
    await services(request).panels.check(parse_dashboard(name, given))
    saved: dict[str, Any] = await services(request).dashboards.put(
        caller.project, caller.actor, name, given, revision=revision_of(if_match)
    )
    response.headers["ETag"] = etag(saved["revision"])
    return saved


@router.delete("/dashboards/{name}", status_code=HTTP_204_NO_CONTENT, summary="Delete one of the project's own")
async def delete_dashboard(request: Request, caller: Writer, name: str, if_match: IfMatch = None) -> Response:
    """The ready-made one of that name, if there is one, is back."""
    await services(request).dashboards.delete(caller.project, caller.actor, name, revision=revision_of(if_match))
    return Response(status_code=HTTP_204_NO_CONTENT)


@router.get("/panels/words", summary="The metrics, filters, groups and kinds that panels know")
async def words(caller: Reader) -> dict[str, Any]:
    return panel_words()


@router.post("/panels/query", summary="What a panel shows")
async def query(request: Request, caller: Reader, asked: PanelQuery) -> Response:
    """Hanging up stops it."""
    panel = parse_panel(asked.panel)
    since, until = _moment(asked.since, "since"), _moment(asked.until, "until")
    narrow = panel_filter(asked.filter, "filter")
    work = services(request).panels.read(caller.project, panel, since, until, narrow, compare=asked.compare)
    found: dict[str, Any] | None = await unless_gone(request, work)
    return Response(status_code=_NOBODY_LISTENS) if found is None else written(found)


@router.get("/marks", summary="What a time axis should show: changes of channels, canaries, incidents")
async def marks(
    request: Request,
    caller: Reader,
    since: Annotated[str, Query(description="RFC 3339")],
    until: Annotated[str, Query(description="RFC 3339, exclusive")],
) -> dict[str, Any]:
    edges = _moment(since, "since"), _moment(until, "until")
    found = await marks_of(services(request), caller.project, *edges)
    return page(found, len(found), None)


def _moment(text: str, field: str) -> int:
    found = nanoseconds(text, field)
    if found is None:
        raise InvalidInput(field=field, value=text, fix="write it like 2026-11-21T08:00:00Z")
    return found
