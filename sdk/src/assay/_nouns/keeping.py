"""What is kept and what is let go: retention, deletions, backups, compactions."""

from typing import Any

from assay._calls import Call, D_co, Json, Noun, Page, Revision, endpoint, get, in_path, without_none, write

Rules = list[Json]


class Retention(Noun[D_co]):
    """Rules of a project: for how many days metadata, texts, scores and runs are kept."""

    @endpoint
    def get(self) -> Call[Json]:
        """The rules, when the next pass is due, and the last one."""
        return get("/retention")

    @endpoint
    def put(self, rules: Rules, reason: str | None = None, revision: Revision | None = None) -> Call[Json]:
        """Replaces the rules; nothing goes under new ones for an hour.

        `revision`: only in the place of this one (Conflict).
        """
        return write("PUT", "/retention", without_none(rules=rules, reason=reason), seen=revision)

    @endpoint
    def preview(self, rules: Rules | None = None) -> Call[Json]:
        """How much a pass would take away now, under these rules or those in force."""
        return write("POST", "/retention/preview", without_none(rules=rules))

    @endpoint
    def passes(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """Passes that took something away or failed, newest first."""
        return get("/retention/passes", limit=limit, cursor=cursor)

    @endpoint
    def apply(self) -> Call[Json]:
        """A pass is made now, without the hour."""
        return write("POST", "/retention/passes")


class Deletions(Noun[D_co]):
    """Deletion of a person by the id that their spans carry, or of one trace."""

    @endpoint
    def preview(self, user: str | None = None, trace_id: str | None = None) -> Call[Json]:
        """What is stored of a user or a trace. Changes nothing."""
        return write("POST", "/deletions", without_none(user=user, trace_id=trace_id, reason="preview"), dry_run="true")

    @endpoint
    def create(self, user: str | None, reason: str, datasets: str = "keep", trace_id: str | None = None) -> Call[Json]:
        """Deletes it; `datasets` `erase` also empties golden-set items that were made from these spans."""
        asked = without_none(user=user, trace_id=trace_id, reason=reason, datasets=datasets)
        return write("POST", "/deletions", asked)

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """Deletions, newest first."""
        return get("/deletions", limit=limit, cursor=cursor)

    @endpoint
    def get(self, deletion: str) -> Call[Json]:
        """One deletion, and how far it is."""
        return get(f"/deletions/{in_path(deletion)}")

    @endpoint
    def proof(self, deletion: str) -> Call[Json]:
        """The certificate. Raises Conflict before the deletion is done."""
        return get(f"/deletions/{in_path(deletion)}/proof")


class Backups(Noun[D_co]):
    """Backups of the whole server; for admins of its first project."""

    @endpoint
    def create(self, reason: str | None = None) -> Call[Json]:
        """Begins one; the server goes on meanwhile."""
        return write("POST", "/backups", without_none(reason=reason))

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """Backups, newest first."""
        return get("/backups", limit=limit, cursor=cursor)

    @endpoint
    def get(self, backup: str) -> Call[Json]:
        """One backup."""
        return get(f"/backups/{in_path(backup)}")

    @endpoint
    def verify(self, backup: str) -> Call[Json]:
        """Begins to restore it beside and to compare; see `verified_at` and `error` of `get` afterwards."""
        return write("POST", f"/backups/{in_path(backup)}/verify")

    @endpoint
    def delete(self, backup: str) -> Call[Any]:
        """Removes one with its files."""
        return write("DELETE", f"/backups/{in_path(backup)}")


class Compactions(Noun[D_co]):
    """How often the store was written anew; for admins of the first project."""

    @endpoint
    def list(self, limit: int = 50) -> Call[Page]:
        """The newest first."""
        return get("/compactions", limit=limit)

    @endpoint
    def create(self) -> Call[Json]:
        """One is made now."""
        return write("POST", "/compactions")


class Outgoing(Noun[D_co]):
    """What leaves by itself, and is held after a restore; for admins of the first project."""

    @endpoint
    def get(self) -> Call[Json]:
        """`{"held": {"backup", "made_at", "restored_at"} | None, "messages": how many wait}`."""
        return get("/outgoing")

    @endpoint
    def start(self, reason: str | None = None) -> Call[Json]:
        """Messages, forwards, scheduled exports and runs that were under way go on."""
        return write("POST", "/outgoing/start", without_none(reason=reason))
