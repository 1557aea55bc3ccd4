"""Two people who change the same thing: whoever comes second is told, so that nobody's change is lost unseen."""

import hashlib
import json
from typing import Any

from assay_server.core.errors import Conflict

NOTHING = "0"


def revision_of(document: Any) -> str:
    """Another one for each content; `NOTHING` for None, where nothing is there. How often it changed meanwhile does not
    matter: who finds again what they saw has lost nothing."""
    if document is None:
        return NOTHING
    told = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def with_revision(document: dict[str, Any]) -> dict[str, Any]:
    """As it is shown, so that whoever changes it can say which one they saw."""
    return {**document, "revision": revision_of(document)}


def refuse_unseen(now: Any, seen: str | None, what: str, by: str | None = None) -> None:
    """`seen`: the revision of what the caller read; None where nobody asks. Raises Conflict where it is another one."""
    if seen is None or seen == revision_of(now):
        return
    who = "" if by is None else f" by {by}"
    if now is None:
        told = f"This {what} was deleted since you read it."
        fix = "make it anew; the audit log has what it was, and who deleted it"
    elif seen == NOTHING:
        told = f"There is a {what} of this name already."
        fix = f"choose another name, or read the one that was saved{who} and change it"
    else:
        told = f"This {what} was changed{who} since you read it."
        fix = "read it again, and make your change there; the audit log has what it was before"
    raise Conflict(told, field="If-Match", value=seen, fix=fix)
