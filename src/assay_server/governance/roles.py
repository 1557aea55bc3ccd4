"""The roles a key or a session can have. What each may do is decided where requests come in."""

from assay_server.core.errors import InvalidInput

ROLES = ("admin", "editor", "viewer", "ingest", "score")


def check_role(role: str) -> str:
    """The role, if there is such a one. Raises InvalidInput."""
    if role not in ROLES:
        raise InvalidInput("There is no such role.", field="role", value=role, fix=f"use one of {', '.join(ROLES)}")
    return role
