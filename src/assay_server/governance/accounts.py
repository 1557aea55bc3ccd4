"""Projects, their keys, and who is signed in. Secrets are kept as SHA-256 only, and shown once."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from assay_server.core.clock import Clock, rfc3339
from assay_server.core.errors import Forbidden, Refused, Unauthenticated
from assay_server.core.ports import Principal
from assay_server.governance import rows
from assay_server.governance.audit import Audit
from assay_server.governance.cache import Principals
from assay_server.governance.credentials import digest, new_token, secret_in
from assay_server.governance.making import Bootstrapped, Making, check_key_name, check_project_name
from assay_server.governance.roles import check_role
from assay_server.governance.sessions import SESSION_NS, end_session, open_session, replace_token
from assay_server.governance.uses import KeyUses
from assay_server.ledger import Ledger

_SECOND = 1_000_000_000


class Accounts:
    """The face: who is asking, and everything an admin does about it."""

    def __init__(self, ledger: Ledger, audit: Audit, clock: Clock) -> None:
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._making = Making(audit, clock)
        # Apart: a session's secret is no key, and the other way round.
        self._by_key = Principals()
        self._by_session = Principals()
        self._uses = KeyUses(ledger, clock)

    def start(self) -> None:
        """From now on the last uses of keys are written now and then."""
        self._uses.start()

    async def close(self) -> None:
        await self._uses.close()

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Who sent these headers (lower-case names). Raises Unauthenticated.

        Microseconds for a key seen within the last two seconds, otherwise one look into the ledger.
        """
        hashed = digest(secret_in(headers))
        known = self._by_key.get(hashed)
        if known is not None:
            self._uses.note(known.actor)
            return known
        generation = self._by_key.generation
        found = await self._ledger.read(lambda connection: rows.principal_by_key(connection, hashed))
        if found is None:
            raise Unauthenticated("Nobody knows this key, or it was revoked.", fix="ask an admin for a new one")
        self._by_key.put(hashed, found, generation)
        self._uses.note(found.actor)
        return found

    async def session_principal(self, secret: str) -> Principal:
        """Whose session this is. Raises Unauthenticated."""
        hashed = digest(secret)
        known = self._by_session.get(hashed)
        if known is not None:
            self._uses.note(known.actor)
            return known
        generation, now = self._by_session.generation, self._clock.now_ns()
        found = await self._ledger.read(lambda connection: rows.principal_by_session(connection, hashed, now))
        if found is None:
            raise Unauthenticated("This session has ended.", fix="sign in again: 'assay login' makes a new link")
        self._by_session.put(hashed, found, generation)
        self._uses.note(found.actor)
        return found

    async def bootstrap(self, bootstrap_key: str | None = None) -> Bootstrapped:
        """Makes sure that there is a first project and a way in.

        With `bootstrap_key`, that is the admin key (an earlier bootstrap key stops working); without, a key is
        generated if there is none yet, and returned this once.
        """
        made = await self._ledger.write(lambda connection: self._making.bootstrap(connection, bootstrap_key))
        self._forget()
        return made

    # --- keys ---------------------------------------------------------------------------------------

    async def keys(self, project: str) -> list[dict[str, Any]]:
        """All keys of the project, newest first, without their secrets."""
        return await self._ledger.read(lambda connection: rows.keys(connection, project, self._uses.last_ns))

    async def key_names(self, project: str) -> list[dict[str, Any]]:
        """The id and the name of each key of the project, newest first."""
        return await self._ledger.read(lambda connection: rows.key_names(connection, project))

    async def create_key(self, project: str, actor: str, *, name: str, role: str) -> dict[str, Any]:
        """A new key with its `secret`, which nobody can read again. Raises InvalidInput."""
        check_role(role)
        check_key_name(name)

        def write(connection: Connection) -> dict[str, Any]:
            return self._making.add_key(connection, project, actor, name=name, role=role, origin="created")

        return await self._ledger.write(write)

    async def revoke_key(self, project: str, actor: str, key: str, reason: str | None = None) -> dict[str, Any]:
        """Ends a key and the sessions opened with it, at once. A key revoked before stays as it is.

        Raises NotFound, and Refused for the last admin key.
        """

        def write(connection: Connection) -> dict[str, Any]:
            row = rows.key_by_id(connection, project, key)
            if row.revoked_ns is None:
                _refuse_last_admin(connection, project, row)
                rows.revoke(connection, key, actor, self._clock.now_ns())
                told = {"name": row.name, "role": row.role}
                self._record(connection, project, actor, "key.revoke", key, reason=reason, before=told)
            return rows.key_json(rows.key_by_id(connection, project, key), self._uses.last_ns(key))

        revoked = await self._ledger.write(write)
        self._forget()
        return revoked

    # --- projects -----------------------------------------------------------------------------------

    async def project(self, project: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._ledger.read(lambda connection: rows.project_json(rows.project_by_id(connection, project)))

    async def projects(self, project: str) -> list[dict[str, Any]]:
        """What can be seen from a project: itself; from the first one, all."""
        return await self._ledger.read(lambda connection: rows.projects(connection, project))

    async def create_project(self, project: str, actor: str, name: str) -> dict[str, Any]:
        """A new project with its first admin `key`, shown once. Only from the first project.

        Raises Forbidden, InvalidInput, and Conflict for a name that is taken.
        """
        check_project_name(name)

        def write(connection: Connection) -> dict[str, Any]:
            if not rows.project_by_id(connection, project).home:
                raise Forbidden("Projects are created by admins of the server's first project.", field="project")
            made = self._making.add_project(connection, actor, name, home=False)
            self._record(connection, project, actor, "project.create", made, after={"name": name})
            key = self._making.add_key(connection, made, actor, name="first", role="admin", origin="created")
            return {**rows.project_json(rows.project_by_id(connection, made)), "key": key}

        return await self._ledger.write(write)

    # --- signing in ---------------------------------------------------------------------------------

    async def create_sign_in_token(
        self, project: str, *, role: str = "admin", actor: str = "user:admin", minutes: int = 15
    ) -> str:
        """A token for one sign-in. `actor` is what the audit log will say: an id or a handle, no e-mail address.

        Where that is a key, its revocation ends the link and the session.
        """
        token = new_token()
        values = {"token_hash": digest(token), "project": project, "role": check_role(role), "actor": actor}
        expires = self._clock.now_ns() + minutes * 60 * _SECOND
        await self._ledger.write(lambda connection: replace_token(connection, values, expires, self._clock.now_ns()))
        return token

    async def sign_in(self, token: str) -> dict[str, Any]:
        """Opens a session with a one-time token or with a key: `{"secret", "project", "role", "actor", "expires_at"}`.

        Raises Unauthenticated.
        """
        secret, hashed, now = new_token(), digest(token), self._clock.now_ns()

        def write(connection: Connection) -> Principal | None:
            found = rows.redeem(connection, hashed, now) or rows.principal_by_key(connection, hashed)
            if found is not None:
                open_session(connection, found, digest(secret), now)
                self._record(connection, found.project, found.actor, "session.open", found.actor)
            return found

        principal = await self._ledger.write(write)
        if principal is None:
            raise Unauthenticated(
                "This sign-in link was used already, or is too old.",
                field="token",
                fix="'assay login' makes a new one; an API key works here too",
            )
        self._uses.note(principal.actor)
        who = {"project": principal.project, "role": principal.role, "actor": principal.actor}
        return {"secret": secret, **who, "expires_at": rfc3339(now + SESSION_NS)}

    async def sign_out(self, secret: str) -> None:
        """Ends a session; one that has ended stays so."""
        hashed, now = digest(secret), self._clock.now_ns()
        await self._ledger.write(lambda connection: end_session(connection, hashed, now))
        self._forget()

    def _forget(self) -> None:
        self._by_key.forget()
        self._by_session.forget()

    def _record(
        self, connection: Connection, project: str, actor: str, action: str, subject: str, **details: Any
    ) -> None:
        self._audit.append(connection, project=project, actor=actor, action=action, subject=subject, **details)


def _refuse_last_admin(connection: Connection, project: str, row: Any) -> None:
    if row.role == "admin" and rows.admin_keys(connection, project) == 1:
        raise Refused(
            "This is the last admin key: without it nobody could make another.",
            field="key",
            value=row.id,
            fix="create another admin key first, then revoke this one",
        )
