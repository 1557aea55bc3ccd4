"""Who may do what, what they did, and which providers are called."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Page, endpoint, every, get, in_path, items_of, without_none, write

Rows = list[Json]


class Providers(Noun[D_co]):
    """Model vendors and servers, by name."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All providers."""
        return items_of(get("/providers"))

    @endpoint
    def put(self, name: str, *, base_url: str, kind: str = "openai", key_env: str | None = None) -> Call[Json]:
        """Adds or changes one; `key_env` is the server's environment variable that holds the vendor's key."""
        body = without_none(kind=kind, base_url=base_url, key_env=key_env)
        return write("PUT", f"/providers/{in_path(name)}", body)

    @endpoint
    def delete(self, name: str) -> Call[Any]:
        """Removes one; releases that name it stay as they are."""
        return write("DELETE", f"/providers/{in_path(name)}")


class Audit(Noun[D_co]):
    """Who did what, when and why; hash-chained."""

    @endpoint
    def list(
        self,
        limit: int = 50,
        cursor: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Call[Page]:
        """A page of audit events, newest first; `since` and `until` are RFC 3339."""
        window = {"since": since, "until": until}
        return get("/audit", limit=limit, cursor=cursor, actor=actor, action=action, subject=subject, **window)

    @endpoint
    def all(self, /, most: int | None = None, **filters: Any) -> Call[Rows]:
        """All audit events that match, or the newest `most`."""
        return every("/audit", most, **filters)

    @endpoint
    def verify(self) -> Call[Json]:
        """Checks the chain of hashes."""
        return get("/audit/verify")


class Keys(Noun[D_co]):
    """API keys of the project."""

    @endpoint
    def list(self) -> Call[Rows]:
        """All keys, without their secrets."""
        return items_of(get("/keys"))

    @endpoint
    def create(self, name: str, role: str = "ingest") -> Call[Json]:
        """A new key; its secret is shown this once. Roles: admin, editor, viewer, ingest, score."""
        return write("POST", "/keys", {"name": name, "role": role})

    @endpoint
    def revoke(self, key: str, reason: str | None = None) -> Call[Json]:
        """Ends a key, at once."""
        return write("DELETE", f"/keys/{in_path(key)}", without_none(reason=reason))


class Projects(Noun[D_co]):
    """Tenants of this server."""

    @endpoint
    def list(self) -> Call[Rows]:
        """The projects this key sees."""
        return items_of(get("/projects"))

    @endpoint
    def create(self, name: str) -> Call[Json]:
        """A new project."""
        return write("POST", "/projects", {"name": name})


class SignIn(Noun[D_co]):
    """Browser sessions."""

    @endpoint
    def link(self) -> Call[str]:
        """A one-time link that signs a browser in."""
        answer: Json = yield from write("POST", "/sign-in-tokens")
        return str(answer["url"])

    @endpoint
    def open(self, token: str) -> Call[Any]:
        """Changes a one-time token into a session; the cookie stays in this client."""
        return write("POST", "/session", {"token": token})

    @endpoint
    def close(self) -> Call[Any]:
        """Signs out."""
        return write("DELETE", "/session")
