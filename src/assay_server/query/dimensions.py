"""What spans can be grouped and narrowed by.

A user, a tag or a cost centre is often said at a trace's root alone. So for such fields a span takes what is nearest:
its own, else the first that any span of its trace says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.key_sets import ATTRIBUTE, ONE_OF_SETS, KeySets
from assay_server.query.sql import Where, lines
from assay_server.store import PROVIDERS_ROUTE, TRACE_WIDE

OWN = ("model", "provider", "service", "name", "kind")
DIMENSIONS = (*OWN, *TRACE_WIDE, "endpoint", "error_type", "tag", "tag:<key>", "attribute:<key>")

FIELDS = (
    "kind",
    "name",
    "model",
    "provider",
    "service",
    "environment",
    "user",
    "session",
    "feature",
    "tenant",
    "cost_center",
    "release",
    "channel",
    "arm",
    "prompt",
    "run",
)
GROUPS = (*FIELDS, "error_type", "endpoint", "tag:<key>", "attribute:<key>")
"""What panels and monitors are grouped by: `is_group`."""

FILTERS = (*GROUPS, "tag", "status")
"""What they are narrowed by: `is_filter`."""

_KEYED = ("tag:", ATTRIBUTE)
_LONGEST_KEY = 2000
_OF_SPANS = frozenset((*OWN, "error_type", "status"))
_ONE_OF = " IN (SELECT unnest(?::VARCHAR[]))"

_NONE: KeySets = {}

EDGES = "project = ? AND start_ns >= ? AND start_ns < ?"
"""Spans of one project in a range of time; its parameters are those of `Dimension` and `narrowed` named `edges`."""

_TAGGED = (
    "list_transform(list_filter(tags, lambda t: starts_with(t, ? || ':') OR starts_with(t, ? || '=')),"
    " lambda t: substr(t, length(?) + 2))[1]"
)
_ATTRIBUTE = "left(variant_extract(attributes, ?)::VARCHAR, 1000)"  # as long as names of other fields may be


def is_group(name: Any) -> bool:
    return isinstance(name, str) and (name in GROUPS[:-2] or _is_keyed(name))


def is_filter(name: Any) -> bool:
    return is_group(name) or name in ("tag", "status")


def _is_keyed(name: str) -> bool:
    return any(name.startswith(kind) and len(kind) < len(name) <= _LONGEST_KEY for kind in _KEYED)


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

    def said(self, edges: Sequence[Any], key_sets: Sequence[int] | None) -> tuple[str, list[Any]]:
        """CTEs, ending in a comma, and their parameters: `said`, the spans that say something, by their `key`, and
        `first`, what `across` is made of. Of an attribute that few have little is read; `key_sets` tells which."""
        among, sets = ("AND", []) if key_sets is None else ("AND " + ONE_OF_SETS + " AND", [list(key_sets)])
        sql = lines(
            *("said AS MATERIALIZED (SELECT key, hash(trace_id) AS trace, start_ns,", self.own, "AS own FROM spans"),
            *("WHERE", EDGES, among, self.own, "IS NOT NULL),"),
            "first AS (SELECT trace, arg_min(own, start_ns) AS own FROM said GROUP BY trace),",
        )
        return sql, [*self.params, *edges, *sets, *self.params]


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
    def by(cls, group_by: str | None, edges: list[Any], key_sets: KeySets) -> "GroupedCalls":
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
        said, params = by.said(edges, key_sets.get(group_by))
        wide = lines(
            # By what calls know their trace by: to work it out of the ids takes as long as all the rest.
            "wide AS (SELECT p.key AS trace, first.own FROM first JOIN (SELECT key, any_value(hash(trace_id)) AS trace",
            "FROM trace_parts WHERE project = ? GROUP BY key) p ON p.trace = first.trace),",
        )
        joins = "LEFT JOIN said ON said.key = c.key LEFT JOIN wide ON wide.trace = c.trace"
        return cls("coalesce(said.own, wide.own)", [], lines(said, wide), [*params, edges[0]], joins)


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
        route = "CASE WHEN NOT " + PROVIDERS_ROUTE + " THEN " + _ATTRIBUTE + " END"
        return Dimension("coalesce(" + route + ", " + root + ")", ["http.route"], wide=True)
    kind, _, key = group_by.partition(":")
    if key and kind == "tag":
        return Dimension(_TAGGED, [key, key, key], wide=True)
    if key and kind == "attribute":
        return Dimension(_ATTRIBUTE, [key], wide=True)
    raise InvalidInput(
        "Nothing is grouped by that.", field="group_by", value=group_by, fix=f"use one of {', '.join(DIMENSIONS)}"
    )


def narrowed(
    where: Where, narrow: Mapping[str, Sequence[str]], edges: Sequence[Any], *, of: str = "", few: KeySets = _NONE
) -> None:
    """Adds conditions on a span (`of`: its table's alias and a dot): each field has one of its values.

    `few`: the key sets of attributes that few of the spans within the edges have.
    """
    for name, values in narrow.items():
        given = list(values)
        in_trace = lines(of + "trace_id IN", "(SELECT trace_id FROM spans WHERE", EDGES, "AND")
        if name == "tag":
            where.add(in_trace + " list_has_any(tags, ?::VARCHAR[]))", *edges, given)
        elif name in _OF_SPANS:
            where.add(of + quoted(name) + _ONE_OF, given)
        elif name in few:
            said = _Saying(name, edges, few[name])
            of_traces, params = said.select("trace_id", given)
            where.add(*said.nearest(of, given, of + "trace_id IN (" + of_traces + ")", params))
        else:
            by = dimension(name)
            own = of + by.own if name in TRACE_WIDE else by.own
            nearest = lines(own + " IS NULL AND", in_trace, by.own + _ONE_OF + ")")
            params = [*by.params, given, *by.params, *edges, *by.params, given]
            where.add("(" + own + _ONE_OF + " OR (" + nearest + "))", *params)


def narrowed_calls(
    where: Where, narrow: Mapping[str, Sequence[str]], edges: Sequence[Any], *, of: str, key_sets: KeySets = _NONE
) -> None:
    """The same for calls of `counted_calls`, which say themselves what their trace says, but for attributes."""
    for name, values in narrow.items():
        given = list(values)
        if name == "tag":
            where.add("list_has_any(" + of + "tags, ?::VARCHAR[])", given)
        elif name.startswith("tag:"):
            by = dimension(name)
            where.add(by.own.replace("tags", of + "tags") + _ONE_OF, *by.params, given)
        elif name == "error_type":
            of_spans, params = _Saying(name, edges, None).select("key", given)
            where.add(of + "key IN (" + of_spans + ")", *params)
        elif name.startswith(ATTRIBUTE):
            said = _Saying(name, edges, key_sets.get(name))
            of_traces, params = said.select("trace_id", given)
            parts = "(SELECT key FROM trace_parts WHERE project = ? AND trace_id IN"
            in_trace = lines(of + "trace IN", parts, "(", of_traces, "))")
            where.add(*said.nearest(of, given, in_trace, [edges[0], *params]))
        else:
            where.add(of + quoted(name) + _ONE_OF, given)


@dataclass(slots=True, frozen=True)
class _Saying:
    """Spans within the edges that say what `name` stands for, of `key_sets` where they are known."""

    name: str
    edges: Sequence[Any]
    key_sets: Sequence[int] | None

    def select(self, column: str, given: list[str] | None) -> tuple[str, list[Any]]:
        """Those that say one of the values; None: any."""
        by, sets = dimension(self.name), [] if self.key_sets is None else [list(self.key_sets)]
        among = "" if self.key_sets is None else ONE_OF_SETS + " AND"
        says = by.own + (" IS NOT NULL" if given is None else _ONE_OF)
        sql = lines("SELECT", column, "FROM spans WHERE", EDGES, "AND", among, says)
        return sql, [*self.edges, *sets, *by.params, *([] if given is None else [given])]

    def nearest(self, of: str, given: list[str], in_trace: str, params: list[Any]) -> tuple[Any, ...]:
        """A condition and its parameters: says one of the values, or nothing where its trace does (`in_trace`)."""
        says, own = self.select("key", given)
        speaks, any_value = self.select("key", None)
        nothing = lines(in_trace, "AND", of + "key NOT IN (", speaks, ")")
        return lines("(" + of + "key IN (", says, ") OR (", nothing, "))"), *own, *params, *any_value


def each_tag(tags: str) -> str:
    """SQL that makes a row for each different tag of a list, and one with NULL of an empty one."""
    return "unnest(CASE WHEN len(" + tags + ") > 0 THEN list_distinct(" + tags + ") ELSE [NULL] END)"


def quoted(name: str) -> str:
    return '"' + name + '"'
