"""What spans can be grouped and narrowed by.

A user, a tag or a cost centre is often said at a trace's root alone. So for such fields a span takes what is nearest:
its own, else the first that any span of its trace says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.key_sets import ONE_OF_SETS
from assay_server.query.sql import Where, lines
from assay_server.store import TRACE_WIDE

OWN = ("model", "provider", "service", "name", "kind")
DIMENSIONS = (*OWN, *TRACE_WIDE, "endpoint", "error_type", "tag", "tag:<key>", "attribute:<key>")

EDGES = "project = ? AND start_ns >= ? AND start_ns < ?"
"""Spans of one project in a range of time; its parameters are those of `Dimension` and `narrowed` named `edges`."""

_TAGGED = (
    "list_transform(list_filter(tags, lambda t: starts_with(t, ? || ':') OR starts_with(t, ? || '=')),"
    " lambda t: substr(t, length(?) + 2))[1]"
)
_ATTRIBUTE = "variant_extract(attributes, ?)::VARCHAR"


@dataclass(slots=True, frozen=True)
class Dimension:
    """`own`: SQL over one span, with `params`. `wide`: the trace speaks for spans that say nothing. `many`: a list,
    and what the trace says is all there is."""

    own: str
    params: list[Any] = field(default_factory=list)
    wide: bool = False
    many: bool = False

    def across(self) -> str:
        """(trace, own): the first value that any span of the trace says, of what has one value.

        `trace` is the hash of its id. Parameters: `params`, then edges.
        """
        said = lines("(SELECT hash(trace_id) AS trace, start_ns,", self.own, "AS own FROM spans WHERE", EDGES, ")")
        return lines("SELECT trace, arg_min(own, start_ns) AS own FROM", said, "WHERE own IS NOT NULL GROUP BY trace")


@dataclass(slots=True, frozen=True)
class GroupedCalls:
    """How calls of the store's view `counted_calls`, named `c`, get what they are grouped by.

    `ctes` (empty or ending in a comma) stand before, `joins` behind `c`; parameters in the order of their place: those
    of `ctes`, then those of `value`. Most of it the view says itself; what it does not is read of the spans.
    """

    value: str
    params: list[Any] = field(default_factory=list)
    ctes: str = ""
    cte_params: list[Any] = field(default_factory=list)
    joins: str = ""

    @classmethod
    def by(cls, group_by: str | None, edges: list[Any], key_sets: Sequence[int] | None = None) -> "GroupedCalls":
        """`edges` and `key_sets` bound what is read of spans. Raises InvalidInput for a dimension nobody knows."""
        by = dimension(group_by)
        if by.many:  # one row for each tag; a call without any keeps one
            return cls(each_tag("c.tags"))
        if group_by is None or group_by in _OF_CALLS:
            return cls("NULL::VARCHAR" if group_by is None else "c." + quoted(group_by))
        if group_by.startswith("tag:"):
            return cls(by.own.replace("tags", "c.tags"), by.params)
        if not by.wide:
            own = lines("own AS (SELECT key,", by.own, "AS own FROM spans WHERE", EDGES, "),")
            return cls("own.own", [], own, [*by.params, *edges], "LEFT JOIN own ON own.key = c.key")
        among, sets = ("AND", []) if key_sets is None else ("AND " + ONE_OF_SETS + " AND", [list(key_sets)])
        said = lines(
            *("said AS MATERIALIZED (SELECT key, hash(trace_id) AS trace, start_ns,", by.own, "AS own FROM spans"),
            *("WHERE", EDGES, among, by.own, "IS NOT NULL),"),
            "first AS (SELECT trace, arg_min(own, start_ns) AS own FROM said GROUP BY trace),",
            # By what calls know their trace by: to work it out of the ids takes as long as all the rest.
            "wide AS (SELECT p.key AS trace, first.own FROM first JOIN (SELECT key, any_value(hash(trace_id)) AS trace",
            "FROM trace_parts WHERE project = ? GROUP BY key) p ON p.trace = first.trace),",
        )
        joins = "LEFT JOIN said ON said.key = c.key LEFT JOIN wide ON wide.trace = c.trace"
        params = [*by.params, *edges, *sets, *by.params, edges[0]]
        return cls("coalesce(said.own, wide.own)", [], said, params, joins)


_OF_CALLS = frozenset((*OWN, *TRACE_WIDE, "endpoint"))


def dimension(group_by: str | None) -> Dimension:
    """Raises InvalidInput for one that nobody knows."""
    if group_by is None:
        return Dimension("NULL::VARCHAR")
    if group_by in (*OWN, *TRACE_WIDE):
        return Dimension(quoted(group_by), wide=group_by in TRACE_WIDE)
    if group_by == "tag":
        return Dimension("tags", wide=True, many=True)
    if group_by == "error_type":
        return Dimension("error_type")
    if group_by == "endpoint":
        root = "CASE WHEN parent_id IS NULL THEN name END"
        return Dimension("coalesce(" + _ATTRIBUTE + ", " + root + ")", ["http.route"], wide=True)
    kind, _, key = group_by.partition(":")
    if key and kind == "tag":
        return Dimension(_TAGGED, [key, key, key], wide=True)
    if key and kind == "attribute":
        return Dimension(_ATTRIBUTE, [key], wide=True)
    raise InvalidInput(
        "Nothing is grouped by that.", field="group_by", value=group_by, fix=f"use one of {', '.join(DIMENSIONS)}"
    )


def narrowed(where: Where, narrow: Mapping[str, Sequence[str]], edges: Sequence[Any], *, of: str = "") -> None:
    """Adds conditions on a span (`of`: its table's alias and a dot): each field has one of its values."""
    for name, values in narrow.items():
        one_of = " IN (SELECT unnest(?::VARCHAR[]))"
        column = of + quoted(name)
        in_trace = lines(of + "trace_id IN", "(SELECT trace_id FROM spans WHERE", EDGES, "AND ")
        if name == "tag":
            where.add(in_trace + "list_has_any(tags, ?::VARCHAR[]))", *edges, list(values))
        elif name in TRACE_WIDE:
            nearest = "(" + column + " IS NULL AND " + in_trace + quoted(name) + one_of + "))"
            where.add("(" + column + one_of + " OR " + nearest + ")", list(values), *edges, list(values))
        else:
            where.add(column + one_of, list(values))


def narrowed_calls(where: Where, narrow: Mapping[str, Sequence[str]], *, of: str) -> None:
    """The same for calls of `counted_calls`, which say all of it themselves."""
    for name, values in narrow.items():
        if name == "tag":
            where.add("list_has_any(" + of + "tags, ?::VARCHAR[])", list(values))
        else:
            where.add(of + quoted(name) + " IN (SELECT unnest(?::VARCHAR[]))", list(values))


def each_tag(tags: str) -> str:
    """SQL that makes a row for each different tag of a list, and one with NULL of an empty one."""
    return "unnest(CASE WHEN len(" + tags + ") > 0 THEN list_distinct(" + tags + ") ELSE [NULL] END)"


def quoted(name: str) -> str:
    return '"' + name + '"'
