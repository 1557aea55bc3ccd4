"""SQL, sessions, users and saved views."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Page, Request, Revision, endpoint, get, in_path, items_of, send, write

Rows = list[Json]


class Sql(Noun[D_co]):
    """One SELECT over the facts of the project."""

    @endpoint
    def run(self, sql: str, limit: int = 1000) -> Call[Json]:
        """`columns` (name, type), `rows`, `truncated` and `elapsed_ms`."""
        request = Request("POST", "/api/v1/sql", None, {"sql": sql, "limit": limit}, timeout_s=60.0)
        answer: Json = (yield from send(request)).json()
        return answer

    @endpoint
    def schema(self) -> Call[Json]:
        """The tables with their columns, and the functions."""
        return get("/sql/schema")


class Sessions(Noun[D_co]):
    """Conversations."""

    @endpoint
    def list(self, /, limit: int = 50, cursor: str | None = None, **filters: Any) -> Call[Page]:
        """A page of sessions, the last active first. Filters: since, until, user, environment."""
        return get("/sessions", limit=limit, cursor=cursor, **filters)

    @endpoint
    def get(self, session: str) -> Call[Json]:
        """One session with its turns."""
        return get("/sessions/one", id=session)


class Users(Noun[D_co]):
    """The people who use the application, as it names them."""

    @endpoint
    def list(self, /, limit: int = 50, cursor: str | None = None, **filters: Any) -> Call[Page]:
        """A page of users, the last active first. Filters: since, until, environment."""
        return get("/users", limit=limit, cursor=cursor, **filters)

    @endpoint
    def get(self, user: str) -> Call[Json]:
        """One user: sums, days, models and the newest sessions."""
        return get("/users/one", id=user)


class Views(Noun[D_co]):
    """Filters that were given a name."""

    @endpoint
    def list(self) -> Call[Rows]:
        """The saved views of the project, by name."""
        return items_of(get("/views"))

    @endpoint
    def put(self, name: str, page: str, query: Json, revision: Revision | None = None) -> Call[Json]:
        """Saves a view, or replaces the one of that name. `revision`: only in the place of this one (Conflict)."""
        return write("PUT", f"/views/{in_path(name)}", {"page": page, "query": query}, seen=revision)

    @endpoint
    def delete(self, name: str) -> Call[None]:
        """Forgets a view. Raises NotFound."""
        return write("DELETE", f"/views/{in_path(name)}")
