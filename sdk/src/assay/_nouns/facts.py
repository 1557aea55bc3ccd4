"""Traces, spans, scores, and chat calls through the gateway."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from assay._calls import (
    Call,
    D_co,
    Json,
    Noun,
    Page,
    Request,
    endpoint,
    every,
    get,
    in_path,
    items_of,
    send,
    without_none,
    write,
)

Rows = list[Json]


class Traces(Noun[D_co]):
    """What happened, one row per trace."""

    @endpoint
    def get(self, trace_id: str) -> Call[Json]:
        """One trace with all its spans and scores."""
        return get(f"/traces/{in_path(trace_id)}")

    @endpoint
    def list(self, /, limit: int = 50, cursor: str | None = None, **filters: Any) -> Call[Page]:
        """A page of traces, newest first, or as `sort` says (`latency:desc`). Filters as in docs/api/search.md: since,
        until, model, user, status, text, …"""
        return get("/traces", limit=limit, cursor=cursor, **filters)

    @endpoint
    def all(self, /, most: int | None = None, **filters: Any) -> Call[Rows]:
        """All traces that match, or the first `most`."""
        return every("/traces", most, **filters)

    @endpoint
    def span(self, trace_id: str, span_id: str) -> Call[Json]:
        """One span, whole."""
        return get(f"/traces/{in_path(trace_id)}/spans/{in_path(span_id)}")

    @endpoint
    def graph(self, trace_id: str) -> Call[Json]:
        """The steps of a trace (`nodes`), and what came after what (`edges`)."""
        return get(f"/traces/{in_path(trace_id)}/graph")

    @endpoint
    def compare(self, a: str, b: str) -> Call[Json]:
        """Two traces, span beside span (`rows`), and what differs in a `sentence`."""
        return get(f"/traces/{in_path(a)}/compare/{in_path(b)}")

    @endpoint
    def as_test(self, trace_id: str, span_id: str) -> Call[Json]:
        """A model call as a pytest file that asks it again: `filename` and `source`."""
        return get(f"/traces/{in_path(trace_id)}/spans/{in_path(span_id)}/test")

    @endpoint
    def as_item(self, trace_id: str, span_id: str) -> Call[Json]:
        """A span as `datasets.add` takes it: a question as text, a conversation as `{"messages": […]}`."""
        return get(f"/traces/{in_path(trace_id)}/spans/{in_path(span_id)}/item")

    @endpoint
    def facets(self, field: str) -> Call[Rows]:
        """The values of a field with their counts, for filters: model, user, service, name, release, environment."""
        return items_of(get("/facets", field=field))


class Spans(Noun[D_co]):
    """Single operations, across traces."""

    @endpoint
    def list(self, /, limit: int = 50, cursor: str | None = None, **filters: Any) -> Call[Page]:
        """A page of spans, newest first. Filters: since, until, trace_id, kind, name, model, status, release, run, …"""
        return get("/spans", limit=limit, cursor=cursor, **filters)


class Scores(Noun[D_co]):
    """Judgements of spans, traces, sessions and run items."""

    @endpoint
    def post(self, scores: Json | Sequence[Json]) -> Call[Rows]:
        """Stores one score or many; a score whose `id` is known already is stored once."""
        body = scores if isinstance(scores, dict) else [*scores]
        return items_of(write("POST", "/scores", body))

    @endpoint
    def list(self, /, limit: int = 50, cursor: str | None = None, **filters: Any) -> Call[Page]:
        """A page of scores. Filters: name, trace_id, run, item, since, until, source."""
        return get("/scores", limit=limit, cursor=cursor, **filters)

    @endpoint
    def delete(self, score: str) -> Call[Any]:
        """Takes a score back: one's own, or any as an admin. It counts nowhere any more; the audit log keeps that."""
        return write("DELETE", f"/scores/{quote(score, safe='')}")


class Chat(Noun[D_co]):
    """Model calls through the gateway. For streams use the OpenAI client with `base_url=…/v1`."""

    @endpoint
    def complete(
        self,
        /,
        model: str,
        messages: Sequence[Json] | None = None,
        *,
        variables: Json | None = None,
        user: str | None = None,
        **parameters: Any,
    ) -> Call[Json]:
        """One answer, whole. `model` is `provider/model`, `release:<ref>` or `channel:<name>`."""
        body = without_none(model=model, messages=[*(messages or [])], user=user, **parameters)
        if variables is not None:
            body["assay"] = {"variables": variables}
        response = yield from send(Request("POST", "/v1/chat/completions", None, body, timeout_s=300.0))
        answer: Json = response.json()
        return answer

    @endpoint
    def models(self) -> Call[Rows]:
        """The models that can be called by name."""
        response = yield from send(Request("GET", "/v1/models"))
        models: Rows = response.json()["data"]
        return models
