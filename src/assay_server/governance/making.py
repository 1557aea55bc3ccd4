"""What stands at the beginning: projects, their keys, and the way in at a first start. In a caller's transaction."""

import logging
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, update

from assay_server.core.clock import Clock
from assay_server.core.errors import Conflict, InvalidInput
from assay_server.core.ids import new_id
from assay_server.governance import rows
from assay_server.governance.audit import Audit
from assay_server.governance.credentials import digest, new_pair
from assay_server.ledger import tables

_log = logging.getLogger(__name__)

_keys = tables.accounts.keys
_projects = tables.accounts.projects

SERVER = "assay:server"
"""The actor of what the server does by itself when it starts."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,99}")
_LONGEST_KEY_NAME = 100


@dataclass(slots=True, frozen=True)
class Bootstrapped:
    """What the first start made. `key` is a secret to show once; None where nothing was generated."""

    project: str
    key: str | None
    is_new: bool


class Making:
    """Makes them. Keys stand in the audit log with it; who has a project made writes that there."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    def bootstrap(self, connection: Connection, wanted: str | None) -> Bootstrapped:
        """A first project, and a key where none is `wanted` and there is no project yet."""
        home = rows.home_project(connection)
        project = self.add_project(connection, SERVER, "default", home=True) if home is None else str(home.id)
        if wanted is not None:
            self._set_bootstrap_key(connection, project, wanted)
            return Bootstrapped(project, None, is_new=home is None)
        if home is not None:
            return Bootstrapped(project, None, is_new=False)
        made = self.add_key(connection, project, SERVER, name="first", role="admin", origin="generated")
        return Bootstrapped(project, str(made["secret"]), is_new=True)

    def add_project(self, connection: Connection, actor: str, name: str, *, home: bool) -> str:
        """Its id. Raises Conflict for a name that is taken."""
        project = new_id("prj")
        values = {"id": project, "name": name, "home": home, "salt": secrets.token_hex(16), "created_by": actor}
        taken = connection.execute(_projects.select().where(_projects.c.name == name)).one_or_none()
        if taken is not None:
            raise Conflict("There is a project of this name.", field="name", value=name, fix="choose another name")
        connection.execute(_projects.insert().values(**values, created_ns=self._clock.now_ns()))
        return project

    def add_key(
        self,
        connection: Connection,
        project: str,
        actor: str,
        *,
        name: str,
        role: str,
        origin: str,
        secret: str | None = None,
    ) -> dict[str, Any]:
        """The key as JSON, with its secret. `secret` is given where its owner chose it."""
        public: str | None = None
        if secret is None:
            public, secret = new_pair()
        key = new_id("key")
        values = {"id": key, "project": project, "name": name, "role": role, "public": public, "origin": origin}
        made = {"secret_hash": digest(secret), "created_ns": self._clock.now_ns(), "created_by": actor}
        connection.execute(_keys.insert().values(**values, **made))
        told = {"name": name, "role": role}
        self._audit.append(connection, project=project, actor=actor, action="key.create", subject=key, after=told)
        return {**rows.key_json(rows.key_by_id(connection, project, key)), "secret": secret}

    def _set_bootstrap_key(self, connection: Connection, project: str, secret: str) -> None:
        """The key of the environment works, and the one it replaces does not. What a person revoked stays revoked."""
        now, hashed = self._clock.now_ns(), digest(secret)
        others = (_keys.c.origin == "bootstrap", _keys.c.secret_hash != hashed, _keys.c.revoked_ns.is_(None))
        connection.execute(update(_keys).where(*others).values(revoked_ns=now, revoked_by=SERVER))
        known = rows.key_by_digest(connection, hashed)
        if known is None:
            self.add_key(connection, project, SERVER, name="bootstrap", role="admin", origin="bootstrap", secret=secret)
        elif known.revoked_by == SERVER:
            again = {"revoked_ns": None, "revoked_by": None}
            connection.execute(update(_keys).where(_keys.c.id == known.id).values(**again))
            self._audit.append(connection, project=project, actor=SERVER, action="key.restore", subject=known.id)
        elif known.revoked_ns is not None:
            _log.warning("ASSAY_BOOTSTRAP_KEY holds the key %s, which was revoked: it does not work", known.id)


def check_key_name(name: str) -> None:
    if not 1 <= len(name) <= _LONGEST_KEY_NAME or not name.isprintable() or "@" in name:
        raise InvalidInput(
            f"A key's name has 1 to {_LONGEST_KEY_NAME} printable characters and no e-mail address: history keeps it.",
            field="name",
            value=name,
            fix="name what uses it, such as 'checkout-service'",
        )


def check_project_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "A name has 1 to 100 of a-z, 0-9, '.', '_', '/', '-', and begins with a letter or digit.",
            field="name",
            value=name,
        )
