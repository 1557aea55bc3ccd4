"""What a list of traces is asked for: its parameters, and the line `q` that says the same in one."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from assay_server.api.pages import DEFAULT_LIMIT
from assay_server.api.times import nanoseconds
from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.core.known import check_known
from assay_server.query import ANY_OF, TraceFilter, filter_of, read_excluded, read_line

MOST = 50
"""Conditions of one kind in a request: each is a question of its own, and hundreds are a nesting no engine takes."""


Several = Annotated[list[str], Field(max_length=MOST)]
"""Of values that are given several times one must hold."""


class Narrow(BaseModel):
    """A filter nobody knows is refused: ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")


class Listing(Narrow):
    """What a list has and a file has not: a file holds all that match."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=500, description="How many items a page holds")
    cursor: str | None = Field(None, description="`next` of the page before")


class TraceQuery(Narrow):
    q: str | None = Field(None, max_length=2000, description="All filters in one line: docs/api/search.md")
    since: str | None = Field(None, description="RFC 3339")
    until: str | None = Field(None, description="RFC 3339, exclusive")
    trace_id: Several = []
    model: Several = []
    provider: Several = []
    service: Several = []
    user: Several = []
    session: Several = []
    prompt: Several = []
    prompt_version: Several = []
    error_type: Several = []
    endpoint: Several = Field([], description="The route that was asked for, else what the root is called")
    feature: Several = []
    tenant: Several = []
    cost_center: Several = []
    status: Several = Field([], description="ok, error or unset; error finds an error in any span")
    kind: Several = []
    name: Several = []
    text: str | None = Field(None, max_length=1000, description='Words and "phrases"')
    release: Several = []
    channel: Several = []
    canary: Several = []
    arm: Several = []
    run: Several = []
    environment: Several = []
    tag: Several = []
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = Field(None, description="US dollars")
    max_cost: float | None = Field(None, description="US dollars")
    min_tokens: float | None = Field(None, description="Into the model and out of it together")
    max_tokens: float | None = None
    score: list[str] = Field(
        [],
        max_length=MOST,
        description="`name:op:value`; op: lt, le, gt, ge, eq, ne over the mean, eq, ne over a label that is no number,"
        " contains over labels and comments, exists (without value)",
    )
    attribute: list[str] = Field(
        [], max_length=MOST, description="`key:op:value`; op: eq, ne, lt, le, gt, ge, contains, exists (without value)"
    )
    differs: list[str] = Field([], max_length=MOST, description="`field:value`: a span says another, as `model:gpt-4o`")
    exclude: list[str] = Field([], max_length=MOST, description="A part of `q` that may not hold: `status:error`")


_TIMES = ("since", "until")
_LISTS = ("score", "attribute", "differs", "exclude")
_BESIDE = {"q", "sort", "limit", "cursor", "format"}


def narrowed(query: TraceQuery) -> TraceFilter:
    """The filter that the parameters and the line say together. Raises `InvalidInput`."""
    wanted, excluded = asked(said(query.model_dump(exclude=_BESIDE)), query.q)
    return replace(_filter(wanted), exclude=tuple(map(_filter, excluded)))


def said(query: dict[str, Any]) -> dict[str, Any]:
    """What parameters ask for; one value of several that there may be as it is."""
    given = {name: value for name, value in query.items() if value not in (None, [])}
    return {name: value[0] if name in ANY_OF and len(value) == 1 else value for name, value in given.items()}


def asked(given: dict[str, Any], q: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What parameters and line say together, and each that may not hold. Raises `InvalidInput`."""
    now_ns = SystemClock().now_ns()
    wanted = joined(given, {} if q is None else read_line(q, now_ns).filter)
    return wanted, [read_excluded(text, now_ns) for text in wanted.pop("exclude", ())]


def _filter(wanted: dict[str, Any]) -> TraceFilter:
    check_known("kind", wanted.get("kind"))
    since, until = (nanoseconds(wanted.pop(name, None), name) for name in _TIMES)
    return filter_of(wanted, since, until)


def joined(given: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    """Both hold: lists and words are put together, the narrower bound counts. Raises `InvalidInput` where two values of
    one field are wanted: no list can say that of one span."""
    wanted = dict(given)
    for name, value in line.items():
        mine = given.get(name)
        if mine is None or mine == value:
            wanted[name] = value
        elif name in _LISTS:
            wanted[name] = [*mine, *value]
        elif name == "text":
            wanted[name] = f"{mine} {value}"
        elif name.startswith(("min_", "max_")) or name in _TIMES:
            wanted[name] = _narrower(name, mine, value)
        else:
            raise InvalidInput(
                f"'{name}' stands in 'q' and beside it with another value.", field=name, value=mine, fix="say it once"
            )
    return wanted


def _narrower(name: str, mine: Any, value: Any) -> Any:
    later = name.startswith("min_") or name == "since"

    def rank(one: Any) -> float:
        return float((nanoseconds(one, name) or 0) if name in _TIMES else one)

    return (max if later else min)(mine, value, key=rank)
