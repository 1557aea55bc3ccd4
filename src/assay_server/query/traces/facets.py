"""The values that a filter can take, most frequent first."""

from assay_server.core.errors import InvalidInput
from assay_server.query.sql import lines

COLUMNS = (
    "model",
    "provider",
    "user",
    "session",
    "feature",
    "tenant",
    "cost_center",
    "service",
    "name",
    "kind",
    "release",
    "channel",
    "environment",
    "run",
    "prompt",
    "error_type",
)
FACETS = (*COLUMNS, "tag", "score", "attribute")

_LOOKED_AT = 2_000
"""Newest spans whose attributes are looked through for their keys: reading them all would take seconds."""

_TAGS = "SELECT unnest(tags) AS value FROM spans WHERE project = ? AND len(tags) > 0"
_SCORES = "SELECT name AS value FROM scores WHERE project = ?"
_KEYS = lines(
    "SELECT unnest(json_keys(attributes::JSON)) AS value FROM spans WHERE rowid IN",
    "(SELECT rowid FROM spans WHERE project = ? ORDER BY stored_ns DESC LIMIT",
    str(_LOOKED_AT) + ")",
)


def facets_sql(field: str, limit: int) -> str:
    """`value`, `n` of a field, and `of`, the rows they are counted among. Parameters: the project, twice.

    Raises `InvalidInput` for a field that has no facets.
    """
    if field not in FACETS:
        raise InvalidInput(
            f"There are no facets of '{field}'.", field="field", value=field, fix=f"use one of {', '.join(FACETS)}"
        )
    values = {"tag": _TAGS, "score": _SCORES, "attribute": _KEYS}.get(field) or _column(field)
    among = lines("(SELECT count(*) FROM", "scores" if field == "score" else "spans", "WHERE project = ?)")
    if field == "attribute":
        among = lines("least(", among, ",", str(_LOOKED_AT), ")")
    return lines(
        *("SELECT value, count(*) AS n,", among, "AS total FROM (", values, ")"),
        "GROUP BY value ORDER BY n DESC, value LIMIT " + str(limit),
    )


def _column(field: str) -> str:
    name = '"' + field + '"'
    return lines("SELECT", name, "AS value FROM spans WHERE project = ? AND", name, "IS NOT NULL")
