"""Dashboards, and what their panels show."""

from typing import Any

from assay._calls import (
    Call,
    D_co,
    Json,
    Noun,
    Request,
    Revision,
    endpoint,
    get,
    in_path,
    items_of,
    send,
    without_none,
    write,
)

Rows = list[Json]


class Dashboards(Noun[D_co]):
    """Panels under a name: ready-made ones and the project's own."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All of them, ready-made ones first."""
        return items_of(get("/dashboards"))

    @endpoint
    def get(self, name: str) -> Call[Json]:
        """One with its panels, and as YAML. Raises NotFound."""
        return get(f"/dashboards/{in_path(name)}")

    @endpoint
    def put(self, name: str, definition: Json, revision: Revision | None = None) -> Call[Json]:
        """Saves it, in place of the one of that name: `title`, `description`, `range`, `variables`, `panels`.

        `revision`: only in the place of this one (Conflict).
        """
        return write("PUT", f"/dashboards/{in_path(name)}", definition, seen=revision)

    @endpoint
    def delete(self, name: str) -> Call[Any]:
        """Deletes one of the project's own; a ready-made one of that name is back. Raises NotFound."""
        return write("DELETE", f"/dashboards/{in_path(name)}")

    @endpoint
    def parse(self, yaml: str, name: str | None = None) -> Call[Json]:
        """Checks a dashboard written as YAML; nothing is saved. `name` is taken where the text has none."""
        return write("POST", "/dashboards/parse", without_none(yaml=yaml, name=name))

    @endpoint
    def read(
        self, panel: Json, since: str, until: str, narrow: dict[str, Any] | None = None, *, compare: bool = False
    ) -> Call[Json]:
        """What a panel shows between two moments (RFC 3339)."""
        body = {"panel": panel, "since": since, "until": until, "filter": narrow or {}, "compare": compare}
        request = Request("POST", "/api/v1/panels/query", None, body, timeout_s=60.0)
        answer: Json = (yield from send(request)).json()
        return answer
